//! Everything that a squared-error fit needs to know of its rows: sums of products, which add and subtract.
//!
//! The moments of all rows minus those of a fold are those of the other folds, so cross-validation needs one pass over
//! the data, whatever the number of folds and penalties.

use std::ops::Range;

use kolosal_compute::Workers;

use crate::design::{Design, Gram, transposed_product, weighted_gram};

/// Sums over weighted rows of products of the standardised columns and the target.
#[derive(Debug, Clone)]
pub(crate) struct Moments {
    gram: Gram,
    cross: Vec<f64>,
    target: f64,
    target_squares: f64,
}

/// Moments about the mean, divided by the total weight: a fit with intercept is one without on these.
#[derive(Debug, Clone)]
pub(crate) struct Centred {
    /// Covariances of the columns, row after row.
    pub(crate) matrix: Vec<f64>,
    /// Covariances of the columns with the target.
    pub(crate) linear: Vec<f64>,
    /// Variance of the target.
    pub(crate) variance: f64,
    /// Total weight.
    pub(crate) weight: f64,
    means: Vec<f64>,
    target_mean: f64,
}

impl Moments {
    /// The moments of some rows, under the design's weights.
    pub(crate) fn of(design: &Design, target: &[f64], rows: Range<usize>, workers: &Workers) -> Self {
        let (weights, target) = (&design.weights[rows.clone()], &target[rows.clone()]);
        let weighted: Vec<f64> = target.iter().zip(weights).map(|(y, weight)| y * weight).collect();
        Self {
            gram: weighted_gram(design, rows.start, weights, workers),
            cross: transposed(design, rows.start, &weighted, workers),
            target: weighted.iter().sum(),
            target_squares: weighted.iter().zip(target).map(|(wy, y)| wy * y).sum(),
        }
    }

    /// The sum of several moments, in order.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn sum(parts: &[Self]) -> Self {
        let (first, rest) = parts.split_first().expect("at least one part");
        rest.iter().fold(first.clone(), |mut sum, part| {
            sum.add(part, 1.0);
            sum
        })
    }

    /// These moments without those of some of the rows.
    pub(crate) fn without(&self, part: &Self) -> Self {
        let mut rest = self.clone();
        rest.add(part, -1.0);
        rest
    }

    fn add(&mut self, other: &Self, sign: f64) {
        let add = |a: &mut Vec<f64>, b: &[f64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += sign * b);
        add(&mut self.gram.products, &other.gram.products);
        add(&mut self.gram.sums, &other.gram.sums);
        add(&mut self.cross, &other.cross);
        self.gram.total += sign * other.gram.total;
        self.target += sign * other.target;
        self.target_squares += sign * other.target_squares;
    }

    /// Total weight.
    pub(crate) fn weight(&self) -> f64 {
        self.gram.total
    }

    /// Moments about the mean.
    pub(crate) fn centred(&self) -> Centred {
        let (width, weight) = (self.gram.width, self.gram.total);
        let means: Vec<f64> = self.gram.sums.iter().map(|sum| sum / weight).collect();
        let target_mean = self.target / weight;
        let mut matrix = self.gram.products.clone();
        for (i, line) in matrix.chunks_mut(width.max(1)).enumerate() {
            line.iter_mut()
                .zip(&means)
                .for_each(|(value, mean)| *value = *value / weight - means[i] * mean);
            // What rounding leaves of a constant column is no variance.
            if line[i] <= 1e-14 * means[i] * means[i] {
                line[i] = 0.0;
            }
        }
        let linear = self
            .cross
            .iter()
            .zip(&means)
            .map(|(cross, mean)| cross / weight - mean * target_mean);
        Centred {
            linear: linear.collect(),
            variance: (self.target_squares / weight - target_mean * target_mean).max(0.0),
            matrix,
            weight,
            means,
            target_mean,
        }
    }

    /// The sum of squared errors of a fit over these rows.
    pub(crate) fn squared_error(&self, u: &[f64], intercept: f64) -> f64 {
        let width = self.gram.width;
        let mut quadratic = 0.0;
        for i in (0..width).filter(|&i| u[i] != 0.0) {
            let line = &self.gram.products[i * width..(i + 1) * width];
            quadratic += u[i] * line.iter().zip(u).map(|(g, u)| g * u).sum::<f64>();
        }
        let linear: f64 = self.cross.iter().zip(u).map(|(c, u)| c * u).sum();
        let moved: f64 = self.gram.sums.iter().zip(u).map(|(s, u)| s * u).sum();
        let of_intercept = intercept * (intercept * self.gram.total - 2.0 * self.target + 2.0 * moved);
        (self.target_squares - 2.0 * linear + quadratic + of_intercept).max(0.0)
    }
}

impl Centred {
    /// Mean squared error of a fit with its best intercept.
    pub(crate) fn squared_error(&self, u: &[f64]) -> f64 {
        let width = self.linear.len();
        let mut error = self.variance;
        for i in (0..width).filter(|&i| u[i] != 0.0) {
            let line = &self.matrix[i * width..(i + 1) * width];
            error += u[i] * (line.iter().zip(u).map(|(g, u)| g * u).sum::<f64>() - 2.0 * self.linear[i]);
        }
        error.max(0.0)
    }

    /// The best intercept beside these coefficients.
    pub(crate) fn intercept(&self, u: &[f64]) -> f64 {
        self.target_mean - self.means.iter().zip(u).map(|(mean, u)| mean * u).sum::<f64>()
    }
}

/// `X' r` over the rows from `first` on, one for each of `residuals`, summed block after block.
pub(crate) fn transposed(design: &Design, first: usize, residuals: &[f64], workers: &Workers) -> Vec<f64> {
    let blocks = design.blocks_of(first..first + residuals.len());
    let parts = workers.map(blocks.len(), |at| {
        let mut part = vec![0.0; design.width()];
        let block = blocks[at].clone();
        transposed_product(
            design,
            block.clone(),
            &residuals[block.start - first..block.end - first],
            &mut part,
        );
        part
    });
    sum_in_order(parts, design.width())
}

/// The sum of equally long vectors, in order.
pub(crate) fn sum_in_order(parts: Vec<Vec<f64>>, width: usize) -> Vec<f64> {
    parts.into_iter().fold(vec![0.0; width], |mut sum, part| {
        sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        sum
    })
}
