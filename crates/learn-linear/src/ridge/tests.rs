//! Ridge by hand, its solvers against each other, and the choice of its strength.

use kolosal_frame::Column;

use super::{Ridge, RidgeParams};
use crate::regression::{RegressionModel, Select};
use crate::testing::{Table, distance, fit, mixed, noise};

fn at(alpha: f64) -> RidgeParams {
    RidgeParams {
        alpha,
        select: Select::Fixed,
        tol: 1e-13,
        ..RidgeParams::default()
    }
}

#[test]
fn one_column_by_hand() {
    // Centred: x = -1, 0, 1 and y = -2, 0, 2; w = x'y / (x'x + alpha) = 4 / (2 + 2).
    let table = Table::regression(vec![Column::numbers(vec![4.0, 5.0, 6.0])], &[1.0, 3.0, 5.0]);
    let model = fit::<Ridge>(at(2.0), &table);
    assert!((model.coefficients()[0] - 1.0).abs() < 1e-14);
    assert!((model.intercept() - (3.0 - 5.0)).abs() < 1e-14);
    assert_eq!(model.alpha(), 2.0);
}

#[test]
fn levels_by_hand() {
    // Level means about the grand mean, shrunk by n / (n + alpha): 2 rows each, alpha 2, so by one half.
    let table = Table::regression(
        vec![Column::categories(&["a", "a", "b", "b"])],
        &[1.0, 3.0, 5.0, 7.0],
    );
    let model = fit::<Ridge>(at(2.0), &table);
    assert!(
        distance(model.coefficients(), &[-1.0, 1.0]) < 1e-14,
        "{:?}",
        model.coefficients()
    );
    assert!((model.intercept() - 4.0).abs() < 1e-14);
}

/// The largest entry of the gradient at the fit, as a share of that at zero: `-X'S(y - Xw - b) + alpha w`.
fn gradient_share(table: &Table, model: &RegressionModel, columns: &[Vec<f64>], alpha: f64) -> f64 {
    let answers = table.answers(model);
    let rows = answers.len();
    let weight = |row: usize| table.weights.as_ref().map_or(1.0, |w| w[row]);
    let residual: Vec<f64> = (0..rows)
        .map(|i| weight(i) * (table.numbers[i] - answers[i]))
        .collect();
    let total: f64 = (0..rows).map(weight).sum();
    let mean = (0..rows).map(|i| weight(i) * table.numbers[i]).sum::<f64>() / total;
    let mut worst = residual.iter().sum::<f64>().abs();
    let mut first = 0.0_f64;
    for (column, w) in columns.iter().zip(model.coefficients()) {
        let pull: f64 = column.iter().zip(&residual).map(|(x, r)| x * r).sum();
        let start: f64 = (0..rows)
            .map(|i| column[i] * weight(i) * (table.numbers[i] - mean))
            .sum();
        worst = worst.max((pull - alpha * w).abs());
        first = first.max(start.abs());
    }
    worst / first
}

#[test]
fn every_solver_ends_where_the_gradient_vanishes() {
    // Long: normal equations. Wide: one unknown a row. Weights on both.
    for (rows, width) in [(200, 12), (30, 400), (60, 59)] {
        let columns: Vec<Vec<f64>> = (0..width).map(|j| noise(rows, j as u64)).collect();
        let target = noise(rows, 1000);
        let weights: Vec<f64> = noise(rows, 1001).iter().map(|v| v.abs()).collect();
        let table = Table::regression(
            columns.iter().map(|c| Column::numbers(c.clone())).collect(),
            &target,
        );
        for table in [
            table.pick(&(0..rows as u32).collect::<Vec<_>>()),
            table.weighted(&weights),
        ] {
            let model = fit::<Ridge>(at(0.7), &table);
            let share = gradient_share(&table, &model, &columns, 0.7);
            assert!(share < 1e-12, "{rows} rows, {width} columns: {share}");
        }
    }
}

#[test]
fn long_and_wide_tables_are_solved_by_iteration() {
    // More levels and more rows than any matrix is made for; the answer of a level is known by hand.
    let rows = 9_000;
    let levels: Vec<String> = (0..rows).map(|i| format!("level {:05}", i % 4_500)).collect();
    let target: Vec<f64> = (0..rows).map(|i| f64::from(i % 4_500 % 10)).collect();
    let table = Table::regression(vec![Column::categories(&levels)], &target);
    let model = fit::<Ridge>(at(2.0), &table);
    // Two rows a level, shrunk by one half towards the grand mean of 4.5.
    let expected: Vec<f64> = (0..4_500)
        .map(|level| (f64::from(level % 10) - 4.5) / 2.0)
        .collect();
    assert!(distance(model.coefficients(), &expected) < 1e-9);
    assert!((model.intercept() - 4.5).abs() < 1e-9);
}

#[test]
fn wide_tables_fit_exactly_without_a_penalty() {
    let columns = (0..50).map(|j| Column::numbers(noise(20, j))).collect();
    let table = Table::regression(columns, &noise(20, 99));
    let model = fit::<Ridge>(at(0.0), &table);
    assert!(distance(&table.answers(&model), &table.numbers) < 1e-8);
}

#[test]
fn the_chosen_strength_has_the_least_error_left_out() {
    let table = mixed(kolosal_learner::Task::Regression, 60, 2);
    let model = fit::<Ridge>(RidgeParams::default(), &table);
    let best = model
        .path()
        .iter()
        .min_by(|a, b| a.error.partial_cmp(&b.error).unwrap())
        .unwrap();
    assert_eq!(best.alpha, model.alpha());
    assert_eq!(best.coefficients, model.coefficients());
    // The score is that of leaving rows out, turned by the mean freedom; compute it from its definition.
    let share: f64 = (0..60)
        .map(|left| squared_change(&table, left, model.alpha()))
        .sum::<f64>()
        / 60.0;
    let score = best.error.unwrap();
    assert!((score / share - 1.0).abs() < 0.1, "{score} beside {share}");
}

/// The squared error of a row under the fit to the others.
fn squared_change(table: &Table, left: u32, alpha: f64) -> f64 {
    let others: Vec<u32> = (0..60).filter(|row| *row != left).collect();
    let model = fit::<Ridge>(at(alpha), &table.pick(&others));
    (table.answers(&model)[left as usize] - table.numbers[left as usize]).powi(2)
}

#[test]
fn noise_alone_is_shrunk() {
    let columns = (0..30).map(|j| Column::numbers(noise(60, j))).collect();
    let table = Table::regression(columns, &noise(60, 77));
    let size = |model: &RegressionModel| model.coefficients().iter().map(|w| w * w).sum::<f64>();
    let (chosen, free) = (
        fit::<Ridge>(RidgeParams::default(), &table),
        fit::<Ridge>(at(0.0), &table),
    );
    assert!(
        size(&chosen) < 0.1 * size(&free),
        "{} beside {}",
        size(&chosen),
        size(&free)
    );
}
