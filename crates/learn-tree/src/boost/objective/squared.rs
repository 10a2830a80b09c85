//! Squared error.
//!
//! `loss = (s - y)^2 / 2`, `g = s - y`, `h = 1`. The start is the mean.

use super::average::mean;
use super::labels::Labels;
use super::pointwise::{Pointwise, residual};

/// Squared error (L2).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Squared;

impl Pointwise for Squared {
    const HESSIAN_IS_WEIGHT: bool = true;

    fn name(&self) -> &'static str {
        "squared"
    }

    #[inline(always)]
    fn derive(&self, answer: f64, score: f64, _: [f64; 2]) -> [f64; 2] {
        [residual(score, answer), 1.0]
    }

    #[inline(always)]
    fn loss(&self, answer: f64, score: f64, _: [f64; 2]) -> f64 {
        let residual = residual(score, answer);
        residual * residual / 2.0
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        mean(rows)
    }
}
