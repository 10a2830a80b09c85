//! How the next point is found: the design first, then the arm that the bandit chooses.

use kolosal_base::{Rng, Seed};

use crate::acquire::{Acquisition, Effort, Region, Search};
use crate::bandit::{self, Arm};
use crate::cma::Cma;
use crate::evolve;
use crate::fidelity::Proposal;
use crate::gp::Gp;
use crate::sobol::Sobol;
use crate::study::Study;
use crate::tpe;

/// Trials after which steps of evolution join the search of several objectives.
const EVOLVE_FROM: usize = 300;
/// One global proposal in so many is made within the family that the maximum index chooses.
const FAMILY_PERIOD: usize = 3;

impl Study {
    /// The next point; where time or memory are limited, one that is expected to fit what is left.
    pub(crate) fn propose(&mut self) -> Proposal {
        let seed = self.seed.fork("ask").fork_index(self.trials.len() as u64);
        if !self.is_limited() {
            return self.propose_freely(seed);
        }
        self.models.update(&self.form, &self.trials, &self.order);
        let proposal = self.propose_freely(seed);
        if self.fits_resources(&proposal.x) {
            self.exhausted = false;
            return proposal;
        }
        let x = self.explore(seed.fork("fitting"));
        self.exhausted = !self.fits_resources(&x);
        Proposal {
            arm: Arm::Random,
            x,
            thaws: None,
        }
    }

    fn propose_freely(&mut self, seed: Seed) -> Proposal {
        let id = self.trials.len();
        let new = |arm, x| Proposal { arm, x, thaws: None };
        let start = self.past.start(id, self.settings.budget);
        if let Some(x) = start.filter(|x| !self.is_known(x)) {
            return new(Arm::Design, x);
        }
        let known = self
            .order
            .iter()
            .filter(|&&i| self.trials[i].model_value(0).is_some())
            .count();
        let has_rungs = !self.settings.rungs.is_empty();
        if id < self.design_size() || known < if has_rungs { 1 } else { 3 } {
            return new(Arm::Design, self.design_point(id, seed));
        }
        if has_rungs {
            return self.propose_curve(seed);
        }
        let (arm, x) = self.propose_value(known, seed);
        new(arm, if self.is_known(&x) { self.explore(seed) } else { x })
    }

    /// Proposes by the arm that the bandit chooses.
    fn propose_value(&mut self, known: usize, seed: Seed) -> (Arm, Vec<f64>) {
        self.models.update(&self.form, &self.trials, &self.order);
        self.past.reweigh(
            &self.models.objectives[0],
            &self.form,
            &self.trials,
            &self.models.rows,
        );
        let arm = match self.bandit.choose() {
            Arm::Evolve if known < EVOLVE_FROM && self.may(Arm::Global) => Arm::Global,
            Arm::Cma if !self.ready_cma() => {
                if self.may(Arm::Trust) {
                    Arm::Trust
                } else {
                    Arm::Random
                }
            }
            arm => arm,
        };
        let x = match arm {
            Arm::Global | Arm::Trust => self.by_process(arm, seed),
            Arm::Tpe => self.by_densities(seed),
            Arm::Cma => self.by_adaptation(seed),
            Arm::Evolve => self.by_evolution(seed),
            Arm::Random | Arm::Design | Arm::Thaw => self.space.draw(&mut seed.rng()),
        };
        (arm, x)
    }

    fn may(&self, arm: Arm) -> bool {
        self.settings.arms.is_empty() || self.settings.arms.contains(&arm)
    }

    /// Points of the design: a few more than there are parameters, fewer where the budget is small.
    fn design_size(&self) -> usize {
        let wanted = (self.form.dims.len() + 3).clamp(5, 10);
        let wanted = if self.past.is_useful() {
            wanted.min(4)
        } else {
            wanted
        };
        self.settings
            .budget
            .map_or(wanted, |budget| wanted.min((budget / 3).max(1)))
    }

