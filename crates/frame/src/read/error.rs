//! Why a file cannot be read as a table.

use std::fmt;
use std::io;
use std::path::PathBuf;

use kolosal_base::ErrorKind;
use kolosal_compute::OverLimit;

use crate::{FrameError, Kind};

/// Where in a file something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The row of data, from one; the header is no row.
    pub row: usize,
    /// The line of a text file, from one; a quoted cell may hold line ends, so this may exceed the row by any number.
    pub line: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.file.display(), self.row)?;
        match self.line {
            Some(line) => write!(f, " (line {line})"),
            None => Ok(()),
        }
    }
}

/// A file that cannot be read as a table; the message says where and how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file does not exist.
    #[error("there is no file {}: check the path", .file.display())]
    NoFile {
        /// The path given.
        file: PathBuf,
    },
    /// The path names a folder.
    #[error("{} is a folder: give the path of one file in it", .file.display())]
    Folder {
        /// The path given.
        file: PathBuf,
    },
    /// The operating system refused.
    #[error("{} cannot be read: {source}", .file.display())]
    Io {
        /// The path given.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Nothing in it.
    #[error("{} is empty: a table needs a header and at least one row", .file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// A header and nothing else.
    #[error("{} has a header with {columns} columns and no rows: a table needs at least one row", .file.display())]
    HeaderOnly {
        /// The file.
        file: PathBuf,
        /// Cells in the header.
        columns: usize,
    },
    /// Bytes that are no table of any known format.
    #[error(
        "{} does not look like a table ({evidence}): give a CSV, TSV, JSON lines, Parquet or Arrow file", .file.display()
    )]
    NotATable {
        /// The file.
        file: PathBuf,
        /// What was seen.
        evidence: String,
    },
    /// A row with another number of cells than the header.
    #[error(
        "{place} has {found} cells where {expected} are expected: mend the row, or quote cells that contain the delimiter '{delimiter}'"
    )]
    Ragged {
        /// Where.
        place: Place,
        /// Cells found.
        found: usize,
        /// Cells that the header has.
        expected: usize,
        /// The delimiter in use.
        delimiter: String,
    },
    /// A quote that is never closed.
    #[error(
        "{}: the quote opened in line {line} is never closed: close it, or double quotes that are part of a value", .file.display()
    )]
    UnclosedQuote {
        /// The file.
        file: PathBuf,
        /// The line with the quote.
        line: usize,
    },
    /// A record that is too long.
    #[error(
        "{}: the record that begins in line {line} is longer than {limit} bytes: check the line ends and quotes", .file.display()
    )]
    RecordTooLong {
        /// The file.
        file: PathBuf,
        /// The record's first line.
        line: usize,
        /// The longest record supported.
        limit: usize,
    },
    /// A cell that is too long.
    #[error(
        "{place}, column '{column}': the cell has {found} bytes, at most {limit} are supported: shorten it or leave the column out"
    )]
    CellTooLong {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// Its bytes.
        found: usize,
        /// The longest cell supported.
        limit: usize,
    },
    /// Text that is not UTF-8.
    #[error(
        "{place}, column '{column}', byte {offset}: '{value}' is not valid UTF-8: save the file as UTF-8, or name its encoding (windows-1252)"
    )]
    Encoding {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// Offset of the first bad byte from the start of the (decompressed) file.
        offset: usize,
        /// The value, shortened.
        value: String,
    },
    /// A value that the asked-for kind cannot hold.
    #[error(
        "{place}, column '{column}': '{value}' is not {}: mend the value or read the column as another type (--column-type {column}=categorical)",
        wanted_words(*.wanted)
    )]
    Value {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// The value, shortened.
        value: String,
        /// The kind asked for.
        wanted: Kind,
    },
    /// An infinite number.
    #[error(
        "{place}, column '{column}': '{value}' is infinite: clean the value, or read the column as words (--column-type {column}=categorical)"
    )]
    Infinite {
        /// Where.
        place: Place,
        /// The column.
        column: String,
        /// The value, shortened.
        value: String,
    },
    /// A line that is no JSON object.
    #[error("{}, line {line}: {message}: every line must hold one JSON object", .file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// The line, from one.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// Damaged compressed data, or a damaged binary table.
    #[error("{}: the {format} data is damaged or cut off: {message}", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The format.
        format: &'static str,
        /// What the decoder says.
        message: String,
    },
    /// A column of a type that has no counterpart here.
    #[error(
        "{}: column '{column}' has the type {found}, which is not supported: leave it out or turn it into numbers or text", .file.display()
    )]
    ColumnType {
        /// The file.
        file: PathBuf,
        /// The column.
        column: String,
        /// Its type in the file.
        found: String,
    },
    /// The names or shape of the table are wrong, or a named column does not exist.
    #[error("{}: {source}", .file.display())]
    Table {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: FrameError,
    },
    /// Another process wrote to the file meanwhile.
    #[error("{} changed while it was read: read it again when nothing writes to it", .file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// The memory budget is exhausted.
    #[error("reading {}: {source}", .file.display())]
    Memory {
        /// The file.
        file: PathBuf,
        /// The refusal.
        source: OverLimit,
    },
    /// The caller asked to stop.
    #[error("reading was cancelled")]
    Cancelled,
}

impl ReadError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoFile { .. } => ErrorKind::NotFound,
            Self::Folder { .. } => ErrorKind::Invalid,
            Self::Io { .. } => ErrorKind::Internal,
            Self::Table { source, .. } => source.kind(),
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::Memory { .. } => ErrorKind::Busy,
            Self::Cancelled => ErrorKind::Cancelled,
            _ => ErrorKind::Data,
        }
    }
}

/// A kind in the words of an error message.
pub(crate) fn wanted_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Numeric => "a number",
        Kind::Integer => "a whole number",
        Kind::Boolean => "one of two values",
        Kind::Datetime => "a date",
        Kind::Categorical => "a category",
        Kind::Text | Kind::Identifier => "text",
    }
}

/// A value for an error message: readable, and at most sixty characters.
pub(crate) fn shorten(value: &[u8]) -> String {
    const SHOWN_MAX: usize = 60;
    let head = &value[..value.len().min(4 * SHOWN_MAX + 4)];
    let text = String::from_utf8_lossy(head);
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= SHOWN_MAX {
        return text.chars().map(clean).collect();
    }
    let shown: String = text.chars().map(clean).take(SHOWN_MAX - 1).collect();
    shown + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_shortened_to_sixty_characters() {
        assert_eq!(shorten(b"a\tb"), "a b");
        assert_eq!(shorten("ä".repeat(60).as_bytes()), "ä".repeat(60));
        let long = shorten("ä".repeat(10_000).as_bytes());
        assert_eq!(long.chars().count(), 60);
        assert!(long.ends_with("ä…"));
    }
}
