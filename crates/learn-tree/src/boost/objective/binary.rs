//! Log-loss of two classes.
//!
//! With `y` in `{-1, +1}`, margin `m = y s` and class weight `c`: `loss = c ln(1 + exp(-m))`, `g = -c y r` and
//! `h = c r (1 - r)` with `r = 1 / (1 + exp(m))`. The start is the log odds of the weighted classes. As LightGBM's `binary`
//! and XGBoost's `binary:logistic`.

use super::average::{class_shares, logit};
use super::labels::Labels;
use super::pointwise::Pointwise;
use crate::boost::link::Link;

/// Log-loss of two classes; the score is the log odds of the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BinaryLogLoss {
    /// What a row of each class counts, times its own weight; finite and above zero.
    pub class_weights: [f64; 2],
}

impl Default for BinaryLogLoss {
    fn default() -> Self {
        Self {
            class_weights: [1.0; 2],
        }
    }
}

impl BinaryLogLoss {
    /// Rows of the second class count `weight` times (`scale_pos_weight`).
    pub fn with_positive_weight(weight: f64) -> Self {
        Self {
            class_weights: [1.0, weight],
        }
    }

    /// The rarer class is raised to the weight of the other (`is_unbalance`).
    ///
    /// # Panics
    /// If the answers are not classes.
    pub fn balanced(rows: &Labels<'_>) -> Self {
        let shares = class_shares(rows, 2);
        let common = shares[0].max(shares[1]);
        let raised = |share: f64| if share > 0.0 { common / share } else { 1.0 };
        Self {
            class_weights: [raised(shares[0]), raised(shares[1])],
        }
    }

    #[inline(always)]
    fn class_weight(&self, class: f64) -> f64 {
        self.class_weights[0] + class * (self.class_weights[1] - self.class_weights[0])
    }
}

impl Pointwise for BinaryLogLoss {
    const EXPONENTIALS: usize = 1;

    fn name(&self) -> &'static str {
        "binary"
    }

    fn link(&self) -> Link {
        Link::Logistic
    }

    #[inline(always)]
    fn exponents(&self, class: f64, score: f64) -> [f64; 2] {
        [(2.0 * class - 1.0) * score, 0.0]
    }

    #[inline(always)]
    fn derive(&self, class: f64, _score: f64, [odds, _]: [f64; 2]) -> [f64; 2] {
        let wrong = 1.0 / (1.0 + odds);
        let weight = self.class_weight(class);
        [
            (1.0 - 2.0 * class) * wrong * weight,
            wrong * (1.0 - wrong) * weight,
        ]
    }

    #[inline(always)]
    fn loss(&self, class: f64, score: f64, [odds, _]: [f64; 2]) -> f64 {
        let margin = (2.0 * class - 1.0) * score;
        let loss = if margin > 0.0 {
            odds.recip().ln_1p()
        } else {
            odds.ln_1p() - margin
        };
        loss * self.class_weight(class)
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        let shares = class_shares(rows, 2);
        let positive = shares[1] * self.class_weights[1];
        logit(positive / (shares[0] * self.class_weights[0] + positive))
    }
}
