//! Bins row after row: what a boosted tree reads when it adds rows up.
//!
//! Columns side by side of which at most one leaves its usual bin in any row, as one-hot columns do, share one code (exclusive
//! feature bundling, Ke et al., LightGBM: a highly efficient gradient boosting decision tree, NeurIPS 2017, with no conflict
//! allowed): a row then costs one step a bundle instead of one a column, and sums are the same to the last bit.

use kolosal_compute::Workers;
use kolosal_compute::kernels::histogram::{Code, CodeMatrix};

use crate::bins::{BinCodes, BinnedColumn, BinnedMatrix};

/// Rows that are looked at before a column is counted.
const GLANCE_ROWS: usize = 4_096;

/// Share of the rows that may be in other bins than the usual one for a column to be bundled.
const UNUSUAL_MAX: f64 = 0.2;

/// Most codes of a bundle, the one for usual bins in all its columns not counted.
const CODES_MAX: usize = 255;

/// The codes of all columns, row after row.
#[derive(Debug)]
pub struct RowCodes {
    matrix: RowMatrix,
    bundles: Vec<Bundle>,
}

/// Codes in the narrowest type that holds them.
#[derive(Debug)]
pub enum RowMatrix {
    /// No column has more than 256 bins.
    U8(CodeMatrix<u8>),
    /// Some column has.
    U16(CodeMatrix<u16>),
}

/// Columns that share a code; most often one alone.
///
/// The code of a column alone is its bin. In a bundle, code 0 says that all columns are in their usual bins; codes from 1 on
/// stand for the other bins of the first column, then those of the second, and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    first: usize,
    /// The usual bin of each column, and how many bins it has.
    columns: Vec<(u16, usize)>,
}

impl Bundle {
    /// The columns.
    pub fn columns(&self) -> std::ops::Range<usize> {
        self.first..self.first + self.columns.len()
    }

    /// Whether several columns share the code.
    pub fn is_shared(&self) -> bool {
        self.columns.len() > 1
    }

    /// The usual bin of each column, and how many bins it has.
    pub fn bins(&self) -> &[(u16, usize)] {
        &self.columns
    }

    fn slots(&self) -> usize {
        self.columns.iter().map(|(_, bins)| bins).sum()
    }
}

/// A column that is nearly always in one bin.
struct Quiet {
    usual: u16,
    /// Rows in other bins, ascending.
    others: Vec<u32>,
}

impl RowCodes {
    pub(crate) fn new(matrix: &BinnedMatrix, workers: &Workers) -> Self {
        let quiet = workers.map(matrix.columns().len(), |at| {
            quiet(&matrix.columns()[at], matrix.row_count())
        });
        let bundles = bundles(matrix, &quiet);
        let codes = if matrix.is_narrow() {
            RowMatrix::U8(rows_of(
                matrix,
                (&bundles, &quiet),
                workers,
                |codes, row| match codes {
                    BinCodes::U8(codes) => codes[row],
                    BinCodes::U16(_) => unreachable!("all columns are narrow"),
                },
            ))
        } else {
            RowMatrix::U16(rows_of(matrix, (&bundles, &quiet), workers, BinCodes::get))
        };
        Self {
            matrix: codes,
            bundles,
        }
    }

    /// The codes, one a bundle and row. Each bundle has as many slots in a histogram as its columns have bins together.
    pub fn matrix(&self) -> &RowMatrix {
        &self.matrix
    }

    /// What each code of a row stands for, in the order of columns.
    pub fn bundles(&self) -> &[Bundle] {
        &self.bundles
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.matrix {
            RowMatrix::U8(codes) => codes.heap_bytes(),
            RowMatrix::U16(codes) => codes.heap_bytes(),
        }
    }
}

