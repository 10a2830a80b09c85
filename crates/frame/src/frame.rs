//! A table in memory.

use std::sync::Arc;

use kolosal_base::limits::{COLUMNS_MAX, ROWS_MAX};

use crate::bins::BinCache;
use crate::view::{FrameView, Rows};
use crate::{Column, Field, FrameError, Schema};

/// Columns of equal length under a schema; cloning shares the columns.
#[derive(Debug, Clone)]
pub struct Frame {
    schema: Arc<Schema>,
    columns: Vec<Column>,
    rows: usize,
    bins: BinCache,
}

impl Frame {
    /// Joins fields and columns.
    ///
    /// # Errors
    /// If names repeat or are empty, lengths differ, or there are more rows or columns than the limits allow.
    pub fn new(columns: Vec<(Field, Column)>) -> Result<Self, FrameError> {
        let (fields, columns): (Vec<Field>, Vec<Column>) = columns.into_iter().unzip();
        Self::from_parts(Schema::new(fields)?, columns)
    }

    /// Joins a schema and its columns.
    ///
    /// # Errors
    /// If lengths differ, or there are more rows or columns than the limits allow.
    ///
    /// # Panics
    /// If the schema has another number of fields than there are columns.
    pub fn from_parts(schema: Schema, columns: Vec<Column>) -> Result<Self, FrameError> {
        assert_eq!(schema.len(), columns.len(), "one field a column");
        let rows = columns.first().map_or(0, Column::len);
        for (what, found, limit) in [("rows", rows, ROWS_MAX), ("columns", columns.len(), COLUMNS_MAX)] {
            if found > limit {
                return Err(FrameError::TooLarge { what, found, limit });
            }
        }
        if let Some(odd) = columns.iter().position(|column| column.len() != rows) {
            let column = schema.fields()[odd].name.clone();
            return Err(FrameError::Length {
                column,
                rows: columns[odd].len(),
                expected: rows,
            });
        }
        Ok(Self {
            schema: Arc::new(schema),
            columns,
            rows,
            bins: BinCache::default(),
        })
    }

    /// Joins a schema that many frames share with columns that fit it.
    ///
    /// # Panics
    /// If the columns differ in number from the fields or in length from each other: for frames made by code that
    /// knows the schema, not for data from outside.
    pub fn with_schema(schema: &Arc<Schema>, columns: Vec<Column>) -> Self {
        assert_eq!(schema.len(), columns.len(), "one field a column");
        let rows = columns.first().map_or(0, Column::len);
        assert!(
            columns.iter().all(|column| column.len() == rows),
            "columns have one length"
        );
        Self {
            schema: Arc::clone(schema),
            columns,
            rows,
            bins: BinCache::default(),
        }
    }

    /// Names and kinds of the columns.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The columns, in schema order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// All rows.
    pub fn view(&self) -> FrameView<'_> {
        FrameView::new(
            self,
            Rows::Range {
                start: 0,
                len: self.rows,
            },
        )
    }

    /// The given rows, in the given order; a row may occur more than once.
    ///
    /// # Panics
    /// If a row number is out of bounds.
    pub fn select<'a>(&'a self, rows: &'a [u32]) -> FrameView<'a> {
        FrameView::new(self, Rows::Listed(rows))
    }

    /// The frame of the given columns, in the given order.
    ///
    /// # Panics
    /// If a position is out of bounds or repeated.
    pub fn project(&self, positions: &[usize]) -> Self {
        let fields = positions
            .iter()
            .map(|&at| self.schema.fields()[at].clone())
            .collect();
        let columns = positions.iter().map(|&at| self.columns[at].clone()).collect();
        let schema = Schema::new(fields).expect("a projection of distinct columns has distinct names");
        Self {
            schema: Arc::new(schema),
            columns,
            rows: self.rows,
            bins: BinCache::default(),
        }
    }

    pub(crate) fn bin_cache(&self) -> &BinCache {
        &self.bins
    }

    /// Bytes held on the heap by the columns.
    pub fn heap_bytes(&self) -> usize {
        self.columns.iter().map(Column::heap_bytes).sum()
    }
}
