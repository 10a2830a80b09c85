//! The four storages of a column.

use std::sync::Arc;

use arrow_buffer::ScalarBuffer;

use crate::Strings;

/// The code of a missing or unknown category.
pub const MISSING: u32 = u32::MAX;

/// The values of one column; cloning shares them.
#[derive(Debug, Clone)]
pub enum Column {
    /// Numbers, and moments as microseconds since 1970-01-01 UTC; NaN is missing, infinities do not occur.
    Numbers(ScalarBuffer<f64>),
    /// Codes into a sorted list of levels.
    Categories(Categories),
    /// Free text; the empty string is missing.
    Text(Arc<Strings>),
    /// Numbers that are mostly zero.
    Sparse(Arc<SparseNumbers>),
}

/// A categorical column: one code a row, [`MISSING`] where the value is missing or unknown.
#[derive(Debug, Clone)]
pub struct Categories {
    codes: ScalarBuffer<u32>,
    levels: Arc<Strings>,
}

/// Numbers of which only those that differ from zero are stored; missing values are stored as NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseNumbers {
    len: usize,
    rows: Vec<u32>,
    values: Vec<f64>,
}

impl Column {
    /// A column of numbers.
    ///
    /// # Panics
    /// If a value is infinite: readers refuse or map infinities before a column is made.
    pub fn numbers(values: Vec<f64>) -> Self {
        debug_assert!(
            values.iter().all(|v| !v.is_infinite()),
            "numbers are finite or missing"
        );
        Self::Numbers(values.into())
    }

    /// A categorical column from its values; the empty string is missing.
    pub fn categories<S: AsRef<str>>(values: &[S]) -> Self {
        let mut distinct: Vec<&str> = values
            .iter()
            .map(AsRef::as_ref)
            .filter(|v| !v.is_empty())
            .collect();
        distinct.sort_unstable();
        distinct.dedup();
        let code_of = |value: &str| distinct.binary_search(&value).map_or(MISSING, |i| i as u32);
        let codes = values.iter().map(|v| code_of(v.as_ref())).collect();
        Self::Categories(Categories::new(codes, Arc::new(distinct.iter().collect())))
    }

    /// A text column; the empty string is missing.
    pub fn text<S: AsRef<str>>(values: &[S]) -> Self {
        Self::Text(Arc::new(values.iter().collect()))
    }

    /// How many rows the column has.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Categories(categories) => categories.codes.len(),
            Self::Text(strings) => strings.len(),
            Self::Sparse(sparse) => sparse.len,
        }
    }

    /// Whether the column has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the value in `row` is missing.
    ///
    /// # Panics
    /// If `row` is out of bounds.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Numbers(values) => values[row].is_nan(),
            Self::Categories(categories) => categories.codes[row] == MISSING,
            Self::Text(strings) => strings.get(row).is_empty(),
            Self::Sparse(sparse) => sparse.get(row).is_nan(),
        }
    }

    /// How many values are missing.
    pub fn missing_count(&self) -> usize {
        (0..self.len()).filter(|&row| self.is_missing(row)).count()
    }

    /// Bytes held on the heap, shared storage counted once for this column.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len() * size_of::<f64>(),
            Self::Categories(c) => c.codes.len() * size_of::<u32>() + c.levels.heap_bytes(),
            Self::Text(strings) => strings.heap_bytes(),
            Self::Sparse(sparse) => sparse.rows.len() * (size_of::<u32>() + size_of::<f64>()),
        }
    }
}

impl Categories {
    /// Joins codes and their levels.
    ///
    /// # Panics
    /// If the levels are not strictly ascending or a code is neither below their number nor [`MISSING`].
    pub fn new(codes: Vec<u32>, levels: Arc<Strings>) -> Self {
        assert!(
            (1..levels.len()).all(|i| levels.get(i - 1) < levels.get(i)),
            "levels are sorted and distinct"
        );
        let count = levels.len() as u32;
        assert!(
            codes.iter().all(|&c| c < count || c == MISSING),
            "codes are below the number of levels"
        );
        Self {
            codes: codes.into(),
            levels,
        }
    }

    /// One code a row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The levels in ascending order; a code is an index into them.
    pub fn levels(&self) -> &Arc<Strings> {
        &self.levels
    }

    /// The code of a level, if it is known.
    pub fn code_of(&self, level: &str) -> Option<u32> {
        find_level(&self.levels, level)
    }

    /// The same values coded by other levels; values those do not have become [`MISSING`].
    pub fn recode(&self, levels: &Arc<Strings>) -> Self {
        if Arc::ptr_eq(&self.levels, levels) || self.levels == *levels {
            return Self {
                codes: self.codes.clone(),
                levels: Arc::clone(levels),
            };
        }
        let map: Vec<u32> = self
            .levels
            .iter()
            .map(|level| find_level(levels, level).unwrap_or(MISSING))
            .collect();
        let translate = |&code: &u32| {
            if code == MISSING {
                MISSING
            } else {
                map[code as usize]
            }
        };
        let codes: Vec<u32> = self.codes.iter().map(translate).collect();
        Self {
            codes: codes.into(),
            levels: Arc::clone(levels),
        }
    }
}

/// Binary search in sorted levels.
fn find_level(levels: &Strings, wanted: &str) -> Option<u32> {
    let (mut low, mut high) = (0, levels.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match levels.get(middle).cmp(wanted) {
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
            std::cmp::Ordering::Equal => return Some(middle as u32),
        }
    }
    None
}

impl SparseNumbers {
    /// Joins row numbers and values; rows that are not named are zero.
    ///
    /// # Panics
    /// If the lists differ in length, or the rows are not strictly ascending and below `len`.
    pub fn new(len: usize, rows: Vec<u32>, values: Vec<f64>) -> Self {
        assert_eq!(rows.len(), values.len(), "one value a stored row");
        assert!(
            rows.windows(2).all(|pair| pair[0] < pair[1]),
            "stored rows ascend"
        );
        assert!(
            rows.last().is_none_or(|&last| (last as usize) < len),
            "stored rows lie in the column"
        );
        Self { len, rows, values }
    }

    /// The rows that are stored, ascending.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The stored values, one for each of [`SparseNumbers::rows`].
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value in `row`, zero if it is not stored.
    pub fn get(&self, row: usize) -> f64 {
        self.rows
            .binary_search(&(row as u32))
            .map_or(0.0, |at| self.values[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_sorted_and_the_empty_string_is_missing() {
        let Column::Categories(c) = Column::categories(&["b", "", "a", "b"]) else {
            panic!("categorical")
        };
        assert_eq!(c.codes(), [1, MISSING, 0, 1]);
        assert_eq!(c.levels().iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn recoding_turns_unknown_levels_into_missing() {
        let Column::Categories(c) = Column::categories(&["b", "z", "a"]) else {
            panic!("categorical")
        };
        let known = Arc::new(["a", "b", "c"].iter().collect::<Strings>());
        assert_eq!(c.recode(&known).codes(), [1, MISSING, 0]);
    }

    #[test]
    fn sparse_numbers_are_zero_where_nothing_is_stored() {
        let sparse = SparseNumbers::new(5, vec![1, 3], vec![2.0, f64::NAN]);
        assert_eq!([sparse.get(0), sparse.get(1)], [0.0, 2.0]);
        assert_eq!(Column::Sparse(Arc::new(sparse)).missing_count(), 1);
    }
}
