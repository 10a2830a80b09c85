//! The plain hinge and the plain error beyond a tube, by coordinate descent in the dual.
//!
//! Both losses have kinks where Newton's method has no step, but their dual is a square with a box (Hsieh, Chang, Lin, Keerthi,
//! Sundararajan 2008; Ho, Lin 2012):
//!
//! ```text
//! min over beta   1/2 sum_j (sum_i beta_i x_ij)^2 / l2_j - t' beta + epsilon ||beta||_1,    low_i <= beta_i <= high_i
//! ```
//!
//! Multiplier after multiplier is set to its best, the coefficients being kept up on the way: a pass costs the numbers of the
//! rows that are not zero, so one-hot and text columns stay as they are stored. The intercept is one more column, held back like a
//! coefficient, as liblinear does.

use kolosal_learner::{FitContext, FitError};

use crate::convex::{Ended, Limits};
use crate::design::Design;

/// The intercept's column; its square is how much less it is held back than a coefficient.
const CONSTANT: f64 = 1.0;

/// Passes that stand for a step of Newton's method.
const PASSES: usize = 5;
/// How far the dual may be from the primal, as a share of it, in units of the tolerance: a thousandth at the default.
const GAP: f64 = 1e3;

/// What a row asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) target: f64,
    pub(super) epsilon: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The rows of a design one after the other, and what a step does to each coefficient.
struct Rows<'a> {
    design: &'a Design,
    /// Standardised numbers, row after row.
    dense: Vec<f64>,
    /// One over the penalty of each coefficient; zero where it stays zero.
    free: Vec<f64>,
}

impl Rows<'_> {
    /// Runs over the numbers of a row that are not zero.
    fn each(&self, row: usize, mut visit: impl FnMut(usize, f64)) {
        let design = self.design;
        let width = design.dense.len();
        for (column, x) in design
            .dense
            .iter()
            .zip(&self.dense[row * width..(row + 1) * width])
        {
            visit(column.slot, *x);
        }
        for column in &design.coded {
            let code = column.codes[row] as usize;
            if code < column.levels {
                visit(column.start + code, 1.0);
            }
        }
        if !design.stored.ends.is_empty() {
            for at in design.stored.ends[row]..design.stored.ends[row + 1] {
                visit(design.stored.slots[at] as usize, design.stored.values[at]);
            }
        }
    }
}

/// Minimises; gives coefficients and, last, the intercept.
///
/// # Errors
/// If the fit is stopped or short of memory.
pub(super) fn descend(
    design: &Design,
    asked: &[Asked],
    (l2, unit): (&[f64], f64),
    limits: Limits,
    cx: &FitContext<'_>,
) -> Result<Ended, FitError> {
    let (count, width) = (design.row_count(), design.width());
    let _memory = cx.reserve((count * (design.dense.len() * 8 + 40)) as u64)?;
    let mut dense = vec![0.0; count * design.dense.len()];
    for (j, column) in design.dense.iter().enumerate() {
        for (row, x) in column.values.iter().enumerate() {
            dense[row * design.dense.len() + j] = *x;
        }
    }
    let free = l2
        .iter()
        .map(|l2| if *l2 > 0.0 { 1.0 / l2 } else { 0.0 })
        .collect();
    let rows = Rows { design, dense, free };
    let of_constant = CONSTANT * CONSTANT / unit;
    let curvature: Vec<f64> = (0..count)
        .map(|row| {
            let mut sum = of_constant;
            rows.each(row, |slot, x| sum += x * x * rows.free[slot]);
            sum
        })
        .collect();
    let (mut point, mut beta) = (vec![0.0; width + 1], vec![0.0; count]);
    let mut order: Vec<u32> = (0..count as u32)
        .filter(|&row| asked[row as usize].high > asked[row as usize].low)
        .collect();
    let mut rng = cx.seed.fork("descent").rng();
    let mut converged = false;
    for pass in 1..=limits.iterations_max.saturating_mul(PASSES) {
        cx.checkpoint()?;
        rng.shuffle(&mut order);
        for &row in &order {
            let row = row as usize;
            let (asked, curvature) = (asked[row], curvature[row]);
            let mut score = point[width];
            rows.each(row, |slot, x| score += x * point[slot]);
            let wanted = beta[row] - (score - asked.target) / curvature;
            let next = shrunk(wanted, asked.epsilon / curvature).clamp(asked.low, asked.high);
            let step = next - beta[row];
            if step != 0.0 {
                beta[row] = next;
                rows.each(row, |slot, x| point[slot] += step * x * rows.free[slot]);
                point[width] += step * of_constant;
            }
        }
        if pass % PASSES == 0 && gap(&rows, asked, (&point, &beta), of_constant) <= limits.tol * GAP {
            converged = true;
            break;
        }
    }
    Ok(Ended { point, converged })
}

/// How far the dual is below the primal, as a share of the primal.
fn gap(rows: &Rows<'_>, asked: &[Asked], (point, beta): (&[f64], &[f64]), of_constant: f64) -> f64 {
    let width = point.len() - 1;
    let squares = point[..width]
        .iter()
        .zip(&rows.free)
        .filter(|(_, free)| **free > 0.0);
    let penalty = 0.5
        * (squares.map(|(u, free)| u * u / free).sum::<f64>() + point[width] * point[width] / of_constant);
    let (mut primal, mut dual) = (penalty, -penalty);
    for (row, asked) in asked.iter().enumerate() {
        let mut score = point[width];
        rows.each(row, |slot, x| score += x * point[slot]);
        // What falls short counts by the bound on the side it falls short of.
        let off = asked.target - score;
        primal += asked.high * (off - asked.epsilon).max(0.0) - asked.low * (-off - asked.epsilon).max(0.0);
        dual += asked.target * beta[row] - asked.epsilon * beta[row].abs();
    }
    if primal > 0.0 {
        (primal - dual) / primal
    } else {
        0.0
    }
}

/// A number brought nearer to zero, at most to it.
fn shrunk(x: f64, by: f64) -> f64 {
    x.signum() * (x.abs() - by).max(0.0)
}
