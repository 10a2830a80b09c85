//! Statistics by bin, with a record of which bins were touched, so that a node of few rows costs few steps.
//!
//! Filling is one addition a row. In a node of few rows the bins are
//! found through a bitmap, in ascending order: such a node costs `O(rows)`, however many bins there are, and nothing is
//! ever sorted. Statistics stay where they were added, since copying a slot that was just written stalls the processor.

use kolosal_frame::{BinCodes, BinnedColumn};

use crate::sample::{Sample, Stat};

/// One accumulated statistic a bin.
#[derive(Debug)]
pub(crate) struct Histogram<S> {
    slots: Vec<S>,
    /// One bit a bin.
    touched: Vec<u64>,
    /// One bit a word of `touched`, so that few rows among very many bins are found at once.
    words: Vec<u64>,
    bins: Vec<u16>,
}

impl<S: Stat> Histogram<S> {
    /// An empty histogram for columns of at most `bins` bins.
    pub(crate) fn new(bins: usize) -> Self {
        // At least 256, so that a bin of one byte is always in bounds.
        let bins = bins.next_multiple_of(64).max(256);
        Self {
            slots: vec![S::default(); bins],
            touched: vec![0; bins / 64],
            words: vec![0; bins.div_ceil(64 * 64)],
            bins: Vec::with_capacity(bins),
        }
    }

    /// Forgets what it held and adds every sample to the bin its row has in the column.
    pub(crate) fn fill(&mut self, column: &BinnedColumn, samples: &[S::Sample]) {
        for bin in self.bins.drain(..) {
            self.slots[usize::from(bin)] = S::default();
        }
        let bins = column.bin_count();
        match column.codes() {
            BinCodes::U8(codes) if samples.len() < bins => self.add_few(codes, samples),
            BinCodes::U16(codes) if samples.len() < bins => self.add_few_wide(codes, samples),
            BinCodes::U8(codes) => self.add_many(codes, samples, bins),
            BinCodes::U16(codes) => self.add_many(codes, samples, bins),
        }
    }

    /// The bins that hold rows, ascending, with the statistic of each bin.
    pub(crate) fn parts(&mut self) -> (&mut [u16], &[S]) {
        (&mut self.bins, &self.slots)
    }

    /// Fewer rows than bins: a bitmap remembers which bins to look at.
    #[inline]
    fn add_few(&mut self, codes: &[u8], samples: &[S::Sample]) {
        for sample in samples {
            let bin = usize::from(codes[sample.row()]);
            self.slots[bin].add(sample);
            self.touched[bin / 64] |= 1 << (bin % 64);
        }
        for (at, word) in self.touched[..256 / 64].iter_mut().enumerate() {
            take_bits(word, at, |bin| self.bins.push(bin as u16));
        }
    }

    /// The same for many bins: a second bitmap remembers which words of the first to look at.
    #[inline]
    fn add_few_wide(&mut self, codes: &[u16], samples: &[S::Sample]) {
        for sample in samples {
            let bin = usize::from(codes[sample.row()]);
            self.slots[bin].add(sample);
            self.touched[bin / 64] |= 1 << (bin % 64);
            self.words[bin / (64 * 64)] |= 1 << (bin / 64 % 64);
        }
        for (at, word) in self.words.iter_mut().enumerate() {
            take_bits(word, at, |at| {
                take_bits(&mut self.touched[at], at, |bin| self.bins.push(bin as u16));
            });
        }
    }

    /// At least as many rows as bins: every bin is looked at.
    #[inline]
    fn add_many<B: Copy + Into<usize>>(&mut self, codes: &[B], samples: &[S::Sample], bins: usize) {
        for sample in samples {
            let bin: usize = codes[sample.row()].into();
            self.slots[bin].add(sample);
        }
        let held = (0_u16..)
            .zip(&self.slots[..bins])
            .filter(|(_, stat)| stat.rows() > 0);
        self.bins.extend(held.map(|(bin, _)| bin));
    }
}

/// Visits the numbers of the bits that are set in the `at`-th word of a bitmap, ascending, and clears them.
#[inline]
fn take_bits(word: &mut u64, at: usize, mut visit: impl FnMut(usize)) {
    while *word != 0 {
        visit(at * 64 + word.trailing_zeros() as usize);
        *word &= *word - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{BinarySample, Counts};
    use crate::testing::numbers;
    use kolosal_compute::Workers;

    #[test]
    fn few_and_many_rows_of_narrow_and_wide_columns_are_counted_alike() {
        let values: Vec<f64> = (0..9000).map(|i| f64::from(i * 7919 % 9000)).collect();
        for bins_max in [3, 200, 300, 9000] {
            let matrix = numbers(&[&values]).binned(bins_max, &Workers::new(1));
            let column = &matrix.columns()[0];
            let mut histogram = Histogram::<Counts>::new(matrix.widest());
            // Filling again forgets what was filled before.
            for rows in [9000, 100, 1, 250] {
                let samples: Vec<_> = (0..rows).map(|row| BinarySample::new(row, row & 1, 2)).collect();
                histogram.fill(column, &samples);
                let mut expected = vec![(0, 0.0, 0.0); column.bin_count()];
                for row in 0..rows {
                    let slot = &mut expected[usize::from(column.bin(row as usize))];
                    *slot = (slot.0 + 1, slot.1 + 2.0, slot.2 + f64::from(2 * (row & 1)));
                }
                let (bins, stats) = histogram.parts();
                assert!(bins.is_sorted() && bins.iter().all(|&bin| expected[usize::from(bin)].0 > 0));
                let found: Vec<_> = stats[..column.bin_count()]
                    .iter()
                    .map(|stat| (stat.rows(), stat.weight(), stat.target()))
                    .collect();
                assert_eq!(found, expected);
            }
        }
    }
}
