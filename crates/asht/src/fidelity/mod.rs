//! Trials that report on the way: which of them to stop.
//!
//! Values of different steps are never compared. Until enough curves are known to the end, a trial goes on while it is in
//! the better half of all that reached the same rung (asynchronous halving, Li et al. 2020). After that its end is
//! extrapolated from the ends of finished curves that looked alike at this rung, with the spread of those as
//! uncertainty, and it is stopped as well when it is very unlikely to beat the best (a freeze-thaw idea, Swersky et
//! al. 2014). The processes learn from
//! finished trials alone: extrapolated ends of stopped trials, and values at the highest well-filled rung, were measured in
//! their place and took longer to the best twentieth of the configurations.

use crate::gp::Form;
use crate::special::ln_ei;
use crate::study::Study;
use crate::trial::modelled;

mod chain;

pub(crate) use chain::{Chain, Curve};

#[derive(Debug, Clone)]
pub(crate) struct Curves {
    pub(crate) rungs: Vec<f64>,
    /// Values of all trials that reported at each rung.
    reached: Vec<Vec<f64>>,
    pub(crate) chain: Chain,
    longest: Vec<Vec<f64>>,
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
            apart: 0.02,
            fresh: None,
        }
    }

    fn rung(&self, step: f64) -> Option<usize> {
        self.rungs.iter().position(|r| (r - step).abs() <= 1e-9 * r)
    }

    /// Values at the rungs that the curve reported at, in order, from the first rung on without a gap.
    pub(crate) fn at_rungs(&self, curve: &[(f64, f64)]) -> Vec<f64> {
        let value = |rung: f64| {
            curve
                .iter()
                .find(|(s, _)| (s - rung).abs() <= 1e-9 * rung)
                .map(|(_, v)| modelled(*v))
        };
        self.rungs.iter().map_while(|&r| value(r)).collect()
    }

    /// True when a trial that just reported should be stopped.
    fn judge(&mut self, form: &Form, x: &[f64], curve: &[(f64, f64)]) -> bool {
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
        let known = self.with_twin(seen.clone());
        if seen.len() == 3 {
            let grow = crate::knob("GROW", 1.6);
            self.apart = (self.apart * if known.len() > 3 { grow } else { 0.85 }).clamp(0.01, 0.8);
        }
        if known.len() == self.rungs.len() {
            return true;
        }
        let seen = known;
        match self.fresh {
            Some(fresh) => self.worth(form, x, &seen) < fresh + crate::knob("THETA", -4.0) * (1.0 - k as f64 / (self.rungs.len() - 2).max(1) as f64) + crate::knob("THETA0", -0.5),
            None => self.is_in_worse_half(k, value),
        }
    }

    /// A curve as far as it is known: one that equals an earlier one at two rungs or more is taken to go on as that did.
    pub(crate) fn with_twin(&self, seen: Vec<f64>) -> Vec<f64> {
        let moved = (1..seen.len()).filter(|&k| seen[k] != seen[k - 1]).count();
        if moved < crate::knob("MOVED", 1.0) as usize {
            return seen;
        }
        let twin = |other: &&Vec<f64>| other.len() > seen.len() && other[..seen.len()] == seen[..];
        self.longest.iter().find(twin).cloned().unwrap_or(seen)
    }

    /// Log expected gain of seeing a curve to its end, per cost of the rest.
    pub(crate) fn worth(&self, form: &Form, x: &[f64], seen: &[f64]) -> f64 {
        let end = self.chain.end(form, x, seen);
        let last = self.rungs[self.rungs.len() - 1];
        let rest = last - self.rungs[seen.len() - 1];
        ln_ei((self.chain.best - end.mean) / end.sd).0 + end.sd.ln() - rest.ln()
    }

    fn is_in_worse_half(&self, k: usize, value: f64) -> bool {
        let at = &self.reached[k];
        let better = at.iter().filter(|v| **v < value).count();
        better >= (at.len() / 2).max(1)
    }
}

impl Study {
    pub(crate) fn judge_curve(&mut self, at: usize) -> bool {
        let trial = &self.trials[at];
        self.curves.judge(&self.form, &trial.x, &trial.curve)
    }

    /// Learns all curves told or reported so far.
    pub(crate) fn update_curves(&mut self) {
        let curves: Vec<Curve> = self
            .trials
            .iter()
            .map(|trial| Curve { x: trial.x.clone(), values: self.curves.with_twin(self.curves.at_rungs(&trial.curve)) })
            .filter(|curve| !curve.values.is_empty())
            .collect();
        self.curves.longest = longest(&curves);
        self.curves.chain.update(&self.form, &curves);
    }
}


/// Different curves that no other goes on from.
fn longest(curves: &[Curve]) -> Vec<Vec<f64>> {
    let mut all: Vec<&Vec<f64>> = curves.iter().map(|c| &c.values).collect();
    all.sort_by(|a, b| a.iter().zip(b.iter()).map(|(x, y)| x.total_cmp(y)).find(|o| o.is_ne()).unwrap_or(a.len().cmp(&b.len())));
    let mut kept: Vec<Vec<f64>> = Vec::new();
    for curve in all {
        match kept.last_mut() {
            Some(last) if curve.len() >= last.len() && curve[..last.len()] == last[..] => *last = curve.clone(),
            _ => kept.push(curve.clone()),
        }
    }
    kept
}
