//! Cholesky factors and inverses of full matrices, in panels whose inner products run in vector registers.

use crate::Workers;
use crate::kernels::{add_combinations, add_cross_products, add_scaled, dot};

/// Columns factored together.
const PANEL: usize = 64;
/// Rows that one piece of work takes.
const ROWS: usize = 16;
/// Numbers of a row that are multiplied while they stay in the cache.
const CHUNK: usize = 512;

/// `L` with `L L' = A`.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    side: usize,
    /// Row after row; the upper half is not used.
    lower: Vec<f64>,
}

impl Factor {
    /// Factors a symmetric matrix, row after row, of which the lower half is read; `None` if it is not positive to rounding.
    ///
    /// # Panics
    /// If it has not `side * side` numbers.
    pub fn new(matrix: Vec<f64>, side: usize, workers: &Workers) -> Option<Self> {
        assert_eq!(matrix.len(), side * side, "a square matrix");
        let mut lower = matrix;
        for start in (0..side).step_by(PANEL) {
            let end = side.min(start + PANEL);
            let width = end - start;
            let above: Vec<f64> = (start..end)
                .flat_map(|row| lower[row * side..row * side + start].iter().copied())
                .collect();
            let rest = &mut lower[start * side..];
            workers.for_each_chunk_mut(rest, ROWS * side, |_, lines| {
                take_away(lines, side, &above, (start, width));
            });
            factor_corner(&mut lower, side, (start, end))?;
            let corner: Vec<f64> = (start..end)
                .flat_map(|row| lower[row * side + start..row * side + end].iter().copied())
                .collect();
            workers.for_each_chunk_mut(&mut lower[end * side..], ROWS * side, |_, lines| {
                for line in lines.chunks_mut(side) {
                    let line = &mut line[start..end];
                    for j in 0..width {
                        let row = &corner[j * width..];
                        line[j] = (line[j] - dot(&line[..j], &row[..j])) / row[j];
                    }
                }
            });
        }
        Some(Self { side, lower })
    }

    /// The sum of the logarithms of the diagonal: half the logarithm of the determinant.
    pub fn half_log_determinant(&self) -> f64 {
        (0..self.side).map(|i| self.lower[i * self.side + i].ln()).sum()
    }

    /// Replaces `b` by `L^-1 b`.
    ///
    /// # Panics
    /// If `b` is shorter than the side.
    pub fn forward(&self, b: &mut [f64]) {
        for i in 0..self.side {
            let line = &self.lower[i * self.side..];
            b[i] = (b[i] - dot(&line[..i], &b[..i])) / line[i];
        }
    }

    /// Replaces `b` by `A^-1 b`.
    ///
    /// # Panics
    /// If `b` has another length than the side.
    pub fn solve(&self, b: &mut [f64]) {
        self.forward(b);
        self.backward(b);
    }

    /// Replaces `b` by `L'^-1 b`.
    ///
    /// # Panics
    /// If `b` has another length than the side.
    pub fn backward(&self, b: &mut [f64]) {
        for i in (0..self.side).rev() {
            let line = &self.lower[i * self.side..];
            b[i] /= line[i];
            let (head, tail) = b.split_at_mut(i);
            add_scaled(head, -tail[0], &line[..i]);
        }
    }

    /// `A^-1`, row after row, both halves.
    pub fn inverse(&self, workers: &Workers) -> Vec<f64> {
        let side = self.side;
        let turned = self.turned_inverse(workers);
        let blocks = side.div_ceil(PANEL);
        let pairs: Vec<(usize, usize)> = (0..blocks)
            .flat_map(|a| (a..blocks).map(move |b| (a, b)))
            .collect();
        let tiles = workers.map(pairs.len(), |at| {
            let (a, b) = pairs[at];
            let rows = |block: usize| block * PANEL..side.min((block + 1) * PANEL);
            let mut tile = vec![0.0; rows(a).len() * rows(b).len()];
            for start in (b * PANEL..side).step_by(CHUNK) {
                let end = side.min(start + CHUNK);
                let slices = |block: usize| -> Vec<&[f64]> {
                    rows(block)
                        .map(|row| &turned[row * side + start..row * side + end])
                        .collect()
                };
                add_cross_products(&slices(a), &slices(b), &mut tile);
            }
            tile
        });
        let mut inverse = vec![0.0; side * side];
        for ((a, b), tile) in pairs.into_iter().zip(tiles) {
            let width = side.min((b + 1) * PANEL) - b * PANEL;
            for (at, value) in tile.into_iter().enumerate() {
                let (row, column) = (a * PANEL + at / width, b * PANEL + at % width);
                inverse[row * side + column] = value;
                inverse[column * side + row] = value;
            }
        }
        inverse
    }

