//! Metrics of the probabilities themselves: log-loss, Brier score, calibration error.

use super::{Direction, Metric, MetricCard, MetricError, Scored};
use crate::TaskKind;

const CLASSIFICATION: &[TaskKind] = &[TaskKind::Binary, TaskKind::Multiclass];

/// Bins of equal width in [`CalibrationError`].
const BINS: usize = 15;

/// Mean negative logarithm of the probability given to the right class.
#[derive(Debug, Clone, Copy)]
pub struct LogLoss;

/// Mean squared distance of the probabilities from the right answer.
#[derive(Debug, Clone, Copy)]
pub struct Brier;

/// How far confidence lies from accuracy (Naeini, Cooper, Hauskrecht 2015; Guo et al. 2017).
///
/// Rows fall by the probability of their called class into 15 bins of equal width, closed on the right; the value is
/// the weighted mean over bins of the distance between mean confidence and accuracy.
#[derive(Debug, Clone, Copy)]
pub struct CalibrationError;

impl Metric for LogLoss {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "log_loss",
            aliases: &["logloss", "cross_entropy", "neg_log_loss"],
            doc: "Mean negative logarithm of the probability given to the right class; probabilities are kept \
                  2.2e-16 away from zero and one.",
            tasks: CLASSIFICATION,
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: f64::INFINITY,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        let answers = rows.predictions();
        Ok(rows.mean(|row| {
            let given = answers.row(row)[rows.class(row)];
            -given.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
        }))
    }
}

impl Metric for Brier {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "brier",
            aliases: &["brier_score", "brier_score_loss"],
            doc: "Mean squared error of the probability of class 1; with several classes the sum over classes, so \
                  that two is the worst.",
            tasks: CLASSIFICATION,
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: 2.0,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        let answers = rows.predictions();
        let distance = |row: usize| {
            let right = rows.class(row);
            let of_class = |(class, p): (usize, &f64)| (f64::from(class == right) - p).powi(2);
            answers.row(row).iter().enumerate().map(of_class).sum::<f64>()
        };
        let share = if rows.class_count() == 2 { 0.5 } else { 1.0 };
        Ok(share * rows.mean(distance))
    }
}

impl Metric for CalibrationError {
    fn card(&self) -> &'static MetricCard {
        &MetricCard {
            name: "ece",
            aliases: &["calibration_error", "expected_calibration_error"],
            doc: "Expected calibration error: distance between confidence in the called class and its accuracy, \
                  over 15 bins of equal width.",
            tasks: CLASSIFICATION,
            direction: Direction::LowerIsBetter,
            best: 0.0,
            worst: 1.0,
        }
    }

    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError> {
        // Confidence minus correctness, summed by weight in each bin.
        let mut excess = [0.0; BINS];
        for row in 0..rows.len() {
            let called = rows.predictions().class(row) as usize;
            let confidence = rows.predictions().row(row)[called];
            let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            excess[bin] += rows.weight(row) * (confidence - f64::from(called == rows.class(row)));
        }
        Ok(excess.iter().map(|e| e.abs()).sum::<f64>() / rows.weight_total())
    }
}
