//! Quantiles: the pinball loss, for one or several levels at once.
//!
//! With `r = s - y`: `loss = (1 - a) r` for `r >= 0` and `-a r` below, `g = 1 - a` or `-a`, and `h = 1` in place of a
//! curvature that is zero. Leaves answer with the `a` quantile of their residuals, and the start is that of the targets. Each
//! level is an output of its own. As LightGBM's `quantile` and XGBoost's `reg:quantileerror`.
//!
//! Koenker and Bassett, "Regression quantiles", Econometrica 46, 1978.

use super::Objective;
use super::average::{leaf_quantile, target_quantile};
use super::labels::{Labels, LeafRows, LossSum};
use super::pointwise::{Answers, Derivatives, Pointwise, derive, loss, residual};
use crate::boost::link::Link;

/// The pinball loss of one or several quantiles; one output each.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantile {
    levels: Vec<Pinball>,
}

impl Quantile {
    /// One output for each of the levels.
    ///
    /// # Panics
    /// If there is no level, or one outside 0 .. 1: parameters are checked before an objective is made.
    pub fn new(levels: &[f64]) -> Self {
        assert!(!levels.is_empty(), "a quantile has a level");
        let inside = levels.iter().all(|&level| level > 0.0 && level < 1.0);
        assert!(inside, "levels lie between 0 and 1");
        Self {
            levels: levels.iter().map(|&level| Pinball { level }).collect(),
        }
    }
}

impl Objective for Quantile {
    fn name(&self) -> &'static str {
        "quantile"
    }

    fn outputs(&self) -> usize {
        self.levels.len()
    }

    fn link(&self) -> Link {
        Link::Identity
    }

    fn hessian_is_weight(&self) -> bool {
        true
    }

    fn base(&self, rows: &Labels<'_>) -> Vec<f64> {
        self.levels
            .iter()
            .map(|pinball| Pointwise::base(pinball, rows))
            .collect()
    }

    fn derive(&self, rows: &Labels<'_>, scores: &[&[f64]], grad: &mut [&mut [f32]], hess: &mut [&mut [f32]]) {
        for (output, pinball) in self.levels.iter().enumerate() {
            let out = Derivatives::of(grad, hess, output);
            derive(pinball, Answers::of(rows), rows.weights(), scores[output], out);
        }
    }

    /// The losses of the levels added up.
    fn loss(&self, rows: &Labels<'_>, scores: &[&[f64]]) -> LossSum {
        let mut total = LossSum::default();
        for (pinball, scores) in self.levels.iter().zip(scores) {
            let level = loss(pinball, Answers::of(rows), rows.weights(), scores);
            total.sum += level.sum;
            total.weight = level.weight;
        }
        total
    }

    fn renews(&self) -> bool {
        true
    }

    fn renew(&self, output: usize, leaf: &LeafRows<'_>) -> Option<f64> {
        leaf_quantile(leaf, self.levels[output].level, |_| 1.0)
    }
}

/// The pinball loss of one level.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pinball {
    level: f64,
}

impl Pointwise for Pinball {
    const HESSIAN_IS_WEIGHT: bool = true;

    fn name(&self) -> &'static str {
        "quantile"
    }

    #[inline(always)]
    fn derive(&self, answer: f64, score: f64, _: [f64; 2]) -> [f64; 2] {
        [f64::from(u8::from(score >= answer)) - self.level, 1.0]
    }

    #[inline(always)]
    fn loss(&self, answer: f64, score: f64, _: [f64; 2]) -> f64 {
        let residual = residual(score, answer);
        residual.max(0.0) - self.level * residual
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        target_quantile(rows, self.level, |_| 1.0)
    }
}
