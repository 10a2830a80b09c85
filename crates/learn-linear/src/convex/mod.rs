//! Weighted mean losses of a linear score with a squared penalty, minimised by Newton's method.
//!
//! Minimises over standardised coefficients `u` and an intercept `b`
//!
//! ```text
//! sum_i h_i loss_i(b + x_i' u) + 1/2 sum_j l2_j u_j^2,    sum_i h_i = 1
//! ```
//!
//! for any loss that is convex with a slope that is Lipschitz (its second derivative may jump, as that of squared hinges
//! does: Mangasarian 2002). Up to [`GRAM_WIDTH_MAX`] coefficients, a step is one Gram matrix of the bends and a Cholesky
//! factorisation; beyond, conjugate gradients on products with the rows (Dembo, Eisenstat, Steihaug 1982), so one-hot and
//! text columns are never written out. Every step is shortened until the objective falls (Armijo 1966).

mod newton;
#[cfg(test)]
mod tests;

use std::ops::Range;

use kolosal_compute::Workers;

use crate::design::{Design, all_products, all_scores};
use crate::moments::sum_in_order;

pub(crate) use newton::{Ended, Limits, minimise};

/// Rows of one piece, whose columns stay in the first-level cache.
const PIECE: usize = 512;

/// A loss at a score, and its derivatives by the score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bent {
    pub(crate) loss: f64,
    pub(crate) slope: f64,
    pub(crate) bend: f64,
}

/// The loss of each row.
pub(crate) trait RowLoss: Sync {
    /// Loss and derivatives of a row at a score.
    fn at(&self, row: usize, score: f64) -> Bent;
}

/// What is minimised.
pub(crate) struct Objective<'a, L> {
    pub(crate) design: &'a Design,
    pub(crate) loss: &'a L,
    /// The share of each row; rows of share zero are passed over.
    pub(crate) shares: &'a [f64],
    /// Of half the square of each coefficient.
    pub(crate) l2: &'a [f64],
}

/// An objective at a point.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) objective: f64,
    /// By each coefficient, and by the intercept.
    pub(crate) gradient: Vec<f64>,
    /// Second derivative of each row's part by its score.
    pub(crate) bends: Vec<f64>,
}

impl<L: RowLoss> Objective<'_, L> {
    /// Objective and derivatives at a point: coefficients and then the intercept.
    pub(crate) fn evaluate(&self, point: &[f64], workers: &Workers) -> Value {
        let blocks = self.design.blocks();
        let parts = workers.map(blocks.len(), |at| self.block(blocks[at].clone(), point));
        let mut value = Value {
            objective: 0.0,
            gradient: Vec::new(),
            bends: Vec::with_capacity(self.design.row_count()),
        };
        let mut gradients = Vec::with_capacity(parts.len());
        for part in parts {
            value.objective += part.objective;
            gradients.push(part.gradient);
            value.bends.extend(part.bends);
        }
        value.gradient = sum_in_order(gradients, point.len());
        for ((g, u), l2) in value.gradient.iter_mut().zip(point).zip(self.l2) {
            *g += l2 * u;
            value.objective += 0.5 * l2 * u * u;
        }
        value
    }

    fn block(&self, rows: Range<usize>, point: &[f64]) -> Value {
        let mut value = Value {
            objective: 0.0,
            gradient: vec![0.0; point.len()],
            bends: Vec::with_capacity(rows.len()),
        };
        let mut scratch = vec![0.0; PIECE];
        for start in rows.clone().step_by(PIECE) {
            let piece = start..rows.end.min(start + PIECE);
            let scores = &mut scratch[..piece.len()];
            all_scores(self.design, piece.clone(), point, scores);
            for (row, score) in piece.clone().zip(scores.iter_mut()) {
                let share = self.shares[row];
                if share == 0.0 {
                    *score = 0.0;
                    value.bends.push(0.0);
                    continue;
                }
                let bent = self.loss.at(row, *score);
                value.objective += share * bent.loss;
                *score = share * bent.slope;
                value.bends.push(share * bent.bend);
            }
            all_products(self.design, piece, scores, &mut value.gradient);
        }
        value
    }

    /// `X' diag(bends) X v`, with the intercept's part, without the penalty.
    fn curve(&self, bends: &[f64], v: &[f64], workers: &Workers) -> Vec<f64> {
        let blocks = self.design.blocks();
        let parts = workers.map(blocks.len(), |at| {
            let mut part = vec![0.0; v.len()];
            let mut scratch = vec![0.0; PIECE];
            let rows = blocks[at].clone();
            for start in rows.clone().step_by(PIECE) {
                let piece = start..rows.end.min(start + PIECE);
                let scores = &mut scratch[..piece.len()];
                all_scores(self.design, piece.clone(), v, scores);
                scores
                    .iter_mut()
                    .zip(&bends[piece.clone()])
                    .for_each(|(score, bend)| *score *= bend);
                all_products(self.design, piece, scores, &mut part);
            }
            part
        });
        sum_in_order(parts, v.len())
    }
}

/// The scores of all rows at a point.
pub(crate) fn scores(design: &Design, point: &[f64], workers: &Workers) -> Vec<f64> {
    let blocks = design.blocks();
    let parts = workers.map(blocks.len(), |at| {
        let mut scores = vec![0.0; blocks[at].len()];
        all_scores(design, blocks[at].clone(), point, &mut scores);
        scores
    });
    parts.concat()
}
