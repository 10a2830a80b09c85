//! The choice of a solver and of the strength.

use kolosal_compute::linalg::Cholesky;
use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::dual::Dual;
use super::gcv::{Score, choose};
use super::gradients::Gradients;
use super::params::RidgeParams;
use crate::design::{Counted, Design, Response};
use crate::moments::{Centred, Moments};
use crate::path::PathPoint;
use crate::regression::{RegressionModel, Select};

/// A matrix of this side is factored in seconds; larger problems are solved by iteration.
const SIDE_MAX: usize = 4000;

/// A ridge problem in the form that suits its shape. Penalties are on standardised coefficients, per unit of alpha.
pub(super) enum Solver<'a> {
    /// Fewer coefficients than rows: normal equations.
    Primal { centred: Box<Centred>, unit: Vec<f64> },
    /// Fewer rows than coefficients: one unknown a row.
    Dual(Dual<'a>),
    /// Many of both: conjugate gradients.
    Gradients(Gradients<'a>),
}

/// A solution at one strength.
pub(super) struct Solution {
    pub(super) u: Vec<f64>,
    pub(super) intercept: f64,
    /// Weighted sum of squared errors.
    pub(super) squared_error: f64,
    /// Trace of the matrix that takes answers to fitted answers, the intercept included; only where asked for.
    pub(super) freedom: Option<f64>,
}

/// Whether the degrees of freedom are wanted beside the solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Solution,
    SolutionAndFreedom,
}

pub(super) fn fit(
    params: &Checked<RidgeParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<RegressionModel, FitError> {
    let counted = Counted::of(train);
    let design = Design::new(train, &counted, |_| 1.0, cx)?;
    let response = Response::of(train, &counted, &design);
    let spreads = design.spreads(cx.workers);
    if params.select == Select::Fixed {
        let fit = solve_at(&design, &response, params, params.alpha, cx)?;
        return Ok(
            RegressionModel::new(&design, &response, &fit, &spreads).with_path(&[fit], &design, &response),
        );
    }
    let solver = Solver::new(&design, &response, params, cx)?;
    let (path, best) = choose(&solver, &design, &spreads, params.n_alphas as usize, cx)?;
    Ok(RegressionModel::new(&design, &response, &path[best], &spreads).with_path(&path, &design, &response))
}

/// The fit at one strength; the elastic net without an absolute part uses it too.
///
/// # Errors
/// If the fit is stopped or short of memory.
pub(crate) fn solve_at(
    design: &Design,
    response: &Response,
    params: &RidgeParams,
    alpha: f64,
    cx: &FitContext<'_>,
) -> Result<PathPoint, FitError> {
    let solution = Solver::new(design, response, params, cx)?.solve(alpha, Wanted::Solution, cx)?;
    Ok(solution.at(alpha, None))
}

impl Solution {
    pub(super) fn at(self, alpha: f64, score: Option<Score>) -> PathPoint {
        PathPoint {
            alpha,
            coefficients: self.u,
            intercept: self.intercept,
            error: score.map(|score| score.0),
        }
    }
}

impl<'a> Solver<'a> {
    pub(super) fn new(
        design: &'a Design,
        response: &'a Response,
        params: &RidgeParams,
        cx: &FitContext<'_>,
    ) -> Result<Self, FitError> {
        let (rows, width) = (design.row_count(), design.width());
        let unit = design.penalty(1.0, 2);
        if width <= rows.min(SIDE_MAX) {
            let _memory = cx.reserve((3 * width * width * 8) as u64)?;
            let moments = Moments::of(design, &response.values, 0..rows, cx.workers);
            return Ok(Self::Primal {
                centred: Box::new(moments.centred()),
                unit,
            });
        }
        if rows <= SIDE_MAX {
            return Ok(Self::Dual(Dual::new(design, response, &unit, cx)?));
        }
        Ok(Self::Gradients(Gradients::new(design, response, unit, params)))
    }

    pub(super) fn solve(
        &self,
        alpha: f64,
        wanted: Wanted,
        cx: &FitContext<'_>,
    ) -> Result<Solution, FitError> {
        cx.checkpoint()?;
        match self {
            Self::Primal { centred, unit } => Ok(solve_primal(centred, unit, alpha, wanted, cx)),
            Self::Dual(dual) => Ok(dual.solve(alpha, wanted, cx.workers)),
            Self::Gradients(gradients) => gradients.solve(alpha, wanted, cx),
        }
    }
}

fn solve_primal(
    centred: &Centred,
    unit: &[f64],
    alpha: f64,
    wanted: Wanted,
    cx: &FitContext<'_>,
) -> Solution {
    // Covariances are sums divided by the weight, so the strength is too.
    let strength = alpha / centred.weight;
    let penalty: Vec<f64> = unit.iter().map(|unit| (unit * strength).min(1e300)).collect();
    let factor = Cholesky::new(centred.matrix.clone(), &penalty, cx.workers);
    let mut u = centred.linear.clone();
    factor.solve(&mut u);
    let freedom = (wanted == Wanted::SolutionAndFreedom).then(|| {
        // trace(G (G + P)^-1) = rank - trace(P (G + P)^-1), column by column.
        let inverse = factor.inverse_diagonal();
        let of_column = |(inverse, penalty): (&f64, &f64)| {
            if *inverse > 0.0 {
                1.0 - penalty * inverse
            } else {
                0.0
            }
        };
        1.0 + inverse.iter().zip(&penalty).map(of_column).sum::<f64>()
    });
    Solution {
        intercept: centred.intercept(&u),
        squared_error: centred.squared_error(&u) * centred.weight,
        u,
        freedom,
    }
}
