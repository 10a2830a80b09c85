//! Trains boosters on a generated table and times their predictions; prints one JSON object a line.
//!
//! `score_speed [SECONDS [CASE]]`: each number is the best of several rounds that together take about so many seconds (default
//! 0.5). One thread; one-row numbers go through a [`Scorer`](kolosal_learn_tree::boost::Scorer) and include every row's
//! codes, rows differ; many-row numbers read a frame of 20,000 rows; explanations are path-dependent Shapley values.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use kolosal_base::{Cancel, Clock, ManualClock, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learn_tree::boost::shap::{Cover, Effort, ExplainError, TreeShap};
use kolosal_learn_tree::boost::{BoostModel, CatBoost, CatBoostParams, LightGbm, LightGbmParams};
use kolosal_learner::{FitContext, FitError, FittedModel, Learn, ParamSet, Silent, Target, Task, TrainView};

const ROWS: usize = 20_000;
const COLUMNS: usize = 30;
/// Rows that are answered one by one.
const SINGLES: usize = 2000;

/// A model that is trained and timed.
struct Case {
    name: &'static str,
    preset: Preset,
    trees: i64,
    /// The last so many columns hold categories of 100 levels.
    category_columns: usize,
}

/// How the trees of a case grow.
#[derive(Clone, Copy)]
enum Preset {
    LightGbm { leaves: i64 },
    CatBoost { depth: i64 },
}

const CASES: [Case; 4] = [
    Case {
        name: "leaf_wise_100x31",
        preset: Preset::LightGbm { leaves: 31 },
        trees: 100,
        category_columns: 0,
    },
    Case {
        name: "oblivious_100x6",
        preset: Preset::CatBoost { depth: 6 },
        trees: 100,
        category_columns: 0,
    },
    Case {
        name: "leaf_wise_500x63",
        preset: Preset::LightGbm { leaves: 63 },
        trees: 500,
        category_columns: 0,
    },
    Case {
        name: "categories_100x31",
        preset: Preset::LightGbm { leaves: 31 },
        trees: 100,
        category_columns: 10,
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(0.5), |text| text.parse())?;
    let only = std::env::args().nth(2);
    let wanted = |case: &&Case| only.as_ref().is_none_or(|only| only == case.name);
    for case in CASES.iter().filter(wanted) {
        writeln!(std::io::stdout(), "{}", measure(case, seconds)?)?;
    }
    Ok(())
}

/// Trains and times a case; a JSON object.
fn measure(case: &Case, seconds: f64) -> Result<String, Box<dyn Error>> {
    let rows = rows(case.category_columns);
    let frame = frame(case.category_columns, &rows)?;
    let model = fit(case, &frame, &answers(&rows))?;
    let leaves = match case.preset {
        Preset::LightGbm { leaves } => leaves,
        Preset::CatBoost { depth } => 1 << depth,
    };
    let plain = model.heap_bytes();
    model.compile();
    let one_ns = one_row_ns(&model, &rows, seconds);
    let many = many_rows_per_s(&model, &frame, seconds);
    let explain_us = explain_us(&model, &frame, seconds)?;
    Ok(format!(
        "{{\"case\": \"{}\", \"trees\": {}, \"leaves\": {leaves}, \"columns\": {COLUMNS}, \"one_row_ns\": {one_ns:.0}, \
         \"rows_per_s\": {many:.0}, \"explain_us\": {explain_us:.1}, \"model_bytes\": {plain}, \"compiled_bytes\": {}}}",
        case.name,
        case.trees,
        model.heap_bytes() - plain
    ))
}

fn fit(case: &Case, frame: &Frame, answers: &[f64]) -> Result<BoostModel, Box<dyn Error>> {
    let train = TrainView::new(frame.view(), Target::Numbers(answers), None, Task::Regression)?;
    let (workers, memory) = (Workers::new(2), Ledger::unlimited());
    let (clock, cancel) = (ManualClock::default(), Cancel::new());
    let cx = FitContext {
        seed: Seed::new(0),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress: &Silent,
        valid: None,
    };
    Ok(fit_preset(case, &train, &cx)??)
}

