//! Cyclic coordinate descent for squared error with absolute and squared penalties.
//!
//! Minimises `1/(2W) sum w (y - X u)^2 + sum l1_j |u_j| + 1/2 sum l2_j u_j^2` over centred columns, one coefficient at
//! a time (Friedman, Hastie, Tibshirani 2010). [`covariance`] works on the Gram matrix, where a step costs one row of
//! it whatever the number of rows; [`residual`] works on the columns, for tables too wide for a Gram matrix, and drops
//! columns that provably stay zero (gap-safe spheres: Ndiaye, Fercoq, Gramfort, Salmon 2017).
//!
//! Both alternate full sweeps with sweeps over the coefficients that are not zero, and stop when the duality gap is
//! below `tol` times the variance of the target, as scikit-learn does.

pub(crate) mod covariance;
pub(crate) mod residual;

/// Strengths of the penalties on each coefficient.
#[derive(Debug, Clone)]
pub(crate) struct Penalties {
    /// Of the absolute value.
    pub(crate) l1: Vec<f64>,
    /// Of half the square.
    pub(crate) l2: Vec<f64>,
}

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stop {
    /// Share of the variance that the duality gap may be.
    pub(crate) gap: f64,
    /// Most full sweeps.
    pub(crate) sweeps_max: usize,
}

/// The minimiser in one coordinate: `sign(v) max(|v| - threshold, 0)`.
#[inline]
pub(crate) fn shrink(value: f64, threshold: f64) -> f64 {
    if value > threshold {
        value - threshold
    } else if value < -threshold {
        value + threshold
    } else {
        0.0
    }
}

/// The quantities of the duality gap at a point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GapTerms {
    /// `sum w r^2 / W`.
    pub(crate) residual: f64,
    /// `sum w y r / W`.
    pub(crate) target_by_residual: f64,
    /// `sum l1 |u|`.
    pub(crate) absolute: f64,
    /// `sum l2 u^2`.
    pub(crate) squared: f64,
    /// Largest `|X'wr/W - l2 u| / l1`.
    pub(crate) steepest: f64,
}

impl GapTerms {
    /// Primal minus dual, and the factor that makes the residual dual feasible.
    pub(crate) fn gap(&self) -> (f64, f64) {
        let factor = if self.steepest > 1.0 {
            1.0 / self.steepest
        } else {
            1.0
        };
        let energy = self.residual + self.squared;
        let gap = 0.5 * (1.0 + factor * factor) * energy + self.absolute - factor * self.target_by_residual;
        (gap.max(0.0), factor)
    }
}
