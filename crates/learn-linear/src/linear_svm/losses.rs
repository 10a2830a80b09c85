//! Squared hinge and squared error beyond a tube.

use crate::convex::{Bent, RowLoss};

/// `max(0, 1 - y score)^2`, `y` being one for one class and minus one for all others.
pub(super) struct SquaredHinge<'a> {
    pub(super) classes: &'a [u32],
    pub(super) class: u32,
}

impl RowLoss for SquaredHinge<'_> {
    #[inline]
    fn at(&self, row: usize, score: f64) -> Bent {
        let y = if self.classes[row] == self.class {
            1.0
        } else {
            -1.0
        };
        let short = (1.0 - y * score).max(0.0);
        Bent {
            loss: short * short,
            slope: -2.0 * y * short,
            bend: if short > 0.0 { 2.0 } else { 0.0 },
        }
    }
}

/// `max(0, |target - score| - epsilon)^2`.
pub(super) struct SquaredTube<'a> {
    pub(super) targets: &'a [f64],
    pub(super) epsilon: f64,
}

impl RowLoss for SquaredTube<'_> {
    #[inline]
    fn at(&self, row: usize, score: f64) -> Bent {
        let off = score - self.targets[row];
        let beyond = (off.abs() - self.epsilon).max(0.0);
        Bent {
            loss: beyond * beyond,
            slope: 2.0 * beyond * off.signum(),
            bend: if beyond > 0.0 { 2.0 } else { 0.0 },
        }
    }
}