fn fit_preset(
    case: &Case,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<Result<BoostModel, FitError>, kolosal_learner::ParamError> {
    Ok(match case.preset {
        Preset::LightGbm { leaves } => {
            let params = LightGbmParams {
                n_estimators: case.trees,
                num_leaves: leaves,
                ..LightGbmParams::default()
            };
            LightGbm::fit(&params.check()?, train, cx)
        }
        Preset::CatBoost { depth } => {
            let params = CatBoostParams {
                iterations: case.trees,
                depth,
                ..CatBoostParams::default()
            };
            CatBoost::fit(&params.check()?, train, cx)
        }
    })
}

/// Rows of uniform numbers and level codes, one value in fifty missing.
fn rows(category_columns: usize) -> Vec<Vec<f64>> {
    let mut rng = Seed::new(1).rng();
    let mut value = |column: usize| match rng.below(50) {
        0 => f64::NAN,
        _ if column + category_columns < COLUMNS => rng.uniform(),
        _ => rng.below(100) as f64,
    };
    (0..ROWS)
        .map(|_| (0..COLUMNS).map(&mut value).collect())
        .collect()
}

/// What is learned: every column has its say, two of them together, and there is noise.
fn answers(rows: &[Vec<f64>]) -> Vec<f64> {
    let mut rng = Seed::new(2).rng();
    let known = |value: f64| if value.is_nan() { 0.5 } else { value };
    let answer = |row: &Vec<f64>| {
        let waves: f64 = row
            .iter()
            .enumerate()
            .map(|(at, &value)| (known(value) * (1 + at % 5) as f64).sin())
            .sum();
        waves + 4.0 * known(row[0]) * known(row[1]) + 0.5 * rng.normal()
    };
    rows.iter().map(answer).collect()
}

fn frame(category_columns: usize, rows: &[Vec<f64>]) -> Result<Frame, Box<dyn Error>> {
    let column = |at: usize| {
        let values = rows.iter().map(|row| row[at]);
        let (kind, column) = if at + category_columns < COLUMNS {
            (Kind::Numeric, Column::numbers(values.collect()))
        } else {
            let text = |v: f64| {
                if v.is_nan() {
                    String::new()
                } else {
                    format!("{v:03}")
                }
            };
            let names: Vec<String> = values.map(text).collect();
            (Kind::Categorical, Column::categories(&names))
        };
        (Field::new(format!("x{at}"), kind, "sample"), column)
    };
    Ok(Frame::new((0..COLUMNS).map(column).collect())?)
}

/// The fastest of several rounds, in seconds.
fn best(seconds: f64, mut round: impl FnMut()) -> f64 {
    let clock = SystemClock::start();
    let mut best = Duration::MAX;
    let start = clock.now();
    while (clock.now() - start).as_secs_f64() < seconds {
        let before = clock.now();
        round();
        best = best.min(clock.now() - before);
    }
    best.as_secs_f64()
}

fn one_row_ns(model: &BoostModel, rows: &[Vec<f64>], seconds: f64) -> f64 {
    let mut scorer = model.scorer();
    let mut answer = [0.0];
    let mut total = 0.0;
    let time = best(seconds, || {
        for row in &rows[..SINGLES] {
            scorer.answer_into(row, &mut answer);
            total += answer[0];
        }
    });
    assert!(total.is_finite(), "answers are numbers");
    time / SINGLES as f64 * 1e9
}

fn many_rows_per_s(model: &BoostModel, frame: &Frame, seconds: f64) -> f64 {
    let mut answers = vec![0.0; frame.row_count()];
    let time = best(seconds, || model.predict_into(frame.view(), &mut answers));
    frame.row_count() as f64 / time
}

fn explain_us(model: &BoostModel, frame: &Frame, seconds: f64) -> Result<f64, ExplainError> {
    let (workers, cancel) = (Workers::new(1), Cancel::new());
    let effort = Effort {
        workers: &workers,
        cancel: &cancel,
    };
    let shap = TreeShap::new(model, Cover::Auto)?;
    let part = frame.view().slice(0, 200);
    let mut values = vec![0.0; 200 * frame.column_count()];
    let mut outcome = Ok(());
    let time = best(seconds, || outcome = shap.values_into(part, effort, &mut values));
    outcome.map(|()| time / 200.0 * 1e6)
}
