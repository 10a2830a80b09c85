//! Trials that report on the way: which of them to stop.
//!
//! Values of different steps are never compared. Until enough curves are known to the end, a trial goes on while it is in
//! the better half of all that reached the same rung (asynchronous halving, Li et al. 2020). After that its end is
//! extrapolated from the ends of finished curves that looked alike at this rung, with the spread of those as
//! uncertainty, and it is stopped as well when it is very unlikely to beat the best (a freeze-thaw idea, Swersky et
//! al. 2014). The processes learn from
//! finished trials alone: extrapolated ends of stopped trials, and values at the highest well-filled rung, were measured in
//! their place and took longer to the best twentieth of the configurations.

use crate::special::normal_cdf;
use crate::study::Study;

/// Finished curves from which extrapolation is trusted.
const CURVES_MIN: usize = 6;
/// A trial less likely than this to beat the best is stopped.
const CHANCE_MIN: f64 = 0.02;
/// Share of the distance from the best to the median end that counts as a gain.
const MARGIN: f64 = 0.02;
/// Finished curves that an extrapolation leans on most.
const NEIGHBOURS: usize = 3;

#[derive(Debug, Clone)]
pub(crate) struct Curves {
    rungs: Vec<f64>,
    /// Values of all trials that reported at each rung.
    reached: Vec<Vec<f64>>,
    /// Values at every rung of trials that reported at all of them.
    finished: Vec<Vec<f64>>,
}

/// What is expected of a curve: mean and deviation of the best on the way to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Outlook {
    best: f64,
    sd: f64,
}

impl Curves {
    pub(crate) fn new(rungs: &[f64]) -> Self {
        Self {
            rungs: rungs.to_vec(),
            reached: vec![Vec::new(); rungs.len()],
            finished: Vec::new(),
        }
    }

    fn rung(&self, step: f64) -> Option<usize> {
        self.rungs.iter().position(|r| (r - step).abs() <= 1e-9 * r)
    }

    /// Values at the rungs that the curve reported at, in order, from the first rung on without a gap.
    fn at_rungs(&self, curve: &[(f64, f64)]) -> Vec<f64> {
        let value = |rung: f64| {
            curve
                .iter()
                .find(|(s, _)| (s - rung).abs() <= 1e-9 * rung)
                .map(|(_, v)| *v)
        };
        self.rungs.iter().map_while(|&r| value(r)).collect()
    }

    /// True when a trial that just reported should be stopped.
    fn judge(&mut self, curve: &[(f64, f64)], best: f64) -> bool {
        let Some((step, value)) = curve.last().copied() else {
            return false;
        };
        let Some(k) = self.rung(step) else {
            return false;
        };
        self.reached[k].push(value);
        let seen = self.at_rungs(curve);
        if k + 1 == self.rungs.len() || seen.len() != k + 1 {
            return false;
        }
        let hopeless = self.outlook(&seen).is_some_and(|outlook| {
            normal_cdf((best - self.margin(best) - outlook.best) / outlook.sd) < CHANCE_MIN
        });
        hopeless || self.is_in_worse_half(k, value)
    }

    fn margin_unit(&self) -> f64 {
        spread(self.finished.iter().map(|c| c[c.len() - 1]))
    }

    /// A gain that is worth seeing a curve to its end: a trial that only repeats the best is not.
    fn margin(&self, best: f64) -> f64 {
        let mut ends: Vec<f64> = self.finished.iter().filter_map(|c| c.last().copied()).collect();
        ends.sort_by(f64::total_cmp);
        let median = ends.get(ends.len() / 2).copied().unwrap_or(best);
        MARGIN * (median - best).max(0.0)
    }

    fn is_in_worse_half(&self, k: usize, value: f64) -> bool {
        let at = &self.reached[k];
        let better = at.iter().filter(|v| **v < value).count();
        better >= (at.len() / 2).max(1)
    }

    /// Ends of finished curves, weighted by likeness at the rung reached: in level, and in the last step.
    fn outlook(&self, seen: &[f64]) -> Option<Outlook> {
        if self.finished.len() < CURVES_MIN || seen.is_empty() {
            return None;
        }
        let k = seen.len() - 1;
        let trend = |c: &[f64]| if k > 0 { c[k] - c[k - 1] } else { 0.0 };
        let (level_sd, trend_sd) = (
            spread(self.finished.iter().map(|c| c[k])),
            spread(self.finished.iter().map(|c| trend(c))),
        );
        let squares: Vec<f64> = self
            .finished
            .iter()
            .map(|c| ((c[k] - seen[k]) / level_sd).powi(2) + ((trend(c) - trend(seen)) / trend_sd).powi(2))
            .collect();
        let mut near = squares.clone();
        near.sort_by(f64::total_cmp);
        let width = near[NEIGHBOURS - 1].max(1e-4);
        let weights: Vec<f64> = squares.iter().map(|s| (-0.5 * s / width).exp() + 1e-6).collect();
        let total: f64 = weights.iter().sum();
        let mean = |of: &dyn Fn(&[f64]) -> f64| {
            self.finished
                .iter()
                .zip(&weights)
                .map(|(c, w)| w * of(c))
                .sum::<f64>()
                / total
        };
        let lowest = |c: &[f64]| c[k..].iter().copied().fold(f64::INFINITY, f64::min);
        let gain = mean(&|c| lowest(c) - c[k]);
        let square = mean(&|c| (lowest(c) - c[k] - gain).powi(2));
        Some(Outlook {
            best: seen[k] + gain,
            sd: square.sqrt().max(0.01 * self.margin_unit()),
        })
    }
}

fn spread(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let square = values.map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    square.sqrt().max(1e-12 * (1.0 + mean.abs()))
}

impl Study {
    pub(crate) fn judge_curve(&mut self, at: usize) -> bool {
        let full = self
            .feasible()
            .filter_map(|i| self.trials[i].full_values())
            .map(|v| v[0]);
        let best = full.fold(f64::INFINITY, f64::min);
        self.curves.judge(&self.trials[at].curve, best)
    }

    /// Files the curve of a trial that ended.
    pub(crate) fn close_curve(&mut self, at: usize) {
        if self.settings.rungs.is_empty() {
            return;
        }
        let seen = self.curves.at_rungs(&self.trials[at].curve);
        let pruned = self.trials[at].told.as_ref().is_some_and(|told| told.pruned);
        if !pruned && seen.len() == self.curves.rungs.len() {
            self.curves.finished.push(seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hopeless_curves_are_stopped_and_their_end_is_foreseen() {
        let mut curves = Curves::new(&[1.0, 2.0, 4.0]);
        for i in 0..8 {
            let end = 0.1 * f64::from(i);
            curves.finished.push(vec![end + 1.0, end + 0.5, end]);
        }
        let outlook = curves.outlook(&[1.35]).expect("enough curves");
        assert!((outlook.best - 0.35).abs() < 0.05, "{outlook:?}");
        assert!(curves.judge(&[(1.0, 1.7)], 0.0));
        assert!(!curves.judge(&[(1.0, 0.98)], 0.0));
    }

    #[test]
    fn before_that_the_better_half_goes_on() {
        let mut curves = Curves::new(&[1.0, 2.0]);
        let stops: Vec<bool> = [0.3, 0.4, 0.2, 0.25, 0.1]
            .iter()
            .map(|value| curves.judge(&[(1.0, *value)], f64::INFINITY))
            .collect();
        assert_eq!(stops, [false, true, false, false, false]);
    }
}
