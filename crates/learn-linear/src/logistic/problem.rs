//! The mean loss over all rows and its derivatives.
//!
//! A point holds, for each output, one coefficient a slot and then the intercept. Rows are walked in blocks with
//! fixed borders, and in pieces inside a block whose columns stay in the first-level cache.

use std::ops::Range;

use kolosal_compute::Workers;
use kolosal_compute::kernels::{exp, ln_1p_unit};

use crate::descent::Penalties;
use crate::design::{Design, all_products, all_scores};
use crate::moments::sum_in_order;

/// Rows of one piece.
const PIECE: usize = 512;

/// A logistic regression to be minimised.
pub(super) struct Problem<'a> {
    pub(super) design: &'a Design,
    /// The class of each row.
    pub(super) classes: Vec<u32>,
    /// Scores a row: one for two classes, else one a class.
    pub(super) outputs: usize,
    /// On each coefficient, divided by C and the total weight.
    pub(super) penalties: Penalties,
}

/// The mean loss at a point, without penalties.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) loss: f64,
    /// Laid out like the point.
    pub(super) gradient: Vec<f64>,
    /// Second derivative of each row's share by its score; empty unless asked for. Two classes only.
    pub(super) bends: Vec<f64>,
}

/// What to compute beside the loss and its gradient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    First,
    Second,
}

