//! The binned matrix: every column cut into few ordered bins, once, for all tree learners, configurations and folds.
//!
//! Numbers are cut at quantiles of the whole column; a column with no more distinct values than bins gets one bin a
//! value, so nothing is lost. Categories keep one bin a level; where there are more levels than bins, the rarest share
//! the last bin. Bin [`MISSING_BIN`] is reserved for missing values in every column. Cuts use no target and no weights,
//! so sharing them between training and held-out rows tells a learner nothing about an answer.

use std::sync::{Arc, Mutex, OnceLock};

use kolosal_base::Seed;
use kolosal_compute::Workers;

use crate::row_codes::RowCodes;
use crate::{Categories, Column, Frame, MISSING, SparseNumbers};

/// The bin of missing values in every column.
pub const MISSING_BIN: u16 = 0;

/// Most bins a column may be cut into, the one for missing values not counted.
pub const BINS_MAX: usize = 65_534;

/// Above this many rows the cuts are made from a random sample of so many.
const SAMPLE_ROWS: usize = 1 << 18;

/// All columns of a frame in bins; immutable and shared.
#[derive(Debug)]
pub struct BinnedMatrix {
    columns: Vec<BinnedColumn>,
    rows: usize,
    bins_max: usize,
    row_codes: OnceLock<RowCodes>,
}

/// One column in bins: one code a row, and what the codes stand for.
#[derive(Debug)]
pub struct BinnedColumn {
    codes: BinCodes,
    cuts: BinCuts,
}

/// One bin number a row, in the narrowest type that holds them.
#[derive(Debug)]
pub enum BinCodes {
    /// At most 256 bins.
    U8(Vec<u8>),
    /// More.
    U16(Vec<u16>),
}

/// What the bins of a column stand for.
#[derive(Debug)]
pub enum BinCuts {
    /// Ordered ranges of numbers.
    Numbers(NumberBins),
    /// Sets of levels.
    Levels(LevelBins),
}

/// Ranges of numbers: bin `i + 1` holds the values above `thresholds[i - 1]` and up to `thresholds[i]`.
#[derive(Debug, Default)]
pub struct NumberBins {
    thresholds: Vec<f64>,
    lowest: Vec<f64>,
    highest: Vec<f64>,
}

/// Levels of a category: one bin each, or the last bin for all that are rare.
#[derive(Debug)]
pub struct LevelBins {
    bin_of_level: Vec<u16>,
    bins: usize,
}

/// Binned matrices that were made of a frame; clones of the frame share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct BinCache(Arc<Mutex<Vec<Arc<BinnedMatrix>>>>);

impl BinCache {
    fn find(&self, bins_max: usize) -> Option<Arc<BinnedMatrix>> {
        let made = self.0.lock().expect("no holder of the bin cache panics");
        made.iter().find(|matrix| matrix.bins_max == bins_max).cloned()
    }

    /// Keeps the first matrix of its kind, so that everyone shares one.
    fn keep(&self, matrix: BinnedMatrix) -> Arc<BinnedMatrix> {
        let mut made = self.0.lock().expect("no holder of the bin cache panics");
        if let Some(first) = made.iter().find(|first| first.bins_max == matrix.bins_max) {
            return Arc::clone(first);
        }
        let matrix = Arc::new(matrix);
        made.push(Arc::clone(&matrix));
        matrix
    }
}

impl Frame {
    /// The frame in at most `bins_max` bins a column, made on the first call and shared by all later ones.
    ///
    /// Text columns have no bins: every row of theirs counts as missing.
    ///
    /// # Panics
    /// If `bins_max` is not in `2 ..= BINS_MAX`.
    pub fn binned(&self, bins_max: usize, workers: &Workers) -> Arc<BinnedMatrix> {
        assert!(
            (2..=BINS_MAX).contains(&bins_max),
            "a column has 2 to {BINS_MAX} bins"
        );
        // The lock is not held while binning: a worker that waits inside could steal a task that wants the same lock.
        if let Some(made) = self.bin_cache().find(bins_max) {
            return made;
        }
        let columns = workers.map(self.column_count(), |at| {
            bin_column(&self.columns()[at], bins_max)
        });
        self.bin_cache().keep(BinnedMatrix {
            columns,
            rows: self.row_count(),
            bins_max,
            row_codes: OnceLock::new(),
        })
    }

