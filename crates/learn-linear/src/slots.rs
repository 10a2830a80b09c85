//! Which coefficients belong to which feature column.

use kolosal_frame::{Column, FrameView};
use kolosal_learner::{ArtifactError, Decoder, Encoder};

/// Most coefficients of one output; bounds what a damaged file can ask for.
const SLOTS_MAX: usize = 1 << 30;

/// What one feature column gives to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotKind {
    /// A number: one coefficient.
    Number,
    /// A category: one coefficient a level, none for a missing value.
    Levels(u32),
}

/// The coefficients of every column, side by side in column order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slots {
    kinds: Vec<SlotKind>,
    /// `starts[c] .. starts[c + 1]` are the coefficients of column `c`.
    starts: Vec<usize>,
}

impl Slots {
    /// The slots of a view's columns.
    ///
    /// # Panics
    /// If a column is text: the card does not take it.
    pub(crate) fn of(view: FrameView<'_>) -> Self {
        let kind = |position| match view.column(position) {
            Column::Numbers(_) | Column::Sparse(_) => SlotKind::Number,
            Column::Categories(categories) => SlotKind::Levels(categories.levels().len() as u32),
            Column::Text(_) => panic!("column {position} is text, which the card does not take"),
        };
        Self::new((0..view.column_count()).map(kind).collect())
    }

    fn new(kinds: Vec<SlotKind>) -> Self {
        let mut starts = vec![0];
        for kind in &kinds {
            let width = match kind {
                SlotKind::Number => 1,
                SlotKind::Levels(levels) => *levels as usize,
            };
            starts.push(starts.last().expect("a start stands first") + width);
        }
        Self { kinds, starts }
    }

    /// How many feature columns there are.
    pub(crate) fn column_count(&self) -> usize {
        self.kinds.len()
    }

    /// How many coefficients an output has, the intercept apart.
    pub(crate) fn width(&self) -> usize {
        *self.starts.last().expect("a start stands first")
    }

    /// What a column gives.
    pub(crate) fn kind(&self, column: usize) -> SlotKind {
        self.kinds[column]
    }

    /// The first coefficient of a column.
    pub(crate) fn start(&self, column: usize) -> usize {
        self.starts[column]
    }

    /// The coefficients of a column.
    pub(crate) fn range(&self, column: usize) -> std::ops::Range<usize> {
        self.starts[column]..self.starts[column + 1]
    }

    /// Writes the kinds.
    pub(crate) fn save(&self, to: &mut Encoder) {
        let codes: Vec<u32> = self
            .kinds
            .iter()
            .map(|kind| match kind {
                SlotKind::Number => u32::MAX,
                SlotKind::Levels(levels) => *levels,
            })
            .collect();
        to.u32s(&codes);
    }

    /// Reads what [`Slots::save`] wrote.
    ///
    /// # Errors
    /// At the end of the bytes, or if there would be more coefficients than any model has.
    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let codes = from.u32s()?;
        let total: u64 = codes
            .iter()
            .map(|&code| if code == u32::MAX { 1 } else { u64::from(code) })
            .sum();
        if total > SLOTS_MAX as u64 {
            return Err(ArtifactError::damaged(format!(
                "{total} coefficients where at most {SLOTS_MAX} can be"
            )));
        }
        let kind = |&code: &u32| {
            if code == u32::MAX {
                SlotKind::Number
            } else {
                SlotKind::Levels(code)
            }
        };
        Ok(Self::new(codes.iter().map(kind).collect()))
    }
}
