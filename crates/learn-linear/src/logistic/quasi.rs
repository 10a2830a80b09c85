//! L-BFGS in coordinates in which the curvature at the start is nearly round.

use kolosal_compute::kernels::{add_scaled, dot};
use kolosal_learner::{FitContext, FitError};

use super::newton::{Ended, Limits};
use super::problem::{Order, Problem};
use crate::curvature::{Curvature, Factored};

/// Pairs of steps and changes of gradient that are remembered.
const MEMORY: usize = 10;
/// Share of the promised decrease that a step must bring.
const DECREASE: f64 = 1e-4;
const HALVINGS: usize = 40;
/// Beyond this many coefficients the diagonal stands for the curvature.
const FACTOR_WIDTH_MAX: usize = 1200;

/// Divides a gradient by an estimate of the curvature.
enum Shape {
    Factored { factor: Factored, by_output: Vec<f64> },
    Diagonal(Vec<f64>),
}

struct Memory {
    /// Steps, changes of gradient, and the inverse of their product; the oldest first.
    pairs: Vec<(Vec<f64>, Vec<f64>, f64)>,
}

/// Minimises a problem without absolute penalties.
///
/// # Errors
/// If the fit is stopped.
pub(super) fn minimise(
    problem: &Problem<'_>,
    limits: Limits,
    cx: &FitContext<'_>,
) -> Result<Ended, FitError> {
    let shape = Shape::of(problem, cx)?;
    let mut memory = Memory { pairs: Vec::new() };
    let mut point = problem.start();
    let (mut objective, mut gradient) = evaluate(problem, &point, cx);
    for iteration in 0..limits.iterations_max {
        if problem.violation(&point, &gradient) <= limits.tol {
            return Ok(Ended {
                point,
                iterations: iteration,
                converged: true,
            });
        }
        cx.checkpoint()?;
        let mut step = memory.direction(&gradient, &shape, problem.stride());
        if dot(&step, &gradient) >= 0.0 {
            memory.pairs.clear();
            step = memory.direction(&gradient, &shape, problem.stride());
        }
        let Some((next, next_objective, next_gradient)) =
            search(problem, &point, &step, (objective, &gradient), cx)
        else {
            return Ok(Ended {
                point,
                iterations: iteration,
                converged: true,
            });
        };
        let moved: Vec<f64> = next.iter().zip(&point).map(|(new, old)| new - old).collect();
        let turned: Vec<f64> = next_gradient
            .iter()
            .zip(&gradient)
            .map(|(new, old)| new - old)
            .collect();
        memory.remember(moved, turned);
        (point, objective, gradient) = (next, next_objective, next_gradient);
    }
    Ok(Ended {
        point,
        iterations: limits.iterations_max,
        converged: false,
    })
}

fn evaluate(problem: &Problem<'_>, point: &[f64], cx: &FitContext<'_>) -> (f64, Vec<f64>) {
    let mut value = problem.evaluate(point, Order::First, cx.workers);
    let squares = problem.add_squares(point, &mut value.gradient);
    (value.loss + squares, value.gradient)
}

fn search(
    problem: &Problem<'_>,
    point: &[f64],
    step: &[f64],
    (objective, gradient): (f64, &[f64]),
    cx: &FitContext<'_>,
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    let slope = dot(step, gradient);
    let mut share = 1.0;
    for _ in 0..HALVINGS {
        let next: Vec<f64> = point.iter().zip(step).map(|(x, s)| x + share * s).collect();
        let (reached, next_gradient) = evaluate(problem, &next, cx);
        if reached <= objective + DECREASE * share * slope + 4.0 * f64::EPSILON * objective.abs() {
            return Some((next, reached, next_gradient));
        }
        share *= 0.5;
    }
    None
}

impl Memory {
    fn remember(&mut self, step: Vec<f64>, turned: Vec<f64>) {
        let product = dot(&step, &turned);
        if product <= f64::EPSILON * dot(&turned, &turned) * 1e-3 {
            return;
        }
        if self.pairs.len() == MEMORY {
            self.pairs.remove(0);
        }
        self.pairs.push((step, turned, 1.0 / product));
    }

    /// The two loops of Nocedal (1980).
    fn direction(&self, gradient: &[f64], shape: &Shape, stride: usize) -> Vec<f64> {
        let mut direction = gradient.to_vec();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for (step, turned, inverse) in self.pairs.iter().rev() {
            let share = inverse * dot(step, &direction);
            add_scaled(&mut direction, -share, turned);
            shares.push(share);
        }
        shape.divide(&mut direction, stride);
        if let Some((step, turned, _)) = self.pairs.last() {
            let mut shaped = turned.clone();
            shape.divide(&mut shaped, stride);
            let size = dot(step, turned) / dot(turned, &shaped);
            direction.iter_mut().for_each(|d| *d *= size);
        }
        for ((step, turned, inverse), share) in self.pairs.iter().zip(shares.iter().rev()) {
            let back = inverse * dot(turned, &direction);
            add_scaled(&mut direction, share - back, step);
        }
        direction.iter_mut().for_each(|d| *d = -*d);
        direction
    }
}

impl Shape {
    /// The curvature at the start, where each class has its share of every row.
    fn of(problem: &Problem<'_>, cx: &FitContext<'_>) -> Result<Self, FitError> {
        let (design, width) = (problem.design, problem.design.width());
        let shares = problem.shares();
        let bends: Vec<f64> = shares[shares.len() - problem.outputs..]
            .iter()
            .map(|share| (share * (1.0 - share)).max(1e-3))
            .collect();
        let mean = bends.iter().sum::<f64>() / bends.len() as f64;
        if width <= FACTOR_WIDTH_MAX {
            let _memory = cx.reserve((2 * width * width * 8) as u64)?;
            let h: Vec<f64> = design
                .weights
                .iter()
                .map(|weight| mean * weight / design.weight_total)
                .collect();
            let factor = Curvature::new(design, &h, cx.workers).factored(&problem.penalties.l2, cx.workers);
            return Ok(Self::Factored {
                factor,
                by_output: bends.iter().map(|bend| mean / bend).collect(),
            });
        }
        let spreads = design.spreads(cx.workers);
        let of_slot = |(slot, spread): (usize, &f64)| {
            let scaled = if design.scale[slot] > 0.0 {
                spread / design.scale[slot]
            } else {
                0.0
            };
            scaled * scaled
        };
        let squares: Vec<f64> = spreads.iter().enumerate().map(of_slot).collect();
        let mut diagonal = Vec::with_capacity(problem.outputs * problem.stride());
        for bend in bends {
            let pairs = squares.iter().zip(&problem.penalties.l2);
            diagonal.extend(pairs.map(|(square, l2)| (bend * square + l2).max(1e-12)));
            diagonal.push(bend);
        }
        Ok(Self::Diagonal(diagonal))
    }

    fn divide(&self, gradient: &mut [f64], stride: usize) {
        match self {
            Self::Diagonal(diagonal) => gradient.iter_mut().zip(diagonal).for_each(|(g, d)| *g /= d),
            Self::Factored { factor, by_output } => {
                for (part, scale) in gradient.chunks_mut(stride).zip(by_output) {
                    factor.divide(part);
                    part.iter_mut().for_each(|g| *g *= scale);
                }
            }
        }
    }
}
