//! The category columns of the training rows, and rows by combination of their levels.

use kolosal_frame::{Column, FrameView};

use super::projection::{Projection, Radix};
use super::slots::SlotMap;

/// The category columns of the training rows.
#[derive(Debug)]
pub(super) struct Categories {
    columns: Vec<Category>,
    rows: usize,
}

#[derive(Debug)]
struct Category {
    column: u32,
    levels: u32,
    /// Levels among the rows; missing values are one.
    seen: u32,
    codes: Vec<u32>,
}

/// Rows of a projection by combination of levels.
pub(super) struct Groups {
    pub(super) radix: Radix,
    pub(super) slots: SlotMap,
    /// The slot of each row that was grouped; zero for others.
    pub(super) of_row: Vec<u32>,
}

impl Categories {
    /// How many of the columns are categories.
    pub(super) fn count(x: FrameView<'_>, columns: &[u32]) -> usize {
        columns
            .iter()
            .filter(|&&column| levels_of(x, column).is_some())
            .count()
    }

    /// Reads the categories among the columns.
    pub(super) fn new(x: FrameView<'_>, columns: &[u32]) -> Self {
        let read = |&column: &u32| {
            let levels = levels_of(x, column)?;
            let codes = x.codes(column as usize);
            Some(Category {
                column,
                levels,
                seen: count_seen(levels, &codes),
                codes,
            })
        };
        Self {
            columns: columns.iter().filter_map(read).collect(),
            rows: x.row_count(),
        }
    }

    /// The columns and how many levels each has among the rows; missing values are one.
    pub(super) fn columns(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.columns
            .iter()
            .map(|category| (category.column, category.seen))
    }

    /// The numbering of a projection's combinations; `None` if 64 bits do not number them.
    ///
    /// # Panics
    /// If a column is no category of these.
    pub(super) fn radix(&self, projection: &Projection) -> Option<Radix> {
        let parts = self.parts(projection);
        Radix::new(parts.iter().map(|category| category.levels).collect())
    }

    /// Rows by combination of levels; groups are numbered as they come.
    ///
    /// # Panics
    /// As [`Categories::radix`].
    pub(super) fn group(
        &self,
        projection: &Projection,
        radix: Radix,
        rows: impl Iterator<Item = u32>,
    ) -> Groups {
        let parts = self.parts(projection);
        let mut slots = SlotMap::new(radix.size(), self.rows);
        let mut of_row = vec![0; self.rows];
        for row in rows {
            let row = row as usize;
            let key = radix.key(parts.iter().map(|category| category.codes[row]));
            of_row[row] = slots.insert(key).0;
        }
        Groups { radix, slots, of_row }
    }

    fn parts(&self, projection: &Projection) -> Vec<&Category> {
        let find = |&column: &u32| {
            let mut found = self.columns.iter().filter(|category| category.column == column);
            found.next().expect("the column is encoded")
        };
        projection.columns().iter().map(find).collect()
    }
}

fn count_seen(levels: u32, codes: &[u32]) -> u32 {
    let mut is_seen = vec![false; levels as usize + 1];
    codes
        .iter()
        .for_each(|&code| is_seen[code.min(levels) as usize] = true);
    is_seen.iter().map(|&seen| u32::from(seen)).sum()
}

fn levels_of(x: FrameView<'_>, column: u32) -> Option<u32> {
    match x.column(column as usize) {
        Column::Categories(categories) => Some(categories.levels().len() as u32),
        _ => None,
    }
}