    fn design_point(&self, id: usize, seed: Seed) -> Vec<f64> {
        let mut sobol = Sobol::new(self.space.len(), self.seed);
        let at = id % 4096;
        let mut point = sobol.next();
        for _ in 0..at {
            point = sobol.next();
        }
        let x = self.space.at_cube(&point);
        if self.is_known(&x) {
            self.unseen(&mut seed.rng())
        } else {
            x
        }
    }

    pub(crate) fn is_known(&self, x: &[f64]) -> bool {
        let same = |other: &[f64]| x.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-9);
        self.trials.iter().any(|trial| same(&trial.x))
    }

    /// A random point that was not tried, if a few draws find one.
    pub(crate) fn unseen(&self, rng: &mut Rng) -> Vec<f64> {
        let mut x = self.space.draw(rng);
        for _ in 0..64 {
            if !self.is_known(&x) {
                break;
            }
            x = self.space.draw(rng);
        }
        x
    }

    /// The point of which least is known: the answer to a proposal that was tried before.
    pub(crate) fn explore(&self, seed: Seed) -> Vec<f64> {
        let mut rng = seed.fork("explore").rng();
        let mut points: Vec<Vec<f64>> = (0..64).map(|_| self.unseen(&mut rng)).collect();
        if self.is_limited() {
            let least = self.least_excess(&points).expect("many points");
            let cheapest = points[least].clone();
            points.retain(|x| self.fits_resources(x));
            if points.is_empty() {
                return cheapest;
            }
        }
        let Some(gp) = &self.models.objectives[0].gp else {
            return self.unseen(&mut rng);
        };
        let deviation = Acquisition {
            form: &self.form,
            models: vec![gp],
            combine: Box::new(|_, sd, _| sd[0]),
        };
        let scores = deviation.scores(&points);
        let mut best = 0;
        for i in 1..points.len() {
            if scores[i] > scores[best] {
                best = i;
            }
        }
        points.into_iter().nth(best).expect("an index of the list")
    }

    /// Told trials from the best to the worst: feasible before the others, several objectives by how many beat them.
    pub(crate) fn ranked(&self) -> Vec<usize> {
        let mut rows: Vec<usize> = self.models.rows.clone();
        let values: Vec<Vec<f64>> = rows.iter().map(|&i| self.model_values(i)).collect();
        let score: Vec<f64> = if self.settings.objectives == 1 {
            values.iter().map(|v| v[0]).collect()
        } else {
            let beaten_by = |a: &[f64]| {
                let beats = |b: &&Vec<f64>| b.iter().zip(a).all(|(x, y)| x <= y) && b.as_slice() != a;
                values.iter().filter(beats).count() as f64
            };
            values.iter().map(|v| beaten_by(v)).collect()
        };
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by(|&a, &b| {
            let feasible = |k: usize| !self.trials[rows[k]].is_feasible();
            feasible(a)
                .cmp(&feasible(b))
                .then(score[a].total_cmp(&score[b]))
                .then(a.cmp(&b))
        });
        rows = order.into_iter().map(|k| rows[k]).collect();
        rows
    }

    pub(crate) fn model_values(&self, i: usize) -> Vec<f64> {
        (0..self.settings.objectives)
            .filter_map(|k| self.trials[i].model_value(k))
            .collect()
    }

    fn by_densities(&self, seed: Seed) -> Vec<f64> {
        let ranked = self.ranked();
        let points: Vec<&[f64]> = ranked.iter().map(|&i| self.trials[i].x.as_slice()).collect();
        let mut rng = seed.fork("tpe").rng();
        for _ in 0..4 {
            let x = tpe::propose(&self.space, &points, &mut rng);
            if !self.is_known(&x) {
                return x;
            }
        }
        self.unseen(&mut rng)
    }

    /// Makes sure that the adaptation has a generation to sample from.
    fn ready_cma(&mut self) -> bool {
        if self.cma.as_ref().is_none_or(Cma::is_spent) {
            let ranked = self.ranked();
            let points: Vec<&[f64]> = ranked.iter().map(|&i| self.trials[i].x.as_slice()).collect();
            self.cma = Cma::new(&self.space, &points);
        }
        self.cma.is_some()
    }

    fn by_adaptation(&self, seed: Seed) -> Vec<f64> {
        let cma = self.cma.as_ref().expect("made ready before");
        let mut rng = seed.fork("cma").rng();
        let x = cma.propose(&self.space, &mut rng);
        if self.is_known(&x) {
            cma.propose(&self.space, &mut rng)
        } else {
            x
        }
    }

    fn by_evolution(&self, seed: Seed) -> Vec<f64> {
        let mut rng = seed.fork("evolve").rng();
        let feasible = |&i: &usize| self.trials[i].is_feasible();
        let rows: Vec<usize> = self.models.rows.iter().copied().filter(feasible).collect();
        let points: Vec<&[f64]> = rows.iter().map(|&i| self.trials[i].x.as_slice()).collect();
        let values: Vec<Vec<f64>> = rows.iter().map(|&i| self.model_values(i)).collect();
        evolve::child(&self.space, &points, &values, &mut rng).unwrap_or_else(|| self.unseen(&mut rng))
    }

    /// The maximum of the acquisition over the space, or over the box around the best.
    fn by_process(&mut self, arm: Arm, seed: Seed) -> Vec<f64> {
        let ranked = self.ranked();
        let elite: Vec<Vec<f64>> = ranked.iter().take(8).map(|&i| self.trials[i].x.clone()).collect();
        let pending: Vec<Vec<f64>> = self
            .open
            .iter()
            .map(|&i| self.form.reduce(&self.trials[i].x))
            .collect();
        let targets = self.targets(&ranked, &pending, seed);
        let region = self.region(arm, &elite, &targets[0].gp, seed);
        let rows = targets[0].gp.len();
        let search = Search {
            space: &self.space,
            region: &region,
            elite: &elite,
            effort: Effort::for_observations(rows * targets.len()),
            seed,
        };
        let acquisition = self.acquisition(&targets, &ranked);
        let found = search.run(&acquisition);
        drop(acquisition);
        let Some(&(best, _)) = found.first() else {
            // No candidate has a score that is a number.
            return self.explore(seed);
        };
        if arm == Arm::Global {
            self.forecast.note(best, &self.models.objectives[0]);
        }
        let fits = |x: &[f64]| self.fits_resources(x);
        let unknown = found.iter().position(|(_, x)| !self.is_known(x) && fits(x));
        match unknown {
            Some(at) if at < 3 => found[at].1.clone(),
            _ => self.explore(seed),
        }
    }

    fn region(&self, arm: Arm, elite: &[Vec<f64>], gp: &Gp, seed: Seed) -> Region {
        let mut rng = seed.fork("region").rng();
        if arm == Arm::Trust {
            let mut region = self.trust.region(&self.space, &self.form.dims, gp, &elite[0]);
            if rng.uniform() < 0.7 {
                for j in (0..self.space.len()).filter(|&j| self.space.categories(j) > 0) {
                    region.held[j] = (elite[0][j] >= 0.0).then_some(elite[0][j]);
                }
            }
            return region;
        }
        let mut region = Region::whole(&self.space);
        if let Some(family) = self
            .space
            .family()
            .filter(|_| self.trials.len().is_multiple_of(FAMILY_PERIOD))
        {
            let values = self.family_values(family);
            let remaining = self.remaining().unwrap_or(self.trials.len());
            region.held[family] =
                Some(bandit::families(&values, &self.family_costs(family), remaining).1 as f64);
        }
        region
    }

    pub(crate) fn family_values(&self, family: usize) -> Vec<Vec<f64>> {
        let mut values = vec![Vec::new(); self.space.categories(family)];
        for &i in &self.order {
            if let Some(v) = self.trials[i].model_value(0) {
                values[self.trials[i].x[family] as usize].push(v);
            }
        }
        values
    }

    /// Seconds told of each family.
    pub(crate) fn family_costs(&self, family: usize) -> Vec<bandit::Cost> {
        let mut costs = vec![bandit::Cost::default(); self.space.categories(family)];
        for &i in &self.order {
            let seconds = self.trials[i].told.as_ref().and_then(|told| told.seconds);
            if let Some(seconds) = seconds {
                costs[self.trials[i].x[family] as usize].add(seconds);
            }
        }
        costs
    }
}
