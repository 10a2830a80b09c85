//! Fits one tree learner on a plain CSV and writes its predictions, for comparison with other libraries.
//!
//! `parity LEARNER TASK TRAIN TEST OUTPUT [name=value ..]`: TASK is `regression` or a number of classes, the target is the
//! last column (numbers, or codes from 0), a column named `c:..` is categorical, an empty cell is missing. `seeds=N`,
//! `threads=N` and `repeats=N` are the driver's own; other pairs are parameters. OUTPUT receives the predictions of one
//! seed after the other as little-endian doubles. Standard output receives one JSON object with the seconds of each fit
//! (binning included, reading not) and each prediction.

use std::error::Error;
use std::fs;
use std::io::Write;

use kolosal_base::{Cancel, Clock, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learn_tree::{DecisionTree, ExtraTrees, RandomForest};
use kolosal_learner::{FitContext, Learner, Point, Silent, Target, Task, TrainView, Value};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Feature columns by name, and the target.
struct Table {
    names: Vec<String>,
    cells: Vec<Vec<String>>,
    target: Vec<f64>,
}

struct Options {
    point: Point,
    seeds: u64,
    threads: usize,
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [learner, task, train, test, output, pairs @ ..] = args.as_slice() else {
        return Err("usage: parity LEARNER TASK TRAIN TEST OUTPUT [name=value ..]".into());
    };
    let learner: &dyn Learner = match learner.as_str() {
        "decision_tree" => &DecisionTree,
        "random_forest" => &RandomForest,
        "extra_trees" => &ExtraTrees,
        other => return Err(format!("there is no tree learner '{other}'").into()),
    };
    let task = match task.as_str() {
        "regression" => Task::Regression,
        classes => Task::classification(classes.parse()?),
    };
    let options = read_options(pairs, learner)?;
    run(learner, task, [&read(train)?, &read(test)?], &options, output)
}

fn read_options(pairs: &[String], learner: &dyn Learner) -> Outcome<Options> {
    let mut options = Options {
        point: Point::new(),
        seeds: 1,
        threads: 2,
    };
    for pair in pairs {
        let (name, text) = pair.split_once('=').ok_or("options are name=value")?;
        match name {
            "seeds" => options.seeds = text.parse()?,
            "threads" => options.threads = text.parse()?,
            _ => {
                let value = parse(learner, name, text).ok_or_else(|| format!("cannot read {pair}"))?;
                options.point.insert(name.to_owned(), value);
            }
        }
    }
    Ok(options)
}

fn parse(learner: &dyn Learner, name: &str, text: &str) -> Option<Value> {
    let def = learner.params().iter().find(|def| def.name == name)?;
    def.legal.parse(text)
}

fn read(path: &str) -> Outcome<Table> {
    let text = fs::read_to_string(path)?;
    let mut lines = text.lines();
    let mut names: Vec<String> = lines
        .next()
        .ok_or("no header")?
        .split(',')
        .map(str::to_owned)
        .collect();
    names.pop();
    let mut table = Table {
        cells: vec![Vec::new(); names.len()],
        names,
        target: Vec::new(),
    };
    for line in lines {
        let (features, target) = line.rsplit_once(',').ok_or("a line without a comma")?;
        table.target.push(target.parse()?);
        for (column, cell) in table.cells.iter_mut().zip(features.split(',')) {
            column.push(cell.to_owned());
        }
    }
    Ok(table)
}

/// Both tables as frames whose categories have the levels of the first.
fn frames(tables: [&Table; 2]) -> Outcome<[Frame; 2]> {
    let mut pairs = [Vec::new(), Vec::new()];
    for (at, name) in tables[0].names.iter().enumerate() {
        let columns = if name.starts_with("c:") {
            let [train, test] = tables.map(|table| Column::categories(&table.cells[at]));
            let (Column::Categories(train), Column::Categories(test)) = (train, test) else {
                return Err("categories are categories".into());
            };
            let test = test.recode(train.levels());
            [Column::Categories(train), Column::Categories(test)]
        } else {
            tables.map(|table| {
                Column::numbers(
                    table.cells[at]
                        .iter()
                        .map(|c| c.parse().unwrap_or(f64::NAN))
                        .collect(),
                )
            })
        };
        for (pairs, column) in pairs.iter_mut().zip(columns) {
            pairs.push((Field::new(name, Kind::Numeric, "given"), column));
        }
    }
    let [train, test] = pairs;
    Ok([Frame::new(train)?, Frame::new(test)?])
}

fn run(
    learner: &dyn Learner,
    task: Task,
    tables: [&Table; 2],
    options: &Options,
    output: &str,
) -> Outcome<()> {
    let workers = Workers::new(options.threads);
    let (memory, clock, cancel) = (Ledger::unlimited(), SystemClock::start(), Cancel::new());
    let codes: Vec<u32> = tables[0].target.iter().map(|&value| value as u32).collect();
    let target = match task {
        Task::Regression => Target::Numbers(&tables[0].target),
        task => Target::Classes {
            codes: &codes,
            count: task.width() as u32,
        },
    };
    let (mut fits, mut predictions, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..options.seeds {
        // Frames of its own, so that each fit bins anew.
        let [train, test] = frames(tables)?;
        let cx = FitContext {
            seed: Seed::new(seed),
            workers: &workers,
            memory: &memory,
            clock: &clock,
            deadline: None,
            cancel: &cancel,
            progress: &Silent,
            valid: None,
        };
        let view = TrainView::new(train.view(), target, None, task)?;
        let start = clock.now();
        let model = learner.fit(&options.point, &view, &cx)?;
        fits.push((clock.now() - start).as_secs_f64());
        let mut answers = vec![0.0; test.row_count() * model.shape().1];
        let start = clock.now();
        model.predict_into(test.view(), &mut answers);
        predictions.push((clock.now() - start).as_secs_f64());
        answers.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    }
    fs::write(output, bytes)?;
    writeln!(
        std::io::stdout(),
        "{{\"fit_s\": {fits:?}, \"predict_s\": {predictions:?}}}"
    )?;
    Ok(())
}