    /// The transpose of `L^-1`.
    fn turned_inverse(&self, workers: &Workers) -> Vec<f64> {
        let side = self.side;
        let mut inverse = vec![0.0; side * side];
        let mut turned = vec![0.0; side * side];
        for start in (0..side).step_by(PANEL) {
            let end = side.min(start + PANEL);
            let pieces: Vec<usize> = (0..end).step_by(CHUNK / 2).collect();
            let solved = workers.map(pieces.len(), |at| {
                let columns = pieces[at]..end.min(pieces[at] + CHUNK / 2);
                self.inverse_piece(&inverse, (start, end), columns)
            });
            for (first, piece) in pieces.into_iter().zip(solved) {
                let length = piece.len() / (end - start);
                for (i, line) in piece.chunks_exact(length).enumerate() {
                    let row = start + i;
                    inverse[row * side + first..][..length].copy_from_slice(line);
                    for (at, value) in line.iter().enumerate() {
                        turned[(first + at) * side + row] = *value;
                    }
                }
            }
        }
        turned
    }

    /// Some columns of rows `start .. end` of `L^-1`, given the rows above.
    fn inverse_piece(
        &self,
        inverse: &[f64],
        (start, end): (usize, usize),
        columns: std::ops::Range<usize>,
    ) -> Vec<f64> {
        let (side, length, first) = (self.side, columns.len(), columns.start);
        let mut piece = vec![0.0; (end - start) * length];
        if first < start {
            let above: Vec<&[f64]> = (first..start)
                .map(|row| &inverse[row * side + first..][..length])
                .collect();
            let factors: Vec<f64> = (start..end)
                .flat_map(|row| {
                    self.lower[row * side + first..row * side + start]
                        .iter()
                        .map(|l| -l)
                })
                .collect();
            add_combinations(&above, &factors, &mut piece);
        }
        for i in 0..end - start {
            let row = start + i;
            let line = &self.lower[row * side..];
            let (done, rest) = piece.split_at_mut(i * length);
            let own = &mut rest[..length];
            if columns.contains(&row) {
                own[row - first] += 1.0;
            }
            for (j, other) in done.chunks_exact(length).enumerate() {
                add_scaled(own, -line[start + j], other);
            }
            own.iter_mut().for_each(|value| *value /= line[row]);
        }
        piece
    }
}

/// Takes from columns of some rows the products of what stands before them with the panel's rows.
fn take_away(lines: &mut [f64], side: usize, above: &[f64], (start, width): (usize, usize)) {
    if start == 0 {
        return;
    }
    let rows = lines.len() / side;
    let mut products = vec![0.0; rows * width];
    for from in (0..start).step_by(CHUNK) {
        let to = start.min(from + CHUNK);
        let left: Vec<&[f64]> = lines.chunks_exact(side).map(|line| &line[from..to]).collect();
        let right: Vec<&[f64]> = above.chunks_exact(start).map(|line| &line[from..to]).collect();
        add_cross_products(&left, &right, &mut products);
    }
    for (line, products) in lines.chunks_exact_mut(side).zip(products.chunks_exact(width)) {
        line[start..start + width]
            .iter_mut()
            .zip(products)
            .for_each(|(value, product)| *value -= product);
    }
}

/// Factors the corner of a panel, from whose columns everything before is taken away.
fn factor_corner(lower: &mut [f64], side: usize, (start, end): (usize, usize)) -> Option<()> {
    for i in start..end {
        let (above, line) = lower.split_at_mut(i * side);
        for j in start..i {
            let row = &above[j * side..];
            line[j] = (line[j] - dot(&line[start..j], &row[start..j])) / row[j];
        }
        let pivot = line[i] - dot(&line[start..i], &line[start..i]);
        if pivot <= 0.0 || !pivot.is_finite() {
            return None;
        }
        line[i] = pivot.sqrt();
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_solve_and_inverses_invert_at_any_thread_count() {
        for side in [1, 5, 64, 65, 300] {
            let value = |i: usize, j: usize| (-((i as f64 - j as f64) / 9.0).powi(2)).exp();
            let matrix: Vec<f64> = (0..side * side)
                .map(|at| value(at / side, at % side) + f64::from(u8::from(at / side == at % side)) * 0.1)
                .collect();
            let factor = Factor::new(matrix.clone(), side, &Workers::new(1)).unwrap();
            let inverse = factor.inverse(&Workers::new(1));
            let again = Factor::new(matrix.clone(), side, &Workers::new(2)).unwrap();
            assert_eq!(factor, again);
            assert_eq!(inverse, again.inverse(&Workers::new(2)));
            let mut solved: Vec<f64> = (0..side).map(|i| (i as f64).sin()).collect();
            factor.solve(&mut solved);
            for i in 0..side {
                let line = &matrix[i * side..(i + 1) * side];
                assert!((dot(line, &solved) - (i as f64).sin()).abs() < 1e-9);
                for j in 0..side {
                    let unit: f64 = (0..side).map(|k| line[k] * inverse[k * side + j]).sum();
                    assert!(
                        (unit - f64::from(u8::from(i == j))).abs() < 1e-9,
                        "{side}: {i} {j} {unit}"
                    );
                }
            }
        }
        assert_eq!(Factor::new(vec![1.0, 2.0, 2.0, 1.0], 2, &Workers::new(1)), None);
    }
}
