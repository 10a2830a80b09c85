//! Fits and frames for the tests of all tree learners.

use std::time::Duration;

use kolosal_base::{Cancel, ManualClock, Rng, Seed};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learner::{
    Encoder, FitContext, FitError, FittedModel, Learner, Point, Silent, Target, Task, TrainView, Value,
};

/// A frame of columns named by position.
pub(crate) fn frame(columns: Vec<Column>) -> Frame {
    let named = columns.into_iter().enumerate();
    Frame::new(
        named
            .map(|(at, column)| (Field::new(format!("x{at}"), Kind::Numeric, "test"), column))
            .collect(),
    )
    .expect("columns of one length")
}

/// A frame of numbers.
pub(crate) fn numbers(columns: &[&[f64]]) -> Frame {
    frame(
        columns
            .iter()
            .map(|column| Column::numbers(column.to_vec()))
            .collect(),
    )
}

/// Parameters by name; whole numbers where the text is one.
pub(crate) fn point(pairs: &[(&str, &str)]) -> Point {
    let value = |text: &str| match (text.parse(), text.parse(), text.parse()) {
        (Ok(whole), ..) => Value::Int(whole),
        (_, Ok(number), _) => Value::Float(number),
        (.., Ok(truth)) => Value::Bool(truth),
        _ => Value::Choice(text.to_owned()),
    };
    pairs
        .iter()
        .map(|&(name, text)| (name.to_owned(), value(text)))
        .collect()
}

/// What a test varies about the surroundings of a fit.
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    pub(crate) memory: u64,
    pub(crate) deadline: Option<Duration>,
}

pub(crate) const SETTING: Setting = Setting {
    seed: 1,
    threads: 1,
    memory: u64::MAX,
    deadline: None,
};

pub(crate) fn try_fit(
    learner: &dyn Learner,
    pairs: &[(&str, &str)],
    train: &TrainView<'_>,
    setting: &Setting,
) -> Result<Box<dyn FittedModel>, FitError> {
    let (workers, memory) = (Workers::new(setting.threads), Ledger::new(setting.memory));
    let (clock, cancel) = (ManualClock::default(), Cancel::new());
    let cx = FitContext {
        seed: Seed::new(setting.seed),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: setting.deadline,
        cancel: &cancel,
        progress: &Silent,
        valid: None,
    };
    let model = learner.fit(&point(pairs), train, &cx);
    assert_eq!(memory.used(), 0, "a fit gives back what it reserved");
    model
}

pub(crate) fn fit(
    learner: &dyn Learner,
    pairs: &[(&str, &str)],
    train: &TrainView<'_>,
) -> Box<dyn FittedModel> {
    try_fit(learner, pairs, train, &SETTING).expect("a plain fit succeeds")
}

pub(crate) fn classes<'a>(frame: &'a Frame, codes: &'a [u32], count: u32) -> TrainView<'a> {
    let target = Target::Classes { codes, count };
    TrainView::new(frame.view(), target, None, Task::classification(count)).expect("fit rows")
}

pub(crate) fn values<'a>(frame: &'a Frame, target: &'a [f64]) -> TrainView<'a> {
    TrainView::new(frame.view(), Target::Numbers(target), None, Task::Regression).expect("fit rows")
}

pub(crate) fn predict(model: &dyn FittedModel, frame: &Frame) -> Vec<f64> {
    let mut out = vec![0.0; frame.row_count() * model.shape().1];
    model.predict_into(frame.view(), &mut out);
    out
}

pub(crate) fn bytes(model: &dyn FittedModel) -> Vec<u8> {
    let mut out = Encoder::new();
    model.save(&mut out);
    out.into_bytes()
}

pub(crate) fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance;
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(near),
        "{found:?} is not {expected:?}"
    );
}

/// Rows with numbers, a category, missing values, and targets of every kind that depend on them.
pub(crate) struct Mixed {
    pub(crate) frame: Frame,
    pub(crate) two: Vec<u32>,
    pub(crate) three: Vec<u32>,
    pub(crate) number: Vec<f64>,
}

