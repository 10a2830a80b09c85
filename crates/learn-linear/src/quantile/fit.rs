//! Ever narrower bends.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::params::QuantileParams;
use crate::convex::{Bent, Limits, Objective, RowLoss, minimise};
use crate::design::{Counted, Design, Response};
use crate::model::Link;
use crate::score_model::{ScoreModel, Units};

/// The first width, in standard deviations of the target.
const WIDTH_FIRST: f64 = 0.5;
/// Each width is this share of the one before.
const NARROWER: f64 = 0.2;

/// The loss with a parabola of a width in place of its corner.
struct Loss<'a> {
    targets: &'a [f64],
    quantile: f64,
    width: f64,
}

impl RowLoss for Loss<'_> {
    #[inline]
    fn at(&self, row: usize, score: f64) -> Bent {
        let error = self.targets[row] - score;
        let (above, below) = (self.quantile, self.quantile - 1.0);
        let steep = (error / self.width).clamp(below, above);
        Bent {
            loss: steep * error - 0.5 * self.width * steep * steep,
            slope: -steep,
            bend: if steep > below && steep < above {
                1.0 / self.width
            } else {
                0.0
            },
        }
    }
}

pub(super) fn fit(
    params: &Checked<QuantileParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<ScoreModel, FitError> {
    let counted = Counted::of(train);
    let design = Design::new(train, &counted, |_| 1.0, cx)?;
    let response = Response::of(train, &counted, &design);
    let mut point = vec![0.0; design.width() + 1];
    if response.scale > 0.0 {
        let shares: Vec<f64> = design.weights.iter().map(|w| w / design.weight_total).collect();
        let l2 = design.penalty(params.alpha, 2);
        let mut width = WIDTH_FIRST.max(params.tol);
        loop {
            let objective = Objective {
                design: &design,
                loss: &Loss {
                    targets: &response.values,
                    quantile: params.quantile,
                    width,
                },
                shares: &shares,
                l2: &l2,
            };
            let limits = Limits {
                tol: 1e-9,
                iterations_max: params.max_iter as usize,
            };
            point = minimise(&objective, point, limits, cx)?.point;
            if width <= params.tol {
                break;
            }
            width = (width * NARROWER).max(params.tol);
        }
    }
    let units = Units {
        centre: response.centre,
        scale: response.scale,
    };
    Ok(ScoreModel::new(&design, Link::Identity, &point, units, cx))
}
