//! Every way in which the store can refuse or fail, with the public kind of each.

use std::path::PathBuf;

use kolosal_base::ErrorKind;

/// What the store could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A word or number that may not be stored.
    #[error("{what} {problem}")]
    Invalid {
        /// What was given.
        what: String,
        /// What is wrong with it, and how to mend it.
        problem: String,
    },
    /// Nothing has this name.
    #[error("there is no {what} {name}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The name is taken.
    #[error("{what} {name} exists already{hint}")]
    Exists {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// How to go on.
        hint: &'static str,
    },
    /// A parameter of a run may be written once.
    #[error("the parameter {key} of run {run} is {old} and cannot become {new}; parameters never change")]
    ParamChanged {
        /// The run.
        run: String,
        /// The parameter.
        key: String,
        /// What is stored.
        old: String,
        /// What was given.
        new: String,
    },
    /// The thing is not in a state in which this can be done.
    #[error("{what} {name} is {state}: {need}")]
    State {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// Its state.
        state: String,
        /// What it must be.
        need: &'static str,
    },
    /// A filter or an order that cannot be read.
    #[error("the {what} cannot be read at character {at}: {problem}")]
    Filter {
        /// Filter or order.
        what: &'static str,
        /// Where, in characters from one.
        at: usize,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// A store written by a later release.
    #[error(
        "the store has schema {found}, this release knows schemas up to {known}; use the release that wrote it"
    )]
    Newer {
        /// The schema found.
        found: i64,
        /// The latest known.
        known: i64,
    },
    /// Bytes that are not those that were stored.
    #[error("{what} is damaged: {problem}")]
    Damaged {
        /// What is damaged.
        what: String,
        /// How that was seen.
        problem: String,
    },
    /// The queue of writes is full, or another process holds the store for too long.
    #[error("the store is busy: {0}; try again")]
    Busy(String),
    /// The file system refused.
    #[error("{}: {source}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database refused.
    #[error("the database failed: {0}")]
    Database(String),
}

impl StoreError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid { .. } | Self::Filter { .. } => ErrorKind::Invalid,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Exists { .. } | Self::ParamChanged { .. } | Self::State { .. } | Self::Newer { .. } => {
                ErrorKind::Conflict
            }
            Self::Damaged { .. } => ErrorKind::Data,
            Self::Busy(_) => ErrorKind::Busy,
            Self::Io { .. } | Self::Database(_) => ErrorKind::Internal,
        }
    }

    pub(crate) fn invalid(what: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid {
            what: what.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn not_found(what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            name: name.into(),
        }
    }
}
