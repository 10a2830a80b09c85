//! Cross-entropy with targets that are probabilities.
//!
//! With `p = 1 / (1 + exp(-s))`: `loss = -y ln p - (1 - y) ln(1 - p)`, `g = p - y`, `h = p (1 - p)`. The start is the log odds
//! of the mean target. As LightGBM's `cross_entropy` and XGBoost's `reg:logistic`.

use kolosal_learner::DataError;

use super::average::{logit, mean};
use super::labels::{Labels, check_all};
use super::pointwise::Pointwise;
use crate::boost::link::Link;

/// Cross-entropy of targets in 0 ..= 1; the score is the log odds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CrossEntropy;

impl Pointwise for CrossEntropy {
    const EXPONENTIALS: usize = 1;

    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn link(&self) -> Link {
        Link::Logistic
    }

    #[inline(always)]
    fn exponents(&self, _share: f64, score: f64) -> [f64; 2] {
        [-score, 0.0]
    }

    #[inline(always)]
    fn derive(&self, share: f64, _score: f64, [against, _]: [f64; 2]) -> [f64; 2] {
        let p = 1.0 / (1.0 + against);
        [p - share, p * (1.0 - p)]
    }

    #[inline(always)]
    fn loss(&self, share: f64, score: f64, [against, _]: [f64; 2]) -> f64 {
        // ln(1 + e^s) - y s, from whichever of e^s and e^-s is small.
        if score > 0.0 {
            against.ln_1p() + score * (1.0 - share)
        } else {
            against.recip().ln_1p() - score * share
        }
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        logit(mean(rows))
    }

    fn check(&self, rows: &Labels<'_>) -> Result<(), DataError> {
        check_all(
            rows.numbers(),
            |share| (0.0..=1.0).contains(&share),
            |row, value| DataError::Unfit {
                objective: Pointwise::name(self),
                row,
                value,
                range: "probabilities from 0 to 1",
            },
        )
    }
}