pub(crate) fn mixed(rows: usize) -> Mixed {
    let mut rng: Rng = Seed::new(9).fork("mixed").rng();
    let hole = |rng: &mut Rng, value: f64| if rng.below(10) == 0 { f64::NAN } else { value };
    let a: Vec<f64> = (0..rows).map(|_| rng.normal()).collect();
    let b: Vec<f64> = (0..rows).map(|_| (rng.below(20)) as f64).collect();
    let c: Vec<String> = (0..rows)
        .map(|_| ["", "u", "v", "w", "x"][rng.below(5)].to_owned())
        .collect();
    let noise: Vec<f64> = (0..rows).map(|_| rng.normal()).collect();
    let score = |at: usize| a[at] + b[at] / 10.0 + f64::from(u8::from(c[at] == "v")) + 0.3 * noise[at];
    let number: Vec<f64> = (0..rows).map(score).collect();
    let holed = a.iter().map(|&value| hole(&mut rng, value)).collect();
    Mixed {
        frame: frame(vec![
            Column::numbers(holed),
            Column::numbers(b),
            Column::categories(&c),
            Column::numbers(noise.iter().map(|_| rng.normal()).collect()),
        ]),
        two: number.iter().map(|&v| u32::from(v > 1.2)).collect(),
        three: number
            .iter()
            .map(|&v| u32::from(v > 0.6) + u32::from(v > 1.6))
            .collect(),
        number,
    }
}

/// The same model from 1, 2 and 8 threads, byte for byte.
pub(crate) fn check_threads(learner: &dyn Learner, pairs: &[(&str, &str)], train: &TrainView<'_>) {
    let saved = [1, 2, 8].map(|threads| {
        let setting = Setting { threads, ..SETTING };
        let model = try_fit(learner, pairs, train, &setting).expect("a plain fit succeeds");
        (
            bytes(model.as_ref()),
            model
                .out_of_bag()
                .map(|answers| answers.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>()),
        )
    });
    assert!(
        saved[0] == saved[1] && saved[0] == saved[2],
        "threads change the model"
    );
}

/// A saved model answers as before; damaged bytes are an error or another sound model, never a panic.
pub(crate) fn check_bytes(learner: &dyn Learner, pairs: &[(&str, &str)], train: &TrainView<'_>) {
    use kolosal_learner::Decoder;
    let model = fit(learner, pairs, train);
    let saved = bytes(model.as_ref());
    let mut from = Decoder::new(&saved);
    let loaded = learner.load(&mut from).expect("a saved model");
    assert_eq!(from.finish(), Ok(()));
    let frame = train.features().to_frame();
    assert_eq!(predict(loaded.as_ref(), &frame), predict(model.as_ref(), &frame));
    assert_eq!(bytes(loaded.as_ref()), saved);
    let mut rng = Seed::new(3).rng();
    for round in 0..3000 {
        let mut damaged = saved.clone();
        if round % 3 == 0 {
            damaged.truncate(rng.below(saved.len()));
        } else {
            for _ in 0..=rng.below(3) {
                let at = rng.below(saved.len());
                damaged[at] ^= 1 << rng.below(8);
            }
        }
        let mut from = Decoder::new(&damaged);
        if let Ok(model) = learner.load(&mut from)
            && model.feature_count() == frame.column_count()
        {
            assert_eq!(
                predict(model.as_ref(), &frame).len(),
                frame.row_count() * model.shape().1
            );
        }
    }
}

/// Rows on which nothing can be learned, or nearly nothing, still give a model whose answers are finite.
pub(crate) fn check_edges(learner: &dyn Learner) {
    let nan = f64::NAN;
    let check = |frame: &Frame, codes: &[u32], expected: f64| {
        let model = fit(learner, &[], &classes(frame, codes, 2));
        let answers = predict(model.as_ref(), frame);
        assert_near(&answers[1..2], &[expected], 1e-12);
        assert!(answers.iter().all(|p| (0.0..=1.0).contains(p)));
    };
    check(&numbers(&[&[5.0; 4]]), &[1; 4], 1.0);
    check(&numbers(&[&[nan; 3], &[nan; 3]]), &[0; 3], 0.0);
    check(&numbers(&[&[7.0]]), &[1], 1.0);
    let three = fit(
        learner,
        &[],
        &classes(&numbers(&[&[1.0, 2.0, 3.0]]), &[2, 2, 2], 3),
    );
    assert_eq!(predict(three.as_ref(), &numbers(&[&[9.0]])), [0.0, 0.0, 1.0]);
    let flat = fit(
        learner,
        &[],
        &values(&numbers(&[&[1.0, nan, 3.0], &[2.0; 3]]), &[0.1; 3]),
    );
    assert_near(
        &predict(flat.as_ref(), &numbers(&[&[nan], &[nan]])),
        &[0.1],
        1e-15,
    );
    assert_eq!(flat.importances(), Some(vec![0.0; 2]));
}
