//! Writing tables: CSV, TSV, JSON lines, Parquet and Arrow, chosen by the file's extension.
//!
//! A file appears whole or not at all ([`AtomicFile`]). Numbers are written in the shortest form that reads back as the
//! same number, moments in ISO 8601, missing values as empty cells or nulls.

mod atomic;
mod binary;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kolosal_base::{Cancel, ErrorKind};
use kolosal_compute::Workers;

use crate::Frame;

pub use atomic::AtomicFile;

/// A table that cannot be written; an older file of the same name stays whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The extension names no format.
    #[error("{} has no known extension: choose .csv, .tsv, .jsonl, .parquet or .arrow", .file.display())]
    Format {
        /// The path given.
        file: PathBuf,
    },
    /// The folder does not exist.
    #[error("{} cannot be written: its folder does not exist", .file.display())]
    NoFolder {
        /// The path given.
        file: PathBuf,
    },
    /// The operating system refused, the disk being full included.
    #[error("{} cannot be written: {source}", .file.display())]
    Io {
        /// The path given.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The caller asked to stop.
    #[error("writing was cancelled")]
    Cancelled,
}

impl WriteError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Format { .. } => ErrorKind::Invalid,
            Self::NoFolder { .. } => ErrorKind::NotFound,
            Self::Io { .. } => ErrorKind::Internal,
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }
}

/// A format that tables can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Cells between commas.
    Csv,
    /// Cells between tabs.
    Tsv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet, compressed with zstd.
    Parquet,
    /// Arrow IPC file (Feather version 2).
    Arrow,
}

impl Format {
    /// Extensions and what they mean.
    pub const EXTENSIONS: [(&'static str, Self); 8] = [
        ("csv", Self::Csv),
        ("tsv", Self::Tsv),
        ("jsonl", Self::JsonLines),
        ("ndjson", Self::JsonLines),
        ("parquet", Self::Parquet),
        ("arrow", Self::Arrow),
        ("feather", Self::Arrow),
        ("ipc", Self::Arrow),
    ];

    /// The format that a path's extension names.
    ///
    /// # Errors
    /// [`WriteError::Format`].
    pub fn of(path: &Path) -> Result<Self, WriteError> {
        let extension = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        let found = Self::EXTENSIONS.iter().find(|(name, _)| *name == extension);
        found
            .map(|(_, format)| *format)
            .ok_or_else(|| WriteError::Format {
                file: path.to_owned(),
            })
    }
}

/// Writes a table to a file, in the format that its extension names.
///
/// # Errors
/// [`WriteError`]; nothing is left behind then, and an older file stays whole.
pub fn write(frame: &Frame, path: &Path, workers: &Workers, cancel: &Cancel) -> Result<(), WriteError> {
    let format = Format::of(path)?;
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => WriteError::NoFolder {
            file: path.to_owned(),
        },
        io::ErrorKind::Interrupted if cancel.is_requested() => WriteError::Cancelled,
        _ => WriteError::Io {
            file: path.to_owned(),
            source,
        },
    };
    let mut file = AtomicFile::create(path).map_err(failed)?;
    let job = WriteJob {
        frame,
        workers,
        cancel,
    };
    job.write_to(&mut file, format)
        .and_then(|()| file.commit())
        .map_err(failed)
}

/// A table to be written, and everything needed for it.
struct WriteJob<'a> {
    frame: &'a Frame,
    workers: &'a Workers,
    cancel: &'a Cancel,
}

impl WriteJob<'_> {
    fn write_to(&self, out: &mut (impl Write + Send), format: Format) -> io::Result<()> {
        match format {
            Format::Csv => self.write_delimited(out, b','),
            Format::Tsv => self.write_delimited(out, b'\t'),
            Format::JsonLines => self.write_json(out),
            Format::Parquet => self.write_parquet(out),
            Format::Arrow => self.write_arrow(out),
        }
    }

    /// An error of the kind that [`write`] takes for a cancellation.
    fn check_cancel(&self) -> io::Result<()> {
        if self.cancel.is_requested() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }
}
