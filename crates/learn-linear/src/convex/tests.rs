//! The two ways to make a step lead to the same minimum.

use kolosal_frame::Column;

use super::{Bent, Limits, Objective, RowLoss, minimise};
use crate::testing::{Table, design_of, distance, noise, with_context};

/// Half the squared error.
struct Squares(Vec<f64>);

impl RowLoss for Squares {
    fn at(&self, row: usize, score: f64) -> Bent {
        let off = score - self.0[row];
        Bent {
            loss: 0.5 * off * off,
            slope: off,
            bend: 1.0,
        }
    }
}

fn solve(columns: Vec<Column>, y: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let table = Table::regression(columns, y);
    let design = design_of(&table);
    let objective = Objective {
        design: &design,
        loss: &Squares(y.to_vec()),
        shares: &vec![1.0 / y.len() as f64; y.len()],
        l2: &vec![0.1; design.width()],
    };
    let limits = Limits {
        tol: 1e-11,
        iterations_max: 100,
    };
    with_context(|cx| {
        let ended = minimise(&objective, vec![0.0; design.width() + 1], limits, cx).unwrap();
        assert!(ended.converged);
        let gradient = objective.evaluate(&ended.point, cx.workers).gradient;
        (ended.point, gradient)
    })
}

#[test]
fn a_quadratic_takes_one_step_and_a_wide_one_ends_at_its_minimum() {
    let y = noise(60, 7);
    let columns: Vec<Column> = (0..5).map(|j| Column::numbers(noise(60, j))).collect();
    let (_, gradient) = solve(columns, &y);
    assert!(gradient.iter().all(|g| g.abs() < 1e-11));
    // More columns than a Gram matrix is made for.
    let columns: Vec<Column> = (0..1600).map(|j| Column::numbers(noise(60, j))).collect();
    let (point, gradient) = solve(columns, &y);
    assert!(gradient.iter().all(|g| g.abs() < 1e-11));
    assert!(distance(&point[1600..], &[y.iter().sum::<f64>() / 60.0]) < 1e-9);
}
