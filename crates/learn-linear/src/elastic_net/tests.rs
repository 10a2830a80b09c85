//! The elastic net by hand, its optimality conditions, and its ends.

use kolosal_frame::Column;
use kolosal_learner::Task;

use super::{ElasticNet, ElasticNetParams};
use crate::regression::Select;
use crate::ridge::{Ridge, RidgeParams};
use crate::testing::{Table, distance, fit, mixed, noise};

fn at(alpha: f64, l1_ratio: f64) -> ElasticNetParams {
    ElasticNetParams {
        alpha,
        l1_ratio,
        select: Select::Fixed,
        tol: 1e-14,
        max_iter: 1_000_000,
        ..ElasticNetParams::default()
    }
}

#[test]
fn one_column_by_hand() {
    // x = -1, 1 and y = -3, 3: w = (x'y/n - alpha r) / (1 + alpha (1 - r)) = (3 - 0.5) / (1 + 0.5).
    let table = Table::regression(vec![Column::numbers(vec![-1.0, 1.0])], &[-3.0, 3.0]);
    let model = fit::<ElasticNet>(at(1.0, 0.5), &table);
    assert!((model.coefficients()[0] - 2.5 / 1.5).abs() < 1e-12);
}

#[test]
fn fits_meet_the_optimality_conditions() {
    let (rows, alpha, ratio) = (70, 0.2, 0.6);
    for width in [12, 90, 1_020] {
        let columns: Vec<Vec<f64>> = (0..width).map(|j| noise(rows, j as u64)).collect();
        let target = noise(rows, 4_000);
        let table = Table::regression(
            columns.iter().map(|c| Column::numbers(c.clone())).collect(),
            &target,
        );
        let model = fit::<ElasticNet>(at(alpha, ratio), &table);
        let answers = table.answers(&model);
        for (column, w) in columns.iter().zip(model.coefficients()) {
            let pull = (0..rows)
                .map(|i| column[i] * (target[i] - answers[i]))
                .sum::<f64>()
                / rows as f64;
            let left = pull - alpha * (1.0 - ratio) * w;
            let off = if *w == 0.0 {
                left.abs() - alpha * ratio
            } else {
                (left - alpha * ratio * w.signum()).abs()
            };
            assert!(off < 1e-7, "{width}: {off}");
        }
    }
}

#[test]
fn without_an_absolute_part_it_is_ridge_on_sums() {
    let table = mixed(Task::Regression, 90, 1);
    let net = fit::<ElasticNet>(at(0.3, 0.0), &table);
    let ridge = fit::<Ridge>(
        RidgeParams {
            alpha: 0.3 * 90.0,
            select: Select::Fixed,
            ..RidgeParams::default()
        },
        &table,
    );
    assert!(distance(net.coefficients(), ridge.coefficients()) < 1e-13);
    assert_eq!(net.alpha(), 0.3);
}

#[test]
fn twins_share_what_the_lasso_would_give_to_one() {
    let x = noise(50, 1);
    let target: Vec<f64> = x.iter().map(|v| 2.0 * v).collect();
    let table = Table::regression(vec![Column::numbers(x.clone()), Column::numbers(x)], &target);
    let model = fit::<ElasticNet>(at(0.1, 0.5), &table);
    assert!(
        (model.coefficients()[0] - model.coefficients()[1]).abs() < 1e-5,
        "{:?}",
        model.coefficients()
    );
}

#[test]
fn the_default_path_reaches_targets_of_any_spread() {
    for scale in [1e-4, 1.0, 1e6] {
        let x = noise(200, 7);
        let target: Vec<f64> = x.iter().map(|v| scale * (3.0 * v + 1.0)).collect();
        let table = Table::regression(vec![Column::numbers(x)], &target);
        let answers = table.answers(&fit::<ElasticNet>(ElasticNetParams::default(), &table));
        let worst = answers
            .iter()
            .zip(&target)
            .map(|(a, t)| (a - t).abs())
            .fold(0.0, f64::max);
        assert!(worst < 0.05 * scale, "{scale}: off by {worst}");
    }
}
