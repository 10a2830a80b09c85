//! Trials that report on the way: which of them to stop, and which to take up again.
//!
//! Values of different rungs are never compared. Until a curve has ended and the design is done, a trial goes on while it is
//! in the better half of all that reached the same rung (asynchronous halving, Li et al. 2020). After that the end of every
//! curve, seen in part or not at all, is a normal distribution by the [`Chain`]. A trial goes on while what it is expected
//! to gain on the best, per cost of the rest, is worth as much as a new trial for its whole cost: less than that early, when
//! going on costs little and tells much. A stopped trial of which more can be expected than of any new one is asked for
//! again (freeze and thaw, Swersky et al. 2014).
//!
//! Parameters without effect make curves that are equal number by number. Such twins go on as the first did, so they are
//! stopped at once, and the least distance between trials grows until proposals are new again.

use crate::gp::Form;
use crate::special::ln_ei;
use crate::study::Study;
use crate::trial::modelled;

mod chain;
mod propose;

pub(crate) use chain::{Chain, Curve, End};
pub(crate) use propose::Proposal;

/// How much less than a new trial a running one may be worth at the first rung and at the last but one, in logarithms.
const PATIENCE_FIRST: f64 = 5.0;
const PATIENCE_LAST: f64 = 1.0;
/// Rungs at which a curve must move before it is taken for the twin of another.
const TWIN_MOVES: usize = 2;
/// Least distance between trials at the start, and how it changes by a twin and by a curve that is new.
const APART_START: f64 = 0.02;
const APART_RANGE: (f64, f64) = (0.01, 0.8);
const APART_GROWS: f64 = 1.6;
const APART_SHRINKS: f64 = 0.85;

#[derive(Debug, Clone)]
pub(crate) struct Curves {
    pub(crate) rungs: Vec<f64>,
    /// Values of all trials that reported at each rung.
    reached: Vec<Vec<f64>>,
    pub(crate) chain: Chain,
    /// Different curves that no other goes on from.
    longest: Vec<Vec<f64>>,
    thawed: Vec<usize>,
    /// Least distance between trials.
    pub(crate) apart: f64,
    /// Log expected gain of a new trial over its whole cost, at the last proposal.
    pub(crate) fresh: Option<f64>,
}

impl Curves {
    pub(crate) fn new(form: &Form, rungs: &[f64]) -> Self {
        Self {
            rungs: rungs.to_vec(),
            reached: vec![Vec::new(); rungs.len()],
            chain: Chain::new(form, rungs.len()),
            longest: Vec::new(),
            thawed: Vec::new(),
            apart: APART_START,
            fresh: None,
        }
    }

    fn rung(&self, step: f64) -> Option<usize> {
        self.rungs.iter().position(|r| (r - step).abs() <= 1e-9 * r)
    }

    /// Values at the rungs that the curve reported at, in order, from the first rung on without a gap.
    fn at_rungs(&self, curve: &[(f64, f64)]) -> Vec<f64> {
        let near = |rung: f64, step: f64| (step - rung).abs() <= 1e-9 * rung;
        let value = |rung: f64| {
            curve
                .iter()
                .find(|(s, _)| near(rung, *s))
                .map(|(_, v)| modelled(*v))
        };
        self.rungs.iter().map_while(|&r| value(r)).collect()
    }

    /// A curve as far as it is known: the twin of an earlier one goes on as that did.
    fn with_twin(&self, seen: Vec<f64>) -> Vec<f64> {
        if !has_moved(&seen) {
            return seen;
        }
        let twin = |other: &&Vec<f64>| other.len() > seen.len() && other[..seen.len()] == seen[..];
        self.longest.iter().find(twin).cloned().unwrap_or(seen)
    }

    pub(crate) fn is_thawed(&self, trial: usize) -> bool {
        self.thawed.contains(&trial)
    }

    pub(crate) fn thaw(&mut self, trial: usize) {
        self.thawed.push(trial);
    }

    /// Log expected gain on the best of a curve with this end.
    pub(crate) fn ln_gain(&self, end: End) -> f64 {
        ln_ei((self.chain.best - end.mean) / end.sd).0 + end.sd.ln()
    }

    /// Whether a curve that is at its `k`-th rung is worth the rest of its cost.
    fn is_worth_it(&self, form: &Form, x: &[f64], (k, known): (usize, &[f64]), fresh: f64) -> bool {
        let last = self.rungs.len() - 1;
        if known.len() > last {
            return false;
        }
        let rest = self.rungs[last] - self.rungs[k];
        let early = 1.0 - k as f64 / (last - 1).max(1) as f64;
        let patience = PATIENCE_LAST + (PATIENCE_FIRST - PATIENCE_LAST) * early;
        self.ln_gain(self.chain.end(form, x, known)) - rest.ln() >= fresh - patience
    }

