//! Ridge by conjugate gradients, for tables both long and wide; no matrix is made.

use kolosal_compute::kernels::{add_scaled, dot};
use kolosal_learner::{FitContext, FitError};

use super::fit::{Solution, Wanted};
use super::params::RidgeParams;
use crate::design::{Design, Response, linear_scores, transposed_product};
use crate::moments::{sum_in_order, transposed};

/// Random directions whose mean stands for a trace.
const PROBES: u64 = 4;

pub(super) struct Gradients<'a> {
    design: &'a Design,
    response: &'a Response,
    unit: Vec<f64>,
    tol: f64,
    steps_max: usize,
}

/// Means under the row weights.
struct Means {
    columns: Vec<f64>,
    target: f64,
    /// Mean squares of the columns: the diagonal that the steps are scaled by.
    squares: Vec<f64>,
}

impl<'a> Gradients<'a> {
    pub(super) fn new(
        design: &'a Design,
        response: &'a Response,
        unit: Vec<f64>,
        params: &RidgeParams,
    ) -> Self {
        Self {
            design,
            response,
            unit,
            tol: params.tol,
            steps_max: params.max_iter as usize,
        }
    }

    pub(super) fn solve(
        &self,
        alpha: f64,
        wanted: Wanted,
        cx: &FitContext<'_>,
    ) -> Result<Solution, FitError> {
        let (design, total) = (self.design, self.design.weight_total);
        let means = self.means(cx);
        let strength: Vec<f64> = self
            .unit
            .iter()
            .map(|unit| (unit * alpha / total).min(1e300))
            .collect();
        let weighted: Vec<f64> = self
            .response
            .values
            .iter()
            .zip(&design.weights)
            .map(|(y, weight)| (y - means.target) * weight / total)
            .collect();
        let mut linear = transposed(design, 0, &weighted, cx.workers);
        // The target is centred, so centring the columns changes nothing but rounding; constant columns stay out.
        self.drop_constant(&mut linear);
        let u = self.descend(&linear, &strength, &means, cx)?;
        let freedom = match wanted {
            Wanted::Solution => None,
            Wanted::SolutionAndFreedom => Some(self.freedom(&strength, &means, cx)?),
        };
        let intercept = means.target - dot(&means.columns, &u);
        let errors = self.block_sums(
            cx,
            |rows, scores, out| {
                let pairs = self.response.values[rows.clone()]
                    .iter()
                    .zip(&design.weights[rows]);
                out[0] += scores
                    .iter()
                    .zip(pairs)
                    .map(|(score, (y, weight))| weight * (y - score).powi(2))
                    .sum::<f64>();
            },
            &u,
            intercept,
        );
        Ok(Solution {
            u,
            intercept,
            squared_error: errors[0],
            freedom,
        })
    }

    fn means(&self, cx: &FitContext<'_>) -> Means {
        let (design, total) = (self.design, self.design.weight_total);
        let columns: Vec<f64> = transposed(design, 0, &design.weights, cx.workers)
            .iter()
            .map(|sum| sum / total)
            .collect();
        let pairs = self.response.values.iter().zip(&design.weights);
        // One-hot columns equal their squares; dense and stored columns have mean square one.
        let mut squares = vec![1.0; design.width()];
        for column in &design.coded {
            let slots = column.start..column.start + column.levels;
            squares[slots.clone()].copy_from_slice(&columns[slots]);
        }
        Means {
            target: pairs.map(|(y, weight)| y * weight).sum::<f64>() / total,
            squares,
            columns,
        }
    }

    fn drop_constant(&self, vector: &mut [f64]) {
        vector
            .iter_mut()
            .zip(&self.design.scale)
            .filter(|(_, s)| **s == 0.0)
            .for_each(|(v, _)| *v = 0.0);
    }

