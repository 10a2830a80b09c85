//! Why a model could not be explained.

use std::fmt;

use kolosal_base::ErrorKind;

/// Why there is no explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExplainError {
    /// A tree has straight lines in its leaves.
    LinearLeaves {
        /// Position of the tree in the model.
        tree: usize,
    },
    /// A tree does not know how many rows or how much weight its nodes have seen.
    NoCovers {
        /// Position of the tree in the model.
        tree: usize,
    },
    /// A path tests more columns than fit a word.
    TooManyColumns {
        /// Position of the tree in the model.
        tree: usize,
        /// Distinct columns on the path.
        columns: usize,
    },
    /// The background has no rows.
    EmptyBackground,
    /// The caller asked to stop.
    Cancelled,
}

impl ExplainError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled => ErrorKind::Cancelled,
            Self::EmptyBackground => ErrorKind::Data,
            _ => ErrorKind::Invalid,
        }
    }
}

impl fmt::Display for ExplainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinearLeaves { tree } => write!(
                f,
                "tree {tree} has linear leaves, whose Shapley values are not defined here: fit without linear leaves"
            ),
            Self::NoCovers { tree } => write!(
                f,
                "tree {tree} does not know the cover of its nodes: explain against background rows instead"
            ),
            Self::TooManyColumns { tree, columns } => write!(
                f,
                "a path of tree {tree} tests {columns} distinct columns, at most 64 can be explained: limit the depth"
            ),
            Self::EmptyBackground => write!(f, "the background has no rows, at least one is needed"),
            Self::Cancelled => write!(f, "the explanation was cancelled"),
        }
    }
}

impl std::error::Error for ExplainError {}