    /// Bytes that [`Frame::binned`] will allocate at most; zero if that matrix is there already.
    pub fn binned_bytes(&self, bins_max: usize) -> u64 {
        if self.bin_cache().find(bins_max).is_some() {
            return 0;
        }
        let code = if bins_max <= usize::from(u8::MAX) { 1 } else { 2 };
        let cuts = bins_max.min(self.row_count()) * 3 * size_of::<f64>();
        let column = self.row_count() * code + cuts;
        (column as u64).saturating_mul(self.column_count() as u64)
    }
}

impl BinnedMatrix {
    /// The columns, in frame order.
    pub fn columns(&self) -> &[BinnedColumn] {
        &self.columns
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.rows
    }

    /// The codes row after row, made on the first call and shared by all later ones.
    ///
    /// # Panics
    /// If there are no columns.
    pub fn row_codes(&self, workers: &Workers) -> &RowCodes {
        self.row_codes.get_or_init(|| RowCodes::new(self, workers))
    }

    /// Bytes that [`BinnedMatrix::row_codes`] will allocate at most; zero if the codes are there already.
    pub fn row_codes_bytes(&self) -> u64 {
        let code = if self.is_narrow() { 1 } else { 2 };
        match self.row_codes.get() {
            Some(_) => 0,
            None => (self.rows * self.columns.len() * code) as u64,
        }
    }

    pub(crate) fn is_narrow(&self) -> bool {
        self.columns
            .iter()
            .all(|column| matches!(column.codes, BinCodes::U8(_)))
    }

    /// Most bins of any column, the one for missing values counted.
    pub fn widest(&self) -> usize {
        self.columns
            .iter()
            .map(BinnedColumn::bin_count)
            .max()
            .unwrap_or(1)
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        let row_codes = self.row_codes.get().map_or(0, RowCodes::heap_bytes);
        row_codes + self.columns.iter().map(BinnedColumn::heap_bytes).sum::<usize>()
    }
}

impl BinnedColumn {
    /// One bin a row.
    pub fn codes(&self) -> &BinCodes {
        &self.codes
    }

    /// What the bins stand for.
    pub fn cuts(&self) -> &BinCuts {
        &self.cuts
    }

    /// How many bins there are, the one for missing values counted.
    pub fn bin_count(&self) -> usize {
        self.cuts.bin_count()
    }

    /// The bin of a row.
    ///
    /// # Panics
    /// If `row` is out of bounds.
    pub fn bin(&self, row: usize) -> u16 {
        match &self.codes {
            BinCodes::U8(codes) => u16::from(codes[row]),
            BinCodes::U16(codes) => codes[row],
        }
    }

    fn heap_bytes(&self) -> usize {
        let codes = match &self.codes {
            BinCodes::U8(codes) => codes.len(),
            BinCodes::U16(codes) => codes.len() * 2,
        };
        codes
            + match &self.cuts {
                BinCuts::Numbers(bins) => bins.lowest.len() * 3 * size_of::<f64>(),
                BinCuts::Levels(bins) => bins.bin_of_level.len() * 2,
            }
    }
}

impl BinCuts {
    /// How many bins there are, the one for missing values counted.
    pub fn bin_count(&self) -> usize {
        match self {
            Self::Numbers(bins) => bins.lowest.len() + 1,
            Self::Levels(bins) => bins.bins + 1,
        }
    }
}

