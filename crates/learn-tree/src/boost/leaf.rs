//! What a leaf answers, and what an answer is worth.
//!
//! With sums `G` and `H` over a leaf's rows and the leaf's answer `w`, the loss falls by `-(G w + (H + lambda) w^2 / 2 +
//! alpha |w|)`; the best free answer is `-sign(G) max(|G| - alpha, 0) / (H + lambda)` (Chen, Guestrin 2016, equation 5).
//! Gains here are twice the fall, as both libraries report them.

use super::config::SplitLimits;

/// Sums of gradients and hessians over the rows of a node.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Sums {
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
}

/// Range of answers that a leaf may give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Bounds {
    pub(crate) const FREE: Self = Self {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
    };
}

/// Penalties on a leaf's answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Penalty {
    pub(crate) alpha: f64,
    pub(crate) lambda: f64,
    pub(crate) step_max: f64,
    pub(crate) path_smooth: f64,
}

impl Penalty {
    pub(crate) fn of(limits: &SplitLimits) -> Self {
        Self {
            alpha: limits.alpha,
            lambda: limits.lambda,
            step_max: limits.step_max,
            path_smooth: limits.path_smooth,
        }
    }

    /// The same with a heavier L2 penalty.
    pub(crate) fn heavier(self, lambda: f64) -> Self {
        Self {
            lambda: self.lambda + lambda,
            ..self
        }
    }

    /// The best answer of a leaf whose parent would answer `parent`, given how many rows it has and its bounds.
    pub(crate) fn answer(&self, sums: Sums, rows: f64, parent: f64, bounds: Bounds) -> f64 {
        let mass = sums.hessian + self.lambda;
        if mass <= 0.0 {
            return 0.0_f64.clamp(bounds.low, bounds.high);
        }
        let force = (sums.gradient.abs() - self.alpha).max(0.0);
        let mut answer = -force.copysign(sums.gradient) / mass;
        if self.step_max > 0.0 {
            answer = answer.clamp(-self.step_max, self.step_max);
        }
        if self.path_smooth > 0.0 {
            let share = rows / (rows + self.path_smooth);
            answer = answer * share + parent * (1.0 - share);
        }
        answer.clamp(bounds.low, bounds.high)
    }

    /// Twice the fall of the loss if the leaf gives this answer.
    pub(crate) fn worth(&self, sums: Sums, answer: f64) -> f64 {
        -(2.0 * (sums.gradient * answer + self.alpha * answer.abs())
            + (sums.hessian + self.lambda) * answer * answer)
    }

    /// Whether the best free answer is always allowed, so that gains have the closed form.
    pub(crate) fn is_free(&self) -> bool {
        self.step_max == 0.0 && self.path_smooth == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_answer_is_the_best_and_worth_the_closed_form() {
        let penalty = Penalty {
            alpha: 1.5,
            lambda: 2.0,
            step_max: 0.0,
            path_smooth: 0.0,
        };
        for (gradient, hessian) in [(-7.0, 3.0), (4.0, 0.5), (1.0, 2.0)] {
            let sums = Sums { gradient, hessian };
            let answer = penalty.answer(sums, 10.0, 0.0, Bounds::FREE);
            let force: f64 = (f64::abs(gradient) - 1.5).max(0.0);
            assert!((penalty.worth(sums, answer) - force * force / (hessian + 2.0)).abs() < 1e-12);
            for other in [answer - 0.01, answer + 0.01] {
                assert!(penalty.worth(sums, other) <= penalty.worth(sums, answer));
            }
        }
    }

    #[test]
    fn answers_keep_their_limits() {
        let penalty = Penalty {
            alpha: 0.0,
            lambda: 0.0,
            step_max: 0.7,
            path_smooth: 10.0,
        };
        let sums = Sums {
            gradient: -100.0,
            hessian: 1.0,
        };
        // Cut to 0.7, then halfway to the parent's 0.1.
        assert!((penalty.answer(sums, 10.0, 0.1, Bounds::FREE) - 0.4).abs() < 1e-12);
        let bounds = Bounds {
            low: -1.0,
            high: 0.25,
        };
        assert_eq!(penalty.answer(sums, 10.0, 0.1, bounds), 0.25);
        assert_eq!(penalty.answer(Sums::default(), 0.0, 0.0, Bounds::FREE), 0.0);
    }
}
