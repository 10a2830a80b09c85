//! Constants worked out by hand.

use kolosal_base::{Cancel, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::{Column, Field, Frame, Kind};
use kolosal_learner::{FitContext, Learner, Point, Silent, Target, Task, TrainView, Value};

use super::Baseline;

fn check(target: Target<'_>, weights: Option<&[f64]>, statistic: &str, expected: &[f64]) {
    let (workers, memory, clock, cancel) = (
        Workers::new(1),
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
        progress: &Silent,
        valid: None,
    };
    let column = Column::numbers(vec![0.0; target.len()]);
    let frame = Frame::new(vec![(Field::new("x", Kind::Numeric, "test"), column)]).expect("one column");
    let task = match target {
        Target::Numbers(_) => Task::Regression,
        Target::Classes { count, .. } => Task::classification(count),
        Target::Unknown { .. } => panic!("the baseline needs answers"),
    };
    let train = TrainView::new(frame.view(), target, weights, task).expect("clean rows");
    let point = Point::from([("statistic".to_owned(), Value::Choice(statistic.to_owned()))]);
    let model = Baseline
        .fit(&point, &train, &cx)
        .expect("the baseline fits anything");
    let mut out = vec![0.0; expected.len()];
    model.predict_into(frame.view().slice(0, 1), &mut out);
    assert_eq!(out, expected);
}

#[test]
fn constants_are_weighted_means_medians_and_shares() {
    check(Target::Numbers(&[1.0, 2.0, 6.0]), None, "mean", &[3.0]);
    check(
        Target::Numbers(&[1.0, 2.0, 6.0]),
        Some(&[1.0, 1.0, 2.0]),
        "mean",
        &[3.75],
    );
    check(Target::Numbers(&[6.0, 1.0, 2.0]), None, "median", &[2.0]);
    check(Target::Numbers(&[6.0, 1.0, 2.0, 4.0]), None, "median", &[3.0]);
    check(
        Target::Numbers(&[6.0, 1.0, 2.0]),
        Some(&[5.0, 1.0, 1.0]),
        "median",
        &[6.0],
    );
    check(
        Target::Classes {
            codes: &[0, 1, 1, 1],
            count: 2,
        },
        None,
        "mean",
        &[0.25, 0.75],
    );
    check(
        Target::Classes {
            codes: &[0, 2],
            count: 3,
        },
        Some(&[3.0, 1.0]),
        "mean",
        &[0.75, 0.0, 0.25],
    );
}
