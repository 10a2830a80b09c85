//! Seconds of one fit and of an 8-fold bag of the `lightgbm` preset over one shared table: folds are lists of rows over the same
//! bins and run side by side.
//!
//! `bag_speed [ROWS [COLUMNS [THREADS [ROUNDS]]]]` prints one JSON object, the medians of five: seconds to bin, of a fit and of a
//! bag on bins that are there, and the ratio of bag to fit with binning (which a bag does once, too) and without.

use std::error::Error;

use kolosal_base::{Cancel, Clock, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learn_tree::LightGbm;
use kolosal_learner::{FitContext, Learner, Point, Silent, Target, Task, TrainView, Value};

/// Fits of each kind of which the median counts.
const REPEATS: usize = 5;
const FOLDS: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<usize> = std::env::args()
        .skip(1)
        .map(|arg| arg.parse())
        .collect::<Result<_, _>>()?;
    let arg = |at: usize, default: usize| args.get(at).copied().unwrap_or(default);
    let (rows, columns, threads, rounds) = (arg(0, 40_000), arg(1, 20), arg(2, 2), arg(3, 100));
    let (frame, codes) = table(rows, columns)?;
    let workers = Workers::new(threads);
    frame.binned(255, &workers).row_codes(&workers);
    let bin = median((0..REPEATS).map(|_| bin_seconds(&frame, &workers)).collect());
    let point = Point::from([("n_estimators".to_owned(), Value::Int(rounds as i64))]);
    let folds: Vec<(Vec<u32>, Vec<u32>)> = (0..FOLDS)
        .map(|fold| {
            let kept: Vec<u32> = (0..rows as u32)
                .filter(|row| *row as usize % FOLDS != fold)
                .collect();
            let answers = kept.iter().map(|&row| codes[row as usize]).collect();
            (kept, answers)
        })
        .collect();
    let all: Vec<u32> = (0..rows as u32).collect();
    let (mut single, mut bag) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        single.push(seconds(|| fit(&frame, (&all, &codes), &point, &workers)));
        bag.push(seconds(|| {
            workers.map(FOLDS, |fold| {
                fit(&frame, (&folds[fold].0, &folds[fold].1), &point, &workers);
            });
        }));
    }
    let (single, bag) = (median(single), median(bag));
    let text = format!(
        "{{\"rows\": {rows}, \"columns\": {columns}, \"threads\": {threads}, \"rounds\": {rounds}, \
         \"bin_s\": {bin:.4}, \"single_s\": {single:.4}, \"bag_s\": {bag:.4}, \"ratio\": {:.3}, \
         \"ratio_on_bins\": {:.3}}}\n",
        (bin + bag) / (bin + single),
        bag / single
    );
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes())?;
    Ok(())
}

/// Numbers of which a few decide between two classes.
fn table(rows: usize, columns: usize) -> Result<(Frame, Vec<u32>), Box<dyn Error>> {
    let seed = Seed::new(1);
    let draw = |column: usize| {
        let mut rng = seed.fork_index(column as u64).rng();
        (0..rows).map(|_| rng.normal()).collect::<Vec<f64>>()
    };
    let values: Vec<Vec<f64>> = (0..columns.max(3)).map(draw).collect();
    let mut rng = seed.fork("answers").rng();
    let codes = (0..rows).map(|row| {
        let score = values[0][row] * values[1][row] + (2.0 * values[2][row]).sin();
        u32::from(rng.uniform() < 1.0 / (1.0 + (-2.0 * score).exp()))
    });
    let codes = codes.collect();
    let named = values.into_iter().enumerate();
    let columns = named.map(|(at, values)| {
        (
            Field::new(format!("x{at}"), Kind::Numeric, "drawn"),
            Column::numbers(values),
        )
    });
    Ok((Frame::new(columns.collect())?, codes))
}

/// Seconds to bin the table anew.
fn bin_seconds(frame: &Frame, workers: &Workers) -> f64 {
    let fresh = Frame::with_schema(frame.schema(), frame.columns().to_vec());
    seconds(|| {
        fresh.binned(255, workers).row_codes(workers);
    })
}

fn fit(frame: &Frame, (rows, codes): (&[u32], &[u32]), point: &Point, workers: &Workers) {
    let (memory, clock, cancel) = (Ledger::unlimited(), SystemClock::start(), Cancel::new());
    let cx = FitContext {
        seed: Seed::new(0),
        workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress: &Silent,
        valid: None,
    };
    let target = Target::Classes { codes, count: 2 };
    let view = TrainView::new(frame.select(rows), target, None, Task::Binary).expect("drawn rows are sound");
    LightGbm.fit(point, &view, &cx).expect("the fit has no limits");
}

fn seconds(work: impl FnOnce()) -> f64 {
    let clock = SystemClock::start();
    work();
    clock.now().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
