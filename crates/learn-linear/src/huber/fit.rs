//! Coefficients and scale in turns.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::params::HuberParams;
use crate::convex::{Bent, Limits, Objective, RowLoss, minimise, scores};
use crate::design::{Counted, Design, Response};
use crate::model::Link;
use crate::score_model::{ScoreModel, Units};

/// Least scale, in standard deviations of the target: errors beneath it are rounding.
const SCALE_MIN: f64 = 1e-9;
/// Most steps of Newton's method a round.
const STEPS: usize = 50;
/// Halvings of the range of the scale: to the last bits.
const HALVINGS: usize = 80;

/// `t H(error / t)`.
struct Loss<'a> {
    targets: &'a [f64],
    epsilon: f64,
    scale: f64,
}

impl RowLoss for Loss<'_> {
    #[inline]
    fn at(&self, row: usize, score: f64) -> Bent {
        let off = score - self.targets[row];
        let border = self.epsilon * self.scale;
        if off.abs() < border {
            return Bent {
                loss: off * off / self.scale,
                slope: 2.0 * off / self.scale,
                bend: 2.0 / self.scale,
            };
        }
        Bent {
            loss: self.epsilon * (2.0 * off.abs() - border),
            slope: 2.0 * self.epsilon * off.signum(),
            bend: 0.0,
        }
    }
}

pub(super) fn fit(
    params: &Checked<HuberParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<ScoreModel, FitError> {
    let counted = Counted::of(train);
    let design = Design::new(train, &counted, |_| 1.0, cx)?;
    let response = Response::of(train, &counted, &design);
    let point = if response.scale > 0.0 {
        minimise_both(params, &design, &response, cx)?
    } else {
        vec![0.0; design.width() + 1]
    };
    let units = Units {
        centre: response.centre,
        scale: response.scale,
    };
    Ok(ScoreModel::new(&design, Link::Identity, &point, units, cx))
}

fn minimise_both(
    params: &HuberParams,
    design: &Design,
    response: &Response,
    cx: &FitContext<'_>,
) -> Result<Vec<f64>, FitError> {
    let total = design.weight_total;
    let shares: Vec<f64> = design.weights.iter().map(|weight| weight / total).collect();
    // The mean is minimised instead of the sum, of a target of deviation one; half the square is penalised.
    let l2 = design.penalty((2.0 * params.alpha * response.scale / total).min(1e300), 2);
    let mut loss = Loss {
        targets: &response.values,
        epsilon: params.epsilon,
        scale: 1.0,
    };
    let mut point = vec![0.0; design.width() + 1];
    for _ in 0..params.max_iter {
        cx.checkpoint()?;
        let limits = Limits {
            tol: params.tol,
            iterations_max: STEPS,
        };
        let objective = Objective {
            design,
            loss: &loss,
            shares: &shares,
            l2: &l2,
        };
        point = minimise(&objective, point, limits, cx)?.point;
        let fitted = scores(design, &point, cx.workers);
        let errors: Vec<f64> = fitted
            .iter()
            .zip(&response.values)
            .map(|(s, y)| (s - y).abs())
            .collect();
        let scale = best_scale(&errors, &shares, params.epsilon);
        let change = (scale / loss.scale - 1.0).abs();
        loss.scale = scale;
        if change <= params.tol {
            return Ok(point);
        }
    }
    cx.progress.warn(&format!(
        "huber stopped after {} rounds before its scale settled: raise max_iter or tol",
        params.max_iter
    ));
    Ok(point)
}

/// The scale at which the mean of `min(error / scale, epsilon)^2` is one; the objective falls up to it.
fn best_scale(errors: &[f64], shares: &[f64], epsilon: f64) -> f64 {
    let is_below = |scale: f64| {
        let square = |error: &f64| (error / scale).min(epsilon).powi(2);
        errors
            .iter()
            .zip(shares)
            .map(|(error, share)| share * square(error))
            .sum::<f64>()
            > 1.0
    };
    let largest = errors
        .iter()
        .fold(SCALE_MIN, |largest, error| largest.max(*error));
    let (mut low, mut high) = (SCALE_MIN, largest);
    if !is_below(low) {
        return low;
    }
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
