//! Times predictions of random boosters that have the shape of fitted ones; prints one JSON object a line.
//!
//! `score_speed [SECONDS]`: each number is the best of several rounds that together take about so many seconds (default
//! 0.5). One thread; one-row numbers go through a [`Scorer`](kolosal_learn_tree::boost::Scorer) and include every row's
//! codes, rows differ; many-row numbers read a frame of 20,000 rows.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use kolosal_base::{Clock, Seed, SystemClock};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learn_tree::boost::{BoostModel, SampleGrowth, SampleShape, sample_model};
use kolosal_learner::FittedModel;

const ROWS: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(0.5), |text| text.parse())?;
    let shape = SampleShape::default();
    let cases = [
        ("leaf_wise_100x31", shape),
        (
            "oblivious_100x6",
            SampleShape {
                leaves: 64,
                growth: SampleGrowth::Oblivious,
                ..shape
            },
        ),
        (
            "leaf_wise_500x63",
            SampleShape {
                trees: 500,
                leaves: 63,
                ..shape
            },
        ),
        (
            "categories_100x31",
            SampleShape {
                category_columns: 10,
                ..shape
            },
        ),
    ];
    for (name, shape) in cases {
        let model = sample_model(&shape);
        let plain = model.heap_bytes();
        model.compile();
        let rows = rows(&shape);
        let one_ns = one_row_ns(&model, &rows, seconds);
        let many = many_rows_per_s(&model, &frame(&shape, &rows)?, seconds);
        writeln!(
            std::io::stdout(),
            "{{\"case\": \"{name}\", \"trees\": {}, \"leaves\": {}, \"columns\": {}, \"one_row_ns\": {one_ns:.0}, \
             \"rows_per_s\": {many:.0}, \"model_bytes\": {plain}, \"compiled_bytes\": {}}}",
            shape.trees,
            shape.leaves,
            shape.columns,
            model.heap_bytes() - plain
        )?;
    }
    Ok(())
}

/// Rows of uniform numbers and level codes, one value in fifty missing.
fn rows(shape: &SampleShape) -> Vec<Vec<f64>> {
    let mut rng = Seed::new(1).rng();
    let numeric = shape.columns - shape.category_columns;
    let mut value = |column: usize| match rng.below(50) {
        0 => f64::NAN,
        _ if column < numeric => rng.uniform(),
        _ => rng.below(100) as f64,
    };
    (0..ROWS)
        .map(|_| (0..shape.columns).map(&mut value).collect())
        .collect()
}

fn frame(shape: &SampleShape, rows: &[Vec<f64>]) -> Result<Frame, Box<dyn Error>> {
    let column = |at: usize| {
        let values = rows.iter().map(|row| row[at]);
        let column = if at + shape.category_columns < shape.columns {
            Column::numbers(values.collect())
        } else {
            let text = |v: f64| {
                if v.is_nan() {
                    String::new()
                } else {
                    format!("{v:03}")
                }
            };
            Column::categories(&values.map(text).collect::<Vec<_>>())
        };
        (Field::new(format!("x{at}"), Kind::Numeric, "sample"), column)
    };
    Ok(Frame::new((0..shape.columns).map(column).collect())?)
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
        for row in &rows[..2000] {
            scorer.answer_into(row, &mut answer);
            total += answer[0];
        }
    });
    assert!(total.is_finite(), "answers are numbers");
    time / 2000.0 * 1e9
}

fn many_rows_per_s(model: &BoostModel, frame: &Frame, seconds: f64) -> f64 {
    let mut answers = vec![0.0; frame.row_count()];
    let time = best(seconds, || model.predict_into(frame.view(), &mut answers));
    frame.row_count() as f64 / time
}
