//! Columns that a booster derives from categories: statistics of the target by level or combination of levels.
//!
//! A category of many levels is no good split by itself: there are more sets of levels than rows. Ordered target statistics
//! (Prokhorenkova and others, "CatBoost: unbiased boosting with categorical features", NeurIPS 2018) replace a level by the
//! mean answer of the rows that have it, and a combination of levels likewise; see `ordered` for how a row's own answer is kept
//! out. Beside the mean answers of a [`Projection`] stands its share of all rows.
//!
//! An [`Encoder`] makes binned columns of the training rows, in several orders of rows:
//!
//! 1. [`Encoder::new`] once a fit; [`Encoder::singles`] are the columns that are worth deriving from;
//! 2. [`Encoder::fixed`] gives the statistics of every single column and of the pairs that explain most beyond their parts;
//!    each tree should draw one of the [`Encoder::permutations`] and use that order's bins for its splits;
//! 3. [`FixedColumns::encodings`] computes the same columns from all training rows, for prediction.
//!
//! A bin `b` holds values above `borders[b - 2]` and up to `borders[b - 1]`, so a tree that splits after bin `b` tests
//! `value <= borders[b - 1]`, and prediction cuts at the borders of training.

mod borders;
mod categories;
mod encoded;
mod encoder;
mod fixed;
mod ordered;
mod pairs;
mod projection;
mod slots;
mod table;
#[cfg(test)]
mod tests;

use kolosal_learner::{ArtifactError, Decoder, Encoder as ArtifactEncoder};

pub(crate) use encoder::{Encoder, EncoderOptions};
pub(crate) use fixed::FixedColumns;
#[cfg(test)]
pub(crate) use projection::Projection;
use table::Table;

/// Derived columns, numbered behind the raw ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Encodings {
    tables: Vec<Table>,
    /// The table that each derived column stands in.
    table_of: Vec<u32>,
}

impl Encodings {
    /// Joins tables whose columns are numbered 0, 1, .. over all of them.
    ///
    /// # Panics
    /// If a number is missing or taken twice.
    fn new(tables: Vec<Table>) -> Self {
        Self::checked(tables).expect("every derived column stands in one table")
    }

    fn checked(tables: Vec<Table>) -> Option<Self> {
        let count = tables.iter().map(|table| table.columns().len()).sum();
        let mut table_of = vec![u32::MAX; count];
        for (at, table) in tables.iter().enumerate() {
            for &column in table.columns() {
                let place = table_of.get_mut(column as usize)?;
                if *place != u32::MAX {
                    return None;
                }
                *place = at as u32;
            }
        }
        Some(Self { tables, table_of })
    }

    /// How many derived columns there are.
    pub(crate) fn count(&self) -> usize {
        self.table_of.len()
    }

    /// The raw columns that a derived one is made of.
    ///
    /// # Panics
    /// If there is no such derived column.
    pub(crate) fn sources(&self, derived: usize) -> &[u32] {
        self.tables[self.table_of[derived] as usize].sources()
    }

    /// Computes the derived values of a row from its raw ones.
    pub(crate) fn fill(&self, raw: &[f64], derived: &mut [f64]) {
        self.tables.iter().for_each(|table| table.fill(raw, derived));
    }

    /// Bytes held on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let tables: usize = self.tables.iter().map(Table::heap_bytes).sum();
        tables + self.table_of.len() * size_of::<u32>()
    }

    pub(crate) fn save(&self, to: &mut ArtifactEncoder) {
        to.u64(self.tables.len() as u64);
        self.tables.iter().for_each(|table| table.save(to));
    }

    /// Reads derived columns over so many raw ones.
    ///
    /// # Errors
    /// [`ArtifactError`] on anything that a save cannot have written.
    pub(crate) fn load(from: &mut Decoder<'_>, features: usize) -> Result<Self, ArtifactError> {
        // A table is several lists; their lengths alone take more than sixteen bytes.
        let count = from.count("tables", from.remaining() / 16)?;
        let tables = (0..count)
            .map(|_| Table::load(from, features))
            .collect::<Result<Vec<_>, _>>()?;
        Self::checked(tables)
            .ok_or_else(|| ArtifactError::damaged("a derived column stands in no table or in two"))
    }
}
