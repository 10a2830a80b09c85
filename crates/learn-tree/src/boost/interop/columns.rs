//! What a booster's columns are called and hold, in the words of every format.

use std::collections::BTreeMap;
use std::sync::Arc;

use kolosal_frame::{Field, FrozenSchema, Kind, Schema, Strings};

use super::{InteropError, Library};

/// A raw column of a booster.
#[derive(Debug, Clone, PartialEq)]
pub struct BoosterColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub values: ColumnValues,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnValues {
    /// Numbers; category codes too, where a file names codes but no levels.
    Numbers,
    /// Levels in ascending order; trees test their positions.
    Levels(Arc<Strings>),
}

impl BoosterColumn {
    /// A column of numbers.
    pub fn numbers(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            values: ColumnValues::Numbers,
        }
    }

    /// A categorical column.
    ///
    /// # Panics
    /// If the levels are not strictly ascending.
    pub fn levels(name: impl Into<String>, levels: Arc<Strings>) -> Self {
        assert!(
            (1..levels.len()).all(|at| levels.get(at - 1) < levels.get(at)),
            "levels are sorted and distinct"
        );
        Self {
            name: name.into(),
            values: ColumnValues::Levels(levels),
        }
    }

    /// How many levels a categorical column has; `None` for numbers.
    pub fn level_count(&self) -> Option<usize> {
        match &self.values {
            ColumnValues::Numbers => None,
            ColumnValues::Levels(levels) => Some(levels.len()),
        }
    }
}

/// The columns of a schema, in its order.
pub fn columns_of(schema: &FrozenSchema) -> Vec<BoosterColumn> {
    let fields = schema.schema().fields().iter().enumerate();
    fields
        .map(|(at, field)| match schema.levels(at) {
            Some(levels) => BoosterColumn::levels(&field.name, Arc::clone(levels)),
            None => BoosterColumn::numbers(&field.name),
        })
        .collect()
}

/// The schema that brings a table to these columns, whose names must differ.
pub(super) fn schema_of(columns: &[BoosterColumn], library: Library) -> Result<FrozenSchema, InteropError> {
    let reason = format!("a column of the {library} model");
    let field = |column: &BoosterColumn| match column.values {
        ColumnValues::Numbers => Field::new(&column.name, Kind::Numeric, &reason),
        ColumnValues::Levels(_) => Field::new(&column.name, Kind::Categorical, &reason),
    };
    let schema = Schema::new(columns.iter().map(field).collect())
        .map_err(|error| InteropError::damaged(library, "the names of the columns", error.to_string()))?;
    let levels = columns.iter().map(|column| match &column.values {
        ColumnValues::Numbers => None,
        ColumnValues::Levels(levels) => Some(Arc::clone(levels)),
    });
    Ok(FrozenSchema::new(schema, levels.collect()))
}

/// The codes a file gives to the levels of a column, and ours: positions in the sorted list.
#[derive(Debug, Clone)]
pub(super) struct LevelCodes {
    pub(super) levels: Arc<Strings>,
    /// Our code of the file's code.
    pub(super) ours: Vec<u32>,
}

impl LevelCodes {
    /// Sorts the names that a file lists by code; `None` if a name is empty or stands there twice.
    pub(super) fn new<S: AsRef<str>>(names: &[S]) -> Option<Self> {
        let sorted: BTreeMap<&str, usize> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.as_ref(), at))
            .collect();
        if sorted.len() != names.len() || sorted.contains_key("") {
            return None;
        }
        let mut ours = vec![0; names.len()];
        sorted
            .values()
            .enumerate()
            .for_each(|(code, &at)| ours[at] = code as u32);
        Some(Self {
            levels: Arc::new(sorted.keys().collect()),
            ours,
        })
    }
}
