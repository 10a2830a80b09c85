//! What a study says of itself.

use crate::bandit::{self, ArmState, FamilyState};
use crate::stop::{Budget, Outlook};
use crate::study::Study;

/// The state that adapts, and what is foreseen.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Trials told.
    pub trials: usize,
    /// Trials asked for and not told yet.
    pub open: usize,
    /// Whether further trials are not worth their cost.
    pub converged: bool,
    /// Whether nothing was found, at the last ask, that is expected to fit the time and memory left.
    pub exhausted: bool,
    /// What the next twenty trials can be expected to bring; for one objective, once the process has proposed.
    pub outlook: Option<Outlook>,
    /// Deviation of the noise that the process sees at the best, in units of the objective.
    pub noise: f64,
    /// Side of the trust region.
    pub trust_side: f64,
    /// How boldly the bandit explores.
    pub alpha: f64,
    /// The bandit's arms.
    pub arms: Vec<ArmState>,
    /// The model families, by name.
    pub families: Vec<(String, FamilyState)>,
    /// How strongly costs count.
    pub cost_cooling: f64,
    /// The scale that the surrogate sees.
    pub warp: &'static str,
    /// Length of each modelled parameter.
    pub lengths: Vec<(String, f64)>,
    /// Weight of each earlier study.
    pub history_weights: Vec<f64>,
}

impl Study {
    /// The state that adapts, and what is foreseen.
    pub fn status(&self) -> Status {
        let best = self.best_so_far();
        let median = self.median().filter(|_| self.settings.objectives == 1);
        let budget = Budget {
            total: self.settings.budget,
            tolerance: self.settings.tolerance,
        };
        let model = &self.models.objectives[0];
        let lengths = model.gp.as_ref().map_or(Vec::new(), |gp| gp.lengths());
        let names = self
            .form
            .dims
            .iter()
            .map(|&j| self.space.params()[j].name.clone());
        Status {
            trials: self.order.len(),
            open: self.open.len(),
            converged: median.is_some_and(|m| self.forecast.has_converged(&best, m, budget)),
            exhausted: self.exhausted,
            outlook: median.and_then(|m| self.forecast.outlook(&best, m)),
            noise: self.forecast.noise(),
            trust_side: self.trust.side(),
            alpha: self.bandit.alpha(),
            arms: self.bandit.states(),
            families: self.family_states(),
            cost_cooling: self.cooling(),
            warp: model.warp.name(),
            lengths: names.zip(lengths).collect(),
            history_weights: self.past.weights(),
        }
    }

    /// The best full value after each told trial; infinite before the first.
    fn best_so_far(&self) -> Vec<f64> {
        let mut best = f64::INFINITY;
        let value = |i: usize| {
            let trial = &self.trials[i];
            trial.full_values().filter(|_| trial.is_feasible()).map(|v| v[0])
        };
        self.order
            .iter()
            .map(|&i| {
                best = best.min(value(i).unwrap_or(f64::INFINITY));
                best
            })
            .collect()
    }

    fn median(&self) -> Option<f64> {
        let full = self.feasible().filter_map(|i| self.trials[i].full_values());
        let mut values: Vec<f64> = full.map(|v| v[0]).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    fn family_states(&self) -> Vec<(String, FamilyState)> {
        let Some(family) = self.space.family().filter(|_| self.settings.objectives == 1) else {
            return Vec::new();
        };
        let crate::space::Domain::Categorical { choices } = &self.space.params()[family].domain else {
            return Vec::new();
        };
        let remaining = self.remaining().unwrap_or(self.trials.len());
        let states = bandit::families(&self.family_values(family), &self.family_costs(family), remaining).0;
        choices.iter().cloned().zip(states).collect()
    }
}
