//! The fair loss: squared near zero, almost straight far away.
//!
//! With `r = s - y`: `loss = c^2 (|r| / c - ln(1 + |r| / c))`, `g = c r / (|r| + c)`, and `h = c^2 / (|r| + c)^2` as in
//! LightGBM's `fair`, or `c / (|r| + c)`, see [`Curvature`]. The start is the constant of the lowest loss.
//!
//! Fair, "On the robust estimation of econometric models", Annals of Economic and Social Measurement 3, 1974.

use super::average::minimise;
use super::huber::Curvature;
use super::labels::Labels;
use super::pointwise::{Pointwise, residual};

/// The fair loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fair {
    /// The slope far away, in units of the target; above zero.
    pub c: f64,
    /// What stands for the hessian.
    pub curvature: Curvature,
}

impl Default for Fair {
    /// LightGBM's `c` of 1.
    fn default() -> Self {
        Self {
            c: 1.0,
            curvature: Curvature::default(),
        }
    }
}

impl Pointwise for Fair {
    fn name(&self) -> &'static str {
        "fair"
    }

    #[inline(always)]
    fn derive(&self, answer: f64, score: f64, _: [f64; 2]) -> [f64; 2] {
        let residual = residual(score, answer);
        let share = self.c / (residual.abs() + self.c);
        let hess = match self.curvature {
            Curvature::Exact => share * share,
            Curvature::Majorant => share,
        };
        [residual * share, hess]
    }

    #[inline(always)]
    fn loss(&self, answer: f64, score: f64, _: [f64; 2]) -> f64 {
        let share = residual(score, answer).abs() / self.c;
        self.c * self.c * (share - share.ln_1p())
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        minimise(self, rows)
    }
}