impl Problem<'_> {
    /// Numbers of one output: coefficients and intercept.
    pub(super) fn stride(&self) -> usize {
        self.design.width() + 1
    }

    /// Loss and derivatives at a point.
    pub(super) fn evaluate(&self, point: &[f64], order: Order, workers: &Workers) -> Value {
        let blocks = self.design.blocks();
        let parts = workers.map(blocks.len(), |at| self.block(blocks[at].clone(), point, order));
        let mut value = Value {
            loss: 0.0,
            gradient: Vec::new(),
            bends: Vec::new(),
        };
        let mut gradients = Vec::with_capacity(parts.len());
        for part in parts {
            value.loss += part.loss;
            gradients.push(part.gradient);
            value.bends.extend(part.bends);
        }
        value.gradient = sum_in_order(gradients, point.len());
        value
    }

    fn block(&self, rows: Range<usize>, point: &[f64], order: Order) -> Value {
        let mut value = Value {
            loss: 0.0,
            gradient: vec![0.0; point.len()],
            bends: Vec::new(),
        };
        let mut scratch = vec![0.0; PIECE * (self.outputs + 2)];
        for start in rows.clone().step_by(PIECE) {
            let piece = start..rows.end.min(start + PIECE);
            let length = piece.len();
            let (scores, rest) = scratch.split_at_mut(self.outputs * length);
            all_scores(self.design, piece.clone(), point, scores);
            if self.outputs == 1 {
                value.loss += self.two_classes(piece.clone(), scores, rest);
                if order == Order::Second {
                    value.bends.extend_from_slice(&rest[..length]);
                }
            } else {
                value.loss += self.many_classes(piece.clone(), scores, rest);
            }
            all_products(self.design, piece, scores, &mut value.gradient);
        }
        value
    }

    /// Turns scores into derivatives of the mean loss and gives its part. `spare` has room for twice the rows; the
    /// first half ends up with the second derivatives.
    fn two_classes(&self, rows: Range<usize>, scores: &mut [f64], spare: &mut [f64]) -> f64 {
        let length = rows.len();
        let (e, rest) = spare.split_at_mut(length);
        let log = &mut rest[..length];
        e.iter_mut()
            .zip(&*scores)
            .for_each(|(e, score)| *e = -score.abs());
        exp(e);
        log.copy_from_slice(e);
        ln_1p_unit(log);
        let (classes, weights) = (&self.classes[rows.clone()], &self.design.weights[rows]);
        let total = self.design.weight_total;
        let mut loss = 0.0;
        for i in 0..length {
            let (score, weight, class) = (scores[i], weights[i] / total, f64::from(classes[i]));
            loss += weight * (score.max(0.0) - class * score + log[i]);
            let small = e[i] / (1.0 + e[i]);
            let p = if score >= 0.0 { 1.0 - small } else { small };
            scores[i] = weight * (p - class);
            e[i] = weight * small * (1.0 - small);
        }
        loss
    }

    /// As [`Problem::two_classes`], for scores laid out class after class.
    fn many_classes(&self, rows: Range<usize>, scores: &mut [f64], spare: &mut [f64]) -> f64 {
        let length = rows.len();
        let (highest, rest) = spare.split_at_mut(length);
        let sums = &mut rest[..length];
        highest.copy_from_slice(&scores[..length]);
        for line in scores.chunks(length).skip(1) {
            highest
                .iter_mut()
                .zip(line)
                .for_each(|(highest, score)| *highest = highest.max(*score));
        }
        let (classes, weights) = (&self.classes[rows.clone()], &self.design.weights[rows]);
        let total = self.design.weight_total;
        let mut loss = 0.0;
        for line in scores.chunks_mut(length) {
            line.iter_mut()
                .zip(&*highest)
                .for_each(|(score, highest)| *score -= highest);
        }
        for i in 0..length {
            loss -= weights[i] / total * scores[classes[i] as usize * length + i];
        }
        exp(scores);
        sums.fill(0.0);
        for line in scores.chunks(length) {
            sums.iter_mut().zip(line).for_each(|(sum, e)| *sum += e);
        }
        for i in 0..length {
            loss += weights[i] / total * sums[i].ln();
            sums[i] = weights[i] / total / sums[i];
        }
        for line in scores.chunks_mut(length) {
            line.iter_mut().zip(&*sums).for_each(|(e, factor)| *e *= factor);
        }
        for i in 0..length {
            scores[classes[i] as usize * length + i] -= weights[i] / total;
        }
        loss
    }

    /// The point without coefficients whose intercepts give the classes' shares.
    pub(super) fn start(&self) -> Vec<f64> {
        let mut point = vec![0.0; self.outputs * self.stride()];
        let shares = self.shares();
        // A class without rows has a small share instead of none, so that its logarithm is finite.
        let log = |share: f64| share.max(1e-6).ln();
        if self.outputs == 1 {
            point[self.stride() - 1] = log(shares[1]) - log(shares[0]);
        } else {
            let mean = shares.iter().map(|share| log(*share)).sum::<f64>() / shares.len() as f64;
            for (output, share) in shares.iter().enumerate() {
                point[(output + 1) * self.stride() - 1] = log(*share) - mean;
            }
        }
        point
    }

    /// The share of each class in the total weight.
    pub(super) fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.outputs.max(2)];
        for (class, weight) in self.classes.iter().zip(&self.design.weights) {
            shares[*class as usize] += weight / self.design.weight_total;
        }
        shares
    }

    /// Squared penalties at a point; adds their derivative to `gradient`.
    pub(super) fn add_squares(&self, point: &[f64], gradient: &mut [f64]) -> f64 {
        let mut sum = 0.0;
        for (u, g) in point
            .chunks(self.stride())
            .zip(gradient.chunks_mut(self.stride()))
        {
            for (j, l2) in self.penalties.l2.iter().enumerate() {
                g[j] += l2 * u[j];
                sum += 0.5 * l2 * u[j] * u[j];
            }
        }
        sum
    }

    /// Absolute penalties at a point.
    pub(super) fn absolutes(&self, point: &[f64]) -> f64 {
        let of_output = |u: &[f64]| {
            u.iter()
                .zip(&self.penalties.l1)
                .map(|(u, l1)| l1 * u.abs())
                .sum::<f64>()
        };
        point.chunks(self.stride()).map(of_output).sum()
    }

    /// How far the point is from the minimum: the largest entry of the smallest subgradient. `gradient` holds the
    /// squared penalties' part.
    pub(super) fn violation(&self, point: &[f64], gradient: &[f64]) -> f64 {
        let mut worst = 0.0_f64;
        for (u, g) in point.chunks(self.stride()).zip(gradient.chunks(self.stride())) {
            for (j, l1) in self.penalties.l1.iter().enumerate() {
                let off = if u[j] == 0.0 {
                    (g[j].abs() - l1).max(0.0)
                } else {
                    (g[j] + l1 * u[j].signum()).abs()
                };
                worst = worst.max(off);
            }
            worst = worst.max(g[self.stride() - 1].abs());
        }
        worst
    }
}
