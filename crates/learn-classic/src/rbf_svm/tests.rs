//! Machines by hand, beside libsvm, and the ways the solver can go.

use std::sync::Mutex;

use kolosal_base::{Cancel, Seed, SystemClock};
use kolosal_compute::{Ledger, Workers};
use kolosal_frame::Column;
use kolosal_learner::{FitContext, Learner, Point, Progress, Value};

use super::RbfSvm;
use super::kernel::Points;
use super::smo::{Problem, Row, Solved, solve};
use crate::testing::{Table, distance, references};

#[test]
fn scores_equal_libsvms() {
    let references = references(include_str!("../golden/rbf_svm.txt"));
    assert_eq!(references.len(), 12);
    for reference in references {
        let model = reference.table.fit(&RbfSvm, &reference.settings);
        let off = distance(&reference.table.answers(&*model), &reference.answers);
        assert!(off < 1e-5, "{:?} is off by {off}", reference.settings);
    }
}

/// Hears warnings.
#[derive(Default)]
struct Warnings(Mutex<Vec<String>>);

impl Progress for Warnings {
    fn step(&self, _: u64, _: u64) {}

    fn warn(&self, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

fn with_context<T>(progress: &dyn Progress, run: impl FnOnce(&FitContext<'_>) -> T) -> T {
    let (workers, memory, clock, cancel) = (
        Workers::new(1),
        Ledger::unlimited(),
        SystemClock::start(),
        Cancel::new(),
    );
    run(&FitContext {
        seed: Seed::new(1),
        workers: &workers,
        memory: &memory,
        clock: &clock,
        deadline: None,
        cancel: &cancel,
        progress,
        valid: None,
    })
}

/// Noisy points of two classes, or of a number, and a machine over them with so much room for kernel rows.
fn machine(is_number: bool, cache_bytes: usize) -> (Problem<'static>, Solved) {
    let mut rng = Seed::new(8).rng();
    let count = 1500;
    let numbers: Vec<f64> = (0..2 * count).map(|_| rng.normal()).collect();
    let rows = numbers.chunks_exact(2).map(|x| {
        let target = (2.0 * x[0]).sin() + x[1] + 0.5 * rng.normal();
        if is_number {
            return Row {
                target,
                epsilon: 0.1,
                low: -3.0,
                high: 3.0,
            };
        }
        let sign = if target > 0.0 { 1.0 } else { -1.0 };
        Row {
            target: sign,
            epsilon: 0.0,
            low: f64::min(0.0, 3.0 * sign),
            high: f64::max(0.0, 3.0 * sign),
        }
    });
    let rows = rows.collect();
    let problem = Problem {
        points: Box::leak(Box::new(Points::from_rows(&numbers, 2))),
        rows,
        gamma: 0.5,
        tol: 1e-3,
        cache_bytes,
    };
    let solved = with_context(&Warnings::default(), |cx| solve(&problem, cx).unwrap());
    (problem, solved)
}

#[test]
fn the_optimality_conditions_hold_over_all_rows() {
    for is_number in [false, true] {
        let (problem, solved) = machine(is_number, 1 << 30);
        assert!(solved.converged);
        assert!(solved.beta.iter().sum::<f64>().abs() < 1e-9);
        let at_rest = solved.beta.iter().filter(|beta| **beta == 0.0).count();
        assert!(at_rest > 100, "{at_rest} rows are no support vectors");
        let mut kernel = vec![0.0; solved.beta.len()];
        for (at, (row, beta)) in problem.rows.iter().zip(&solved.beta).enumerate() {
            problem
                .points
                .kernel(&problem.points.point(at), problem.gamma, &mut kernel, None);
            let score = solved.offset + kernel.iter().zip(&solved.beta).map(|(k, b)| k * b).sum::<f64>();
            // A row may not gain by rising nor by falling.
            let (up, down) = if *beta < 0.0 {
                (row.target + row.epsilon, row.target + row.epsilon)
            } else if *beta > 0.0 {
                (row.target - row.epsilon, row.target - row.epsilon)
            } else {
                (row.target - row.epsilon, row.target + row.epsilon)
            };
            assert!(
                *beta >= row.high || up - score < 2e-3,
                "row {at}: {beta}, {score}"
            );
            assert!(
                *beta <= row.low || down - score > -2e-3,
                "row {at}: {beta}, {score}"
            );
        }
    }
}

#[test]
fn room_for_few_kernel_rows_changes_nothing() {
    for is_number in [false, true] {
        assert_eq!(machine(is_number, 1 << 30).1.beta, machine(is_number, 1).1.beta);
    }
}

#[test]
fn two_rows_by_hand() {
    // k = e^-1 between them: beta (1 - k) = 1 on the margin, so beta = 1 / (1 - k), unless C is less.
    let table = Table::classes(vec![Column::numbers(vec![0.0, 1.0])], &[0, 1], 2);
    let answers = |c: &str| {
        let settings = [("gamma", "1"), ("c", c), ("calibration", "none")];
        table.answers(&*table.fit(&RbfSvm, &settings))[3]
    };
    let probability = |score: f64| 1.0 / (1.0 + (-score).exp());
    assert!((answers("5") - probability(1.0)).abs() < 1e-6);
    assert!((answers("0.5") - probability(0.5 * (1.0 - (-1.0_f64).exp()))).abs() < 1e-6);
}

#[test]
fn more_rows_than_allowed_are_drawn_and_it_is_said() {
    let rows = 400;
    let columns = vec![Column::numbers((0..rows).map(|i| f64::from(i % 20)).collect())];
    let classes: Vec<u32> = (0..rows as u32).map(|i| u32::from(i % 20 >= 10)).collect();
    let table = Table::classes(columns, &classes, 2);
    let warnings = Warnings::default();
    let point = Point::from([
        ("max_rows".to_owned(), Value::Int(100)),
        ("above_max_rows".to_owned(), Value::Choice("sample".to_owned())),
    ]);
    let model = with_context(&warnings, |cx| RbfSvm.fit(&point, &table.train(), cx).unwrap());
    let said = warnings.0.into_inner().unwrap();
    assert!(said.len() == 1 && said[0].contains("100 of 400 rows"), "{said:?}");
    let answers = table.answers(&*model);
    let right = classes
        .iter()
        .enumerate()
        .filter(|(row, class)| answers[2 * row + **class as usize] > 0.5);
    assert!(right.count() > 390);
}

#[test]
fn guessed_kernels_answer_nearly_as_all_kernels_do() {
    let rows = 1500;
    let mut rng = Seed::new(9).rng();
    let (x, y): (Vec<f64>, Vec<f64>) = (0..rows)
        .map(|_| (4.0 * rng.uniform() - 2.0, 4.0 * rng.uniform() - 2.0))
        .unzip();
    let classes: Vec<u32> = x
        .iter()
        .zip(&y)
        .map(|(x, y)| u32::from(x * x + y * y > 1.7))
        .collect();
    let numbers: Vec<f64> = x.iter().zip(&y).map(|(x, y)| (2.0 * x).sin() + y).collect();
    let columns = || vec![Column::numbers(x.clone()), Column::numbers(y.clone())];
    let few: &[(&str, &str)] = &[
        ("max_rows", "300"),
        ("n_components", "150"),
        ("calibration", "none"),
    ];
    let table = Table::classes(columns(), &classes, 2);
    let [whole, guessed] =
        [&[("calibration", "none")], few].map(|settings| table.answers(&*table.fit(&RbfSvm, settings)));
    let right = |answers: &[f64]| {
        let rows = classes.iter().enumerate();
        rows.filter(|(row, class)| answers[2 * row + **class as usize] > 0.5)
            .count()
    };
    assert!(
        right(&guessed) + 8 >= right(&whole),
        "{} and {}",
        right(&guessed),
        right(&whole)
    );
    let table = Table::regression(columns(), &numbers);
    let [whole, guessed] =
        [&[("calibration", "none")], few].map(|settings| table.answers(&*table.fit(&RbfSvm, settings)));
    let squares = |answers: &[f64]| {
        answers
            .iter()
            .zip(&numbers)
            .map(|(a, b)| (a - b) * (a - b))
            .sum::<f64>()
    };
    assert!(
        squares(&guessed) <= squares(&whole) * 1.1 + 1e-9,
        "{} and {}",
        squares(&guessed),
        squares(&whole)
    );
}
