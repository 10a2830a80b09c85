//! Which algorithm proposes next: a bandit for the maximum, not the mean.
//!
//! A study is judged by its best trial, so an arm is worth its best reward plus room for surprise: the MaxUCB index
//! `max_i + (alpha ln t / n_i)^2` (Balef et al. 2025). The reward of a trial is how it ranks among all trials at its time,
//! 0.99 for a new best. Maxima fade, so that an arm lives by what it found lately; prior counts make the index start
//! with the processes, and `alpha` shrinks while the leader keeps finding new bests.

/// An algorithm that proposes points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arm {
    /// A point of the low-discrepancy design at the start, or of an earlier study's best.
    Design,
    /// The process, searched over the whole space.
    Global,
    /// The process, searched in a box around the best.
    Trust,
    /// Parzen densities.
    Tpe,
    /// Crossing and mutation of the front, for long studies of several objectives.
    Evolve,
    /// Covariance matrix adaptation.
    Cma,
    /// A random point.
    Random,
    /// A stopped trial that is worth going on with.
    Thaw,
}

impl Arm {
    /// Every arm of the bandit.
    pub const ALL: [Self; 5] = [Self::Global, Self::Trust, Self::Tpe, Self::Cma, Self::Random];

    /// The arms of a study of several objectives.
    pub const SEVERAL: [Self; 3] = [Self::Global, Self::Random, Self::Evolve];

    /// Its name, for `status`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Global => "global",
            Self::Trust => "trust",
            Self::Tpe => "tpe",
            Self::Evolve => "evolve",
            Self::Cma => "cma",
            Self::Random => "random",
            Self::Thaw => "thaw",
        }
    }
}

/// What is known of an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmState {
    /// The arm.
    pub arm: Arm,
    /// Its best reward lately, from 0 to 1.
    pub best: f64,
    /// Trials it proposed, prior included.
    pub pulls: f64,
    /// Its index now.
    pub index: f64,
    /// What its trials cost, relative to the mean of all; divides its bonus.
    pub cost: f64,
}

const ALPHA: f64 = 0.5;
const FADE: f64 = 0.93;
/// Old pulls are forgotten, so that every arm is looked at again now and then.
const FORGET: f64 = 0.985;

/// What an arm is worth while it finds nothing, and how many trials that knowledge is worth.
fn prior(arm: Arm) -> (f64, f64) {
    match arm {
        Arm::Global | Arm::Design => (0.8, 8.0),
        Arm::Trust => (0.75, 6.0),
        Arm::Tpe => (0.6, 4.0),
        Arm::Cma | Arm::Evolve => (0.5, 4.0),
        Arm::Random | Arm::Thaw => (0.4, 3.0),
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Bandit {
    arms: Vec<(Arm, f64, f64)>,
    /// Seconds told and trials that told them, of each arm.
    costs: Vec<Cost>,
    alpha: f64,
    total: f64,
}

/// Seconds of so many trials.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) seconds: f64,
    pub(crate) trials: f64,
}

/// Trials at the mean cost of all that are added to those of one.
const COST_PRIOR: f64 = 2.0;
/// The most by which costs raise or lower a bonus.
const COST_RANGE: (f64, f64) = (0.1, 10.0);

impl Cost {
    pub(crate) fn add(&mut self, seconds: f64) {
        self.seconds += seconds;
        self.trials += 1.0;
    }

    /// Cost of each relative to the mean of all; 1 where nothing is known.
    pub(crate) fn ratios(costs: &[Self]) -> Vec<f64> {
        let seconds: f64 = costs.iter().map(|c| c.seconds).sum();
        let trials: f64 = costs.iter().map(|c| c.trials).sum();
        if trials == 0.0 || seconds <= 0.0 {
            return vec![1.0; costs.len()];
        }
        let mean = seconds / trials;
        let own = |c: &Self| (c.seconds + COST_PRIOR * mean) / (c.trials + COST_PRIOR);
        costs
            .iter()
            .map(|c| (own(c) / mean).clamp(COST_RANGE.0, COST_RANGE.1))
            .collect()
    }
}

impl Bandit {
    pub(crate) fn new(allowed: &[Arm]) -> Self {
        Self {
            arms: allowed
                .iter()
                .map(|&arm| (arm, prior(arm).0, prior(arm).1))
                .collect(),
            costs: vec![Cost::default(); allowed.len()],
            alpha: ALPHA,
            total: 25.0,
        }
    }

    pub(crate) fn choose(&mut self) -> Arm {
        let index = self.indices();
        let mut best = 0;
        for i in 1..self.arms.len() {
            if index[i] > index[best] {
                best = i;
            }
        }
        self.arms.iter_mut().for_each(|arm| arm.2 *= FORGET);
        self.arms[best].2 += 1.0;
        self.total = FORGET * self.total + 1.0;
        self.arms[best].0
    }

    /// Best reward and bonus of each arm; the bonus is worth less where a trial costs more.
    fn indices(&self) -> Vec<f64> {
        let bonus = |pulls: f64| (self.alpha * self.total.ln() / pulls).powi(2);
        let ratios = Cost::ratios(&self.costs);
        let arms = self.arms.iter().zip(ratios);
        arms.map(|((_, best, pulls), ratio)| best + bonus(*pulls) / ratio)
            .collect()
    }

    /// What a trial of an arm took.
    pub(crate) fn charge(&mut self, arm: Arm, seconds: f64) {
        if let Some(at) = self.arms.iter().position(|(a, _, _)| *a == arm) {
            self.costs[at].add(seconds);
        }
    }

    /// `reward` is the share of earlier trials that the new one beats; `improved` when it beats all.
    pub(crate) fn learn(&mut self, arm: Arm, reward: f64, improved: bool) {
        let Some(at) = self.arms.iter().position(|(a, _, _)| *a == arm) else {
            return;
        };
        let leader = (0..self.arms.len()).all(|i| self.arms[i].1 <= self.arms[at].1);
        let reward = if improved {
            0.99
        } else {
            0.5 * reward.clamp(0.0, 1.0)
        };
        let floor = prior(arm).0;
        self.arms[at].1 = (floor + (self.arms[at].1 - floor) * FADE).max(reward);
        let factor = match (improved, leader) {
            (true, true) => 0.97,
            (true, false) => 1.06,
            (false, true) => 1.005,
            (false, false) => 1.0,
        };
        self.alpha = (self.alpha * factor).clamp(0.25, 0.8);
    }

    pub(crate) fn alpha(&self) -> f64 {
        self.alpha
    }

    pub(crate) fn states(&self) -> Vec<ArmState> {
        let index = self.indices();
        let ratios = Cost::ratios(&self.costs);
        (0..self.arms.len())
            .map(|i| ArmState {
                arm: self.arms[i].0,
                best: self.arms[i].1,
                pulls: self.arms[i].2,
                index: index[i],
                cost: ratios[i],
            })
            .collect()
    }
}

/// What is known of a model family.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilyState {
    /// Trials of it.
    pub trials: usize,
    /// Its best value.
    pub best: f64,
    /// Whether it can still win: its best line of progress reaches the leader within the budget.
    pub alive: bool,
}

