//! The second derivative of a weighted sum over rows, factored, with the intercept eliminated.

use kolosal_compute::Workers;
use kolosal_compute::linalg::Cholesky;

use crate::design::{Design, Gram, weighted_gram};

/// `[X' H X + P, X' h; h' X, sum h]`, in the coordinates in which the intercept stands apart.
pub(crate) struct Curvature {
    /// `X' H X - X' h h' X / sum h`, row after row.
    pub(crate) matrix: Vec<f64>,
    /// `X' h / sum h`.
    means: Vec<f64>,
    total: f64,
}

/// A curvature that can be divided by.
pub(crate) struct Factored {
    factor: Cholesky,
    means: Vec<f64>,
    total: f64,
}

impl Curvature {
    /// The curvature under the row weights `h`.
    pub(crate) fn new(design: &Design, h: &[f64], workers: &Workers) -> Self {
        let Gram {
            width,
            mut products,
            sums,
            total,
        } = weighted_gram(design, 0, h, workers);
        let means: Vec<f64> = sums.iter().map(|sum| sum / total).collect();
        for (i, line) in products.chunks_mut(width.max(1)).enumerate() {
            line.iter_mut()
                .zip(&means)
                .for_each(|(value, mean)| *value -= sums[i] * mean);
            line[i] = line[i].max(0.0);
        }
        Self {
            matrix: products,
            means,
            total,
        }
    }

    /// Adds a penalty to the diagonal and factors.
    pub(crate) fn factored(self, penalty: &[f64], workers: &Workers) -> Factored {
        Factored {
            factor: Cholesky::new(self.matrix, penalty, workers),
            means: self.means,
            total: self.total,
        }
    }

    /// The derivative by the coefficients where the intercept follows them to its best.
    pub(crate) fn reduced(&self, gradient: &[f64]) -> Vec<f64> {
        let (of_u, of_intercept) = gradient.split_at(self.means.len());
        of_u.iter()
            .zip(&self.means)
            .map(|(g, mean)| g - mean * of_intercept[0])
            .collect()
    }

    /// The intercept's step beside a step of the coefficients.
    pub(crate) fn intercept_step(&self, gradient: &[f64], step: &[f64]) -> f64 {
        intercept_step(&self.means, self.total, gradient, step)
    }
}

impl Factored {
    /// Replaces a gradient by the step that the curvature makes of it, both with the intercept last.
    pub(crate) fn divide(&self, gradient: &mut [f64]) {
        let width = self.means.len();
        let of_intercept = gradient[width];
        let mut step: Vec<f64> = gradient[..width]
            .iter()
            .zip(&self.means)
            .map(|(g, mean)| g - mean * of_intercept)
            .collect();
        self.factor.solve(&mut step);
        let moved: f64 = self.means.iter().zip(&step).map(|(mean, s)| mean * s).sum();
        gradient[width] = of_intercept / self.total - moved;
        gradient[..width].copy_from_slice(&step);
    }
}

fn intercept_step(means: &[f64], total: f64, gradient: &[f64], step: &[f64]) -> f64 {
    let moved: f64 = means.iter().zip(step).map(|(mean, s)| mean * s).sum();
    -gradient[means.len()] / total - moved
}
