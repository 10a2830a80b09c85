//! The strength with the least generalised cross-validation error.

use kolosal_learner::{FitContext, FitError};

use super::fit::{Solver, Wanted};
use crate::design::Design;
use crate::path::{PathPoint, least};

/// Strengths tried, as powers of ten times the mean sum of squares of a column.
const POWERS: (f64, f64) = (-7.0, 2.0);
/// Where the fit has less freedom left than this, it can follow any answers and its error says nothing.
const LEFT_MIN: f64 = 1e-6;

/// `(RSS / n) / (1 - freedom / n)^2`: the mean squared error that leaving rows out would show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score(pub(super) f64);

/// All fits, strongest penalty first, and the position of the best.
pub(super) fn choose(
    solver: &Solver<'_>,
    design: &Design,
    spreads: &[f64],
    count: usize,
    cx: &FitContext<'_>,
) -> Result<(Vec<PathPoint>, usize), FitError> {
    // Weights that only share out a total of one must not make every fit look free of degrees of freedom.
    let rows = design.weight_total.max(design.row_count() as f64);
    let squares: f64 = spreads.iter().map(|spread| (spread * spread).min(1e300)).sum();
    let size = design.weight_total * (squares / spreads.len().max(1) as f64).clamp(1e-300, 1e300);
    let mut path = Vec::with_capacity(count);
    for at in 0..count {
        let power = POWERS.1 + (POWERS.0 - POWERS.1) * at as f64 / (count - 1) as f64;
        let alpha = size * 10_f64.powf(power);
        let solution = solver.solve(alpha, Wanted::SolutionAndFreedom, cx)?;
        let left = 1.0 - solution.freedom.unwrap_or(0.0) / rows;
        let score = if left < LEFT_MIN {
            f64::INFINITY
        } else {
            solution.squared_error / design.weight_total / (left * left)
        };
        path.push(solution.at(alpha, Some(Score(score))));
        cx.progress.step(at as u64 + 1, count as u64);
    }
    let errors: Vec<f64> = path
        .iter()
        .map(|point| point.error.unwrap_or(f64::INFINITY))
        .collect();
    let best = least(&errors);
    Ok((path, best))
}
