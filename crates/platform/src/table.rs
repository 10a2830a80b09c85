//! Tables as doors name them: a file, and the types of some columns.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kolosal_base::Clock;
use kolosal_compute::Reservation;
use kolosal_frame::read::{ReadOptions, read};
use kolosal_frame::{Frame, FrozenSchema, Kind};

use crate::{Platform, PlatformError};

/// Types that the user gives to columns, by name.
pub type ColumnTypes = Vec<(String, String)>;

/// A table that was read.
pub struct Table {
    /// Where it came from.
    pub file: PathBuf,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// What the reader wants the user to know.
    pub notes: Vec<String>,
    /// Time it took.
    pub load_time: Duration,
    pub(crate) frame: Frame,
    /// The frame's bytes in the ledger, set aside for as long as it lives.
    _memory: Reservation,
}

impl Platform {
    /// Reads a table; the format is found from its first bytes.
    ///
    /// # Errors
    /// [`PlatformError::Read`] with file, row, column and value; [`PlatformError::Setting`] for an unknown type.
    pub fn read(&self, file: &Path, types: &ColumnTypes) -> Result<Table, PlatformError> {
        self.read_with(
            file,
            &ReadOptions {
                kinds: kinds_of(types)?,
                ..ReadOptions::default()
            },
        )
    }

    /// Reads a table as a model expects it.
    pub(crate) fn read_frozen(&self, file: &Path, schema: &FrozenSchema) -> Result<Table, PlatformError> {
        self.read_with(
            file,
            &ReadOptions {
                schema: Some(schema),
                ..ReadOptions::default()
            },
        )
    }

    fn read_with(&self, file: &Path, options: &ReadOptions<'_>) -> Result<Table, PlatformError> {
        let started = self.clock.now();
        let reading = read(file, options, &self.workers, &self.memory, &self.cancel)?;
        Ok(Table {
            file: file.to_owned(),
            rows: reading.frame.row_count(),
            columns: reading.frame.column_count(),
            notes: reading.notes,
            load_time: self.clock.now().saturating_sub(started),
            frame: reading.frame,
            _memory: reading.memory,
        })
    }
}

fn kinds_of(types: &ColumnTypes) -> Result<Vec<(String, Kind)>, PlatformError> {
    let kind = |(name, word): &(String, String)| match word.parse::<Kind>() {
        Ok(kind) => Ok((name.clone(), kind)),
        Err(_) => {
            let allowed = Kind::ALL.map(|(_, name)| name).join(", ");
            let value = format!("'{word}' for column '{name}'");
            Err(PlatformError::Setting {
                what: "a column type",
                value,
                allowed: format!("one of {allowed}"),
            })
        }
    };
    types.iter().map(kind).collect()
}
