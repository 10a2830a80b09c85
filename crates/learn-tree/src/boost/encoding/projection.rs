//! What statistics are grouped by: a category column, or a combination of several.

/// Ascending numbers of raw category columns; rows belong together when they agree in all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Projection(Vec<u32>);

impl Projection {
    /// One column.
    pub(crate) fn single(column: u32) -> Self {
        Self(vec![column])
    }

    /// The combination with one more column; `None` if that is one of them already.
    pub(crate) fn with(&self, column: u32) -> Option<Self> {
        let at = self.0.binary_search(&column).err()?;
        let mut columns = self.0.clone();
        columns.insert(at, column);
        Some(Self(columns))
    }

    /// The columns.
    pub(crate) fn columns(&self) -> &[u32] {
        &self.0
    }
}

/// A numbering of all combinations of levels of some columns: each column is a digit, and missing its highest value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Radix {
    levels: Vec<u32>,
    size: u64,
}

impl Radix {
    /// The numbering for columns of so many levels; `None` if 64 bits cannot hold it.
    pub(super) fn new(levels: Vec<u32>) -> Option<Self> {
        let size = levels
            .iter()
            .try_fold(1_u64, |size, &levels| size.checked_mul(u64::from(levels) + 1))?;
        Some(Self { levels, size })
    }

    /// How many combinations there are, missing counted as a level.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Levels of each column.
    pub(super) fn levels(&self) -> &[u32] {
        &self.levels
    }

    /// The number of a combination of codes, one a column; a code that is no level counts as missing.
    #[inline]
    pub(super) fn key(&self, codes: impl Iterator<Item = u32>) -> u64 {
        self.levels.iter().zip(codes).fold(0, |key, (&levels, code)| {
            key * (u64::from(levels) + 1) + u64::from(code.min(levels))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_frame::MISSING;

    #[test]
    fn every_combination_has_a_number_of_its_own() {
        let radix = Radix::new(vec![2, 1, 3]).expect("small");
        let mut seen = std::collections::BTreeSet::new();
        for a in [0, 1, MISSING] {
            for b in [0, MISSING] {
                for c in [0, 1, 2, MISSING] {
                    let key = radix.key([a, b, c].into_iter());
                    assert!(key < radix.size() && seen.insert(key));
                }
            }
        }
        assert_eq!(radix.size(), 24);
        assert_eq!(Radix::new(vec![u32::MAX; 3]), None);
    }

    #[test]
    fn a_combination_holds_a_column_once() {
        let pair = Projection::single(7).with(2).expect("another column");
        assert_eq!(pair.columns(), [2, 7]);
        assert_eq!(pair.with(7), None);
    }
}
