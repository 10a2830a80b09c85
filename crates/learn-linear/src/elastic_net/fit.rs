//! The way to a fitted elastic net: the fixed strength, or the best along the path.

use kolosal_learner::{FitContext, FitError, ParamSet, TrainView};

use super::params::ElasticNetParams;
use crate::descent::Stop;
use crate::design::{Counted, Design, Response};
use crate::folds::folds_by_content;
use crate::path::{Grid, NetSettings, PathPoint, fit_at, fit_chosen};
use crate::regression::{RegressionModel, Select};
use crate::ridge::{RidgeParams, solve_at};

/// The absolute share that a path is chosen with where none is asked for: a path needs a strength that is enough.
const RATIO_MIN: f64 = 1e-3;

/// Fits an elastic net or a lasso.
///
/// # Errors
/// If the fit is stopped or short of memory.
pub(crate) fn fit_net(
    params: &ElasticNetParams,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<RegressionModel, FitError> {
    let mut counted = Counted::of(train);
    let folds = match params.select {
        Select::Fixed => Vec::new(),
        Select::Cv => {
            let target: Vec<f64> = counted.positions.iter().map(|&at| train.numbers()[at]).collect();
            let seed = cx.seed.fork("elastic net folds");
            let folds = folds_by_content(counted.view(), &target, params.cv as usize, seed);
            counted.group_by(&folds)
        }
    };
    let design = Design::new(train, &counted, |_| 1.0, cx)?;
    let response = Response::of(train, &counted, &design);
    let spreads = design.spreads(cx.workers);
    let path = if response.scale == 0.0 {
        vec![constant(design.width(), params.alpha)]
    } else if folds.len() < 2 {
        vec![fixed(params, &design, &response, cx)?]
    } else {
        let settings = NetSettings {
            l1_ratio: params.l1_ratio.max(RATIO_MIN),
            stop: stop(params),
        };
        let grid = Grid {
            count: params.n_alphas as usize,
            ratio: params.eps,
            last_max: last_max(params, &spreads),
            folds: &folds,
        };
        fit_chosen(&design, &response, settings, grid, cx)?
    };
    let chosen = path.last().expect("a path has a point");
    Ok(RegressionModel::new(&design, &response, chosen, &spreads).with_path(&path, &design, &response))
}

/// The strength at which the squared penalty weighs a thousandth of the features' mean variance.
///
/// The first strength of a path grows with the spread of the target, but the squared penalty works against the features
/// alone: for a target in the hundred thousands, a path that ends at a share of its first strength ends in ridge
/// regression far too strong to say anything.
fn last_max(params: &ElasticNetParams, spreads: &[f64]) -> f64 {
    let squared_share = 1.0 - params.l1_ratio;
    if squared_share == 0.0 || spreads.is_empty() {
        return f64::INFINITY;
    }
    let variance = spreads.iter().map(|spread| spread * spread).sum::<f64>() / spreads.len() as f64;
    1e-3 * variance / squared_share
}

/// The fit to a target that does not vary.
fn constant(width: usize, alpha: f64) -> PathPoint {
    PathPoint {
        alpha,
        coefficients: vec![0.0; width],
        intercept: 0.0,
        error: None,
    }
}

fn fixed(
    params: &ElasticNetParams,
    design: &Design,
    response: &Response,
    cx: &FitContext<'_>,
) -> Result<PathPoint, FitError> {
    if params.alpha * params.l1_ratio > 0.0 {
        return fit_at(
            design,
            response,
            NetSettings {
                l1_ratio: params.l1_ratio,
                stop: stop(params),
            },
            params.alpha,
            cx,
        );
    }
    // Nothing absolute is left: this is ridge, whose strength is on sums and not on means.
    let ridge = RidgeParams {
        tol: params.tol,
        max_iter: params.max_iter.min(1_000_000),
        ..RidgeParams::default()
    };
    let strength = params.alpha * (1.0 - params.l1_ratio) * design.weight_total;
    let fit = solve_at(design, response, &*ridge.check()?, strength, cx)?;
    Ok(PathPoint {
        alpha: params.alpha,
        ..fit
    })
}

fn stop(params: &ElasticNetParams) -> Stop {
    Stop {
        gap: params.tol,
        sweeps_max: params.max_iter as usize,
    }
}
