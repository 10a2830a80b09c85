//! Newton's method for two classes, with absolute penalties by coordinate descent on the curvature.

use kolosal_learner::{FitContext, FitError};

use super::problem::{Order, Problem, Value};
use crate::curvature::Curvature;
use crate::descent::covariance::{Quadratic, State};

/// Share of the promised decrease that a step must bring (Armijo 1966).
const DECREASE: f64 = 1e-4;
/// Halvings of a step before the point counts as the best that rounding allows.
const HALVINGS: usize = 40;
/// Least curvature of a row, as a share of its weight: separated rows would make the matrix vanish.
const BEND_MIN: f64 = 1e-10;
/// Most sweeps of coordinate descent in one step.
const SWEEPS: usize = 1000;

/// Where a solver ended.
pub(super) struct Ended {
    pub(super) point: Vec<f64>,
    pub(super) iterations: usize,
    pub(super) converged: bool,
}

/// When a solver ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) tol: f64,
    pub(super) iterations_max: usize,
}

/// Minimises a problem of two classes.
///
/// # Errors
/// If the fit is stopped.
pub(super) fn minimise(
    problem: &Problem<'_>,
    limits: Limits,
    cx: &FitContext<'_>,
) -> Result<Ended, FitError> {
    let mut point = problem.start();
    let mut value = problem.evaluate(&point, Order::Second, cx.workers);
    let mut smooth = value.gradient.clone();
    let mut objective = value.loss + problem.add_squares(&point, &mut smooth) + problem.absolutes(&point);
    for iteration in 0..limits.iterations_max {
        let violation = problem.violation(&point, &smooth);
        if violation <= limits.tol {
            return Ok(Ended {
                point,
                iterations: iteration,
                converged: true,
            });
        }
        cx.checkpoint()?;
        let step = direction(problem, &point, &value, (&smooth, violation), cx);
        let Some((next, next_value, next_objective)) =
            search(problem, &point, &step, (objective, &smooth), cx)
        else {
            // No step lowers the objective any more: this is the minimum that doubles can hold.
            return Ok(Ended {
                point,
                iterations: iteration,
                converged: true,
            });
        };
        (point, value, objective) = (next, next_value, next_objective);
        smooth.copy_from_slice(&value.gradient);
        problem.add_squares(&point, &mut smooth);
    }
    Ok(Ended {
        point,
        iterations: limits.iterations_max,
        converged: false,
    })
}

/// The step to the minimum of the quadratic model at the point.
fn direction(
    problem: &Problem<'_>,
    point: &[f64],
    value: &Value,
    (smooth, violation): (&[f64], f64),
    cx: &FitContext<'_>,
) -> Vec<f64> {
    let weights = problem.design.weights.iter().zip(&value.bends);
    let total = problem.design.weight_total;
    let bends: Vec<f64> = weights
        .map(|(weight, bend)| bend.max(BEND_MIN * weight / total))
        .collect();
    let curvature = Curvature::new(problem.design, &bends, cx.workers);
    if problem.penalties.l1.iter().all(|l1| *l1 == 0.0) {
        let mut step = smooth.to_vec();
        curvature
            .factored(&problem.penalties.l2, cx.workers)
            .divide(&mut step);
        step.iter_mut().for_each(|s| *s = -*s);
        return step;
    }
    let width = problem.design.width();
    let mut state = State {
        u: point[..width].to_vec(),
        image: vec![0.0; width],
    };
    for (image, line) in state.image.iter_mut().zip(curvature.matrix.chunks(width.max(1))) {
        *image = line.iter().zip(&state.u).map(|(m, u)| m * u).sum();
    }
    let reduced = curvature.reduced(&value.gradient);
    let linear: Vec<f64> = state
        .image
        .iter()
        .zip(reduced)
        .map(|(image, g)| image - g)
        .collect();
    let quadratic = Quadratic {
        matrix: &curvature.matrix,
        linear: &linear,
        penalties: &problem.penalties,
    };
    quadratic.descend(&mut state, violation * 0.01, SWEEPS);
    let mut step: Vec<f64> = state.u.iter().zip(point).map(|(new, old)| new - old).collect();
    step.push(curvature.intercept_step(&value.gradient, &step));
    step
}

/// The first of the halved steps that lowers the objective enough, with what was computed there.
fn search(
    problem: &Problem<'_>,
    point: &[f64],
    step: &[f64],
    (objective, smooth): (f64, &[f64]),
    cx: &FitContext<'_>,
) -> Option<(Vec<f64>, Value, f64)> {
    let slope: f64 = smooth.iter().zip(step).map(|(g, s)| g * s).sum();
    let mut share = 1.0;
    for _ in 0..HALVINGS {
        let next: Vec<f64> = point.iter().zip(step).map(|(x, s)| x + share * s).collect();
        let value = problem.evaluate(&next, Order::Second, cx.workers);
        let squares = problem.add_squares(&next, &mut value.gradient.clone());
        let reached = value.loss + squares + problem.absolutes(&next);
        let promised = share * slope + problem.absolutes(&next) - problem.absolutes(point);
        if promised >= 0.0 {
            return None;
        }
        // Near the minimum the promise drowns in the rounding of the objective.
        if reached <= objective + DECREASE * promised + 4.0 * f64::EPSILON * objective.abs() {
            return Some((next, value, reached));
        }
        share *= 0.5;
    }
    None
}
