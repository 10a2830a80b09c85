//! Every way in which a job can fail, with the public kind of each.

use std::path::PathBuf;

use kolosal_base::ErrorKind;
use kolosal_frame::FrameError;
use kolosal_frame::read::ReadError;
use kolosal_frame::write::WriteError;
use kolosal_learn_tree::boost::interop::InteropError;
use kolosal_learner::{ArtifactError, FitError, MetricError};
use kolosal_learners::UnknownLearner;
use kolosal_pipeline::{CoverageError, PipelineError, TargetError};
use kolosal_store::StoreError;
use kolosal_training::TrainError;

/// A job that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// A table could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A table could not be written; what was there before is whole.
    #[error(transparent)]
    WriteTable(#[from] WriteError),
    /// A model could not be written; what was there before is whole.
    #[error("{} cannot be written: {source}; what was there before is unchanged", .file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A table does not have what was asked for.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A training gave no model.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Rows could not be grouped.
    #[error(transparent)]
    Cluster(#[from] FitError),
    /// Answers could not be explained.
    #[error(transparent)]
    Explain(#[from] kolosal_explain::ExplainError),
    /// The target of a table does not fit the model.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// An unknown or unsuited metric.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// An unknown learner.
    #[error(transparent)]
    Learner(#[from] UnknownLearner),
    /// A model file could not be opened.
    #[error("the model {} cannot be read: {source}", .file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A model file could not be understood.
    #[error("the model {} cannot be loaded: {source}", .file.display())]
    Artifact {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: ArtifactError,
    },
    /// A table does not fit a model.
    #[error("{} does not fit the model: {source}", .file.display())]
    Unfit {
        /// The table's file.
        file: PathBuf,
        /// What is wrong with it.
        source: PipelineError,
    },
    /// Intervals that a model does not have.
    #[error(transparent)]
    Coverage(#[from] CoverageError),
    /// A model that another library's format has no place for.
    #[error(transparent)]
    Interop(#[from] InteropError),
    /// A model that is more than a booster on its table's columns.
    #[error(
        "the model {} cannot be exported: {what}; fit a single booster, as in `kolosal fit lightgbm DATA --target COLUMN \
         --output FILE`",
        .file.display()
    )]
    NotExportable {
        /// The model's file.
        file: PathBuf,
        /// What it is.
        what: String,
    },
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A setting out of range.
    #[error("{what} is {value}: it must be {allowed}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// What was given.
        value: String,
        /// What is permitted.
        allowed: String,
    },
}

impl PlatformError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read(error) => error.kind(),
            Self::WriteTable(error) => error.kind(),
            Self::Write { .. } => ErrorKind::Internal,
            Self::Frame(error) => error.kind(),
            Self::Train(error) => error.kind(),
            Self::Cluster(error) => error.kind(),
            Self::Explain(error) => error.kind(),
            Self::Target(error) => error.kind(),
            Self::Metric(error) => error.kind(),
            Self::Learner(error) => error.kind(),
            Self::Open { source, .. } if source.kind() == std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            Self::Open { .. } => ErrorKind::Internal,
            Self::Artifact { source, .. } => source.kind(),
            Self::Unfit { source, .. } => source.kind(),
            Self::Coverage(error) => error.kind(),
            Self::Interop(error) => error.kind(),
            Self::NotExportable { .. } => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
            Self::Setting { .. } => ErrorKind::Invalid,
        }
    }
}
