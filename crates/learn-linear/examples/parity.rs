//! Fits one linear learner to a CSV of numbers and prints its coefficients and the fastest fit time as JSON.
//!
//! ```text
//! parity LEARNER FILE TASK(regression|binary|multiclass) [--threads N] [--repeats N] [name=value ..]
//! ```
//!
//! The last column is the target. A column whose name starts with `c:` holds category codes, one with `w:` weights.

use std::fmt::Write as _;
use std::sync::Arc;

use kolosal_base::{Cancel, Clock, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Categories, Column, Field, Frame, Kind, Strings};
use kolosal_learn_linear::{ElasticNet, Lasso, LogisticRegression, Ridge};
use kolosal_learner::{
    FitContext, FittedModel, Learn, ParamSet, Point, Progress, Target, Task, TrainView, check_point,
};

/// Sends warnings to the error stream.
struct Loud;

impl Progress for Loud {
    fn step(&self, _: u64, _: u64) {}

    #[expect(clippy::print_stderr, reason = "an example is a door of its own")]
    fn warn(&self, message: &str) {
        eprintln!("warning: {message}");
    }
}

/// What the file holds.
struct Table {
    frame: Frame,
    target: Vec<f64>,
    weights: Option<Vec<f64>>,
}

struct Options {
    learner: String,
    file: String,
    task: String,
    threads: usize,
    repeats: usize,
    set: Vec<(String, String)>,
}

type Failure = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, reason = "an example is a door of its own")]
fn main() -> Result<(), Failure> {
    let options = options(&std::env::args().skip(1).collect::<Vec<_>>())?;
    let table = read(&options.file)?;
    let json = match options.learner.as_str() {
        "ridge" => regression::<Ridge>(&options, &table)?,
        "lasso" => regression::<Lasso>(&options, &table)?,
        "elastic_net" => regression::<ElasticNet>(&options, &table)?,
        "logistic_regression" => logistic(&options, &table)?,
        other => return Err(format!("'{other}' is no linear learner").into()),
    };
    println!("{json}");
    Ok(())
}