/// The family that the maximum index chooses, from the values told of each in order; eliminates by optimistic lines.
pub(crate) fn families(values: &[Vec<f64>], costs: &[Cost], remaining: usize) -> (Vec<FamilyState>, usize) {
    let all: Vec<f64> = values.iter().flatten().copied().collect();
    let total = all.len().max(2) as f64;
    let leader = all.iter().copied().fold(f64::INFINITY, f64::min);
    let states: Vec<FamilyState> = values
        .iter()
        .map(|told| FamilyState {
            trials: told.len(),
            best: told.iter().copied().fold(f64::INFINITY, f64::min),
            alive: told.len() < 8 || optimistic(told, remaining) <= leader,
        })
        .collect();
    let ratios = Cost::ratios(costs);
    let mut chosen = (0, f64::NEG_INFINITY);
    for (i, state) in states.iter().enumerate().filter(|(_, state)| state.alive) {
        let beaten = all.iter().filter(|v| **v >= state.best).count() as f64 / total;
        let index = beaten + (ALPHA * total.ln() / state.trials.max(1) as f64).powi(2) / ratios[i];
        let index = if state.trials == 0 { f64::INFINITY } else { index };
        if index > chosen.1 {
            chosen = (i, index);
        }
    }
    (states, chosen.0)
}

/// The best so far carried on at its steepest mean rate over the later half (rising bandits, Li et al. 2020).
fn optimistic(told: &[f64], remaining: usize) -> f64 {
    let mut best = Vec::with_capacity(told.len());
    let mut so_far = f64::INFINITY;
    for v in told {
        so_far = so_far.min(*v);
        best.push(so_far);
    }
    let half = best.len() / 2;
    let rate = (best[half] - so_far) / (best.len() - half) as f64;
    so_far - rate * remaining as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arm_that_finds_new_bests_is_pulled_most() {
        let mut bandit = Bandit::new(&Arm::ALL);
        let mut pulls = [0; 5];
        for _ in 0..200 {
            let arm = bandit.choose();
            let at = Arm::ALL.iter().position(|a| *a == arm).expect("an arm");
            pulls[at] += 1;
            bandit.learn(arm, 0.3, arm == Arm::Tpe);
        }
        assert!(pulls[2] > 100, "{pulls:?}");
        assert!(pulls.iter().all(|&p| p > 2), "{pulls:?}");
    }

    #[test]
    fn of_arms_that_find_the_same_the_cheaper_is_pulled_more() {
        let mut bandit = Bandit::new(&[Arm::Trust, Arm::Tpe]);
        let mut pulls = [0; 2];
        for _ in 0..200 {
            let arm = bandit.choose();
            let at = usize::from(arm == Arm::Tpe);
            pulls[at] += 1;
            bandit.learn(arm, 0.99, true);
            bandit.charge(arm, if at == 0 { 40.0 } else { 1.0 });
        }
        assert!(2 * pulls[1] > 3 * pulls[0], "{pulls:?}");
        let states = bandit.states();
        assert!(states[0].cost > 1.0 && states[1].cost < 1.0, "{states:?}");
        let same = vec![1.0, 0.9, 0.8, 0.7];
        let cost = |seconds| Cost { seconds, trials: 4.0 };
        assert_eq!(
            families(&[same.clone(), same.clone()], &[cost(80.0), cost(1.0)], 20).1,
            1
        );
        assert_eq!(families(&[same.clone(), same], &[cost(1.0), cost(80.0)], 20).1, 0);
    }

    #[test]
    fn families_without_prospects_are_dropped_and_unseen_ones_come_first() {
        let good: Vec<f64> = (0..20).map(|i| 1.0 / f64::from(i + 1)).collect();
        let flat = vec![5.0; 20];
        let (states, chosen) = families(&[good.clone(), flat.clone()], &[Cost::default(); 2], 50);
        assert!(states[0].alive && !states[1].alive);
        assert_eq!(chosen, 0);
        assert_eq!(families(&[good, flat, vec![]], &[Cost::default(); 3], 50).1, 2);
    }
}