/// What is to know of a column that may be bundled; `None` if it leaves its usual bin too often.
fn quiet(column: &BinnedColumn, rows: usize) -> Option<Quiet> {
    let glance = rows.min(GLANCE_ROWS);
    let mut counts = vec![0_usize; column.bin_count()];
    (0..glance).for_each(|row| counts[usize::from(column.codes().get(row))] += 1);
    let (usual, &count) = counts.iter().enumerate().rev().max_by_key(|(_, count)| **count)?;
    // A glance may err; the bound that counts is that of all rows, below.
    if column.bin_count() > CODES_MAX || ((glance - count) as f64) > 1.5 * UNUSUAL_MAX * glance as f64 {
        return None;
    }
    let usual = usual as u16;
    let most = (UNUSUAL_MAX * rows as f64) as usize;
    let mut others = Vec::new();
    for row in 0..rows {
        if column.codes().get(row) != usual {
            if others.len() == most {
                return None;
            }
            others.push(row as u32);
        }
    }
    Some(Quiet { usual, others })
}

/// Bundles neighbours that never leave their usual bins in the same row.
fn bundles(matrix: &BinnedMatrix, quiet: &[Option<Quiet>]) -> Vec<Bundle> {
    let mut bundles: Vec<Bundle> = Vec::new();
    let mut taken = vec![
        false;
        if quiet.iter().any(Option::is_some) {
            matrix.row_count()
        } else {
            0
        }
    ];
    // Codes of the last bundle, and the rows that it takes; nothing is added to a bundle of a column that is not quiet.
    let (mut codes, mut rows) = (usize::MAX, Vec::new());
    for (at, (column, quiet)) in matrix.columns().iter().zip(quiet).enumerate() {
        let bins = column.bin_count();
        let Some(quiet) = quiet else {
            bundles.push(Bundle {
                first: at,
                columns: vec![(0, bins)],
            });
            codes = usize::MAX;
            continue;
        };
        let fits = codes.saturating_add(bins - 1) <= CODES_MAX;
        if fits && quiet.others.iter().all(|&row| !taken[row as usize]) {
            let last = bundles.last_mut().expect("codes are counted for a bundle");
            last.columns.push((quiet.usual, bins));
            codes += bins - 1;
        } else {
            rows.drain(..).for_each(|row: u32| taken[row as usize] = false);
            bundles.push(Bundle {
                first: at,
                columns: vec![(quiet.usual, bins)],
            });
            codes = bins - 1;
        }
        quiet.others.iter().for_each(|&row| taken[row as usize] = true);
        rows.extend(&quiet.others);
    }
    bundles
}

