//! Amounts that are often zero: the Tweedie deviance with a logarithmic link.
//!
//! With the variance power `k` (the variance of an answer grows as its mean to the power `k`):
//! `loss = -y (exp((1 - k) s) - 1) / (1 - k) + (exp((2 - k) s) - 1) / (2 - k)`, `g = -y exp((1 - k) s) + exp((2 - k) s)`,
//! `h = -y (1 - k) exp((1 - k) s) + (2 - k) exp((2 - k) s)`. At `k = 1` this is the Poisson and at `k = 2` the gamma
//! likelihood. The start is the logarithm of the mean. As LightGBM's `tweedie` and XGBoost's `reg:tweedie`.
//!
//! Jørgensen, "Exponential dispersion models", Journal of the Royal Statistical Society B 49, 1987.

use kolosal_learner::DataError;

use super::average::log_mean;
use super::labels::Labels;
use super::pointwise::Pointwise;
use super::poisson::check_not_negative;
use crate::boost::link::Link;

/// The Tweedie deviance; the score is the logarithm of the expected amount.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tweedie {
    /// The variance power, from 1 to 2.
    pub power: f64,
}

impl Default for Tweedie {
    /// The 1.5 of LightGBM and XGBoost.
    fn default() -> Self {
        Self { power: 1.5 }
    }
}

impl Pointwise for Tweedie {
    const EXPONENTIALS: usize = 2;

    fn name(&self) -> &'static str {
        "tweedie"
    }

    fn link(&self) -> Link {
        Link::Exponential
    }

    #[inline(always)]
    fn exponents(&self, _amount: f64, score: f64) -> [f64; 2] {
        [(1.0 - self.power) * score, (2.0 - self.power) * score]
    }

    #[inline(always)]
    fn derive(&self, amount: f64, _score: f64, [first, second]: [f64; 2]) -> [f64; 2] {
        let weighed = amount * first;
        [
            second - weighed,
            (self.power - 1.0) * weighed + (2.0 - self.power) * second,
        ]
    }

    #[inline(always)]
    fn loss(&self, amount: f64, score: f64, _: [f64; 2]) -> f64 {
        let paid = if amount > 0.0 {
            amount * integral(1.0 - self.power, score)
        } else {
            0.0
        };
        integral(2.0 - self.power, score) - paid
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        log_mean(rows)
    }

    fn check(&self, rows: &Labels<'_>) -> Result<(), DataError> {
        check_not_negative(rows, Pointwise::name(self))
    }
}

/// `(exp(k s) - 1) / k`, and its limit `s` at `k = 0`.
fn integral(k: f64, score: f64) -> f64 {
    if k == 0.0 {
        score
    } else {
        (k * score).clamp(-700.0, 700.0).exp_m1() / k
    }
}
