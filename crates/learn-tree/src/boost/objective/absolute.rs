//! Absolute error.
//!
//! `loss = |s - y|`, `g = sign(s - y)`, and `h = 1` in place of a curvature that is zero: splits are found as if the signs
//! were residuals of a squared error, and leaves then answer with the median of their residuals. The start is the median.
//! As LightGBM's `regression_l1` and XGBoost's `reg:absoluteerror`.

use super::average::{leaf_quantile, target_quantile};
use super::labels::{Labels, LeafRows};
use super::pointwise::{Pointwise, residual};

/// Absolute error (L1).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Absolute;

impl Pointwise for Absolute {
    const HESSIAN_IS_WEIGHT: bool = true;

    fn name(&self) -> &'static str {
        "absolute"
    }

    #[inline(always)]
    fn derive(&self, answer: f64, score: f64, _: [f64; 2]) -> [f64; 2] {
        [sign(score - answer), 1.0]
    }

    #[inline(always)]
    fn loss(&self, answer: f64, score: f64, _: [f64; 2]) -> f64 {
        residual(score, answer).abs()
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        target_quantile(rows, 0.5, |_| 1.0)
    }

    fn renews(&self) -> bool {
        true
    }

    fn renew(&self, leaf: &LeafRows<'_>) -> Option<f64> {
        leaf_quantile(leaf, 0.5, |_| 1.0)
    }
}

/// -1, 0 or 1.
#[inline(always)]
pub(super) fn sign(residual: f64) -> f64 {
    f64::from(u8::from(residual > 0.0)) - f64::from(u8::from(residual < 0.0))
}