    fn is_in_worse_half(&self, k: usize, value: f64) -> bool {
        let at = &self.reached[k];
        let better = at.iter().filter(|v| **v < value).count();
        better >= (at.len() / 2).max(1)
    }

    fn learn_distance(&mut self, is_twin: bool) {
        let factor = if is_twin { APART_GROWS } else { APART_SHRINKS };
        self.apart = (self.apart * factor).clamp(APART_RANGE.0, APART_RANGE.1);
    }
}

/// Whether a curve is told apart from others by its values: those that stay where they started look all alike.
fn has_moved(seen: &[f64]) -> bool {
    seen.windows(2).filter(|pair| pair[0] != pair[1]).count() >= TWIN_MOVES
}

impl Study {
    /// Values of a trial at the rungs as far as they are known, by itself, the trial it goes on with, or a twin.
    pub(crate) fn known_curve(&self, at: usize) -> Vec<f64> {
        let trial = &self.trials[at];
        let seen = self.curves.at_rungs(&trial.curve);
        let before = trial
            .thaws
            .map(|from| self.curves.at_rungs(&self.trials[from].curve));
        let seen = match before {
            Some(before) if before.len() > seen.len() => before,
            _ => seen,
        };
        self.curves.with_twin(seen)
    }

    /// True when a trial that just reported should be stopped.
    pub(crate) fn judge_curve(&mut self, at: usize) -> bool {
        let Some(&(step, value)) = self.trials[at].curve.last() else {
            return false;
        };
        let Some(k) = self.curves.rung(step) else {
            return false;
        };
        self.curves.reached[k].push(value);
        let seen = self.curves.at_rungs(&self.trials[at].curve);
        if k + 1 == self.curves.rungs.len() || seen.len() != k + 1 {
            return false;
        }
        let known = self.known_curve(at);
        let thaws = self.trials[at].thaws.is_some();
        let moved_now = has_moved(&seen) && !has_moved(&seen[..k]);
        if moved_now && !thaws {
            self.curves.learn_distance(known.len() > seen.len());
        }
        if thaws && known.len() > seen.len() {
            // It is on the way back to where it was stopped.
            return false;
        }
        match self.curves.fresh {
            Some(fresh) => {
                let trial = &self.trials[at];
                !self.curves.is_worth_it(&self.form, &trial.x, (k, &known), fresh)
            }
            None => self.curves.is_in_worse_half(k, value),
        }
    }

    /// Learns all curves reported so far; gives what is known of each.
    pub(crate) fn update_curves(&mut self) -> Vec<Vec<f64>> {
        let known: Vec<Vec<f64>> = (0..self.trials.len()).map(|i| self.known_curve(i)).collect();
        let curves: Vec<Curve> = (0..self.trials.len())
            .filter(|&i| !self.curves.is_thawed(i))
            .map(|i| Curve {
                x: self.trials[i].x.clone(),
                values: known[i].clone(),
            })
            .filter(|curve| !curve.values.is_empty())
            .collect();
        self.curves.longest = longest(&curves);
        self.curves.chain.update(&self.form, &curves);
        let rungs = self.curves.rungs.len();
        let ended = self
            .feasible()
            .filter(|&i| self.trials[i].full_values().is_some() && known[i].len() == rungs);
        let ends = ended.map(|i| self.curves.chain.scale.of(known[i][rungs - 1]));
        let best = ends.fold(f64::INFINITY, f64::min);
        if best.is_finite() {
            self.curves.chain.best = best;
        }
        known
    }
}

/// Different curves that no other goes on from, in order of their values.
fn longest(curves: &[Curve]) -> Vec<Vec<f64>> {
    let mut all: Vec<&[f64]> = curves.iter().map(|c| c.values.as_slice()).collect();
    let first_difference = |a: &[f64], b: &[f64]| {
        let mut orders = a.iter().zip(b).map(|(x, y)| x.total_cmp(y));
        orders.find(|order| order.is_ne())
    };
    all.sort_by(|a, b| first_difference(a, b).unwrap_or(a.len().cmp(&b.len())));
    let mut kept: Vec<Vec<f64>> = Vec::new();
    for curve in all {
        match kept.last_mut() {
            Some(last) if curve.starts_with(last) => *last = curve.to_vec(),
            _ => kept.push(curve.to_vec()),
        }
    }
    kept
}

#[cfg(test)]
mod tests;
