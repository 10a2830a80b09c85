//! Reading files as tables: one entry for every format.
//!
//! The format is recognised by content first (Parquet, Arrow, gzip and zstd name themselves) and by extension second.
//! Whatever the format, types are inferred from all values with a reason each, missing values stay missing, and what
//! cannot be read is refused with file, row, column and value. A file must not be truncated while it is read.

mod arrow;
mod arrow_sizes;
mod binary;
mod csv;
pub(crate) mod dictionary;
mod error;
mod finish;
mod jsonl;
mod plan;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kolosal_base::Cancel;
use kolosal_compute::{Ledger, Reservation, Workers};

use self::csv::{DelimitedText, Quoted};
use self::plan::Wish;
use crate::{Frame, FrameError, FrozenSchema, Kind, closest};

pub use error::{Place, ReadError};
pub(crate) use error::{shorten, wanted_words};

/// How to read a file; the default finds everything out.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions<'a> {
    /// Kinds that the user sets, by column name.
    pub kinds: Vec<(String, Kind)>,
    /// The byte between two cells of a text file; found out if not given.
    pub delimiter: Option<u8>,
    /// Whether the first record of a text file names the columns.
    pub header: Header,
    /// The encoding of a text file without a byte order mark.
    pub encoding: Encoding,
    /// The columns to read, in the file's order; all if not given.
    pub columns: Option<Vec<String>>,
    /// Read at most so many rows, from the first on.
    pub rows: Option<usize>,
    /// Read for prediction: only the columns of this schema, in its order, with its kinds and levels.
    pub schema: Option<&'a FrozenSchema>,
}

/// Whether the first record of a text file names the columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Header {
    /// Find out: words above numbers or dates are names.
    #[default]
    Detect,
    /// It does.
    Present,
    /// It does not; columns are called `column_1`, `column_2`, ..
    Absent,
}

/// How the characters of a text file are encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-16 if a byte order mark says so, else UTF-8.
    #[default]
    Detect,
    /// Windows-1252, of which ISO 8859-1 is a part.
    Windows1252,
}

/// A table that was read.
#[derive(Debug)]
pub struct Reading {
    /// The table.
    pub frame: Frame,
    /// What the user should know: skipped lines, doubtful dates.
    pub notes: Vec<String>,
    /// The frame's memory in the ledger; keep it as long as the frame.
    pub memory: Reservation,
}

/// Reads a file as a table.
///
/// # Errors
/// [`ReadError`], naming file, row, column and value where there are such.
pub fn read(
    path: &Path,
    options: &ReadOptions<'_>,
    workers: &Workers,
    ledger: &Ledger,
    cancel: &Cancel,
) -> Result<Reading, ReadError> {
    let job = Job {
        path,
        options,
        workers,
        ledger,
        cancel,
        piece: None,
    };
    job.run()
}

/// What a file holds once it is decompressed.
enum Format {
    Parquet,
    Arrow,
    ArrowStream,
    JsonLines,
    Delimited { prefers_tab: bool },
}

/// A file to be read, and everything needed for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) path: &'a Path,
    pub(crate) options: &'a ReadOptions<'a>,
    pub(crate) workers: &'a Workers,
    pub(crate) ledger: &'a Ledger,
    pub(crate) cancel: &'a Cancel,
    /// Bytes of a piece read at once; set by tests only.
    pub(crate) piece: Option<usize>,
}

