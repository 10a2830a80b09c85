//! What trees are grown on: the shared bins of a frame, derived columns beside them, and which rows count.

use kolosal_compute::kernels::histogram::{CodeMatrix, NodeRows, Sample, Slot, partition};
use kolosal_frame::{
    BinCodes, BinCuts, BinnedMatrix, Bundle, FrameView, MISSING_BIN, RowCodes, RowMatrix, Rows, midpoint,
};

use crate::tree::Test;

/// Columns in bins, for the rows of one fit. A row is known by its position among the rows that are learned from.
pub(crate) struct Table<'a> {
    blocks: Vec<Block<'a>>,
    columns: Vec<TableColumn<'a>>,
    /// Where each column's slots start in a node's histogram; one more entry than columns.
    starts: Vec<u32>,
    rows: usize,
}

/// Columns whose codes lie side by side.
struct Block<'a> {
    codes: BlockCodes<'a>,
    /// The matrix row of each position; `None` where they are the same.
    rows: Option<&'a [u32]>,
    /// The table's number of its first column.
    first: usize,
    /// Which columns share a code; `None` where each has its own.
    bundles: Option<&'a [Bundle]>,
}

enum BlockCodes<'a> {
    U8(&'a CodeMatrix<u8>),
    U16(&'a CodeMatrix<u16>),
}

/// One column of a table.
pub(crate) struct TableColumn<'a> {
    codes: ColumnCodes<'a>,
    rows: Option<&'a [u32]>,
    pub(crate) bins: usize,
    pub(crate) cuts: Cuts<'a>,
}

