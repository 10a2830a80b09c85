//! One wild target does not move the line.

use kolosal_frame::Column;

use super::{Huber, HuberParams};
use crate::testing::{Table, distance, fit, noise};

#[test]
fn a_wild_target_moves_the_line_hardly() {
    let x: Vec<f64> = (0..40).map(f64::from).collect();
    let mut y: Vec<f64> = x
        .iter()
        .zip(noise(40, 3))
        .map(|(x, e)| 2.0 * x + 1.0 + 0.1 * e)
        .collect();
    y[39] = 1e4;
    let table = Table::regression(vec![Column::numbers(x)], &y);
    let model = fit::<Huber>(HuberParams::default(), &table);
    assert!(
        (model.coefficients()[0] - 2.0).abs() < 0.02,
        "{:?}",
        model.coefficients()
    );
}

#[test]
fn targets_on_a_line_are_met() {
    let x: Vec<f64> = (0..20).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| 3.0 - 0.5 * x).collect();
    let table = Table::regression(vec![Column::numbers(x)], &y);
    let params = HuberParams {
        alpha: 0.0,
        ..HuberParams::default()
    };
    assert!(distance(&table.answers(&fit::<Huber>(params, &table)), &y) < 1e-6);
}
