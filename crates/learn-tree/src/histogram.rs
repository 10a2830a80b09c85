//! Statistics by bin, with a record of which bins were touched, so that a node of few rows costs few steps.
//!
//! Filling is one addition a row. Draining walks the touched bins in ascending order through a bitmap and leaves the
//! histogram empty: a node of `n` rows costs `O(n)`, however many bins there are, and nothing is ever sorted.

use kolosal_frame::BinCodes;

use crate::sample::{Sample, Stat};

/// One accumulated statistic a bin.
#[derive(Debug)]
pub(crate) struct Histogram<S> {
    slots: Vec<S>,
    touched: Vec<u64>,
}

impl<S: Stat> Histogram<S> {
    /// An empty histogram for columns of at most `bins` bins.
    pub(crate) fn new(bins: usize) -> Self {
        // At least 256, so that a bin of one byte is always in bounds.
        let bins = bins.next_multiple_of(64).max(256);
        Self {
            slots: vec![S::default(); bins],
            touched: vec![0; bins / 64],
        }
    }

    /// Adds every sample to the bin its row has, then moves the touched bins to `groups` in ascending order.
    pub(crate) fn group(&mut self, codes: &BinCodes, samples: &[S::Sample], groups: &mut Vec<(u16, S)>) {
        match codes {
            BinCodes::U8(codes) => self.fill(codes, samples),
            BinCodes::U16(codes) => self.fill(codes, samples),
        }
        self.drain(groups);
    }

    #[inline]
    fn fill<B: Copy + Into<usize>>(&mut self, codes: &[B], samples: &[S::Sample]) {
        for sample in samples {
            let bin: usize = codes[sample.row()].into();
            self.slots[bin].add(sample);
            self.touched[bin / 64] |= 1 << (bin % 64);
        }
    }

    fn drain(&mut self, groups: &mut Vec<(u16, S)>) {
        groups.clear();
        for (at, word) in self.touched.iter_mut().enumerate() {
            while *word != 0 {
                let bin = at * 64 + word.trailing_zeros() as usize;
                groups.push((bin as u16, std::mem::take(&mut self.slots[bin])));
                *word &= *word - 1;
            }
        }
    }
}