#[derive(Clone, Copy)]
enum ColumnCodes<'a> {
    U8(&'a [u8]),
    U16(&'a [u16]),
}

/// What the bins of a table's column stand for.
#[derive(Clone, Copy)]
pub(crate) enum Cuts<'a> {
    /// Ordered ranges of numbers.
    Numbers(&'a kolosal_frame::NumberBins),
    /// Sets of levels.
    Levels(&'a kolosal_frame::LevelBins),
    /// Ordered ranges between these borders, of a derived column without missing values: bin `i + 1` ends at border `i`.
    Borders(&'a [f64]),
}

/// Derived columns in bins, one code a position.
pub(crate) struct DerivedBins {
    pub(crate) matrix: CodeMatrix<u8>,
    /// The same codes, column after column.
    pub(crate) columns: Vec<Vec<u8>>,
    pub(crate) borders: Vec<Vec<f64>>,
}

impl DerivedBins {
    /// Lays out columns of bins (one bin a position, 1 ..= borders + 1), with the borders between the bins.
    pub(crate) fn new(columns: Vec<Vec<u8>>, borders: Vec<Vec<f64>>) -> Self {
        assert_eq!(columns.len(), borders.len(), "borders for every column");
        let bins: Vec<usize> = borders.iter().map(|borders| borders.len() + 2).collect();
        let rows = columns.first().map_or(0, Vec::len);
        let codes = (0..rows).flat_map(|row| columns.iter().map(move |codes| codes[row]));
        Self {
            matrix: CodeMatrix::new(codes.collect(), &bins),
            columns,
            borders,
        }
    }
}

impl<'a> Table<'a> {
    /// The columns of a binned frame, and derived ones behind them, for the rows of a view.
    pub(crate) fn new(
        matrix: &'a BinnedMatrix,
        row_codes: &'a RowCodes,
        view: FrameView<'a>,
        derived: Option<&'a DerivedBins>,
    ) -> Self {
        let rows = match view.rows() {
            Rows::Listed(rows) => Some(rows),
            Rows::Range { start: 0, .. } => None,
            Rows::Range { .. } => panic!("a fit's rows start at the first or are listed"),
        };
        let mut table = Self {
            blocks: Vec::new(),
            columns: Vec::new(),
            starts: vec![0],
            rows: view.row_count(),
        };
        let codes = match row_codes.matrix() {
            RowMatrix::U8(codes) => BlockCodes::U8(codes),
            RowMatrix::U16(codes) => BlockCodes::U16(codes),
        };
        let bundles = row_codes.bundles();
        table.blocks.push(Block {
            codes,
            rows,
            first: 0,
            bundles: bundles.iter().any(Bundle::is_shared).then_some(bundles),
        });
        for column in matrix.columns() {
            let codes = match column.codes() {
                BinCodes::U8(codes) => ColumnCodes::U8(codes),
                BinCodes::U16(codes) => ColumnCodes::U16(codes),
            };
            let cuts = match column.cuts() {
                BinCuts::Numbers(bins) => Cuts::Numbers(bins),
                BinCuts::Levels(bins) => Cuts::Levels(bins),
            };
            table.push(codes, rows, column.bin_count(), cuts);
        }
        if let Some(derived) = derived {
            table.blocks.push(Block {
                codes: BlockCodes::U8(&derived.matrix),
                rows: None,
                first: table.columns.len(),
                bundles: None,
            });
            for (codes, borders) in derived.columns.iter().zip(&derived.borders) {
                table.push(
                    ColumnCodes::U8(codes),
                    None,
                    borders.len() + 2,
                    Cuts::Borders(borders),
                );
            }
        }
        table
    }

    fn push(&mut self, codes: ColumnCodes<'a>, rows: Option<&'a [u32]>, bins: usize, cuts: Cuts<'a>) {
        self.starts.push(self.starts[self.columns.len()] + bins as u32);
        self.columns.push(TableColumn {
            codes,
            rows,
            bins,
            cuts,
        });
    }

    /// How many rows are learned from.
    pub(crate) fn row_count(&self) -> usize {
        self.rows
    }

    /// The columns, raw ones first.
    pub(crate) fn columns(&self) -> &[TableColumn<'a>] {
        &self.columns
    }

    /// Slots of a node's histogram.
    pub(crate) fn slot_count(&self) -> usize {
        self.starts[self.columns.len()] as usize
    }

    /// The slots of a range of columns.
    pub(crate) fn slots_of(&self, first: usize, last: usize) -> std::ops::Range<usize> {
        self.starts[first] as usize..self.starts[last] as usize
    }

    /// Cuts the columns into at most `parts` ranges of about equal work, none of which spans two blocks or cuts a bundle.
    pub(crate) fn parts(&self, parts: usize) -> Vec<(usize, usize)> {
        // A column costs as many steps as rows and bins; an even share of columns is close enough for both.
        let share = self.columns.len().div_ceil(parts.max(1)).max(1);
        let mut ranges = Vec::new();
        for (at, block) in self.blocks.iter().enumerate() {
            let end = self
                .blocks
                .get(at + 1)
                .map_or(self.columns.len(), |next| next.first);
            let mut first = block.first;
            while first < end {
                let last = block.end_of_bundle((first + share).min(end));
                ranges.push((first, last));
                first = last;
            }
        }
        ranges
    }

    /// The columns of each block.
    pub(crate) fn ranges_of_blocks(&self) -> Vec<(usize, usize)> {
        self.parts(1)
    }

    /// Cuts the columns into at most `parts` ranges of about equal numbers of slots.
    pub(crate) fn ranges(&self, parts: usize) -> Vec<(usize, usize)> {
        let share = self.slot_count().div_ceil(parts.max(1));
        let mut ranges = Vec::new();
        let mut first = 0;
        for at in 0..self.columns.len() {
            let is_last = at + 1 == self.columns.len();
            let with_next = |next: usize| self.slots_of(first, next).len();
            if is_last || with_next(at + 1) + self.columns[at + 1].bins / 2 > share {
                ranges.push((first, at + 1));
                first = at + 1;
            }
        }
        ranges
    }

    /// Adds samples to the slots of the columns `first .. last`, which `slots` holds.
    pub(crate) fn add<S: Slot>(
        &self,
        samples: &[Sample],
        wide: &[[i64; 2]],
        (first, last): (usize, usize),
        slots: &mut [S],
    ) {
        let block = self.blocks.iter().rev().find(|block| block.first <= first);
        let block = block.expect("the first block starts at column 0");
        let node = NodeRows {
            samples,
            wide,
            rows: block.rows,
        };
        let range = (first - block.first, last - block.first);
        let range = block
            .bundles
            .map_or(range, |bundles| bundle_range(bundles, range));
        match block.codes {
            BlockCodes::U8(codes) => codes.add(&node, range, slots),
            BlockCodes::U16(codes) => codes.add(&node, range, slots),
        }
        if let Some(bundles) = block.bundles {
            unbundle(&bundles[range.0..range.1], (samples, wide), slots);
        }
    }
}

impl Block<'_> {
    /// The end of the bundle that a range of the table's columns ends in.
    fn end_of_bundle(&self, last: usize) -> usize {
        self.bundles.map_or(last, |bundles| {
            let at = bundles.partition_point(|bundle| self.first + bundle.columns().start < last);
            self.first + bundles[at - 1].columns().end
        })
    }
}

/// The bundles that make up a range of columns.
fn bundle_range(bundles: &[Bundle], (first, last): (usize, usize)) -> (usize, usize) {
    let until = |column| bundles.partition_point(|bundle| bundle.columns().start < column);
    (until(first), until(last))
}

/// Turns what bundles were added up to into the slots of their columns, in place.
///
/// The slots of a bundle's first column start one in front of where its codes were added up, those of others at that place or
/// behind it, so that columns are moved from the last to the first. What a column's other bins leave of all rows
/// is its usual bin's.
fn unbundle<S: Slot>(bundles: &[Bundle], (samples, wide): (&[Sample], &[[i64; 2]]), mut slots: &mut [S]) {
    let total = samples
        .iter()
        .fold(S::default(), |sum, sample| sum.plus(S::of(*sample, wide)));
    for bundle in bundles {
        let len = bundle.bins().iter().map(|(_, bins)| bins).sum();
        let (mine, rest) = slots.split_at_mut(len);
        slots = rest;
        if !bundle.is_shared() {
            continue;
        }
        let mut start = len;
        let mut code = bundle.bins().iter().map(|(_, bins)| bins - 1).sum::<usize>() + 1;
        for &(usual, bins) in bundle.bins().iter().rev() {
            let usual = usize::from(usual);
            start -= bins;
            code -= bins - 1;
            let sum = mine[code..code + bins - 1]
                .iter()
                .fold(S::default(), |sum, slot| sum.plus(*slot));
            mine.copy_within(code + usual..code + bins - 1, start + usual + 1);
            mine.copy_within(code..code + usual, start);
            mine[start + usual] = total.less(sum);
        }
    }
}

impl TableColumn<'_> {
    /// The bin of the row at a position.
    #[inline]
    pub(crate) fn bin(&self, at: u32) -> usize {
        let row = self.rows.map_or(at, |rows| rows[at as usize]) as usize;
        match self.codes {
            ColumnCodes::U8(codes) => usize::from(codes[row]),
            ColumnCodes::U16(codes) => usize::from(codes[row]),
        }
    }

    /// Which bins the first `rows` positions have.
    pub(crate) fn present(&self, rows: usize) -> Vec<bool> {
        let mut present = vec![false; self.bins];
        match (self.codes, self.rows) {
            (ColumnCodes::U8(codes), None) => codes[..rows]
                .iter()
                .for_each(|&code| present[usize::from(code)] = true),
            (ColumnCodes::U16(codes), None) => codes[..rows]
                .iter()
                .for_each(|&code| present[usize::from(code)] = true),
            (_, Some(_)) => (0..rows as u32).for_each(|at| present[self.bin(at)] = true),
        }
        present
    }

    /// Appends a bit to the number of each row from position `first` on: set where the row's bin goes right.
    pub(crate) fn append_sides(&self, first: usize, numbers: &mut [u16], test: &BinTest, missing_left: bool) {
        match (self.codes, self.rows, test) {
            // Missing values are bin 0, below every cut that they go left of.
            (ColumnCodes::U8(codes), None, BinTest::UpTo(last)) if missing_left => {
                let last = u8::try_from(*last).unwrap_or(u8::MAX);
                for (number, &code) in numbers.iter_mut().zip(&codes[first..]) {
                    *number = *number << 1 | u16::from(code > last);
                }
            }
            _ => {
                for (at, number) in (first as u32..).zip(numbers) {
                    let goes_right = !test.is_left(self.bin(at), missing_left);
                    *number = *number << 1 | u16::from(goes_right);
                }
            }
        }
    }

    /// Moves the samples whose bin goes left to the front, in order, and the others behind them; returns how many went left.
    pub(crate) fn partition(
        &self,
        samples: &mut [Sample],
        spare: &mut [Sample],
        left: &impl Fn(usize) -> bool,
    ) -> usize {
        match (self.codes, self.rows) {
            (ColumnCodes::U8(codes), None) => {
                partition(samples, spare, |at| left(usize::from(codes[at as usize])))
            }
            (ColumnCodes::U16(codes), None) => {
                partition(samples, spare, |at| left(usize::from(codes[at as usize])))
            }
            (ColumnCodes::U8(codes), Some(rows)) => partition(samples, spare, |at| {
                left(usize::from(codes[rows[at as usize] as usize]))
            }),
            (ColumnCodes::U16(codes), Some(rows)) => partition(samples, spare, |at| {
                left(usize::from(codes[rows[at as usize] as usize]))
            }),
        }
    }

    /// The test of a model that sends rows the way a cut of the bins sends them. `present` tells which bins the rows that are learned
    /// from have.
    pub(crate) fn test(&self, cut: &BinTest, present: impl Fn(usize) -> bool) -> Test {
        match (cut, self.cuts) {
            (BinTest::UpTo(bin), Cuts::Numbers(numbers)) => {
                let below = (1..=*bin).rev().find(|&bin| present(bin));
                let above = (bin + 1..self.bins).find(|&bin| present(bin));
                Test::UpTo(match (below, above) {
                    (Some(below), Some(above)) => {
                        midpoint(numbers.highest(below as u16), numbers.lowest(above as u16))
                    }
                    (Some(below), None) => numbers.highest(below as u16),
                    (None, Some(above)) => numbers.lowest(above as u16).next_down(),
                    (None, None) => 0.0,
                })
            }
            (BinTest::UpTo(bin), Cuts::Borders(borders)) => {
                Test::UpTo(borders.get(bin - 1).copied().unwrap_or(f64::MAX))
            }
            (BinTest::Among(set), Cuts::Levels(levels)) => {
                let mut words = vec![0_u64; levels.bin_of_level().len().div_ceil(64)];
                for (level, &bin) in levels.bin_of_level().iter().enumerate() {
                    if set.holds(usize::from(bin)) {
                        words[level / 64] |= 1 << (level % 64);
                    }
                }
                let used = words
                    .iter()
                    .rposition(|&word| word != 0)
                    .map_or(0, |last| last + 1);
                words.truncate(used.max(1));
                Test::Among(words)
            }
            _ => unreachable!("numbers are cut, levels are gathered"),
        }
    }
}

/// A test of a column's bin; missing values have a side of their own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum BinTest {
    /// Bins `1 ..= bin` go left.
    UpTo(usize),
    /// The bins of the set go left.
    Among(BinSet),
}

