//! Coordinate descent on the Gram matrix.

use kolosal_compute::kernels::{add_scaled, dot};
use kolosal_learner::{FitContext, FitError};

use super::{GapTerms, Penalties, Stop, shrink};

/// `1/2 u' Q u - c' u` plus penalties.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quadratic<'a> {
    /// `Q`, row after row, symmetric.
    pub(crate) matrix: &'a [f64],
    /// `c`.
    pub(crate) linear: &'a [f64],
    /// On each coefficient.
    pub(crate) penalties: &'a Penalties,
}

/// A point and the image `Q u` that goes with it.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) u: Vec<f64>,
    pub(crate) image: Vec<f64>,
}

impl State {
    /// The origin.
    pub(crate) fn zero(width: usize) -> Self {
        Self {
            u: vec![0.0; width],
            image: vec![0.0; width],
        }
    }
}

impl Quadratic<'_> {
    fn width(&self) -> usize {
        self.linear.len()
    }

    /// Minimises over one coefficient; gives the size of the step in units of the objective's curvature.
    #[inline]
    fn step(&self, state: &mut State, j: usize) -> f64 {
        let width = self.width();
        let row = &self.matrix[j * width..(j + 1) * width];
        let curvature = row[j];
        let divisor = curvature + self.penalties.l2[j];
        let old = state.u[j];
        let pull = self.linear[j] - state.image[j] + curvature * old;
        let new = if curvature > 0.0 {
            shrink(pull, self.penalties.l1[j]) / divisor
        } else {
            0.0
        };
        let step = new - old;
        if step == 0.0 {
            return 0.0;
        }
        state.u[j] = new;
        add_scaled(&mut state.image, step, row);
        step.abs() * divisor.sqrt()
    }

    /// Sweeps over all coefficients once, then over those not zero until no step is larger than `step_max`.
    fn sweep(&self, state: &mut State, step_max: f64, sweeps_max: usize) -> f64 {
        let full = (0..self.width()).map(|j| self.step(state, j)).fold(0.0, f64::max);
        let active: Vec<usize> = (0..self.width()).filter(|&j| state.u[j] != 0.0).collect();
        for _ in 0..sweeps_max {
            if active.iter().map(|&j| self.step(state, j)).fold(0.0, f64::max) <= step_max {
                break;
            }
        }
        full
    }

    /// Sweeps until no step is larger than `step_max`; tells whether that was reached.
    pub(crate) fn descend(&self, state: &mut State, step_max: f64, sweeps_max: usize) -> bool {
        (0..sweeps_max).any(|_| self.sweep(state, step_max, sweeps_max) <= step_max)
    }

    /// Sweeps until the duality gap is small; tells whether that was reached. `variance` is that of the target.
    ///
    /// # Errors
    /// If the fit is stopped.
    pub(crate) fn minimise(
        &self,
        state: &mut State,
        variance: f64,
        stop: Stop,
        cx: &FitContext<'_>,
    ) -> Result<bool, FitError> {
        let target = stop.gap * variance;
        let mut step_max = (target.sqrt() * 0.1).max(1e-300);
        for _ in 0..stop.sweeps_max {
            cx.checkpoint()?;
            let moved = self.sweep(state, step_max, stop.sweeps_max);
            // The gap is worth its cost only once the steps are small.
            if moved > step_max.max(1e-16) {
                continue;
            }
            if self.gap_terms(state, variance).gap().0 <= target {
                return Ok(true);
            }
            step_max *= 0.1;
            if moved == 0.0 {
                // No step changes a bit any more: this is the minimum that doubles can hold.
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn gap_terms(&self, state: &State, variance: f64) -> GapTerms {
        let (fitted, energy) = (dot(self.linear, &state.u), dot(&state.u, &state.image));
        let mut terms = GapTerms {
            residual: (variance - 2.0 * fitted + energy).max(0.0),
            target_by_residual: variance - fitted,
            absolute: 0.0,
            squared: 0.0,
            steepest: 0.0,
        };
        for j in 0..self.width() {
            let (u, l1, l2) = (state.u[j], self.penalties.l1[j], self.penalties.l2[j]);
            terms.absolute += l1 * u.abs();
            terms.squared += l2 * u * u;
            if self.matrix[j * self.width() + j] > 0.0 {
                terms.steepest = terms
                    .steepest
                    .max((self.linear[j] - state.image[j] - l2 * u).abs() / l1);
            }
        }
        terms
    }
}
