//! Ridge with one unknown a row, for tables wider than long.
//!
//! With `Z` the centred columns, rows scaled by the roots of their weights, and `P` the penalty for a strength of one,
//! the answer is `u = P^-1 Z' a` with `(Z P^-1 Z' + alpha I) a = y`.

use kolosal_compute::kernels::add_cross_products;
use kolosal_compute::linalg::Cholesky;
use kolosal_compute::{Reservation, Workers};
use kolosal_learner::{FitContext, FitError};

use super::fit::{Solution, Wanted};
use crate::design::{Design, Response};
use crate::moments::transposed;

/// Columns written out together.
const STRIP: usize = 256;
/// Rows whose products are computed together.
const TILE: usize = 32;

pub(super) struct Dual<'a> {
    design: &'a Design,
    /// `Z P^-1 Z'`.
    kernel: Vec<f64>,
    /// Roots of the weights.
    roots: Vec<f64>,
    /// The target about its mean, times the roots.
    target: Vec<f64>,
    target_mean: f64,
    /// Means of the columns.
    means: Vec<f64>,
    /// `P^-1`; zero for constant columns.
    inverse: Vec<f64>,
    _memory: Reservation,
}

impl<'a> Dual<'a> {
    pub(super) fn new(
        design: &'a Design,
        response: &Response,
        unit: &[f64],
        cx: &FitContext<'_>,
    ) -> Result<Self, FitError> {
        let rows = design.row_count();
        let memory = cx.reserve((rows * (3 * rows + STRIP) * 8) as u64)?;
        let total = design.weight_total;
        let means: Vec<f64> = transposed(design, 0, &design.weights, cx.workers)
            .iter()
            .map(|sum| sum / total)
            .collect();
        let target_mean = response
            .values
            .iter()
            .zip(&design.weights)
            .map(|(y, weight)| y * weight)
            .sum::<f64>()
            / total;
        let roots: Vec<f64> = design.weights.iter().map(|weight| weight.sqrt()).collect();
        let target = response
            .values
            .iter()
            .zip(&roots)
            .map(|(y, root)| (y - target_mean) * root)
            .collect();
        let inverse = unit
            .iter()
            .map(|p| if *p > 0.0 { 1.0 / p } else { 0.0 })
            .collect();
        let mut dual = Self {
            design,
            kernel: Vec::new(),
            roots,
            target,
            target_mean,
            means,
            inverse,
            _memory: memory,
        };
        dual.kernel = dual.kernel_matrix(cx)?;
        Ok(dual)
    }

    fn kernel_matrix(&self, cx: &FitContext<'_>) -> Result<Vec<f64>, FitError> {
        let rows = self.design.row_count();
        let mut kernel = vec![0.0; rows * rows];
        for start in (0..self.design.width()).step_by(STRIP) {
            cx.checkpoint()?;
            let strip = self.strip(start, self.design.width().min(start + STRIP));
            let lines: Vec<&[f64]> = strip.chunks(strip.len() / rows).collect();
            cx.workers
                .for_each_chunk_mut(&mut kernel, rows * TILE, |at, out| {
                    let first = at * TILE;
                    // The lower half is enough for the factorisation.
                    let until = first + out.len() / rows;
                    let mut products = vec![0.0; (until - first) * until];
                    add_cross_products(&lines[first..until], &lines[..until], &mut products);
                    for (line, sums) in out.chunks_mut(rows).zip(products.chunks(until)) {
                        line.iter_mut().zip(sums).for_each(|(place, sum)| *place += sum);
                    }
                });
        }
        Ok(kernel)
    }

    /// Columns `start .. end` of `Z P^-1/2`, written out row after row.
    fn strip(&self, start: usize, end: usize) -> Vec<f64> {
        let (rows, width) = (self.design.row_count(), end - start);
        let factor: Vec<f64> = self.inverse[start..end].iter().map(|p| p.sqrt()).collect();
        let mut strip = vec![0.0; rows * width];
        for column in self
            .design
            .dense
            .iter()
            .filter(|column| (start..end).contains(&column.slot))
        {
            for (row, x) in column.values.iter().enumerate() {
                strip[row * width + column.slot - start] = *x;
            }
        }
        for column in &self.design.coded {
            for (row, &code) in column.codes.iter().enumerate() {
                let slot = column.start + code as usize;
                if (code as usize) < column.levels && (start..end).contains(&slot) {
                    strip[row * width + slot - start] = 1.0;
                }
            }
        }
        let stored = &self.design.stored;
        for (row, ends) in stored.ends.windows(2).enumerate() {
            for at in ends[0]..ends[1] {
                let slot = stored.slots[at] as usize;
                if (start..end).contains(&slot) {
                    strip[row * width + slot - start] = stored.values[at];
                }
            }
        }
        for (line, root) in strip.chunks_mut(width).zip(&self.roots) {
            for (at, x) in line.iter_mut().enumerate() {
                *x = (*x - self.means[start + at]) * root * factor[at];
            }
        }
        strip
    }

    pub(super) fn solve(&self, alpha: f64, wanted: Wanted, workers: &Workers) -> Solution {
        let rows = self.design.row_count();
        let factor = Cholesky::new(self.kernel.clone(), &vec![alpha; rows], workers);
        let mut a = self.target.clone();
        factor.solve(&mut a);
        let weighted: Vec<f64> = a.iter().zip(&self.roots).map(|(a, root)| a * root).collect();
        let total: f64 = weighted.iter().sum();
        let mut u = transposed(self.design, 0, &weighted, workers);
        for (at, u) in u.iter_mut().enumerate() {
            *u = (*u - total * self.means[at]) * self.inverse[at];
        }
        // y - K a = alpha a wherever the row was not left out; there the residual is that of a consistent system, zero.
        let squared_error = a.iter().map(|a| (alpha * a).powi(2)).sum();
        let freedom = (wanted == Wanted::SolutionAndFreedom).then(|| {
            let inverse = factor.inverse_diagonal();
            1.0 + inverse
                .iter()
                .filter(|v| **v > 0.0)
                .map(|v| 1.0 - alpha * v)
                .sum::<f64>()
        });
        let moved: f64 = self.means.iter().zip(&u).map(|(mean, u)| mean * u).sum();
        Solution {
            u,
            intercept: self.target_mean - moved,
            squared_error,
            freedom,
        }
    }
}