impl NumberBins {
    /// The bin of a number.
    #[inline]
    pub fn bin(&self, value: f64) -> u16 {
        if value.is_nan() {
            return MISSING_BIN;
        }
        // Bins are at most `BINS_MAX`, so the number fits.
        self.thresholds.partition_point(|&threshold| threshold < value) as u16 + 1
    }

    /// The last of the bins `first ..= last` whose lowest value is not above `value`; `first` if there is none.
    ///
    /// # Panics
    /// If these are no bins of values.
    #[inline]
    pub fn last_from(&self, value: f64, first: u16, last: u16) -> u16 {
        let behind_first = &self.lowest[usize::from(first)..usize::from(last)];
        first + behind_first.partition_point(|&lowest| lowest <= value) as u16
    }

    /// The lowest value that the column has in a bin of values.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn lowest(&self, bin: u16) -> f64 {
        self.lowest[usize::from(bin) - 1]
    }

    /// The highest value that the column has in a bin of values.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn highest(&self, bin: u16) -> f64 {
        self.highest[usize::from(bin) - 1]
    }
}

impl LevelBins {
    /// The bin of a level's code; [`MISSING_BIN`] for a missing or unknown one.
    #[inline]
    pub fn bin(&self, code: u32) -> u16 {
        self.bin_of_level
            .get(code as usize)
            .copied()
            .unwrap_or(MISSING_BIN)
    }

    /// The bin of each level.
    pub fn bin_of_level(&self) -> &[u16] {
        &self.bin_of_level
    }
}

/// A number in `low .. high` that separates the two: their middle where floating point has one.
pub fn midpoint(low: f64, high: f64) -> f64 {
    let middle = low + (high - low) / 2.0;
    if middle >= low && middle < high {
        middle
    } else {
        low
    }
}

fn bin_column(column: &Column, bins_max: usize) -> BinnedColumn {
    match column {
        Column::Numbers(values) => {
            let mut bins = cut_numbers(sample(values.iter().copied()), bins_max);
            let codes = code_numbers(&mut bins, values);
            BinnedColumn {
                codes,
                cuts: BinCuts::Numbers(bins),
            }
        }
        Column::Sparse(sparse) => bin_sparse(sparse, column.len(), bins_max),
        Column::Categories(categories) => bin_levels(categories, bins_max),
        Column::Text(strings) => BinnedColumn {
            codes: BinCodes::U8(vec![MISSING_BIN as u8; strings.len()]),
            cuts: BinCuts::Numbers(NumberBins::default()),
        },
    }
}

/// The present values, or a fixed random sample of them where there are very many; negative zero becomes zero.
fn sample(values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let present = values.filter(|value| !value.is_nan()).map(|value| value + 0.0);
    let share = SAMPLE_ROWS as f64 / present.clone().count().max(1) as f64;
    if share >= 1.0 {
        return present.collect();
    }
    let mut rng = Seed::new(0).fork("bin sample").rng();
    present.filter(|_| rng.uniform() < share).collect()
}

/// Cuts values into ranges of about equal counts; a value of many rows gets a bin of its own.
fn cut_numbers(mut values: Vec<f64>, bins_max: usize) -> NumberBins {
    values.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for &value in &values {
        match distinct.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => distinct.push((value, 1)),
        }
    }
    let last_of_bin = if distinct.len() <= bins_max {
        (0..distinct.len()).collect()
    } else {
        quantile_ends(&distinct, values.len(), bins_max)
    };
    let inner = last_of_bin.len().saturating_sub(1);
    let thresholds = last_of_bin[..inner]
        .iter()
        .map(|&at| midpoint(distinct[at].0, distinct[at + 1].0))
        .collect();
    NumberBins {
        thresholds,
        lowest: vec![f64::INFINITY; last_of_bin.len()],
        highest: vec![f64::NEG_INFINITY; last_of_bin.len()],
    }
}

