//! The lasso by hand, its optimality conditions, and the choice of its strength.

use kolosal_frame::Column;

use super::{Lasso, LassoParams};
use crate::regression::{RegressionModel, Select};
use crate::testing::{Table, distance, fit, noise};

fn at(alpha: f64) -> LassoParams {
    LassoParams {
        alpha,
        select: Select::Fixed,
        tol: 1e-14,
        max_iter: 1_000_000,
        ..LassoParams::default()
    }
}

#[test]
fn orthogonal_columns_by_hand() {
    // Orthogonal columns of mean square one: each coefficient is x'y/n moved towards zero by alpha.
    let columns = vec![
        Column::numbers(vec![1.0, 1.0, -1.0, -1.0]),
        Column::numbers(vec![1.0, -1.0, 1.0, -1.0]),
        Column::numbers(vec![1.0, -1.0, -1.0, 1.0]),
    ];
    // y = 5 + 3 a - 2 b + 0.25 c.
    let table = Table::regression(columns, &[6.25, 9.75, -0.25, 4.25]);
    let model = fit::<Lasso>(at(0.5), &table);
    assert!(
        distance(model.coefficients(), &[2.5, -1.5, 0.0]) < 1e-12,
        "{:?}",
        model.coefficients()
    );
    assert_eq!(model.coefficients()[2], 0.0);
    assert!((model.intercept() - 5.0).abs() < 1e-12);
}

/// How far a fit is from the optimality conditions, as a share of alpha: `x'S r / W` is `alpha sign(w)` where `w` is
/// not zero, and no larger than `alpha` elsewhere.
fn violation(table: &Table, model: &RegressionModel, columns: &[Vec<f64>], alpha: f64) -> f64 {
    let answers = table.answers(model);
    let weight = |row: usize| table.weights.as_ref().map_or(1.0, |w| w[row]);
    let total: f64 = (0..answers.len()).map(weight).sum();
    let residual: Vec<f64> = (0..answers.len())
        .map(|i| weight(i) * (table.numbers[i] - answers[i]))
        .collect();
    let mut worst = residual.iter().sum::<f64>().abs() / total;
    for (column, w) in columns.iter().zip(model.coefficients()) {
        let pull = column.iter().zip(&residual).map(|(x, r)| x * r).sum::<f64>() / total;
        let off = if *w == 0.0 {
            (pull.abs() - alpha).max(0.0)
        } else {
            (pull - alpha * w.signum()).abs()
        };
        worst = worst.max(off);
    }
    worst / alpha
}

#[test]
fn fits_meet_the_optimality_conditions() {
    // Narrow: on the Gram matrix. Wide: on the columns, with columns dropped on the way.
    for (rows, width) in [(150, 20), (40, 60), (50, 1_100)] {
        let columns: Vec<Vec<f64>> = (0..width).map(|j| noise(rows, j as u64 + 5)).collect();
        let signal: Vec<f64> = (0..rows)
            .map(|i| 2.0 * columns[0][i] - columns[3][i] + 0.3 * columns[7][i])
            .collect();
        let weights: Vec<f64> = noise(rows, 1001).iter().map(|v| v.abs()).collect();
        let table = Table::regression(
            columns.iter().map(|c| Column::numbers(c.clone())).collect(),
            &signal,
        );
        for table in [
            table.pick(&(0..rows as u32).collect::<Vec<_>>()),
            table.weighted(&weights),
        ] {
            for alpha in [0.01, 0.1, 0.5] {
                let model = fit::<Lasso>(at(alpha), &table);
                let off = violation(&table, &model, &columns, alpha);
                assert!(off < 1e-6, "{rows} rows, {width} columns, alpha {alpha}: {off}");
                assert!(model.coefficients().iter().any(|w| *w == 0.0));
            }
        }
    }
}

#[test]
fn the_path_starts_empty_and_ends_at_the_choice() {
    for width in [15, 1_050] {
        let columns: Vec<Vec<f64>> = (0..width).map(|j| noise(120, j as u64)).collect();
        let target: Vec<f64> = noise(120, 5000)
            .iter()
            .enumerate()
            .map(|(i, e)| 3.0 * columns[2][i] - columns[9][i] + 0.5 * e)
            .collect();
        let table = Table::regression(
            columns.iter().map(|c| Column::numbers(c.clone())).collect(),
            &target,
        );
        let params = LassoParams {
            n_alphas: 30,
            eps: 0.01,
            cv: 4,
            ..LassoParams::default()
        };
        let model = fit::<Lasso>(params, &table);
        let path = model.path();
        assert!(path[0].coefficients.iter().all(|w| w.abs() < 1e-9), "{width}");
        assert!(
            path.windows(2)
                .all(|pair| pair[0].alpha > pair[1].alpha && pair[1].error.is_some())
        );
        assert_eq!(path.last().unwrap().alpha, model.alpha());
        let best = path
            .iter()
            .map(|point| point.error.unwrap())
            .fold(f64::INFINITY, f64::min);
        assert_eq!(path.last().unwrap().error, Some(best));
        // The unseen error is near the noise's variance of one quarter, far below the target's of about ten.
        assert!(best < 0.6, "{width}: {best}");
        assert!((model.coefficients()[2] - 3.0).abs() < 0.3);
    }
}

#[test]
fn both_descents_agree() {
    // The same rows with columns of zeros added, so that the table is too wide for a Gram matrix.
    let rows = 80;
    let columns: Vec<Column> = (0..10).map(|j| Column::numbers(noise(rows, j))).collect();
    let target = noise(rows, 50);
    let narrow = fit::<Lasso>(at(0.05), &Table::regression(columns.clone(), &target));
    let zeros = (0..1_000).map(|_| Column::numbers(vec![0.0; rows]));
    let wide = fit::<Lasso>(
        at(0.05),
        &Table::regression(columns.into_iter().chain(zeros).collect(), &target),
    );
    assert!(distance(&wide.coefficients()[..10], narrow.coefficients()) < 1e-9);
}
