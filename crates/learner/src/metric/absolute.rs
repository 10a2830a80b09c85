//! Metrics of absolute distance: MAE, median absolute error, MAPE, pinball.

use super::{Direction, Metric, MetricCard, MetricError, Scored};
use crate::TaskKind;

/// Mean absolute error.
#[derive(Debug, Clone, Copy)]
pub struct MeanAbsolute;

/// Median absolute error.
#[derive(Debug, Clone, Copy)]
pub struct MedianAbsolute;

/// Mean absolute error as a share of the target.
#[derive(Debug, Clone, Copy)]
pub struct MeanAbsolutePercentage;

/// Quantile loss: least for predictions of the quantile `alpha`.
#[derive(Debug, Clone, Copy)]
pub struct Pinball {
    alpha: f64,
}

impl Pinball {
    /// The loss of the median: half the mean absolute error.
    pub const MEDIAN: Self = Self { alpha: 0.5 };

    /// The loss of the quantile `alpha`; `None` if that does not lie in `0 ..= 1`.
    pub fn new(alpha: f64) -> Option<Self> {
        (0.0..=1.0).contains(&alpha).then_some(Self { alpha })
    }

    /// The quantile.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }
}

impl Metric for MeanAbsolute {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "mae",
            aliases: &["mean_absolute_error", "l1_error"],
            doc: "Mean absolute error, in the unit of the target.",
            tasks: &[TaskKind::Regression],
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: f64::INFINITY,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        Ok(rows.mean_of_pairs(|truth, answer| (truth - answer).abs()))
    }
}

impl Metric for MedianAbsolute {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "medae",
            aliases: &["median_absolute_error"],
            doc: "Median absolute error, in the unit of the target; blind to outliers.",
            tasks: &[TaskKind::Regression],
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: f64::INFINITY,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        let (truth, answers) = (rows.numbers(), rows.predictions().values());
        let mut errors: Vec<(f64, f64)> = (0..rows.len())
            .map(|row| ((truth[row] - answers[row]).abs(), rows.weight(row)))
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        errors.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(weighted_median(&errors))
    }
}

impl Metric for MeanAbsolutePercentage {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "mape",
            aliases: &["mean_absolute_percentage_error"],
            doc: "Mean of the absolute error divided by the absolute target, as a share and not per cent. A target of \
                  zero divides by 2.2e-16 instead, so one such row makes the value huge.",
            tasks: &[TaskKind::Regression],
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: f64::INFINITY,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        Ok(rows.mean_of_pairs(|truth, answer| (truth - answer).abs() / truth.abs().max(f64::EPSILON)))
    }
}

impl Metric for Pinball {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "pinball",
            aliases: &["quantile_loss", "mean_pinball_loss"],
            doc: "Quantile loss: errors above the prediction count alpha, errors below one minus alpha; alpha is one \
                  half unless chosen otherwise.",
            tasks: &[TaskKind::Regression],
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: f64::INFINITY,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        Ok(rows.mean_of_pairs(|truth, answer| {
            let above = truth - answer;
            (self.alpha * above).max((self.alpha - 1.0) * above)
        }))
    }
}

/// The value at which half of the weight is reached; the mean of two where the half falls between them.
fn weighted_median(ascending: &[(f64, f64)]) -> f64 {
    let half = ascending.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut reached = 0.0;
    for (at, (value, weight)) in ascending.iter().enumerate() {
        reached += weight;
        if reached >= half {
            let next = ascending.get(at + 1).map_or(*value, |(value, _)| *value);
            return if reached - half > f64::EPSILON {
                *value
            } else {
                f64::midpoint(*value, next)
            };
        }
    }
    unreachable!("the whole weight is at least its half, and some row has weight")
}
