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
    touched: Vec<u64>,
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
            BinCodes::U16(codes) if samples.len() < bins => self.add_few(codes, samples),
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
    fn add_few<B: Copy + Into<usize>>(&mut self, codes: &[B], samples: &[S::Sample]) {
        for sample in samples {
            let bin: usize = codes[sample.row()].into();
            self.slots[bin].add(sample);
            self.touched[bin / 64] |= 1 << (bin % 64);
        }
        for (at, word) in self.touched.iter_mut().enumerate() {
            while *word != 0 {
                self.bins.push((at * 64) as u16 + word.trailing_zeros() as u16);
                *word &= *word - 1;
            }
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