/// A set of bins.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct BinSet(Vec<u64>);

impl BinSet {
    pub(crate) fn of(bins: impl Iterator<Item = usize>) -> Self {
        let mut words = Vec::new();
        for bin in bins {
            if words.len() <= bin / 64 {
                words.resize(bin / 64 + 1, 0_u64);
            }
            words[bin / 64] |= 1 << (bin % 64);
        }
        Self(words)
    }

    #[inline]
    pub(crate) fn holds(&self, bin: usize) -> bool {
        self.0
            .get(bin / 64)
            .is_some_and(|word| word >> (bin % 64) & 1 == 1)
    }
}

impl BinTest {
    /// Whether a bin goes left, given the side of missing values.
    #[inline]
    pub(crate) fn is_left(&self, bin: usize, missing_left: bool) -> bool {
        if bin == usize::from(MISSING_BIN) {
            return missing_left;
        }
        match self {
            Self::UpTo(last) => bin <= *last,
            Self::Among(set) => set.holds(bin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_compute::Workers;
    use kolosal_compute::kernels::histogram::{Packed, Wide};
    use kolosal_frame::{Column, Field, Frame, Kind};

    fn one_hot_frame(rows: usize) -> Frame {
        let level = |row: usize| row * 7919 % 23;
        let mut columns = vec![(0..rows).map(|row| (row % 40) as f64).collect::<Vec<_>>()];
        for of in 0..23 {
            // One at level 22, so that the usual bin is not always the lowest, and missing in some rows of level 5.
            let value = |row| match (level(row) == of, of) {
                (is_own, 22) => f64::from(u8::from(!is_own)),
                (true, 5) if row % 2 == 0 => f64::NAN,
                (is_own, _) => f64::from(u8::from(is_own)) * (1.0 + (row % 3) as f64),
            };
            columns.push((0..rows).map(value).collect());
        }
        columns.push((0..rows).map(|row| (row % 9) as f64).collect());
        let columns = columns.into_iter().enumerate();
        let columns = columns.map(|(at, values)| {
            (
                Field::new(format!("c{at}"), Kind::Numeric, "made"),
                Column::numbers(values),
            )
        });
        Frame::new(columns.collect()).expect("columns of equal length")
    }

    fn check<S: Slot>(table: &Table<'_>, samples: &[Sample], wide: &[[i64; 2]]) {
        for ranges in [table.parts(1), table.parts(2), table.parts(9)] {
            assert_eq!(
                (ranges[0].0, ranges[ranges.len() - 1].1),
                (0, table.columns().len())
            );
            let mut found = vec![S::default(); table.slot_count()];
            for range in ranges {
                table.add(samples, wide, range, &mut found[table.slots_of(range.0, range.1)]);
            }
            let mut expected = vec![S::default(); table.slot_count()];
            for (at, column) in table.columns().iter().enumerate() {
                for sample in samples {
                    let slot = &mut expected[table.slots_of(at, at + 1).start + column.bin(sample.at)];
                    *slot = slot.plus(S::of(*sample, wide));
                }
            }
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn bundled_columns_add_up_as_each_would_alone() {
        let frame = one_hot_frame(2_000);
        let workers = Workers::new(1);
        let matrix = frame.binned(255, &workers);
        let table = Table::new(&matrix, matrix.row_codes(&workers), frame.view(), None);
        assert!(table.blocks[0].bundles.is_some(), "one-hot columns are bundled");
        let samples: Vec<Sample> = (0..2_000)
            .step_by(3)
            .map(|at| Sample::new(at, (at % 901) as i16 - 450, at as u16))
            .collect();
        let wide: Vec<[i64; 2]> = (0..2_000).map(|at| [at * 31 - 700, at]).collect();
        check::<Packed>(&table, &samples, &[]);
        check::<Wide>(&table, &samples, &wide);
    }
}
