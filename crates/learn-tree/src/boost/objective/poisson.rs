//! Counts: the Poisson likelihood with a logarithmic link.
//!
//! `loss = exp(s) - y s` (the part of the negative log-likelihood that depends on the score), `g = exp(s) - y`. The curvature
//! is `exp(s)`; the hessian is `exp(s + d)`, which keeps a leaf from stepping further than about `d`. The start is the
//! logarithm of the mean. As LightGBM's `poisson` and XGBoost's `count:poisson`.

use kolosal_learner::DataError;

use super::average::log_mean;
use super::labels::{Labels, check_all};
use super::pointwise::Pointwise;
use crate::boost::link::Link;

/// The Poisson likelihood; the score is the logarithm of the expected count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Poisson {
    /// `max_delta_step`: the hessian is `exp` of it too large; not negative.
    pub step_max: f64,
}

impl Default for Poisson {
    /// The 0.7 of LightGBM and XGBoost.
    fn default() -> Self {
        Self { step_max: 0.7 }
    }
}

impl Pointwise for Poisson {
    const EXPONENTIALS: usize = 2;

    fn name(&self) -> &'static str {
        "poisson"
    }

    fn link(&self) -> Link {
        Link::Exponential
    }

    #[inline(always)]
    fn exponents(&self, _count: f64, score: f64) -> [f64; 2] {
        [score, score + self.step_max]
    }

    #[inline(always)]
    fn derive(&self, count: f64, _score: f64, [rate, curvature]: [f64; 2]) -> [f64; 2] {
        [rate - count, curvature]
    }

    #[inline(always)]
    fn loss(&self, count: f64, score: f64, [rate, _]: [f64; 2]) -> f64 {
        rate - count * score
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        log_mean(rows)
    }

    fn check(&self, rows: &Labels<'_>) -> Result<(), DataError> {
        check_not_negative(rows, Pointwise::name(self))
    }
}

/// Refuses negative targets.
pub(super) fn check_not_negative(rows: &Labels<'_>, objective: &'static str) -> Result<(), DataError> {
    check_all(
        rows.numbers(),
        |value| value >= 0.0,
        |row, value| DataError::Unfit {
            objective,
            row,
            value,
            range: "targets of 0 or more",
        },
    )
}
