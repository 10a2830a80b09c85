//! The box around the best in which a local phase searches (Eriksson et al. 2019).

use crate::acquire::Region;
use crate::gp::Gp;
use crate::space::Space;

const SIDE_START: f64 = 0.8;
const SIDE_MAX: f64 = 1.6;
/// Below this side the box starts anew.
const SIDE_MIN: f64 = 0.0078125;
const SUCCESSES: usize = 2;

#[derive(Debug, Clone)]
pub(crate) struct Trust {
    side: f64,
    successes: usize,
    failures: usize,
    patience: usize,
}

impl Trust {
    pub(crate) fn new(dimensions: usize) -> Self {
        Self {
            side: SIDE_START,
            successes: 0,
            failures: 0,
            patience: dimensions.clamp(3, 8),
        }
    }

    pub(crate) fn side(&self) -> f64 {
        self.side
    }

    pub(crate) fn learn(&mut self, improved: bool) {
        if improved {
            (self.successes, self.failures) = (self.successes + 1, 0);
        } else {
            (self.successes, self.failures) = (0, self.failures + 1);
        }
        if self.successes >= SUCCESSES {
            (self.side, self.successes) = ((2.0 * self.side).min(SIDE_MAX), 0);
        }
        if self.failures >= self.patience {
            (self.side, self.failures) = (0.5 * self.side, 0);
        }
        if self.side < SIDE_MIN {
            self.side = SIDE_START;
        }
    }

    /// The box around a point: sides in proportion to the lengths of the process.
    pub(crate) fn region(&self, space: &Space, dims: &[usize], gp: &Gp, centre: &[f64]) -> Region {
        let lengths = gp.lengths();
        let mean_log = lengths.iter().map(|l| l.ln()).sum::<f64>() / lengths.len().max(1) as f64;
        let mut region = Region::whole(space);
        for (&j, length) in dims.iter().zip(&lengths) {
            if space.categories(j) > 0 || centre[j] < 0.0 {
                continue;
            }
            let cell = space.levels(j).map_or(0.0, |levels| 1.01 / levels as f64);
            let ratio = (length.ln() - mean_log).exp().clamp(0.1, 10.0);
            let half = (0.5 * self.side * ratio).max(cell);
            region.bounds[j] = ((centre[j] - half).max(0.0), (centre[j] + half).min(1.0));
        }
        region
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_grows_by_success_shrinks_by_failure_and_starts_anew() {
        let mut trust = Trust::new(3);
        (0..3).for_each(|_| trust.learn(false));
        assert_eq!(trust.side(), 0.4);
        (0..2).for_each(|_| trust.learn(true));
        assert_eq!(trust.side(), 0.8);
        (0..30).for_each(|_| trust.learn(false));
        assert!(trust.side() >= SIDE_MIN);
    }
}
