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
    /// Columns that a model needs and the table lacks.
    #[error("the table lacks {} column{}: {}", .missing.len(), if .missing.len() == 1 { "" } else { "s" }, missing_clause(.missing))]
    MissingColumns {
        /// Each name, with the names of the table that look alike.
        missing: Vec<(String, Vec<String>)>,
    },
    /// A value that a column's kind cannot hold.
    #[error(
        "row {row}, column '{column}': '{value}' is not {wanted}, as the column was in training: mend the value or leave it empty"
    )]
    Unfit {
        /// The row, from one.
        row: usize,
        /// The column.
        column: String,
        /// The value, shortened.
        value: String,
        /// What it should be.
        wanted: &'static str,
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

/// The first names that lack, and how many more.
fn missing_clause(missing: &[(String, Vec<String>)]) -> String {
    const SHOWN_MAX: usize = 20;
    let shown = missing
        .iter()
        .take(SHOWN_MAX)
        .map(|(name, closest)| match closest.as_slice() {
            [] => format!("'{name}'"),
            closest => format!("'{name}' (did you mean {}?)", closest.join(", ")),
        });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if missing.len() > SHOWN_MAX {
        text += &format!(" and {} more", missing.len() - SHOWN_MAX);
    }
    text
}
