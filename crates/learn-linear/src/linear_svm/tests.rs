//! Machines by hand, beside liblinear, and their probabilities.

use kolosal_frame::Column;
use kolosal_learner::{FittedModel, Task};

use super::params::Loss;
use super::{Calibration, LinearSvm, LinearSvmParams};
use crate::logistic::ClassWeight;
use crate::testing::{Table, distance, fit, mixed, noise};

fn tight(c: f64) -> LinearSvmParams {
    LinearSvmParams {
        c,
        tol: 1e-12,
        ..LinearSvmParams::default()
    }
}

#[test]
fn two_rows_by_hand() {
    // At -1 and 1: minimises w^2 / 2 + 2 C (1 - w)^2, so w = 4 C / (1 + 4 C).
    let table = Table::classes(vec![Column::numbers(vec![-1.0, 1.0])], &[0, 1], 2);
    let model = fit::<LinearSvm>(tight(2.0), &table);
    assert!((model.coefficients(0)[0] - 8.0 / 9.0).abs() < 1e-12);
    assert!(model.intercept(0).abs() < 1e-12);
}

#[test]
fn errors_within_the_tube_cost_nothing() {
    // A slope of 1 with errors below 0.5: the flattest line within the tube of 0.5 has the slope 2 / 3 at large C.
    let table = Table::regression(
        vec![Column::numbers(vec![0.0, 1.0, 2.0, 3.0])],
        &[0.0, 1.0, 2.0, 3.0],
    );
    let params = LinearSvmParams {
        epsilon: 0.5,
        ..tight(1e6)
    };
    let model = fit::<LinearSvm>(params, &table);
    assert!(
        (model.coefficients(0)[0] - 2.0 / 3.0).abs() < 1e-5,
        "{:?}",
        model.coefficients(0)
    );
    assert!((model.intercept(0) - 0.5).abs() < 1e-5);
}

fn numbers(line: &str) -> Vec<f64> {
    line.split(' ')
        .skip(1)
        .map(|word| word.parse().unwrap())
        .collect()
}

#[test]
fn coefficients_equal_liblinears() {
    let (mut rows, mut fits) = (Vec::<Vec<f64>>::new(), 0);
    let mut lines = include_str!("../golden/linear_svm.txt").lines();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "table" => rows.clear(),
            "row" => rows.push(numbers(line)),
            "fit" => {
                let coefficients = numbers(lines.next().unwrap());
                let intercepts = numbers(lines.next().unwrap());
                check_reference(&words, &rows, (&coefficients, &intercepts));
                fits += 1;
            }
            _ => assert_eq!(words[0], "#"),
        }
    }
    assert_eq!(fits, 20);
}

fn check_reference(words: &[&str], rows: &[Vec<f64>], (coefficients, intercepts): (&[f64], &[f64])) {
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let columns = (2..rows[0].len()).map(|at| Column::numbers(column(at))).collect();
    let value = |name: &str| {
        let pairs = words[3..].iter().filter_map(|word| word.split_once('='));
        pairs
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value)
            .next()
    };
    let mut params = tight(value("c").unwrap().parse().unwrap());
    params.calibration = Calibration::None;
    let mut table = match value("epsilon") {
        Some(epsilon) => {
            params.epsilon = epsilon.parse().unwrap();
            Table::regression(columns, &column(0))
        }
        None => {
            let classes: Vec<u32> = column(0).iter().map(|y| *y as u32).collect();
            Table::classes(columns, &classes, classes.iter().max().unwrap() + 1)
        }
    };
    if value("class_weight") == Some("balanced") {
        params.class_weight = ClassWeight::Balanced;
    }
    if words[2] == "weighted" {
        table = table.weighted(&column(1));
    }
    let model = fit::<LinearSvm>(params, &table);
    let outputs = model.output_count();
    let found: Vec<f64> = (0..outputs)
        .flat_map(|output| model.coefficients(output))
        .collect();
    let offsets: Vec<f64> = (0..outputs).map(|output| model.intercept(output)).collect();
    assert!(
        distance(&found, coefficients) < 1e-4,
        "{words:?}: {found:?} and not {coefficients:?}"
    );
    assert!(
        distance(&offsets, intercepts) < 1e-4,
        "{words:?}: {offsets:?} and not {intercepts:?}"
    );
}

