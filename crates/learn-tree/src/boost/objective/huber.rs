//! Huber's loss, and its smooth sibling.
//!
//! With the residual `r = s - y`, [`Huber`] is `r^2 / 2` for `|r| <= alpha` and `alpha (|r| - alpha / 2)` beyond:
//! `g = r` cut to `-alpha ..= alpha`, `h = 1` as in LightGBM's `huber`. [`PseudoHuber`] is `d^2 (sqrt(1 + (r / d)^2) - 1)`:
//! `g = r / q` with `q = sqrt(1 + (r / d)^2)`, and `h = 1 / q^3` as in XGBoost's `reg:pseudohubererror`, or `1 / q`, see
//! [`Curvature`]. The start is the constant of the lowest loss; the libraries start at the mean.
//!
//! Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35, 1964.

use super::average::minimise;
use super::labels::Labels;
use super::pointwise::{Pointwise, residual};

/// What a robust loss gives as its hessian.
///
/// The true second derivative vanishes for large residuals, and a Newton step there goes anywhere. `g / r` never does: the
/// parabola with that curvature lies above the whole loss (de Leeuw and Lange, "Sharp quadratic majorization in one
/// dimension", Computational Statistics and Data Analysis 53, 2009), so no step overshoots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Curvature {
    /// The second derivative, as the libraries do.
    Exact,
    /// The first derivative over the residual.
    #[default]
    Majorant,
}

/// Huber's loss: squared near zero, straight beyond `alpha`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Huber {
    /// The residual at which the loss becomes straight, in units of the target; above zero.
    pub alpha: f64,
}

impl Default for Huber {
    /// LightGBM's 0.9.
    fn default() -> Self {
        Self { alpha: 0.9 }
    }
}

impl Pointwise for Huber {
    const HESSIAN_IS_WEIGHT: bool = true;

    fn name(&self) -> &'static str {
        "huber"
    }

    #[inline(always)]
    fn derive(&self, answer: f64, score: f64, _: [f64; 2]) -> [f64; 2] {
        let residual = residual(score, answer);
        [residual.max(-self.alpha).min(self.alpha), 1.0]
    }

    #[inline(always)]
    fn loss(&self, answer: f64, score: f64, _: [f64; 2]) -> f64 {
        let size = residual(score, answer).abs();
        let inner = size.min(self.alpha);
        inner * (size - inner / 2.0)
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        minimise(self, rows)
    }
}

/// A smooth loss that is squared near zero and straight far away.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PseudoHuber {
    /// The slope far away, in units of the target; above zero.
    pub slope: f64,
    /// What stands for the hessian.
    pub curvature: Curvature,
}

impl Default for PseudoHuber {
    /// XGBoost's slope of 1.
    fn default() -> Self {
        Self {
            slope: 1.0,
            curvature: Curvature::default(),
        }
    }
}

impl Pointwise for PseudoHuber {
    fn name(&self) -> &'static str {
        "pseudo_huber"
    }

    #[inline(always)]
    fn derive(&self, answer: f64, score: f64, _: [f64; 2]) -> [f64; 2] {
        let residual = residual(score, answer);
        let share = residual / self.slope;
        let root = (1.0 + share * share).sqrt();
        let hess = match self.curvature {
            Curvature::Exact => 1.0 / (root * root * root),
            Curvature::Majorant => 1.0 / root,
        };
        [residual / root, hess]
    }

    #[inline(always)]
    fn loss(&self, answer: f64, score: f64, _: [f64; 2]) -> f64 {
        let residual = residual(score, answer);
        let share = residual / self.slope;
        // sqrt(1 + x) - 1 = x / (sqrt(1 + x) + 1), which loses no digits at small x.
        residual * residual / ((1.0 + share * share).sqrt() + 1.0)
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        minimise(self, rows)
    }
}
