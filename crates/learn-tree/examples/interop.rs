//! Scores tables with other libraries' models and writes models for them, for the comparison in benches/interop.
//!
//! `interop score FORMAT MODEL TABLE OUTPUT` answers the rows of a CSV whose columns stand in the model's order (an empty
//! cell is missing). OUTPUT receives little-endian doubles: the scores of all rows, then their answers.
//! `interop convert FORMAT MODEL TO OUTPUT` reads a model and writes it for another library.
//! FORMAT is `xgboost`, `lightgbm` or `catboost`; TO is `xgboost`, `xgboost-ubj` or `lightgbm`. Several commands can be
//! given at once, one a line on standard input, when the only argument is `-`.

use std::error::Error;
use std::fs;
use std::io::{BufRead, Write};

use kolosal_frame::{Categories, Column, Frame, MISSING};
use kolosal_learn_tree::boost::interop::{
    ImportedBooster, read_catboost_json, read_lightgbm, read_xgboost, write_lightgbm, write_xgboost_json,
    write_xgboost_ubj,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args != ["-"] {
        return run(&args);
    }
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let outcome = run(&words).map_or_else(|error| error.to_string(), |()| "done".to_owned());
        writeln!(std::io::stdout(), "{}", outcome.replace('\n', " "))?;
    }
    Ok(())
}

fn run(args: &[String]) -> Outcome<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["score", format, model, table, output] => score(&read(format, model)?, table, output),
        ["convert", format, model, to, output] => convert(read(format, model)?, to, output),
        _ => Err(
            "usage: interop score FORMAT MODEL TABLE OUTPUT | interop convert FORMAT MODEL TO OUTPUT".into(),
        ),
    }
}

fn read(format: &str, path: &str) -> Outcome<ImportedBooster> {
    let bytes = fs::read(path)?;
    Ok(match format {
        "xgboost" => read_xgboost(&bytes)?,
        "lightgbm" => read_lightgbm(&bytes)?,
        "catboost" => read_catboost_json(&bytes)?,
        other => return Err(format!("there is no format '{other}'").into()),
    })
}

fn convert(booster: ImportedBooster, to: &str, output: &str) -> Outcome<()> {
    let columns = booster.columns().to_vec();
    let model = booster.into_model()?;
    let bytes = match to {
        "xgboost" => write_xgboost_json(&model, &columns)?,
        "xgboost-ubj" => write_xgboost_ubj(&model, &columns)?,
        "lightgbm" => write_lightgbm(&model, &columns)?,
        other => return Err(format!("nothing is written for '{other}'").into()),
    };
    Ok(fs::write(output, bytes)?)
}

fn score(booster: &ImportedBooster, table: &str, output: &str) -> Outcome<()> {
    let x = read_table(booster, table)?;
    let rows = x.row_count();
    let mut numbers = vec![0.0; rows * booster.output_count()];
    booster.scores_into(x.view(), &mut numbers);
    let mut answers = vec![0.0; rows * booster.width()];
    booster.predict_into(x.view(), &mut answers);
    numbers.extend(answers);
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Ok(fs::write(output, bytes)?)
}

fn read_table(booster: &ImportedBooster, path: &str) -> Outcome<Frame> {
    let text = fs::read_to_string(path)?;
    let schema = booster.schema();
    let count = schema.schema().len();
    let mut cells: Vec<Vec<&str>> = vec![Vec::new(); count];
    for line in text.lines().skip(1) {
        let row: Vec<&str> = line.split(',').collect();
        if row.len() != count {
            return Err(format!(
                "a row has {} cells where the model has {count} columns",
                row.len()
            )
            .into());
        }
        row.into_iter()
            .zip(&mut cells)
            .for_each(|(cell, column)| column.push(cell));
    }
    let column = |(at, cells): (usize, &Vec<&str>)| match schema.levels(at) {
        Some(levels) => {
            let known = Categories::new(Vec::new(), levels.clone());
            let code = |cell: &&str| known.code_of(cell).unwrap_or(MISSING);
            Ok(Column::Categories(Categories::new(
                cells.iter().map(code).collect(),
                levels.clone(),
            )))
        }
        None => numbers(cells),
    };
    let columns = cells
        .iter()
        .enumerate()
        .map(column)
        .collect::<Outcome<Vec<_>>>()?;
    Ok(Frame::from_parts((**schema.schema()).clone(), columns)?)
}

fn numbers(cells: &[&str]) -> Outcome<Column> {
    let number = |cell: &&str| {
        if cell.is_empty() {
            Ok(f64::NAN)
        } else {
            cell.parse()
        }
    };
    Ok(Column::numbers(
        cells.iter().map(number).collect::<Result<_, _>>()?,
    ))
}
