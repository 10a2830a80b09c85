//! The columns a model was trained on, and how another table is brought to them.

use std::sync::Arc;

use crate::{Column, Frame, FrameError, Schema, Strings};

/// A schema with the levels of its categorical columns, frozen at training.
#[derive(Debug, Clone)]
pub struct FrozenSchema {
    schema: Arc<Schema>,
    levels: Vec<Option<Arc<Strings>>>,
}

impl FrozenSchema {
    /// Freezes the columns of a table.
    pub fn of(frame: &Frame) -> Self {
        let levels_of = |column: &Column| match column {
            Column::Categories(c) => Some(Arc::clone(c.levels())),
            _ => None,
        };
        Self {
            schema: Arc::clone(frame.schema()),
            levels: frame.columns().iter().map(levels_of).collect(),
        }
    }

    /// Joins a schema and its levels.
    ///
    /// # Panics
    /// If a coded column has no levels or another column has some.
    pub fn new(schema: Schema, levels: Vec<Option<Arc<Strings>>>) -> Self {
        assert_eq!(schema.len(), levels.len(), "one entry a column");
        Self {
            schema: Arc::new(schema),
            levels,
        }
    }

    /// Names and kinds.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The levels of a coded column.
    pub fn levels(&self, position: usize) -> Option<&Arc<Strings>> {
        self.levels[position].as_ref()
    }

    /// Brings a table to these columns.
    ///
    /// # Errors
    /// A missing column.
    pub fn align(&self, frame: &Frame) -> Result<Frame, FrameError> {
        let mut columns = Vec::new();
        for (field, levels) in self.schema.fields().iter().zip(&self.levels) {
            let column = &frame.columns()[frame.schema().require(&field.name)?];
            columns.push(match (column, levels) {
                (Column::Categories(c), Some(levels)) => Column::Categories(c.recode(levels)),
                (other, _) => other.clone(),
            });
        }
        Ok(Frame::with_schema(&self.schema, columns))
    }
}