/// Position of the last distinct value of each bin.
fn quantile_ends(distinct: &[(f64, usize)], rows: usize, bins_max: usize) -> Vec<usize> {
    let heavy = |count: usize| count * bins_max >= rows;
    let heavies = || distinct.iter().filter(|(_, count)| heavy(*count));
    let mut heavy_left = heavies().count();
    let mut light_rows_left = rows - heavies().map(|(_, count)| count).sum::<usize>();
    let mut ends = Vec::with_capacity(bins_max);
    let mut in_bin = 0;
    for (at, pair) in distinct.windows(2).enumerate() {
        let (count, next) = (pair[0].1, pair[1].1);
        in_bin += count;
        if heavy(count) {
            heavy_left -= 1;
        } else {
            light_rows_left -= count;
        }
        // Rows a bin should have if the light values left were shared equally by the bins left for them.
        let bins_left = (bins_max - ends.len()).saturating_sub(heavy_left).max(1);
        let fair = (light_rows_left + in_bin) as f64 / bins_left as f64;
        let is_full = heavy(count) || heavy(next) || in_bin as f64 + next as f64 / 2.0 > fair;
        if is_full && ends.len() + 1 < bins_max {
            ends.push(at);
            in_bin = 0;
        }
    }
    ends.push(distinct.len() - 1);
    ends
}

fn code_numbers(bins: &mut NumberBins, values: &[f64]) -> BinCodes {
    let coded = values.iter().map(|&value| bins.bin(value));
    let codes = pack(coded, bins.lowest.len() + 1);
    for (row, &value) in values.iter().enumerate() {
        bins.widen(codes.get(row), value);
    }
    bins.close_gaps();
    codes
}

impl NumberBins {
    fn widen(&mut self, bin: u16, value: f64) {
        if bin != MISSING_BIN {
            let at = usize::from(bin) - 1;
            self.lowest[at] = self.lowest[at].min(value + 0.0);
            self.highest[at] = self.highest[at].max(value + 0.0);
        }
    }

    fn close_gaps(&self) {
        let full = self
            .lowest
            .iter()
            .zip(&self.highest)
            .all(|(low, high)| low <= high);
        assert!(full, "every bin has a value of the column");
    }
}

impl BinCodes {
    pub(crate) fn get(&self, row: usize) -> u16 {
        match self {
            Self::U8(codes) => u16::from(codes[row]),
            Self::U16(codes) => codes[row],
        }
    }
}

fn pack(coded: impl Iterator<Item = u16>, bins: usize) -> BinCodes {
    if bins <= 256 {
        BinCodes::U8(coded.map(|bin| bin as u8).collect())
    } else {
        BinCodes::U16(coded.collect())
    }
}

fn bin_sparse(sparse: &SparseNumbers, rows: usize, bins_max: usize) -> BinnedColumn {
    let zeros = rows - sparse.values().len();
    let values = sparse
        .values()
        .iter()
        .copied()
        .chain(std::iter::repeat_n(0.0, zeros));
    let mut bins = cut_numbers(sample(values), bins_max);
    let zero_bin = bins.bin(0.0);
    let mut coded = vec![zero_bin; rows];
    for (&row, &value) in sparse.rows().iter().zip(sparse.values()) {
        coded[row as usize] = bins.bin(value);
        bins.widen(coded[row as usize], value);
    }
    if zeros > 0 {
        bins.widen(zero_bin, 0.0);
    }
    bins.close_gaps();
    BinnedColumn {
        codes: pack(coded.into_iter(), bins.lowest.len() + 1),
        cuts: BinCuts::Numbers(bins),
    }
}

fn bin_levels(categories: &Categories, bins_max: usize) -> BinnedColumn {
    let levels = categories.levels().len();
    let bin_of_level: Vec<u16> = if levels <= bins_max {
        (1..=levels as u16).collect()
    } else {
        group_rare(categories, bins_max)
    };
    let bins = LevelBins {
        bin_of_level,
        bins: levels.min(bins_max),
    };
    let coded = categories.codes().iter().map(|&code| bins.bin(code));
    BinnedColumn {
        codes: pack(coded, bins.bins + 1),
        cuts: BinCuts::Levels(bins),
    }
}

