//! The logarithm of the hyperbolic cosine: a smooth loss between squared and absolute error.
//!
//! With `r = s - y`: `loss = ln cosh r`, `g = tanh r`, and `h = 1 - tanh^2 r`, or `tanh r / r`, see [`Curvature`]. The start
//! is the constant of the lowest loss.

use super::average::minimise;
use super::huber::Curvature;
use super::labels::Labels;
use super::pointwise::{Pointwise, residual};

/// `ln cosh` of the residual.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LogCosh {
    /// What stands for the hessian.
    pub curvature: Curvature,
}

impl Pointwise for LogCosh {
    const EXPONENTIALS: usize = 1;

    fn name(&self) -> &'static str {
        "log_cosh"
    }

    #[inline(always)]
    fn exponents(&self, answer: f64, score: f64) -> [f64; 2] {
        [-2.0 * residual(score, answer).abs(), 0.0]
    }

    #[inline(always)]
    fn derive(&self, answer: f64, score: f64, [decay, _]: [f64; 2]) -> [f64; 2] {
        let residual = residual(score, answer);
        let tanh = ((1.0 - decay) / (1.0 + decay)).copysign(residual);
        let hess = match self.curvature {
            Curvature::Exact => 4.0 * decay / ((1.0 + decay) * (1.0 + decay)),
            // Below 1e-5 the quotient is 1 - r^2 / 3, which is one to ten digits.
            Curvature::Majorant if residual.abs() < 1e-5 => 1.0,
            Curvature::Majorant => tanh / residual,
        };
        [tanh, hess]
    }

    #[inline(always)]
    fn loss(&self, answer: f64, score: f64, [decay, _]: [f64; 2]) -> f64 {
        residual(score, answer).abs() + decay.ln_1p() - std::f64::consts::LN_2
    }

    fn base(&self, rows: &Labels<'_>) -> f64 {
        minimise(self, rows)
    }
}
