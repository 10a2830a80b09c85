//! What can go wrong when a pipeline is read or used.

use kolosal_base::ErrorKind;
use kolosal_frame::FrameError;
use kolosal_learner::ArtifactError;

use crate::TargetError;

/// A model file or a table that a pipeline cannot use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// The table does not fit the model.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The model bytes are damaged, truncated or of a newer version.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The answers of the table do not fit the model.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl PipelineError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            // A table for prediction that lacks a column is wrong data, not a wrong option.
            Self::Frame(_) => ErrorKind::Data,
            Self::Artifact(error) => error.kind(),
            Self::Target(error) => error.kind(),
        }
    }
}

/// Intervals or sets of classes that a model does not have.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CoverageError {
    /// More than the held-out rows allow, or no share at all.
    #[error(
        "a coverage of {coverage} cannot be had: ask for more than 0 and at most {most:.4}, for which there are held-out rows enough"
    )]
    Range {
        /// What was asked.
        coverage: f64,
        /// The most that can be had.
        most: f64,
    },
    /// No row was held out when the model was made.
    #[error(
        "the model knows no errors of held-out rows, so it has no intervals: make it with `kolosal train`, which holds rows out"
    )]
    NoErrors,
}

impl CoverageError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}
