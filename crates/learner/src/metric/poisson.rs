//! The deviance of counts.

use super::{Direction, Metric, MetricCard, MetricError, Scored};
use crate::TaskKind;

/// Mean Poisson deviance, `2 (y ln(y / p) - y + p)`.
#[derive(Debug, Clone, Copy)]
pub struct PoissonDeviance;

impl Metric for PoissonDeviance {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "poisson_deviance",
            aliases: &["poisson", "mean_poisson_deviance"],
            doc: "Mean Poisson deviance, for counts. Not defined where a target is negative or a prediction is not \
                  positive.",
            tasks: &[TaskKind::Regression],
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: f64::INFINITY,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        refuse(
            "target",
            "zero or above",
            rows.numbers().iter().position(|v| *v < 0.0),
        )?;
        refuse(
            "prediction",
            "above zero",
            rows.predictions().values().iter().position(|v| *v <= 0.0),
        )?;
        Ok(rows.mean_of_pairs(|truth, answer| {
            let log_ratio = if truth == 0.0 {
                0.0
            } else {
                truth * (truth / answer).ln()
            };
            2.0 * (log_ratio - truth + answer)
        }))
    }
}

fn refuse(what: &str, allowed: &str, row: Option<usize>) -> Result<(), MetricError> {
    match row {
        None => Ok(()),
        Some(row) => {
            let reason = format!("the {what} of row {} must be {allowed}; use rmse", row + 1);
            Err(MetricError::undefined("poisson_deviance", reason))
        }
    }
}
