//! Looking at a table or a model without changing anything.

use std::path::Path;

use kolosal_compute::MappedFile;
use kolosal_frame::profile::{ColumnProfile, profile};
use kolosal_pipeline::Manifest;

use crate::{ColumnTypes, Platform, PlatformError};

/// What a file is.
pub enum Inspection {
    /// A table.
    Table(Box<TableInspection>),
    /// A model.
    Model(Box<ModelInspection>),
}

/// A table, column by column.
pub struct TableInspection {
    /// Rows.
    pub rows: usize,
    /// Name, kind, reason and values of each column.
    pub columns: Vec<ColumnProfile>,
    /// What the reader wants the user to know.
    pub notes: Vec<String>,
}

/// A model, as it describes itself.
pub struct ModelInspection {
    /// The description.
    pub manifest: Manifest,
    /// Size of the file.
    pub bytes: u64,
}

impl Platform {
    /// Describes a model or a table, whichever the file is.
    ///
    /// # Errors
    /// [`PlatformError`] as for reading either.
    pub fn inspect(&self, file: &Path, types: &ColumnTypes) -> Result<Inspection, PlatformError> {
        if is_model(file) {
            let manifest = self.manifest(file)?;
            let bytes = std::fs::metadata(file).map_or(0, |facts| facts.len());
            return Ok(Inspection::Model(Box::new(ModelInspection { manifest, bytes })));
        }
        let table = self.read(file, types)?;
        let columns = profile(&table.frame, &self.workers);
        Ok(Inspection::Table(Box::new(TableInspection {
            rows: table.rows,
            columns,
            notes: table.notes,
        })))
    }
}

fn is_model(file: &Path) -> bool {
    let named = file.extension().is_some_and(|extension| extension == "kolosal");
    named || MappedFile::open(file).is_ok_and(|bytes| bytes.starts_with(b"KOLOSAL\0"))
}
