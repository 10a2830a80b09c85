//! Points column by column, and the RBF kernel between them.

use kolosal_compute::Workers;
use kolosal_compute::kernels::{exp, squared_distances};
use kolosal_frame::{Column, FrameView};

/// Points of one block; a block of a few dozen columns stays in the second-level cache.
const BLOCK: usize = 512;
/// Numbers of a row of distances worth a second thread.
const PARALLEL_MIN: usize = 1 << 18;

/// Some points, stored in blocks of [`BLOCK`], column by column within a block.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Points {
    pub(super) width: usize,
    count: usize,
    numbers: Vec<f64>,
}

impl Points {
    /// The rows of a view; a column of another kind than numbers counts as zeros.
    pub(super) fn of(view: FrameView<'_>) -> Self {
        let (count, width) = (view.row_count(), view.column_count());
        let mut points = Self {
            width,
            count,
            numbers: vec![0.0; count * width],
        };
        let mut column = vec![0.0; count];
        for j in 0..width {
            if !matches!(view.column(j), Column::Numbers(_) | Column::Sparse(_)) {
                continue;
            }
            view.numbers_into(j, &mut column);
            for (row, x) in column.iter().enumerate() {
                let at = points.place(row, j);
                points.numbers[at] = *x;
            }
        }
        points
    }

    /// Points from their numbers, one point after the other.
    pub(super) fn from_rows(rows: &[f64], width: usize) -> Self {
        let count = rows.len() / width;
        let mut points = Self {
            width,
            count,
            numbers: vec![0.0; rows.len()],
        };
        for row in 0..count {
            for j in 0..width {
                let at = points.place(row, j);
                points.numbers[at] = rows[row * width + j];
            }
        }
        points
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    fn place(&self, row: usize, j: usize) -> usize {
        let start = row / BLOCK * BLOCK;
        let len = BLOCK.min(self.count - start);
        start * self.width + j * len + (row - start)
    }

    /// Copies one point.
    pub(super) fn point(&self, row: usize) -> Vec<f64> {
        (0..self.width)
            .map(|j| self.numbers[self.place(row, j)])
            .collect()
    }

    /// Some of the points, in the given order.
    pub(super) fn select(&self, rows: &[u32]) -> Self {
        let flat: Vec<f64> = rows.iter().flat_map(|&row| self.point(row as usize)).collect();
        Self {
            count: rows.len(),
            ..Self::from_rows(&flat, self.width.max(1))
        }
    }

    /// The kernel of one point with all of these.
    pub(super) fn kernel(&self, point: &[f64], gamma: f64, out: &mut [f64], workers: Option<&Workers>) {
        let block = |at: usize, out: &mut [f64]| {
            let start = at * BLOCK;
            let numbers = &self.numbers[start * self.width..][..out.len() * self.width];
            squared_distances(&[point], numbers, out);
            out.iter_mut().for_each(|far| *far *= -gamma);
            exp(out);
        };
        match workers {
            Some(workers) if self.count * (self.width + 8) >= PARALLEL_MIN => {
                workers.for_each_chunk_mut(out, BLOCK, block);
            }
            _ => out
                .chunks_mut(BLOCK)
                .enumerate()
                .for_each(|(at, out)| block(at, out)),
        }
    }
}

/// Where gamma is not given: one over the number of columns times the mean variance of all numbers.
pub(super) fn usual_gamma(points: &Points) -> f64 {
    let count = points.numbers.len() as f64;
    let mean: f64 = points.numbers.iter().map(|x| x / count).sum();
    let variance: f64 = points
        .numbers
        .iter()
        .map(|x| (x - mean) * (x - mean) / count)
        .sum();
    let width = points.width.max(1) as f64;
    let gamma = 1.0 / (width * variance);
    if variance > 0.0 && gamma > 0.0 && gamma.is_finite() {
        gamma
    } else {
        1.0 / width
    }
}
