//! Cholesky factorisation of symmetric positive matrices, with columns that add nothing left out.
//!
//! The matrix is brought to a unit diagonal first. A pivot that is lost to rounding belongs to a column that is a sum
//! of earlier ones (or constant): its coefficient is set to zero, so collinear data has a finite answer, the one that
//! uses the first of the columns that say the same.

use crate::Workers;
use crate::kernels::{add_scaled, dot};

/// A pivot below this share of the diagonal is rounding error.
const PIVOT_MIN: f64 = 1e-12;
/// Columns factored together; the rows below them are then independent of each other.
const PANEL: usize = 64;

/// `L` with `L L' = S A S`, where `S` makes the diagonal one.
#[derive(Debug)]
pub struct Cholesky {
    width: usize,
    /// Row after row, the upper half is not used.
    lower: Vec<f64>,
    /// The diagonal of `S`; zero for columns left out.
    scale: Vec<f64>,
}

impl Cholesky {
    /// Factors `A + diag(penalty)`; `matrix` is `A`, row after row, of which the lower half is read.
    ///
    /// # Panics
    /// If the matrix is not as wide as the penalty is long, and square.
    pub fn new(mut matrix: Vec<f64>, penalty: &[f64], workers: &Workers) -> Self {
        let width = penalty.len();
        assert_eq!(matrix.len(), width * width, "a square matrix");
        let mut scale = vec![0.0; width];
        for i in 0..width {
            matrix[i * width + i] += penalty[i];
            let diagonal = matrix[i * width + i];
            if diagonal > 0.0 && diagonal.is_finite() {
                scale[i] = 1.0 / diagonal.sqrt();
            }
        }
        for i in 0..width {
            let line = &mut matrix[i * width..=i * width + i];
            line.iter_mut()
                .zip(&scale)
                .for_each(|(value, s)| *value *= s * scale[i]);
        }
        let mut factor = Self {
            width,
            lower: matrix,
            scale,
        };
        for start in (0..width).step_by(PANEL) {
            factor.panel(start, width.min(start + PANEL), workers);
        }
        factor
    }

    /// Factors columns `start .. end`, given all before them.
    fn panel(&mut self, start: usize, end: usize, workers: &Workers) {
        let width = self.width;
        for i in start..end {
            let (above, line) = self.lower.split_at_mut(i * width);
            for j in start..i {
                line[j] = below(&above[j * width..], line, j);
            }
            let pivot = line[i] - dot(&line[..i], &line[..i]);
            if pivot > PIVOT_MIN {
                line[i] = pivot.sqrt();
            } else {
                // A column left out: its row and its diagonal are zero, and so is its coefficient.
                line[..=i].fill(0.0);
                self.scale[i] = 0.0;
            }
        }
        let (factored, rest) = self.lower.split_at_mut(end * width);
        let factored = &*factored;
        workers.for_each_chunk_mut(rest, width * 8, |_, lines| {
            for line in lines.chunks_mut(width) {
                for j in start..end {
                    line[j] = below(&factored[j * width..], line, j);
                }
            }
        });
    }

    /// Whether column `i` was left out.
    fn is_out(&self, i: usize) -> bool {
        self.scale[i] == 0.0
    }

    /// Replaces `b` by the solution of `(A + diag(penalty)) x = b`; zero for columns left out.
    ///
    /// # Panics
    /// If `b` is shorter than the matrix is wide.
    pub fn solve(&self, b: &mut [f64]) {
        self.forward(b);
        for i in (0..self.width).rev() {
            if self.is_out(i) {
                b[i] = 0.0;
                continue;
            }
            let line = &self.lower[i * self.width..];
            b[i] /= line[i];
            let (head, tail) = b.split_at_mut(i);
            add_scaled(head, -tail[0], &line[..i]);
        }
        b.iter_mut().zip(&self.scale).for_each(|(x, s)| *x *= s);
    }

    /// Replaces `b` by `L^-1 S b`.
    fn forward(&self, b: &mut [f64]) {
        for i in 0..self.width {
            if self.is_out(i) {
                b[i] = 0.0;
                continue;
            }
            let line = &self.lower[i * self.width..];
            b[i] = (b[i] * self.scale[i] - dot(&line[..i], &b[..i])) / line[i];
        }
    }

    /// The diagonal of the inverse; zero for columns left out.
    pub fn inverse_diagonal(&self) -> Vec<f64> {
        let width = self.width;
        let mut diagonal = vec![0.0; width];
        // Column j of L^-1 begins at row j; the squares of its numbers add up to the diagonal of the inverse.
        let mut column = vec![0.0; width];
        for j in (0..width).filter(|&j| !self.is_out(j)) {
            column[j..].fill(0.0);
            for i in j..width {
                if self.is_out(i) {
                    continue;
                }
                let line = &self.lower[i * width..];
                let unit = if i == j { 1.0 } else { 0.0 };
                column[i] = (unit - dot(&line[j..i], &column[j..i])) / line[i];
            }
            diagonal[j] = self.scale[j] * self.scale[j] * dot(&column[j..], &column[j..]);
        }
        diagonal
    }
}

/// The entry of column `j` in a row, whose earlier entries are done, given row `j`.
fn below(row_j: &[f64], line: &[f64], j: usize) -> f64 {
    match row_j[j] {
        0.0 => 0.0,
        diagonal => (line[j] - dot(&line[..j], &row_j[..j])) / diagonal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(width: usize) -> Vec<f64> {
        let value = |i: usize, j: usize| ((i * 31 + j * 17) as f64).sin();
        let mut product = vec![0.0; width * width];
        for i in 0..width {
            for j in 0..width {
                product[i * width + j] = (0..width + 3).map(|k| value(i, k) * value(j, k)).sum();
            }
        }
        product
    }

    #[test]
    fn solutions_solve_and_do_not_depend_on_threads() {
        for width in [1, 2, 5, 64, 65, 150] {
            let (a, b) = (
                matrix(width),
                (0..width).map(|i| (i as f64).cos()).collect::<Vec<f64>>(),
            );
            let penalty = vec![0.3; width];
            let mut x = b.clone();
            Cholesky::new(a.clone(), &penalty, &Workers::new(1)).solve(&mut x);
            let mut x2 = b.clone();
            Cholesky::new(a.clone(), &penalty, &Workers::new(2)).solve(&mut x2);
            assert_eq!(x, x2);
            for i in 0..width {
                let left = dot(&a[i * width..(i + 1) * width], &x) + 0.3 * x[i];
                assert!((left - b[i]).abs() < 1e-9, "{width}: {left} and not {}", b[i]);
            }
        }
    }

    #[test]
    fn the_diagonal_of_the_inverse_is_that_of_unit_solutions() {
        let factor = Cholesky::new(matrix(7), &[0.5; 7], &Workers::new(1));
        let diagonal = factor.inverse_diagonal();
        for j in 0..7 {
            let mut unit = vec![0.0; 7];
            unit[j] = 1.0;
            factor.solve(&mut unit);
            assert!((unit[j] - diagonal[j]).abs() < 1e-12);
        }
    }

    #[test]
    fn a_repeated_column_gets_nothing() {
        let mut b = vec![2.0, 2.0, 6.0];
        let a = vec![1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 2.0];
        Cholesky::new(a, &[0.0; 3], &Workers::new(1)).solve(&mut b);
        assert!(
            (b[0] - 2.0).abs() < 1e-14 && b[1] == 0.0 && (b[2] - 3.0).abs() < 1e-14,
            "{b:?}"
        );
    }
}
