//! What can be wrong with a table.

use kolosal_base::ErrorKind;

/// A table that cannot be built, read or written; the message says where and how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Two columns differ in length.
    #[error(
        "column '{column}' has {rows} rows, the first column has {expected}: every column needs the same length"
    )]
    Length {
        /// The odd column.
        column: String,
        /// Its rows.
        rows: usize,
        /// The rows of the first column.
        expected: usize,
    },
    /// Two columns have one name.
    #[error("two columns are called '{name}' (columns {first} and {second}): rename one of them")]
    DuplicateName {
        /// The name.
        name: String,
        /// Position of the first, from one.
        first: usize,
        /// Position of the second, from one.
        second: usize,
    },
    /// A column without a name.
    #[error("column {position} has an empty name: name every column in the header")]
    EmptyName {
        /// Position, from one.
        position: usize,
    },
    /// A named column that the table does not have.
    #[error("there is no column '{name}'{}", closest_clause(.closest))]
    NoColumn {
        /// The name asked for.
        name: String,
        /// Names that look alike, best first.
        closest: Vec<String>,
    },
    /// More rows or columns than the limits allow.
    #[error("the table has {found} {what}, at most {limit} are supported")]
    TooLarge {
        /// Rows, columns, or bytes of a record.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl FrameError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoColumn { .. } => ErrorKind::Invalid,
            _ => ErrorKind::Data,
        }
    }
}

fn closest_clause(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; the closest names are {}", names.join(", ")),
    }
}
