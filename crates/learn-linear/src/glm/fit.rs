//! Deviances by the score, and the fit.

use kolosal_learner::{Checked, DataError, FitContext, FitError, TrainView};

use super::params::{GlmParams, Spread};
use crate::convex::{Bent, Limits, Objective, RowLoss, minimise};
use crate::design::{Counted, Design, Response};
use crate::model::Link;
use crate::score_model::{ScoreModel, Units};

/// The score of a table whose targets are all zero: its exponential is none to any purpose.
const NONE: f64 = -700.0;

/// Half a squared error.
struct Squares<'a>(&'a [f64]);

impl RowLoss for Squares<'_> {
    #[inline]
    fn at(&self, row: usize, score: f64) -> Bent {
        let off = score - self.0[row];
        Bent {
            loss: 0.5 * off * off,
            slope: off,
            bend: 1.0,
        }
    }
}

/// Half the deviance of a family whose variance is a power of the mean, for targets in units of their mean; what does not
/// depend on the score is left out.
struct Deviance {
    targets: Vec<f64>,
    power: f64,
}

impl RowLoss for Deviance {
    #[inline]
    fn at(&self, row: usize, score: f64) -> Bent {
        let (y, p) = (self.targets[row], self.power);
        // m^(1 - p) and m^(2 - p).
        let lower = if p == 1.0 { 1.0 } else { ((1.0 - p) * score).exp() };
        let upper = if p == 2.0 { 1.0 } else { ((2.0 - p) * score).exp() };
        let of_target = if p == 1.0 {
            -y * score
        } else {
            y * lower / (p - 1.0)
        };
        let of_mean = if p == 2.0 { score } else { upper / (2.0 - p) };
        Bent {
            loss: of_target + of_mean,
            slope: upper - y * lower,
            bend: (p - 1.0) * y * lower + (2.0 - p) * upper,
        }
    }
}

pub(super) fn fit(
    params: &Checked<GlmParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<ScoreModel, FitError> {
    let counted = Counted::of(train);
    let has_negative = counted.positions.iter().any(|&at| train.numbers()[at] < 0.0);
    let power = match params.family {
        Spread::Normal => None,
        Spread::Auto if has_negative => None,
        Spread::Auto | Spread::Poisson => Some(1.0),
        Spread::Gamma => Some(2.0),
        Spread::Tweedie => Some(params.power),
    };
    let design = Design::new(train, &counted, |_| 1.0, cx)?;
    match power {
        None => fit_normal(params, train, (&counted, &design), cx),
        Some(power) => {
            check_targets(params, train, &counted, power)?;
            fit_power(params, train, (&counted, &design), (power, cx))
        }
    }
}

fn check_targets(
    params: &GlmParams,
    train: &TrainView<'_>,
    counted: &Counted<'_>,
    power: f64,
) -> Result<(), DataError> {
    let is_unfit = |y: f64| y < 0.0 || (power == 2.0 && y == 0.0);
    let objective = match params.family {
        Spread::Gamma => "gamma",
        Spread::Tweedie => "tweedie",
        _ => "poisson",
    };
    match counted
        .positions
        .iter()
        .find(|&&at| is_unfit(train.numbers()[at]))
    {
        None => Ok(()),
        Some(&at) => Err(DataError::Unfit {
            objective,
            row: at + 1,
            value: train.numbers()[at],
            range: if power == 2.0 {
                "targets above zero"
            } else {
                "targets of zero or more"
            },
        }),
    }
}

fn limits(params: &GlmParams) -> Limits {
    Limits {
        tol: params.tol,
        iterations_max: params.max_iter as usize,
    }
}

fn warn_unless(is_done: bool, params: &GlmParams, cx: &FitContext<'_>) {
    if !is_done {
        cx.progress.warn(&format!(
            "generalised linear regression stopped after {} steps before its tolerance was reached: raise max_iter, tol or alpha",
            params.max_iter
        ));
    }
}

fn shares(design: &Design) -> Vec<f64> {
    design
        .weights
        .iter()
        .map(|weight| weight / design.weight_total)
        .collect()
}

fn fit_normal(
    params: &GlmParams,
    train: &TrainView<'_>,
    (counted, design): (&Counted<'_>, &Design),
    cx: &FitContext<'_>,
) -> Result<ScoreModel, FitError> {
    let response = Response::of(train, counted, design);
    let mut point = vec![0.0; design.width() + 1];
    if response.scale > 0.0 {
        let objective = Objective {
            design,
            loss: &Squares(&response.values),
            shares: &shares(design),
            l2: &design.penalty(params.alpha, 2),
        };
        let ended = minimise(&objective, point, limits(params), cx)?;
        warn_unless(ended.converged, params, cx);
        point = ended.point;
    }
    let units = Units {
        centre: response.centre,
        scale: response.scale,
    };
    Ok(ScoreModel::new(design, Link::Identity, &point, units, cx))
}

fn fit_power(
    params: &GlmParams,
    train: &TrainView<'_>,
    (counted, design): (&Counted<'_>, &Design),
    (power, cx): (f64, &FitContext<'_>),
) -> Result<ScoreModel, FitError> {
    let shares = shares(design);
    let weighted = counted.positions.iter().zip(&shares);
    let mean: f64 = weighted.map(|(&at, share)| share * train.numbers()[at]).sum();
    let mut point = vec![0.0; design.width() + 1];
    if mean <= f64::MIN_POSITIVE {
        point[design.width()] = NONE;
        return Ok(ScoreModel::new(
            design,
            Link::Exponential,
            &point,
            Units::PLAIN,
            cx,
        ));
    }
    let loss = Deviance {
        targets: counted
            .positions
            .iter()
            .map(|&at| train.numbers()[at] / mean)
            .collect(),
        power,
    };
    // Deviances of targets in units of their mean are smaller by this factor, so the penalty is divided by it.
    let factor = mean.powf(2.0 - power).clamp(1e-300, 1e300);
    let objective = Objective {
        design,
        loss: &loss,
        shares: &shares,
        l2: &design.penalty((params.alpha / factor).min(1e300), 2),
    };
    let ended = minimise(&objective, point, limits(params), cx)?;
    warn_unless(ended.converged, params, cx);
    let units = Units {
        centre: mean.ln(),
        scale: 1.0,
    };
    Ok(ScoreModel::new(
        design,
        Link::Exponential,
        &ended.point,
        units,
        cx,
    ))
}