#[test]
fn calibration_moves_probabilities_and_not_the_machine() {
    let table = mixed(Task::Binary, 300, 3);
    let plain = fit::<LinearSvm>(
        LinearSvmParams {
            calibration: Calibration::None,
            ..tight(1.0)
        },
        &table,
    );
    let curved = fit::<LinearSvm>(tight(1.0), &table);
    assert!(distance(&plain.coefficients(0), &curved.coefficients(0)) < 1e-9);
    let loss = |model: &dyn FittedModel| {
        let answers = table.answers(model);
        let rows = table.classes.iter().enumerate();
        rows.map(|(row, &class)| -answers[2 * row + class as usize].ln())
            .sum::<f64>()
    };
    assert!(
        loss(&curved) < loss(&plain),
        "{} and {}",
        loss(&curved),
        loss(&plain)
    );
}

#[test]
fn more_columns_than_a_gram_matrix_takes_end_at_the_same_margins() {
    // With more columns than rows every row can be on its margin.
    let columns: Vec<Column> = (0..1600).map(|j| Column::numbers(noise(40, j))).collect();
    let classes: Vec<u32> = (0..40).map(|i| i % 2).collect();
    let table = Table::classes(columns, &classes, 2);
    let params = LinearSvmParams {
        calibration: Calibration::None,
        ..tight(1e4)
    };
    let answers = table.answers(&fit::<LinearSvm>(params, &table));
    let margin = 1.0 / (1.0 + (-1.0_f64).exp());
    for (row, class) in classes.iter().enumerate() {
        assert!(
            (answers[2 * row + *class as usize] - margin).abs() < 1e-3,
            "{:?}",
            &answers[..8]
        );
    }
}

#[test]
fn plain_losses_by_hand() {
    // At -1 and 1 with C = 1/8: w^2 / 2 + 1/4 (1 - w) is lowest at w = 1/4; with C = 2 the margin's end is reached: w = 1.
    let table = Table::classes(vec![Column::numbers(vec![-1.0, 1.0])], &[0, 1], 2);
    for (c, w) in [(0.125, 0.25), (2.0, 1.0)] {
        let params = LinearSvmParams {
            loss: Loss::Plain,
            c,
            tol: 1e-8,
            max_iter: 5000,
            ..LinearSvmParams::default()
        };
        let model = fit::<LinearSvm>(params, &table);
        assert!(
            (model.coefficients(0)[0] - w).abs() < 2e-3,
            "{:?}",
            model.coefficients(0)
        );
        assert!(model.intercept(0).abs() < 2e-3);
    }
    // One row of twenty is far off the line y = 2 x: the plain tube follows the others.
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    let mut y: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
    y[7] = 500.0;
    let params = LinearSvmParams {
        loss: Loss::Plain,
        tol: 1e-7,
        max_iter: 20_000,
        c: 10.0,
        ..LinearSvmParams::default()
    };
    let model = fit::<LinearSvm>(params, &Table::regression(vec![Column::numbers(x)], &y));
    assert!(
        (model.coefficients(0)[0] - 2.0).abs() < 0.02,
        "{:?}",
        model.coefficients(0)
    );
}

#[test]
fn plain_losses_take_one_hot_columns_as_they_are() {
    let x: Vec<f64> = noise(200, 3).iter().map(|x| x * 2.0).collect();
    let words: Vec<&str> = (0..200).map(|row| ["a", "b", "c", ""][row * 7 % 4]).collect();
    let is_in = |row: usize| x[row] + if words[row] == "b" { 1.0 } else { 0.0 } > 0.3;
    let classes: Vec<u32> = (0..200).map(|row| u32::from(is_in(row))).collect();
    let table = Table::classes(
        vec![Column::numbers(x.clone()), Column::categories(&words)],
        &classes,
        2,
    );
    let plain = LinearSvmParams {
        loss: Loss::Plain,
        ..LinearSvmParams::default()
    };
    let [a, b] =
        [LinearSvmParams::default(), plain].map(|params| table.answers(&fit::<LinearSvm>(params, &table)));
    let same = a
        .chunks(2)
        .zip(b.chunks(2))
        .filter(|(a, b)| (a[1] > 0.5) == (b[1] > 0.5))
        .count();
    assert!(same > 180, "{same} of 200");
}
