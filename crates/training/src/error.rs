//! Why a training gave no pipeline.

use kolosal_base::ErrorKind;
use kolosal_frame::FrameError;
use kolosal_frame::split::SplitError;
use kolosal_learner::{DataError, FitError, MetricError};
use kolosal_learners::UnknownLearner;
use kolosal_pipeline::TargetError;

/// A request that cannot be met.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A named column that the table does not have.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Rows cannot be held out as asked for.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The target cannot be learned.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Rows or weights are unfit.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The metric is unknown or does not suit the task.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// No learner of this name.
    #[error(transparent)]
    Learner(#[from] UnknownLearner),
    /// The one learner asked for could not be fitted.
    #[error("{learner} could not be fitted: {source}")]
    Fit {
        /// The learner.
        learner: &'static str,
        /// Why.
        source: FitError,
    },
    /// Nothing to learn from.
    #[error("no column can be learned from: {}", .reasons.join("; "))]
    NoFeatures {
        /// Why each was left out.
        reasons: Vec<String>,
    },
    /// Too few rows to hold any out.
    #[error("the table has {rows} rows with a known target, at least {needed} are needed")]
    TooFewRows {
        /// Rows there are.
        rows: usize,
        /// Rows there must be.
        needed: usize,
    },
    /// A column named for weights or time is no number.
    #[error("column '{column}' is {found}, it must be {needed} to be used as {role}")]
    Role {
        /// The column.
        column: String,
        /// Its kind.
        found: String,
        /// The kind it must have.
        needed: &'static str,
        /// What it was to be used as.
        role: &'static str,
    },
    /// A column that cannot be bound, or a model that does not keep to it.
    #[error("column '{column}' cannot be constrained: {why}")]
    Constraint {
        /// The column.
        column: String,
        /// Why.
        why: String,
    },
    /// None of the learners asked for can do the task.
    #[error("none of the learners asked for can learn a {task} target: {hint}")]
    NoCandidate {
        /// The task.
        task: &'static str,
        /// Those that can.
        hint: String,
    },
    /// With strict checks, a warning is an error.
    #[error("strict checks are on, and: {}", .notes.join("; "))]
    Strict {
        /// The warnings.
        notes: Vec<String>,
    },
    /// Stopped before any candidate was done.
    #[error("stopped before any model was ready: {}", .why)]
    NoModel {
        /// What stopped it.
        why: String,
        /// The public kind of the cause.
        kind: ErrorKind,
    },
}

impl TrainError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Frame(error) => error.kind(),
            Self::Split(error) => error.kind(),
            Self::Target(error) => error.kind(),
            Self::Data(error) => error.kind(),
            Self::Metric(error) => error.kind(),
            Self::Learner(error) => error.kind(),
            Self::Fit { source, .. } => source.kind(),
            Self::NoFeatures { .. } | Self::TooFewRows { .. } | Self::Strict { .. } => ErrorKind::Data,
            Self::Role { .. } | Self::NoCandidate { .. } | Self::Constraint { .. } => ErrorKind::Invalid,
            Self::NoModel { kind, .. } => *kind,
        }
    }
}
