//! Metrics of squared distance: RMSE, R², RMSLE.

use super::scored::sum;
use super::{Direction, Metric, MetricCard, MetricError, Scored};
use crate::TaskKind;

/// Root of the mean squared error.
#[derive(Debug, Clone, Copy)]
pub struct RootMeanSquared;

/// Share of the variance that the predictions explain.
#[derive(Debug, Clone, Copy)]
pub struct RSquared;

/// Root of the mean squared difference of logarithms of one plus the value.
#[derive(Debug, Clone, Copy)]
pub struct RootMeanSquaredLog;

impl Metric for RootMeanSquared {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "rmse",
            aliases: &["root_mean_squared_error"],
            doc: "Root of the mean squared error, in the unit of the target.",
            tasks: &[TaskKind::Regression],
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: f64::INFINITY,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        Ok(rows
            .mean_of_pairs(|truth, answer| (truth - answer).powi(2))
            .sqrt())
    }
}

impl Metric for RSquared {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "r2",
            aliases: &["r_squared", "r2_score"],
            doc: "One minus the ratio of squared errors to the variance of the target. Where the target is constant: \
                  one for exact answers and zero otherwise. Not defined for a single row.",
            tasks: &[TaskKind::Regression],
            direction: Direction::HigherIsBetter,
            best: 1.0,
            worst: f64::NEG_INFINITY,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        if rows.len() < 2 {
            return Err(MetricError::undefined(
                "r2",
                "one row has no variance; use rmse, or more rows",
            ));
        }
        let (truth, answers) = (rows.numbers(), rows.predictions().values());
        let total = rows.weight_total();
        let mean = sum((0..rows.len()).map(|row| rows.weight(row) * truth[row])) / total;
        let errors = rows.mean(|row| (truth[row] - answers[row]).powi(2));
        let variance = rows.mean(|row| (truth[row] - mean).powi(2));
        Ok(match (errors, variance) {
            (0.0, _) => 1.0,
            (_, 0.0) => 0.0,
            (errors, variance) => 1.0 - errors / variance,
        })
    }
}

impl Metric for RootMeanSquaredLog {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "rmsle",
            aliases: &["root_mean_squared_log_error"],
            doc: "Root of the mean squared difference of ln(1 + value). Not defined where a target or prediction is \
                  -1 or less.",
            tasks: &[TaskKind::Regression],
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: f64::INFINITY,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        for (what, values) in [
            ("target", rows.numbers()),
            ("prediction", rows.predictions().values()),
        ] {
            if let Some(row) = values.iter().position(|v| *v <= -1.0) {
                let reason = format!(
                    "the {what} of row {} is {}, it must be above -1; use rmse",
                    row + 1,
                    values[row]
                );
                return Err(MetricError::undefined("rmsle", reason));
            }
        }
        Ok(rows
            .mean_of_pairs(|truth, answer| (truth.ln_1p() - answer.ln_1p()).powi(2))
            .sqrt())
    }
}
