//! Bounds that hold everywhere; each is far above real use and far below what would hurt the machine.

/// Most columns a table may have.
pub const COLUMNS_MAX: usize = 200_000;

/// Most rows a table may have: row numbers are `u32`, and the two highest values are reserved.
pub const ROWS_MAX: usize = (u32::MAX - 2) as usize;

/// Longest record (line, or quoted record over several lines) of a text file, in bytes.
pub const RECORD_BYTES_MAX: usize = 64 << 20;

/// Longest single text cell, in bytes.
pub const CELL_BYTES_MAX: usize = 16 << 20;

/// Longest column name, in bytes.
pub const COLUMN_NAME_BYTES_MAX: usize = 4096;

/// Most classes a classification target may have.
pub const CLASSES_MAX: usize = 10_000;

/// Largest manifest of an artifact, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 256 << 20;

/// Most worker threads a process will start.
pub const THREADS_MAX: usize = 1024;
