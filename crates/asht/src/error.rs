//! What can be wrong with a space, a tell or a request.

use kolosal_base::ErrorKind;

/// A refusal: the study is as it was before the call.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AshtError {
    /// There is nothing to search.
    #[error("the space has no parameter; give at least one")]
    EmptySpace,
    /// More parameters than any table of learners has.
    #[error("the space has {found} parameters; at most {max} are searched at once")]
    TooManyParameters {
        /// How many were given.
        found: usize,
        /// How many are allowed.
        max: usize,
    },
    /// A parameter that makes no sense.
    #[error("parameter `{name}`: {reason}")]
    Parameter {
        /// The parameter.
        name: String,
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// A setting of the study that makes no sense.
    #[error("{field}: {reason}")]
    Settings {
        /// The setting.
        field: &'static str,
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// A number of no trial that is open.
    #[error("trial {id} {reason}")]
    Trial {
        /// The number given.
        id: u64,
        /// Why it cannot be used.
        reason: &'static str,
    },
    /// Values that cannot be used.
    #[error("{field} {reason}")]
    Values {
        /// Which list.
        field: &'static str,
        /// What is wrong and how to mend it.
        reason: String,
    },
    /// A line that is not a request.
    #[error("request: {0}")]
    Request(String),
}

impl AshtError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Trial { .. } => ErrorKind::NotFound,
            Self::Values { .. } => ErrorKind::Data,
            _ => ErrorKind::Invalid,
        }
    }

    pub(crate) fn parameter(name: &str, reason: impl Into<String>) -> Self {
        Self::Parameter {
            name: name.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn values(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Values {
            field,
            reason: reason.into(),
        }
    }

    pub(crate) fn settings(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Settings {
            field,
            reason: reason.into(),
        }
    }
}