    /// Sums of `add(rows, scores, out)` over the blocks of rows; as many numbers as there are coefficients, at least one.
    fn block_sums(
        &self,
        cx: &FitContext<'_>,
        add: impl Fn(std::ops::Range<usize>, &[f64], &mut [f64]) + Send + Sync,
        u: &[f64],
        intercept: f64,
    ) -> Vec<f64> {
        let blocks = self.design.blocks();
        let width = self.design.width().max(1);
        let parts = cx.workers.map(blocks.len(), |at| {
            let rows = blocks[at].clone();
            let (mut scores, mut out) = (vec![0.0; rows.len()], vec![0.0; width]);
            linear_scores(self.design, rows.clone(), u, intercept, &mut scores);
            add(rows, &scores, &mut out);
            out
        });
        sum_in_order(parts, width)
    }

    /// `(Z' S Z / W + P) u` for centred columns.
    fn image(&self, u: &[f64], strength: &[f64], means: &Means, cx: &FitContext<'_>) -> Vec<f64> {
        let total = self.design.weight_total;
        let mut image = self.block_sums(
            cx,
            |rows, scores, out| {
                let pairs = scores.iter().zip(&self.design.weights[rows.clone()]);
                let weighted: Vec<f64> = pairs.map(|(score, weight)| score * weight / total).collect();
                transposed_product(self.design, rows, &weighted, out);
            },
            u,
            -dot(&means.columns, u),
        );
        for (at, image) in image.iter_mut().enumerate() {
            *image += strength[at] * u[at];
        }
        self.drop_constant(&mut image);
        image
    }

    /// Solves for `linear` by conjugate gradients from zero, scaled by the diagonal.
    fn descend(
        &self,
        linear: &[f64],
        strength: &[f64],
        means: &Means,
        cx: &FitContext<'_>,
    ) -> Result<Vec<f64>, FitError> {
        let scaled = |r: &[f64]| -> Vec<f64> {
            let diagonal = means.squares.iter().zip(strength).map(|(square, p)| square + p);
            r.iter()
                .zip(diagonal)
                .map(|(r, d)| if d > 0.0 { r / d } else { 0.0 })
                .collect()
        };
        let (mut u, mut residual) = (vec![0.0; linear.len()], linear.to_vec());
        let mut z = scaled(&residual);
        let mut direction = z.clone();
        let first = dot(&residual, &z);
        let mut size = first;
        for _ in 0..self.steps_max {
            if size <= self.tol * self.tol * first {
                return Ok(u);
            }
            cx.checkpoint()?;
            let image = self.image(&direction, strength, means, cx);
            let bend = dot(&direction, &image);
            if bend <= 0.0 {
                return Ok(u);
            }
            add_scaled(&mut u, size / bend, &direction);
            add_scaled(&mut residual, -size / bend, &image);
            z = scaled(&residual);
            let next = dot(&residual, &z);
            direction
                .iter_mut()
                .zip(&z)
                .for_each(|(d, z)| *d = z + next / size * *d);
            size = next;
        }
        cx.progress.warn(
            "conjugate gradients stopped before their tolerance was reached: raise max_iter, tol or alpha",
        );
        Ok(u)
    }

    /// `1 + d - trace(P (G + P)^-1)`, the trace by random directions in the space of coefficients.
    fn freedom(&self, strength: &[f64], means: &Means, cx: &FitContext<'_>) -> Result<f64, FitError> {
        let mut total = 0.0;
        for probe in 0..PROBES {
            let mut rng = cx.seed.fork("ridge trace").fork_index(probe).rng();
            let mut signs: Vec<f64> = strength
                .iter()
                .map(|_| if rng.next_u64() & 1 == 0 { 1.0 } else { -1.0 })
                .collect();
            self.drop_constant(&mut signs);
            let solved = self.descend(&signs, strength, means, cx)?;
            total += solved
                .iter()
                .zip(strength)
                .zip(&signs)
                .map(|((x, p), s)| s * (s - p * x))
                .sum::<f64>();
        }
        Ok(1.0 + (total / PROBES as f64).max(0.0))
    }
}
