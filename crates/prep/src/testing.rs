//! A small table of every storage, and the checks that every transform must pass.

use kolosal_base::{Cancel, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learner::{Decoder, Encoder, FitContext, Fitted, Silent, Target, Task, TrainView, Transform};

/// Twelve rows: numbers with a gap, moments, categories with a gap, text; and a target that follows the category.
pub(crate) fn table() -> (Frame, Vec<f64>) {
    let numbers = (0..12)
        .map(|i| if i == 3 { f64::NAN } else { f64::from(i * i) })
        .collect();
    let moments = (0..12).map(|i| f64::from(i) * 86_400e6 * 40.0).collect();
    let words = ["a", "b", "a", "", "c", "a", "b", "b", "a", "d", "a", "b"];
    let texts: Vec<String> = (0..12)
        .map(|i| format!("row {} says {}", i, if i % 2 == 0 { "good day" } else { "bad" }))
        .collect();
    let field = |name: &str, kind| Field::new(name, kind, "test");
    let frame = Frame::new(vec![
        (field("n", Kind::Numeric), Column::numbers(numbers)),
        (field("d", Kind::Datetime), Column::numbers(moments)),
        (field("c", Kind::Categorical), Column::categories(&words)),
        (field("t", Kind::Text), Column::text(&texts)),
    ])
    .expect("distinct names and equal lengths");
    let target = words.iter().enumerate().map(|(i, w)| {
        if *w == "a" {
            10.0 + i as f64 * 0.1
        } else {
            i as f64 * 0.1
        }
    });
    (frame, target.collect())
}

/// Fits on all rows of [`table`].
pub(crate) fn fitted(transform: &dyn Transform) -> (Frame, Fitted) {
    let (frame, target) = table();
    let fitted = fit_rows(transform, &frame, &target, &(0..12).collect::<Vec<_>>());
    (frame, fitted)
}

/// Fits on some rows of a frame.
pub(crate) fn fit_rows(transform: &dyn Transform, frame: &Frame, target: &[f64], rows: &[u32]) -> Fitted {
    let (workers, memory, clock, cancel) = (
        Workers::new(1),
        Ledger::unlimited(),
        SystemClock::start(),
        Cancel::new(),
    );
    let cx = FitContext {
        seed: Seed::new(1),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress: &Silent,
        valid: None,
    };
    let picked: Vec<f64> = rows.iter().map(|&row| target[row as usize]).collect();
    let train = TrainView::new(
        frame.select(rows),
        Target::Numbers(&picked),
        None,
        Task::Regression,
    )
    .expect("clean");
    transform
        .fit(&train, &cx)
        .expect("the table is fit for any transform")
}

/// Names of the output; a saved transform reads back and gives the same columns; damaged bytes never panic.
pub(crate) fn check_transform(transform: &dyn Transform, names: &[&str]) {
    let (frame, fitted) = fitted(transform);
    let applied = fitted.transform.apply(frame.view());
    let found: Vec<&str> = applied
        .schema()
        .fields()
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(found, names);
    assert_eq!(fitted.train.schema(), applied.schema());
    assert_eq!(fitted.transform.origins().len(), names.len());

    let mut out = Encoder::new();
    fitted.transform.save(&mut out);
    let bytes = out.into_bytes();
    let mut from = Decoder::new(&bytes);
    let loaded = crate::load(transform.name(), &mut from).expect("a save is readable");
    from.finish().expect("a load reads all of a save");
    let rows = [11_u32, 3, 0];
    let (before, after) = (
        fitted.transform.apply(frame.select(&rows)),
        loaded.apply(frame.select(&rows)),
    );
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    check_damage(transform, &bytes);
}

fn check_damage(transform: &dyn Transform, bytes: &[u8]) {
    for at in 0..bytes.len() {
        let _ = crate::load(transform.name(), &mut Decoder::new(&bytes[..at])).map(|_| ());
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << (at % 8);
        let _ = crate::load(transform.name(), &mut Decoder::new(&flipped)).map(|_| ());
    }
}
