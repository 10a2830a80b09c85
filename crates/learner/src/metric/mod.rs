//! How good predictions are: every metric people name, each equal to scikit-learn's, weights and ties included.
//!
//! [`METRICS`] is the list; [`find_metric`] looks a name or alias up, [`default_metric`] chooses one for a task.
//! A metric that is not defined for the rows given (the area under the curve of one class, say) is a
//! [`MetricError::Undefined`] with the reason, never a silent NaN.
//!
//! Sums run in row order with compensation (Neumaier 1974), so a score never depends on threads.
//!
//! ```
//! use kolosal_learner::{Predictions, Target, Task, find_metric};
//!
//! let truth = Target::Classes { codes: &[0, 0, 1, 1], count: 2 };
//! let answers = Predictions::from_values(Task::Binary, vec![0.9, 0.1, 0.6, 0.4, 0.65, 0.35, 0.2, 0.8]);
//! let auc = find_metric("roc_auc")?;
//! assert_eq!(auc.score(&truth, &answers, None)?, 0.75);
//! assert_eq!(auc.loss(0.75), -0.75);
//! assert!(find_metric("acuracy").unwrap_err().to_string().contains("did you mean accuracy"));
//! # Ok::<(), kolosal_learner::MetricError>(())
//! ```

mod absolute;
mod confusion;
mod error;
mod label;
mod poisson;
mod probability;
mod ranking;
mod scored;
mod squared;
#[cfg(test)]
mod tests;

pub use absolute::{MeanAbsolute, MeanAbsolutePercentage, MedianAbsolute, Pinball};
pub use confusion::Confusion;
pub use error::MetricError;
pub use label::{Accuracy, BalancedAccuracy, F1, F1Macro, F1Weighted, Kappa, LabelMetric, Matthews};
pub use poisson::PoissonDeviance;
pub use probability::{Brier, CalibrationError, LogLoss};
pub use ranking::{AveragePrecision, RocAuc};
pub use scored::Scored;
pub use squared::{RSquared, RootMeanSquared, RootMeanSquaredLog};

use kolosal_frame::closest;

use crate::{Predictions, Target, TaskKind};

/// Which end of a metric is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// An error: less is better.
    LowerIsBetter,
    /// A quality: more is better.
    HigherIsBetter,
}

/// What a metric is called, what it measures and where its values lie.
#[derive(Debug)]
pub struct MetricCard {
    /// The name in options and reports: lower case, words joined by `_`.
    pub name: &'static str,
    /// Other names people use.
    pub aliases: &'static [&'static str],
    /// A sentence or two: what it measures, and what happens in its undefined cases.
    pub doc: &'static str,
    /// Tasks whose answers it can judge.
    pub tasks: &'static [TaskKind],
    /// Which end is the good one.
    pub direction: Direction,
    /// The value of perfect answers.
    pub best: f64,
    /// The value that no answers can be worse than; infinite where there is none.
    pub worst: f64,
}

/// A measure of predictions against known answers.
pub trait Metric: Send + Sync + std::fmt::Debug {
    /// Name, meaning and range.
    fn card(&self) -> &'static MetricCard;

    /// The value over rows that were checked to fit together and to suit [`MetricCard::tasks`].
    ///
    /// # Errors
    /// [`MetricError::Undefined`] where the definition has no value for these rows.
    fn measure(&self, rows: &Scored<'_>) -> Result<f64, MetricError>;

    /// The same metric as a function of the confusion matrix, where it is one; a threshold search uses it.
    fn as_label_metric(&self) -> Option<&dyn LabelMetric> {
        None
    }

    /// The name in options and reports.
    fn name(&self) -> &'static str {
        self.card().name
    }

    /// Which end is the good one.
    fn direction(&self) -> Direction {
        self.card().direction
    }

    /// Whether it can judge answers to tasks of this kind.
    fn suits(&self, task: TaskKind) -> bool {
        self.card().tasks.contains(&task)
    }

    /// Judges predictions; `weights` holds one finite weight a row, not negative.
    ///
    /// Class 1 is the positive class of a binary task.
    ///
    /// # Errors
    /// [`MetricError`] if lengths differ, a prediction or weight is not finite, the metric does not suit the task, or
    /// has no value for these rows.
    ///
    /// # Panics
    /// If target and predictions belong to different tasks.
    fn score(
        &self,
        target: &Target<'_>,
        predictions: &Predictions,
        weights: Option<&[f64]>,
    ) -> Result<f64, MetricError> {
        let rows = Scored::new(target, predictions, weights)?;
        if !self.suits(rows.task()) {
            return Err(MetricError::Unsuited {
                metric: self.name(),
                task: rows.task().name(),
                suited: METRICS
                    .iter()
                    .filter(|m| m.suits(rows.task()))
                    .map(|m| m.name())
                    .collect(),
            });
        }
        let value = self.measure(&rows)?;
        assert!(!value.is_nan(), "a metric is a number or an error");
        Ok(value)
    }

    /// A value of this metric turned so that less is better.
    fn loss(&self, value: f64) -> f64 {
        match self.direction() {
            Direction::LowerIsBetter => value,
            Direction::HigherIsBetter => -value,
        }
    }
}

/// Every metric, in the order of the documentation.
pub const METRICS: &[&dyn Metric] = &[
    &RocAuc,
    &AveragePrecision,
    &LogLoss,
    &Accuracy,
    &BalancedAccuracy,
    &F1,
    &F1Macro,
    &F1Weighted,
    &Matthews,
    &Kappa,
    &Brier,
    &CalibrationError,
    &RootMeanSquared,
    &MeanAbsolute,
    &MedianAbsolute,
    &RSquared,
    &MeanAbsolutePercentage,
    &RootMeanSquaredLog,
    &Pinball::MEDIAN,
    &PoissonDeviance,
];

/// The metric with this name or alias, in any case, `-` and `_` alike.
///
/// # Errors
/// [`MetricError::Unknown`] with the names that look most alike.
pub fn find_metric(name: &str) -> Result<&'static dyn Metric, MetricError> {
    let wanted = name.trim().to_lowercase().replace(['-', ' '], "_");
    let found = METRICS
        .iter()
        .find(|metric| metric.name() == wanted || metric.card().aliases.contains(&wanted.as_str()));
    found.copied().ok_or_else(|| MetricError::Unknown {
        name: name.to_owned(),
        closest: closest(&wanted, METRICS.iter().map(|metric| metric.name())),
        names: METRICS.iter().map(|metric| metric.name()).collect(),
    })
}

/// The metric used where none is asked for: area under the curve, log-loss, root mean squared error.
///
/// # Panics
/// If the task has no target: there is nothing to compare answers with.
pub fn default_metric(task: TaskKind) -> &'static dyn Metric {
    match task {
        TaskKind::Binary => &RocAuc,
        TaskKind::Multiclass => &LogLoss,
        TaskKind::Regression => &RootMeanSquared,
        TaskKind::Anomaly | TaskKind::Clustering => panic!("a task without a target has no metric"),
    }
}