fn options(words: &[String]) -> Result<Options, Failure> {
    let [learner, file, task, rest @ ..] = words else {
        return Err("usage: parity LEARNER FILE TASK [--threads N] [--repeats N] [name=value ..]".into());
    };
    let mut options = Options {
        learner: learner.clone(),
        file: file.clone(),
        task: task.clone(),
        threads: 1,
        repeats: 1,
        set: Vec::new(),
    };
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--threads" => options.threads = rest.next().ok_or("--threads needs a number")?.parse()?,
            "--repeats" => options.repeats = rest.next().ok_or("--repeats needs a number")?.parse()?,
            pair => {
                let (name, value) = pair
                    .split_once('=')
                    .ok_or_else(|| format!("'{pair}' is not name=value"))?;
                options.set.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    Ok(options)
}

fn read(file: &str) -> Result<Table, Failure> {
    let text = std::fs::read_to_string(file)?;
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().ok_or("the file is empty")?.split(',').collect();
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
    for line in lines {
        for (column, cell) in columns.iter_mut().zip(line.split(',')) {
            column.push(cell.parse()?);
        }
    }
    let target = columns.pop().ok_or("the file has no column")?;
    let (mut fields, mut weights) = (Vec::new(), None);
    for (name, values) in names.iter().zip(columns) {
        if name.starts_with("w:") {
            weights = Some(values);
        } else if name.starts_with("c:") {
            fields.push((Field::new(*name, Kind::Categorical, "codes"), categories(&values)));
        } else {
            fields.push((
                Field::new(*name, Kind::Numeric, "numbers"),
                Column::numbers(values),
            ));
        }
    }
    Ok(Table {
        frame: Frame::new(fields)?,
        target,
        weights,
    })
}

/// Codes 0, 1, .. as levels of equal order.
fn categories(values: &[f64]) -> Column {
    let highest = values.iter().copied().fold(0.0, f64::max) as u32;
    let levels: Strings = (0..=highest).map(|level| format!("{level:06}")).collect();
    let codes = values
        .iter()
        .map(|v| {
            if v.is_nan() {
                kolosal_frame::MISSING
            } else {
                *v as u32
            }
        })
        .collect();
    Column::Categories(Categories::new(codes, Arc::new(levels)))
}

/// The point that the options set, read by the learner's table.
fn point<L: Learn>(options: &Options) -> Result<Point, Failure> {
    let mut point = Point::new();
    for (name, value) in &options.set {
        let def = L::Params::DEFS
            .iter()
            .find(|def| def.name == name || def.aliases.contains(&name.as_str()));
        let def = def.ok_or_else(|| format!("there is no parameter '{name}'"))?;
        point.insert(
            name.clone(),
            def.legal
                .parse(value)
                .ok_or_else(|| format!("{name} cannot be {value}"))?,
        );
    }
    Ok(point)
}

/// Fits as often as asked; the model and the seconds of each fit.
fn fits<L: Learn>(
    options: &Options,
    table: &Table,
    target: Target<'_>,
    task: Task,
) -> Result<(L::Model, String), Failure> {
    let params = check_point::<L::Params>(&point::<L>(options)?)?;
    let train = TrainView::new(table.frame.view(), target, table.weights.as_deref(), task)?;
    let (workers, memory, clock, cancel) = (
        Workers::new(options.threads),
        Ledger::unlimited(),
        SystemClock::start(),
        Cancel::new(),
    );
    let cx = FitContext {
        seed: Seed::new(0),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress: &Loud,
        valid: None,
    };
    let (mut model, mut seconds) = (None, Vec::new());
    for _ in 0..options.repeats.max(1) {
        let start = clock.now();
        model = Some(L::fit(&params, &train, &cx)?);
        seconds.push(format!("{:.6}", (clock.now() - start).as_secs_f64()));
    }
    Ok((model.ok_or("no fit was made")?, seconds.join(",")))
}

fn regression<L: Learn<Model = kolosal_learn_linear::RegressionModel>>(
    options: &Options,
    table: &Table,
) -> Result<String, Failure> {
    let (model, seconds) = fits::<L>(options, table, Target::Numbers(&table.target), Task::Regression)?;
    let answers = answers(&model, table, 1);
    Ok(format!(
        "{{\"coefficients\":[{}],\"intercepts\":[{:e}],\"alpha\":{:e},\"seconds\":[{seconds}],\"answers\":{answers}}}",
        list(model.coefficients()),
        model.intercept(),
        model.alpha()
    ))
}

fn logistic(options: &Options, table: &Table) -> Result<String, Failure> {
    let codes: Vec<u32> = table.target.iter().map(|y| *y as u32).collect();
    let count = codes.iter().max().map_or(2, |c| (c + 1).max(2));
    let task = if options.task == "binary" {
        Task::Binary
    } else {
        Task::classification(count)
    };
    let target = Target::Classes { codes: &codes, count };
    let (model, seconds) = fits::<LogisticRegression>(options, table, target, task)?;
    let coefficients: Vec<f64> = (0..model.output_count())
        .flat_map(|o| model.coefficients(o))
        .collect();
    let answers = answers(&model, table, count as usize);
    Ok(format!(
        "{{\"coefficients\":[{}],\"intercepts\":[{}],\"iterations\":{},\"seconds\":[{seconds}],\"answers\":{answers}}}",
        list(&coefficients),
        list(model.intercepts()),
        model.iterations()
    ))
}

/// The answers to the first rows, to compare where coefficients are not unique.
fn answers(model: &dyn FittedModel, table: &Table, width: usize) -> String {
    let rows = table.frame.row_count().min(50);
    let mut out = vec![0.0; rows * width];
    model.predict_into(table.frame.view().slice(0, rows), &mut out);
    format!("[{}]", list(&out))
}

fn list(values: &[f64]) -> String {
    let mut text = String::new();
    for (at, value) in values.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(text, "{comma}{value:e}").expect("writing to a string succeeds");
    }
    text
}
