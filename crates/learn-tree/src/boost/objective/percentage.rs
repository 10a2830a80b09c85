//! Absolute percentage error.
//!
//! With `u = 1 / max(1, |y|)`: `loss = u |s - y|`, `g = u sign(s - y)`, `h = 1`; leaves answer with the median of their
//! residuals in which each row counts `u`, and the start is the median of the targets counted so. As LightGBM's `mape`.

use super::absolute::sign;
use super::average::{leaf_quantile, target_quantile};
use super::labels::{Labels, LeafRows};
use super::pointwise::{Pointwise, residual};

/// Absolute error relative to the target's size (MAPE); targets below one in size count as one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Percentage;

impl Pointwise for Percentage {
    const HESSIAN_IS_WEIGHT: bool = true;

    fn name(&self) -> &'static str {
        "percentage"
    }

    #[inline(always)]
    fn derive(&self, answer: f64, score: f64, _: [f64; 2]) -> [f64; 2] {
        [sign(score - answer) * relative(answer), 1.0]
    }

    #[inline(always)]
    fn loss(&self, answer: f64, score: f64, _: [f64; 2]) -> f64 {
        residual(score, answer).abs() * relative(answer)
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        target_quantile(rows, 0.5, relative)
    }

    fn renews(&self) -> bool {
        true
    }

    fn renew(&self, leaf: &LeafRows<'_>) -> Option<f64> {
        leaf_quantile(leaf, 0.5, relative)
    }
}

#[inline(always)]
fn relative(answer: f64) -> f64 {
    1.0 / answer.abs().max(1.0)
}
