//! Positive amounts: the gamma likelihood with a logarithmic link.
//!
//! `loss = s + y exp(-s)` (the part of the negative log-likelihood that depends on the score, at shape one),
//! `g = 1 - y exp(-s)`, `h = y exp(-s)`. The start is the logarithm of the mean. As LightGBM's `gamma` and XGBoost's
//! `reg:gamma`.

use kolosal_learner::DataError;

use super::average::log_mean;
use super::labels::{Labels, check_all};
use super::pointwise::Pointwise;
use crate::boost::link::Link;

/// The gamma likelihood; the score is the logarithm of the expected amount.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Gamma;

impl Pointwise for Gamma {
    const EXPONENTIALS: usize = 1;

    fn name(&self) -> &'static str {
        "gamma"
    }

    fn link(&self) -> Link {
        Link::Exponential
    }

    #[inline(always)]
    fn exponents(&self, _amount: f64, score: f64) -> [f64; 2] {
        [-score, 0.0]
    }

    #[inline(always)]
    fn derive(&self, amount: f64, _score: f64, [inverse, _]: [f64; 2]) -> [f64; 2] {
        let share = amount * inverse;
        [1.0 - share, share]
    }

    #[inline(always)]
    fn loss(&self, amount: f64, score: f64, [inverse, _]: [f64; 2]) -> f64 {
        score + amount * inverse
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        log_mean(rows)
    }

    fn check(&self, rows: &Labels<'_>) -> Result<(), DataError> {
        check_all(
            rows.numbers(),
            |amount| amount > 0.0,
            |row, value| DataError::Unfit {
                objective: Pointwise::name(self),
                row,
                value,
                range: "targets above 0",
            },
        )
    }
}
