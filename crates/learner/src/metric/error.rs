//! Why a metric gave no value.

use kolosal_base::ErrorKind;

use crate::DataError;

/// A metric that is unknown, does not suit the task, or has no value for the rows given.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// No metric has this name.
    #[error("there is no metric '{name}': {}", known(.closest, .names))]
    Unknown {
        /// The name given.
        name: String,
        /// Names that look alike.
        closest: Vec<String>,
        /// All names.
        names: Vec<&'static str>,
    },
    /// The metric judges answers of another kind.
    #[error("metric {metric} cannot judge {task} answers: choose one of {}", .suited.join(", "))]
    Unsuited {
        /// The metric.
        metric: &'static str,
        /// The task.
        task: &'static str,
        /// Metrics that can.
        suited: Vec<&'static str>,
    },
    /// A prediction that is missing or infinite.
    #[error("the prediction of row {row} is {value}: a metric needs finite predictions")]
    Prediction {
        /// Row, from one.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// Rows and weights do not fit together.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The definition has no value for these rows.
    #[error("{metric} is not defined here: {reason}")]
    Undefined {
        /// The metric.
        metric: &'static str,
        /// Why, and what to use instead.
        reason: String,
    },
}

impl MetricError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown { .. } | Self::Unsuited { .. } => ErrorKind::Invalid,
            Self::Prediction { .. } | Self::Data(_) | Self::Undefined { .. } => ErrorKind::Data,
        }
    }

    pub(crate) fn undefined(metric: &'static str, reason: impl Into<String>) -> Self {
        Self::Undefined {
            metric,
            reason: reason.into(),
        }
    }
}

fn known(closest: &[String], names: &[&'static str]) -> String {
    match closest {
        [] => format!("the metrics are {}", names.join(", ")),
        names => format!("did you mean {}?", names.join(" or ")),
    }
}
