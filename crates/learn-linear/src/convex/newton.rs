//! Newton's method, its steps by factorisation or by conjugate gradients.

use kolosal_compute::kernels::{add_scaled, dot};
use kolosal_learner::{FitContext, FitError};

use super::{Objective, RowLoss, Value};
use crate::curvature::Curvature;

/// Most coefficients whose Gram matrix is made.
pub(crate) const GRAM_WIDTH_MAX: usize = 1500;
/// Share of the promised decrease that a step must bring.
const DECREASE: f64 = 1e-4;
/// Halvings of a step before the point counts as the best that rounding allows.
const HALVINGS: usize = 60;
/// Least curvature of a row, as a share of the largest: rows without any would make the matrix vanish.
const BEND_MIN: f64 = 1e-9;
/// Most products with the rows for one step.
const PRODUCTS_MAX: usize = 250;

/// When to end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Largest entry that the gradient may have.
    pub(crate) tol: f64,
    pub(crate) iterations_max: usize,
}

/// Where the search ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) point: Vec<f64>,
    pub(crate) converged: bool,
}

/// Minimises an objective from `point` on.
///
/// # Errors
/// If the fit is stopped or short of memory.
pub(crate) fn minimise<L: RowLoss>(
    objective: &Objective<'_, L>,
    mut point: Vec<f64>,
    limits: Limits,
    cx: &FitContext<'_>,
) -> Result<Ended, FitError> {
    let width = objective.design.width();
    let is_small = width <= GRAM_WIDTH_MAX;
    let matrices = if is_small { 3 * width * width } else { 8 * width };
    let _memory = cx.reserve((matrices * 8 + objective.design.row_count() * 16) as u64)?;
    let mut value = objective.evaluate(&point, cx.workers);
    for _ in 0..limits.iterations_max {
        let steepest = value.gradient.iter().fold(0.0_f64, |worst, g| worst.max(g.abs()));
        if steepest <= limits.tol {
            return Ok(Ended {
                point,
                converged: true,
            });
        }
        cx.checkpoint()?;
        let bends = held_up(&value.bends, objective.shares);
        let step = if is_small {
            factored_step(objective, &value, &bends, cx)
        } else {
            gradient_step(objective, &value, &bends, cx)?
        };
        let Some((next, next_value)) = search(objective, &point, &value, &step, cx) else {
            // No step lowers the objective any more: this is the minimum that doubles can hold.
            return Ok(Ended {
                point,
                converged: true,
            });
        };
        (point, value) = (next, next_value);
    }
    Ok(Ended {
        point,
        converged: false,
    })
}

/// The bends of the rows, none of them so small beside the largest that directions only they see would be lost.
fn held_up(bends: &[f64], shares: &[f64]) -> Vec<f64> {
    let pairs = || bends.iter().zip(shares).filter(|(_, share)| **share > 0.0);
    let largest = pairs().map(|(bend, share)| bend / share).fold(1.0, f64::max);
    let hold_up = |(bend, share): (&f64, &f64)| bend.max(BEND_MIN * largest * share);
    bends.iter().zip(shares).map(hold_up).collect()
}

fn factored_step<L: RowLoss>(
    objective: &Objective<'_, L>,
    value: &Value,
    bends: &[f64],
    cx: &FitContext<'_>,
) -> Vec<f64> {
    let mut step = value.gradient.clone();
    Curvature::new(objective.design, bends, cx.workers)
        .factored(objective.l2, cx.workers)
        .divide(&mut step);
    step.iter_mut().for_each(|s| *s = -*s);
    step
}

/// Conjugate gradients with the diagonal divided out, until the residual is a share of the gradient that shrinks with it.
fn gradient_step<L: RowLoss>(
    objective: &Objective<'_, L>,
    value: &Value,
    bends: &[f64],
    cx: &FitContext<'_>,
) -> Result<Vec<f64>, FitError> {
    let diagonal = diagonal(objective, bends, cx);
    let divided = |v: &[f64]| v.iter().zip(&diagonal).map(|(v, d)| v / d).collect::<Vec<f64>>();
    let mut step = vec![0.0; value.gradient.len()];
    let mut residual: Vec<f64> = value.gradient.iter().map(|g| -g).collect();
    let mut shaped = divided(&residual);
    let mut direction = shaped.clone();
    let mut size = dot(&residual, &shaped);
    let first = size;
    let enough = 1e-2_f64.min(first.sqrt()).powi(2);
    for _ in 0..PRODUCTS_MAX {
        if size <= first * enough || size == 0.0 {
            break;
        }
        cx.checkpoint()?;
        let mut image = objective.curve(bends, &direction, cx.workers);
        for ((image, v), l2) in image.iter_mut().zip(&direction).zip(objective.l2) {
            *image += l2 * v;
        }
        let along = dot(&direction, &image);
        if along <= 0.0 || !along.is_finite() {
            break;
        }
        add_scaled(&mut step, size / along, &direction);
        add_scaled(&mut residual, -size / along, &image);
        shaped = divided(&residual);
        let next = dot(&residual, &shaped);
        for (d, s) in direction.iter_mut().zip(&shaped) {
            *d = s + next / size * *d;
        }
        size = next;
    }
    Ok(step)
}

/// About the diagonal of the second derivative.
fn diagonal<L: RowLoss>(objective: &Objective<'_, L>, bends: &[f64], cx: &FitContext<'_>) -> Vec<f64> {
    let design = objective.design;
    let bend: f64 = bends.iter().sum();
    let spreads = design.spreads(cx.workers);
    let of_slot = |(slot, spread): (usize, &f64)| {
        let scale = design.scale[slot];
        let scaled = if scale > 0.0 { spread / scale } else { 0.0 };
        (bend * scaled * scaled + objective.l2[slot]).max(1e-12)
    };
    let mut diagonal: Vec<f64> = spreads.iter().enumerate().map(of_slot).collect();
    diagonal.push(bend.max(1e-12));
    diagonal
}

/// The first of the halved steps that lowers the objective enough, with what was computed there.
fn search<L: RowLoss>(
    objective: &Objective<'_, L>,
    point: &[f64],
    value: &Value,
    step: &[f64],
    cx: &FitContext<'_>,
) -> Option<(Vec<f64>, Value)> {
    let slope = dot(&value.gradient, step);
    if slope >= 0.0 || !slope.is_finite() {
        return None;
    }
    let mut share = 1.0;
    for _ in 0..HALVINGS {
        let next: Vec<f64> = point.iter().zip(step).map(|(x, s)| x + share * s).collect();
        let reached = objective.evaluate(&next, cx.workers);
        // Near the minimum the promise drowns in the rounding of the objective.
        let allowed = value.objective + DECREASE * share * slope + 4.0 * f64::EPSILON * value.objective.abs();
        if reached.objective <= allowed && next != point {
            return Some((next, reached));
        }
        share *= 0.5;
    }
    None
}
