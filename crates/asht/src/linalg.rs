//! Dense lower-triangular algebra on packed rows: row `i` of a factor holds `i + 1` numbers.

/// A Cholesky factor that grows by rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cholesky {
    rows: Vec<Vec<f64>>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four running sums let the processor overlap the additions; the order is fixed, so is the result.
    let mut sums = [0.0; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = left
        .remainder()
        .iter()
        .zip(right.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in left.zip(right) {
        for k in 0..4 {
            sums[k] += x[k] * y[k];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

impl Cholesky {
    /// Factors a symmetric matrix given by the rows of its lower half; `None` when it is not positive definite.
    pub(crate) fn new(matrix: &[Vec<f64>]) -> Option<Self> {
        let mut factor = Self::default();
        for row in matrix {
            if !factor.push(row) {
                return None;
            }
        }
        Some(factor)
    }

    /// Adds a row of the matrix (its diagonal last); false, and unchanged, when the result would not be positive definite.
    pub(crate) fn push(&mut self, row: &[f64]) -> bool {
        let n = self.rows.len();
        assert_eq!(row.len(), n + 1, "a row of the lower half");
        let mut new = row.to_vec();
        for j in 0..n {
            let value = (new[j] - dot(&new[..j], &self.rows[j][..j])) / self.rows[j][j];
            new[j] = value;
        }
        let pivot = new[n] - dot(&new[..n], &new[..n]);
        if pivot.is_nan() || pivot <= 1e-12 * row[n] {
            return false;
        }
        new[n] = pivot.sqrt();
        self.rows.push(new);
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// `L^-1 b`, in place.
    pub(crate) fn forward(&self, b: &mut [f64]) {
        for i in 0..b.len() {
            b[i] = (b[i] - dot(&self.rows[i][..i], &b[..i])) / self.rows[i][i];
        }
    }

    /// `L^-T b`, in place.
    pub(crate) fn backward(&self, b: &mut [f64]) {
        for i in (0..b.len()).rev() {
            let value = b[i] / self.rows[i][i];
            b[i] = value;
            for (target, l) in b[..i].iter_mut().zip(&self.rows[i][..i]) {
                *target -= value * l;
            }
        }
    }

    /// `A^-1 b`.
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        self.forward(&mut x);
        self.backward(&mut x);
        x
    }

    /// `L z`.
    pub(crate) fn times(&self, z: &[f64]) -> Vec<f64> {
        self.rows.iter().map(|row| dot(row, &z[..row.len()])).collect()
    }

    pub(crate) fn ln_det(&self) -> f64 {
        2.0 * self
            .rows
            .iter()
            .enumerate()
            .map(|(i, row)| row[i].ln())
            .sum::<f64>()
    }

    /// The inverse of the matrix as full rows.
    pub(crate) fn inverse(&self) -> Vec<Vec<f64>> {
        let n = self.len();
        // Rows of M = L^-T, upper triangular: row j holds the numbers of column j of L^-1, from j on.
        let mut upper: Vec<Vec<f64>> = Vec::with_capacity(n);
        for j in 0..n {
            let mut column = vec![0.0; n - j];
            column[0] = 1.0 / self.rows[j][j];
            for i in j + 1..n {
                let sum = dot(&self.rows[i][j..i], &column[..i - j]);
                column[i - j] = -sum / self.rows[i][i];
            }
            upper.push(column);
        }
        let mut inverse = vec![vec![0.0; n]; n];
        for i in 0..n {
            for j in 0..=i {
                let value = dot(&upper[j][i - j..], &upper[i]);
                inverse[i][j] = value;
                inverse[j][i] = value;
            }
        }
        inverse
    }

    /// For each of eight right-hand sides, held side by side: the squared length of `L^-1 b`.
    pub(crate) fn squared_norms(&self, b: &mut [[f64; 8]]) -> [f64; 8] {
        let mut norms = [0.0; 8];
        for i in 0..b.len() {
            let (done, rest) = b.split_at_mut(i);
            let mut sums = rest[0];
            for (l, column) in self.rows[i].iter().zip(done.iter()) {
                for k in 0..8 {
                    sums[k] -= l * column[k];
                }
            }
            let scale = 1.0 / self.rows[i][i];
            for k in 0..8 {
                sums[k] *= scale;
                norms[k] += sums[k] * sums[k];
            }
            rest[0] = sums;
        }
        norms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_base::Seed;

    fn sample(n: usize) -> Vec<Vec<f64>> {
        let mut rng = Seed::new(5).rng();
        let b: Vec<Vec<f64>> = (0..n).map(|_| (0..n).map(|_| rng.normal()).collect()).collect();
        (0..n)
            .map(|i| {
                (0..=i)
                    .map(|j| dot(&b[i], &b[j]) + if i == j { 1.0 } else { 0.0 })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn solving_and_inverting_undo_the_matrix() {
        let a = sample(13);
        let factor = Cholesky::new(&a).expect("positive definite");
        let at = |i: usize, j: usize| a[i.max(j)][i.min(j)];
        let b: Vec<f64> = (0..13).map(f64::from).collect();
        let (x, inverse) = (factor.solve(&b), factor.inverse());
        for i in 0..13 {
            let product: f64 = (0..13).map(|j| at(i, j) * x[j]).sum();
            assert!((product - b[i]).abs() < 1e-9);
            for j in 0..13 {
                let unit: f64 = (0..13).map(|k| at(i, k) * inverse[k][j]).sum();
                assert!((unit - f64::from(u8::from(i == j))).abs() < 1e-9);
            }
        }
        let mut eight: Vec<[f64; 8]> = b.iter().map(|&v| [v; 8]).collect();
        let norms = factor.squared_norms(&mut eight);
        assert!((norms[3] - dot(&b, &x)).abs() < 1e-9 * norms[3]);
    }

    #[test]
    fn a_singular_row_is_refused_and_leaves_the_factor() {
        let mut factor = Cholesky::new(&[vec![1.0]]).expect("one");
        assert!(!factor.push(&[1.0, 1.0]));
        assert_eq!(factor.len(), 1);
    }
}