impl Job<'_> {
    fn run(&self) -> Result<Reading, ReadError> {
        let source = source::open(self)?;
        match self.format(&source)? {
            Format::Delimited { prefers_tab } => {
                let (source, skipped) = source::decode(self, source)?;
                let input = DelimitedText {
                    bytes: &source[skipped..],
                    source: Some(&source),
                    skipped,
                    prefers_tab,
                    quoted: Quoted::MayBeNumber,
                };
                csv::read(self, input)
            }
            Format::Parquet => binary::read_parquet(self, source),
            Format::Arrow => binary::read_arrow(self, &source),
            Format::ArrowStream => binary::read_arrow_stream(self, &source),
            Format::JsonLines => {
                let (source, skipped) = source::decode(self, source)?;
                jsonl::read(self, &source[skipped..])
            }
        }
    }

    /// The format by what the file begins with, and by its extension where that says nothing.
    fn format(&self, bytes: &[u8]) -> Result<Format, ReadError> {
        let prefers_tab = self.has_extension("tsv");
        let is_delimited = prefers_tab || self.has_extension("csv");
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        match (bytes, first) {
            ([b'P', b'A', b'R', b'1', ..], _) => Ok(Format::Parquet),
            ([b'A', b'R', b'R', b'O', b'W', b'1', ..], _) => Ok(Format::Arrow),
            ([0xff, 0xff, 0xff, 0xff, ..], _) => Ok(Format::ArrowStream),
            _ if self.has_extension("parquet") => {
                Err(self.not_a_table("its name ends in .parquet, its content is not Parquet".to_owned()))
            }
            _ if ["arrow", "feather", "ipc"]
                .iter()
                .any(|extension| self.has_extension(extension)) =>
            {
                Err(self.not_a_table("its name says Arrow, its content is not an Arrow file".to_owned()))
            }
            _ if self.has_extension("jsonl") || self.has_extension("ndjson") => Ok(Format::JsonLines),
            (_, Some(b'{')) if !is_delimited => Ok(Format::JsonLines),
            (_, Some(b'[')) if self.has_extension("json") => {
                Err(self.not_a_table("a JSON array, not one JSON object a line".to_owned()))
            }
            _ => Ok(Format::Delimited { prefers_tab }),
        }
    }

    /// Whether the file's name ends so, perhaps before the ending of a compression.
    fn has_extension(&self, wanted: &str) -> bool {
        let name = self
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        name.strip_suffix(wanted).is_some_and(|stem| stem.ends_with('.'))
    }

    /// What is asked for each column of a table with these names; `None` for columns to leave out.
    pub(crate) fn wishes(&self, names: &[String]) -> Result<Vec<Option<Wish>>, ReadError> {
        let positions: BTreeMap<&str, usize> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_str(), at))
            .collect();
        let position = |name: &String| {
            positions.get(name.as_str()).copied().ok_or_else(|| {
                let closest = closest(name, names.iter().map(String::as_str));
                self.table_error(FrameError::NoColumn {
                    name: name.clone(),
                    closest,
                })
            })
        };
        if let Some(schema) = self.options.schema {
            let all: Vec<&str> = names.iter().map(String::as_str).collect();
            schema
                .require_names(&all)
                .map_err(|source| self.table_error(source))?;
            let mut wishes = vec![None; names.len()];
            for field in schema.schema().fields() {
                wishes[positions[field.name.as_str()]] = Some(Wish::Frozen(field.clone()));
            }
            return Ok(wishes);
        }
        let mut wishes = vec![Some(Wish::Infer); names.len()];
        if let Some(columns) = &self.options.columns {
            wishes.fill(None);
            for name in columns {
                wishes[position(name)?] = Some(Wish::Infer);
            }
        }
        for (name, kind) in &self.options.kinds {
            if let Some(wish) = &mut wishes[position(name)?] {
                *wish = Wish::User(*kind);
            }
        }
        Ok(wishes)
    }

    /// Hands over the frame, brought to the frozen schema if there is one.
    pub(crate) fn deliver(&self, frame: Frame, notes: Vec<String>) -> Result<Reading, ReadError> {
        let frame = match self.options.schema {
            Some(schema) => schema.align(&frame).map_err(|source| self.table_error(source))?,
            None => frame,
        };
        let memory = self.reserve(frame.heap_bytes() as u64)?;
        Ok(Reading { frame, notes, memory })
    }

    pub(crate) fn reserve(&self, bytes: u64) -> Result<Reservation, ReadError> {
        let refused = |source| ReadError::Memory {
            file: self.file(),
            source,
        };
        self.ledger.reserve(bytes).map_err(refused)
    }

    pub(crate) fn table_error(&self, source: FrameError) -> ReadError {
        ReadError::Table {
            file: self.file(),
            source,
        }
    }

    pub(crate) fn not_a_table(&self, evidence: String) -> ReadError {
        ReadError::NotATable {
            file: self.file(),
            evidence,
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path.to_owned()
    }
}