/// The most frequent levels get a bin each in level order, all others the last bin.
fn group_rare(categories: &Categories, bins_max: usize) -> Vec<u16> {
    let levels = categories.levels().len();
    let mut counts = vec![0_usize; levels];
    for &code in categories.codes().iter().filter(|&&code| code != MISSING) {
        counts[code as usize] += 1;
    }
    let mut by_count: Vec<usize> = (0..levels).collect();
    by_count.sort_by_key(|&level| (std::cmp::Reverse(counts[level]), level));
    let mut bin_of_level = vec![bins_max as u16; levels];
    let mut kept = by_count[..bins_max - 1].to_vec();
    kept.sort_unstable();
    for (bin, level) in (1_u16..).zip(kept) {
        bin_of_level[level] = bin;
    }
    bin_of_level
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RowMatrix;
    use crate::{Field, Kind};

    fn frame(column: Column) -> Frame {
        Frame::new(vec![(Field::new("x", Kind::Numeric, "test"), column)]).expect("one column")
    }

    fn codes(matrix: &BinnedMatrix) -> Vec<u16> {
        (0..matrix.row_count())
            .map(|row| matrix.columns()[0].bin(row))
            .collect()
    }

    fn numbers(matrix: &BinnedMatrix) -> &NumberBins {
        let BinCuts::Numbers(bins) = matrix.columns()[0].cuts() else {
            panic!("numbers")
        };
        bins
    }

    #[test]
    fn few_distinct_values_get_a_bin_each_with_midpoints_between() {
        let frame = frame(Column::numbers(vec![3.0, f64::NAN, 1.0, -0.0, 0.0, 3.0]));
        let matrix = frame.binned(255, &Workers::new(1));
        assert_eq!(codes(&matrix), [3, 0, 2, 1, 1, 3]);
        assert_eq!(numbers(&matrix).thresholds, [0.5, 2.0]);
        assert_eq!(
            [numbers(&matrix).lowest(3), numbers(&matrix).highest(1)],
            [3.0, 0.0]
        );
    }

    #[test]
    fn many_distinct_values_are_shared_equally_and_a_heavy_one_stands_alone() {
        let mut values: Vec<f64> = (0..1000).map(f64::from).collect();
        values.extend(std::iter::repeat_n(500.0, 1000));
        let matrix = frame(Column::numbers(values)).binned(20, &Workers::new(2));
        let mut counts = vec![0_usize; matrix.widest()];
        codes(&matrix)
            .iter()
            .for_each(|&bin| counts[usize::from(bin)] += 1);
        assert_eq!(matrix.widest(), 21);
        assert_eq!(counts[0], 0, "nothing is missing");
        assert!(
            counts[1..].iter().all(|&c| c == 1001 || (20..=60).contains(&c)),
            "{counts:?}"
        );
        assert_eq!(counts.iter().filter(|&&c| c == 1001).count(), 1);
    }

    #[test]
    fn more_than_255_bins_use_two_bytes_and_values_keep_their_order() {
        let values: Vec<f64> = (0..5000).map(|i| f64::from((i * 7919) % 5000)).collect();
        let frame = frame(Column::numbers(values.clone()));
        let matrix = frame.binned(1000, &Workers::new(1));
        assert!(matches!(matrix.columns()[0].codes(), BinCodes::U16(_)));
        for (row, &value) in values.iter().enumerate() {
            let bin = matrix.columns()[0].bin(row);
            let bins = numbers(&matrix);
            assert!(bins.lowest(bin) <= value && value <= bins.highest(bin));
            assert!(bin == 1 || bins.highest(bin - 1) < bins.lowest(bin));
        }
    }

    #[test]
    fn rare_levels_share_the_last_bin() {
        let mut words: Vec<String> = (0..6).flat_map(|i| vec![format!("l{i}"); 6 - i]).collect();
        words.push(String::new());
        let matrix = frame(Column::categories(&words)).binned(3, &Workers::new(1));
        let BinCuts::Levels(bins) = matrix.columns()[0].cuts() else {
            panic!("levels")
        };
        assert_eq!(bins.bin_of_level(), [1, 2, 3, 3, 3, 3]);
        assert_eq!([bins.bin(MISSING), bins.bin(99)], [MISSING_BIN; 2]);
        assert_eq!(codes(&matrix).last(), Some(&MISSING_BIN));
    }

    #[test]
    fn a_sparse_column_bins_like_the_same_dense_one() {
        let dense = vec![0.0, 2.0, f64::NAN, 0.0, -1.0];
        let sparse = SparseNumbers::new(5, vec![1, 2, 4], vec![2.0, f64::NAN, -1.0]);
        let workers = Workers::new(1);
        let one = frame(Column::numbers(dense)).binned(255, &workers);
        let other = frame(Column::Sparse(Arc::new(sparse))).binned(255, &workers);
        assert_eq!(codes(&one), codes(&other));
        assert_eq!(numbers(&one).lowest, numbers(&other).lowest);
    }

    #[test]
    fn codes_read_the_same_row_after_row() {
        let columns = |bins: usize| {
            let numbers = (0..700).map(|i| f64::from(i * 37 % 701)).collect();
            let field = |name| Field::new(name, Kind::Numeric, "test");
            let frame = Frame::new(vec![
                (field("a"), Column::numbers(numbers)),
                (
                    field("b"),
                    Column::numbers((0..700).map(|i| f64::from(i % 3)).collect()),
                ),
            ]);
            frame.expect("two columns").binned(bins, &Workers::new(2))
        };
        for (bins, bytes) in [(255, 1), (600, 2)] {
            let matrix = columns(bins);
            assert_eq!(matrix.row_codes_bytes(), 2 * 700 * bytes);
            let code = |row, column| match matrix.row_codes(&Workers::new(2)).matrix() {
                RowMatrix::U8(codes) => u16::from(codes.code(row, column)),
                RowMatrix::U16(codes) => codes.code(row, column),
            };
            for row in 0..700 {
                assert_eq!(
                    [code(row, 0), code(row, 1)],
                    [0, 1].map(|at| matrix.columns()[at].bin(row))
                );
            }
            assert_eq!(matrix.row_codes_bytes(), 0);
        }
    }

    #[test]
    fn a_column_without_values_has_the_missing_bin_alone() {
        let matrix = frame(Column::numbers(vec![f64::NAN; 3])).binned(255, &Workers::new(1));
        assert_eq!((matrix.widest(), codes(&matrix)), (1, vec![MISSING_BIN; 3]));
    }

    #[test]
    fn clones_share_one_matrix_and_its_bytes_are_asked_for_once() {
        let frame = frame(Column::numbers(vec![1.0, 2.0]));
        let twin = frame.clone();
        assert!(twin.binned_bytes(255) > 0);
        let (workers, first) = (Workers::new(2), frame.binned(255, &Workers::new(2)));
        assert!(Arc::ptr_eq(&first, &twin.binned(255, &workers)));
        assert!(!Arc::ptr_eq(&first, &twin.binned(16, &workers)));
        assert_eq!(twin.binned_bytes(255), 0);
    }

    #[test]
    fn a_sample_of_many_rows_bins_every_row_in_order() {
        let rows = SAMPLE_ROWS + 1000;
        let values: Vec<f64> = (0..rows).map(|i| ((i * 7_919) % rows) as f64).collect();
        let matrix = frame(Column::numbers(values.clone())).binned(64, &Workers::new(1));
        let bins = numbers(&matrix);
        for row in (0..rows).step_by(997) {
            let bin = matrix.columns()[0].bin(row);
            assert!(bins.lowest(bin) <= values[row] && values[row] <= bins.highest(bin));
        }
    }
}