fn rows_of<C: Code + Default + TryFrom<usize>>(
    matrix: &BinnedMatrix,
    (bundles, quiet): (&[Bundle], &[Option<Quiet>]),
    workers: &Workers,
    code: impl Fn(&BinCodes, usize) -> C + Sync + Send,
) -> CodeMatrix<C> {
    /// Rows that are turned at a time: they stay in the nearest cache.
    const BLOCK: usize = 1 << 9;
    let width = bundles.len();
    let mut codes = vec![C::default(); matrix.row_count() * width];
    workers.for_each_chunk_mut(&mut codes, BLOCK * width, |block, part| {
        let rows = block * BLOCK..block * BLOCK + part.len() / width;
        for (at, bundle) in bundles.iter().enumerate() {
            if !bundle.is_shared() {
                let column = &matrix.columns()[bundle.first];
                let places = part[at..].iter_mut().step_by(width);
                rows.clone()
                    .zip(places)
                    .for_each(|(row, place)| *place = code(column.codes(), row));
                continue;
            }
            let mut first = 1;
            for (column, &(usual, bins)) in bundle.columns().zip(&bundle.columns) {
                let others = &quiet[column].as_ref().expect("bundled columns are quiet").others;
                let from = others.partition_point(|&row| (row as usize) < rows.start);
                for &row in others[from..]
                    .iter()
                    .take_while(|&&row| (row as usize) < rows.end)
                {
                    let bin = matrix.columns()[column].codes().get(row as usize);
                    let code = first + usize::from(bin) - usize::from(bin > usual);
                    let place = &mut part[(row as usize - rows.start) * width + at];
                    *place =
                        C::try_from(code).unwrap_or_else(|_| unreachable!("a bundle has at most 255 codes"));
                }
                first += bins - 1;
            }
        }
    });
    let slots: Vec<usize> = bundles.iter().map(Bundle::slots).collect();
    CodeMatrix::new(codes, &slots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Column, Field, Frame, Kind};

    fn frame(columns: Vec<Vec<f64>>) -> Frame {
        let columns = columns.into_iter().enumerate();
        let columns = columns.map(|(at, values)| {
            (
                Field::new(format!("c{at}"), Kind::Numeric, "made"),
                Column::numbers(values),
            )
        });
        Frame::new(columns.collect()).expect("columns of equal length")
    }

    /// The bin of every column of a row, read from the row's codes.
    fn bins_of(codes: &RowCodes, row: usize) -> Vec<usize> {
        let mut bins = Vec::new();
        for (at, bundle) in codes.bundles().iter().enumerate() {
            let code = match codes.matrix() {
                RowMatrix::U8(matrix) => usize::from(matrix.code(row, at)),
                RowMatrix::U16(matrix) => usize::from(matrix.code(row, at)),
            };
            if !bundle.is_shared() {
                bins.push(code);
                continue;
            }
            let mut first = 1;
            for &(usual, count) in bundle.bins() {
                let usual = usize::from(usual);
                let own = (first..first + count - 1).contains(&code).then(|| code - first);
                bins.push(own.map_or(usual, |rank| rank + usize::from(rank >= usual)));
                first += count - 1;
            }
        }
        bins
    }

    #[test]
    fn one_hot_columns_share_a_code_and_keep_their_bins() {
        let rows = 3_000;
        let level = |row: usize| row * 7919 % 11;
        let mut columns: Vec<Vec<f64>> = vec![(0..rows).map(|row| (row % 97) as f64).collect()];
        columns.extend((0..11).map(|of| {
            (0..rows)
                .map(|row| f64::from(u8::from(level(row) == of)))
                .collect()
        }));
        // Missing where level 3 is not: quiet, but not exclusive to those before.
        columns.push(
            (0..rows)
                .map(|row| if row % 10 == 0 { f64::NAN } else { 5.0 })
                .collect(),
        );
        let frame = frame(columns);
        let workers = Workers::new(2);
        let matrix = frame.binned(255, &workers);
        let codes = matrix.row_codes(&workers);
        let ranges: Vec<_> = codes.bundles().iter().map(Bundle::columns).collect();
        assert_eq!(ranges, [0..1, 1..12, 12..13]);
        for row in 0..rows {
            let expected: Vec<usize> = matrix
                .columns()
                .iter()
                .map(|column| usize::from(column.bin(row)))
                .collect();
            assert_eq!(bins_of(codes, row), expected, "row {row}");
        }
    }

    #[test]
    fn a_bundle_ends_where_its_codes_do() {
        let rows = 2_000;
        // 300 columns of two bins each, each busy in rows of its own.
        let columns = (0..300).map(|of| {
            (0..rows)
                .map(|row| f64::from(u8::from(row % 300 == of)))
                .collect()
        });
        let frame = frame(columns.collect());
        let workers = Workers::new(1);
        let matrix = frame.binned(255, &workers);
        let codes = matrix.row_codes(&workers);
        let ranges: Vec<_> = codes.bundles().iter().map(Bundle::columns).collect();
        // Two codes a column: missing, and busy.
        assert_eq!(ranges, [0..127, 127..254, 254..300]);
        for row in (0..rows).step_by(37) {
            let expected: Vec<usize> = matrix
                .columns()
                .iter()
                .map(|column| usize::from(column.bin(row)))
                .collect();
            assert_eq!(bins_of(codes, row), expected, "row {row}");
        }
    }
}
