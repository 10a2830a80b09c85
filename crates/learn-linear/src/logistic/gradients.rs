//! Accelerated proximal gradients with restarts, for absolute penalties on many classes or very many coefficients.

use kolosal_learner::{FitContext, FitError};

use super::newton::{Ended, Limits};
use super::problem::{Order, Problem};
use crate::descent::shrink;

/// How much longer the next step may be than the last.
const GROWTH: f64 = 1.05;

/// Minimises any problem.
///
/// # Errors
/// If the fit is stopped.
pub(super) fn minimise(
    problem: &Problem<'_>,
    limits: Limits,
    cx: &FitContext<'_>,
) -> Result<Ended, FitError> {
    let mut point = problem.start();
    let mut ahead = point.clone();
    let mut momentum = 1.0_f64;
    let mut length = 1.0;
    for iteration in 0..limits.iterations_max {
        cx.checkpoint()?;
        let (loss, gradient) = evaluate(problem, &ahead, cx);
        let next = loop {
            let next = proximal_step(problem, &ahead, &gradient, length);
            let (reached, next_gradient) = evaluate(problem, &next, cx);
            if problem.violation(&next, &next_gradient) <= limits.tol {
                return Ok(Ended {
                    point: next,
                    iterations: iteration + 1,
                    converged: true,
                });
            }
            if reached <= bound(loss, &gradient, (&ahead, &next), length) {
                break next;
            }
            length *= 0.5;
        };
        // The last step points up against the momentum: forget it (O'Donoghue, Candes 2015).
        let against: f64 = (0..point.len())
            .map(|i| (ahead[i] - next[i]) * (next[i] - point[i]))
            .sum();
        let grown = if against > 0.0 {
            1.0
        } else {
            0.5 * (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt())
        };
        let share = if against > 0.0 {
            0.0
        } else {
            (momentum - 1.0) / grown
        };
        for i in 0..point.len() {
            ahead[i] = next[i] + share * (next[i] - point[i]);
        }
        (point, momentum) = (next, grown);
        length *= GROWTH;
    }
    Ok(Ended {
        point,
        iterations: limits.iterations_max,
        converged: false,
    })
}

/// Loss and squared penalties, and their gradient.
fn evaluate(problem: &Problem<'_>, point: &[f64], cx: &FitContext<'_>) -> (f64, Vec<f64>) {
    let mut value = problem.evaluate(point, Order::First, cx.workers);
    let squares = problem.add_squares(point, &mut value.gradient);
    (value.loss + squares, value.gradient)
}

/// The quadratic bound at `next` that a short enough step never exceeds.
fn bound(loss: f64, gradient: &[f64], (from, next): (&[f64], &[f64]), length: f64) -> f64 {
    let (mut slope, mut square) = (0.0, 0.0);
    for i in 0..next.len() {
        let step = next[i] - from[i];
        slope += gradient[i] * step;
        square += step * step;
    }
    loss + slope + square / (2.0 * length) + 4.0 * f64::EPSILON * loss.abs()
}

fn proximal_step(problem: &Problem<'_>, from: &[f64], gradient: &[f64], length: f64) -> Vec<f64> {
    let stride = problem.stride();
    let mut next: Vec<f64> = from.iter().zip(gradient).map(|(x, g)| x - length * g).collect();
    for part in next.chunks_mut(stride) {
        part.iter_mut()
            .zip(&problem.penalties.l1)
            .for_each(|(x, l1)| *x = shrink(*x, length * l1));
    }
    next
}
