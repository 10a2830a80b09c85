//! The next trial of a study with rungs: a new point, or a stopped one that is worth going on with.

use kolosal_base::Seed;

use crate::acquire::{Acquisition, Combine, Effort, Region, Search, Slopes};
use crate::bandit::Arm;
use crate::fidelity::{Chain, End};
use crate::goal::probability;
use crate::gp::{Form, Gp};
use crate::special::ln_ei;
use crate::study::Study;
use crate::tpe;

/// Trials whose neighbourhood is searched.
const ELITE: usize = 8;
/// Processes of all rungs count as so many observations when it is decided how wide to search.
const EFFORT_ROWS: usize = 200;
const DENSITY_DRAWS: usize = 8;

/// A proposal: who made it, the point, and the stopped trial it goes on with.
pub(crate) struct Proposal {
    pub(crate) arm: Arm,
    pub(crate) x: Vec<f64>,
    pub(crate) thaws: Option<usize>,
}

impl Study {
    /// Proposes by what is foreseen at the last rung.
    pub(crate) fn propose_curve(&mut self, seed: Seed) -> Proposal {
        let known = self.update_curves();
        self.models.update(&self.form, &self.trials, &self.order);
        let ends = self.foreseen_ends(&known);
        let ranked: Vec<usize> = ends.iter().map(|(i, _)| *i).collect();
        let found = self.search_chain(&ranked, seed);
        let apart = self.curves.apart;
        let others = self.reduced_points();
        let fits = |x: &[f64]| !self.is_known(x) && self.is_apart(x, &others, apart);
        let pick = found
            .iter()
            .find(|(_, x)| fits(x))
            .or_else(|| found.first())
            .cloned();
        let last = self.curves.rungs[self.curves.rungs.len() - 1];
        let fresh = pick.as_ref().map(|(score, _)| score - last.ln());
        self.curves.fresh = fresh;
        let new = |arm, x| Proposal { arm, x, thaws: None };
        if let Some((at, _)) = self
            .best_stopped(&ends, &known)
            .filter(|(_, score)| fresh.is_none_or(|f| *score > f))
        {
            return Proposal {
                arm: Arm::Thaw,
                x: self.trials[at].x.clone(),
                thaws: Some(at),
            };
        }
        match self.curve_arm() {
            Arm::Random => new(Arm::Random, self.unseen(&mut seed.rng())),
            Arm::Tpe => new(Arm::Tpe, self.apart_by_densities(&ranked, &others, seed)),
            arm => match pick {
                Some((_, x)) if !self.is_known(&x) => new(arm, x),
                _ => new(arm, self.explore(seed)),
            },
        }
    }

    /// The arm that the bandit chooses; local arms know nothing of rungs and hand over to those that do.
    fn curve_arm(&mut self) -> Arm {
        match self.bandit.choose() {
            Arm::Cma => Arm::Tpe,
            Arm::Trust => Arm::Global,
            arm => arm,
        }
    }

    /// Trials with a curve and their foreseen ends, from the best to the worst.
    fn foreseen_ends(&self, known: &[Vec<f64>]) -> Vec<(usize, End)> {
        let rows: Vec<usize> = (0..self.trials.len())
            .filter(|&i| !known[i].is_empty() && !self.curves.is_thawed(i))
            .collect();
        let curves: Vec<(&[f64], &[f64])> = rows
            .iter()
            .map(|&i| (self.trials[i].x.as_slice(), known[i].as_slice()))
            .collect();
        let ends = self.curves.chain.ends(&self.form, &curves);
        let mut ranked: Vec<(usize, End)> = rows.into_iter().zip(ends).collect();
        ranked.sort_by(|a, b| a.1.mean.total_cmp(&b.1.mean).then(a.0.cmp(&b.0)));
        ranked
    }

    /// The stopped trial of which most can be expected for the cost of running it again.
    fn best_stopped(&self, ends: &[(usize, End)], known: &[Vec<f64>]) -> Option<(usize, f64)> {
        let rungs = &self.curves.rungs;
        let stopped = |i: usize| {
            let told = self.trials[i].told.as_ref();
            known[i].len() < rungs.len() && told.is_some_and(|told| told.pruned && !told.failed)
        };
        let cost = rungs[rungs.len() - 1].ln();
        let open = ends.iter().filter(|(i, _)| stopped(*i));
        open.map(|(i, end)| (*i, self.curves.ln_gain(*end) - cost))
            .max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }

    /// Candidates by the expected gain at the last rung, best first.
    fn search_chain(&self, ranked: &[usize], seed: Seed) -> Vec<(f64, Vec<f64>)> {
        let elite: Vec<Vec<f64>> = ranked
            .iter()
            .take(ELITE)
            .map(|&i| self.trials[i].x.clone())
            .collect();
        let search = Search {
            space: &self.space,
            region: &Region::whole(&self.space),
            elite: &elite,
            effort: Effort::for_observations(EFFORT_ROWS),
            seed,
        };
        let acquisition = gain_at_end(&self.form, &self.curves.chain, &self.sides());
        search.run(&acquisition)
    }

    fn apart_by_densities(&self, ranked: &[usize], others: &[Vec<f64>], seed: Seed) -> Vec<f64> {
        let points: Vec<&[f64]> = ranked.iter().map(|&i| self.trials[i].x.as_slice()).collect();
        let mut rng = seed.fork("tpe").rng();
        for _ in 0..DENSITY_DRAWS {
            let x = tpe::propose(&self.space, &points, &mut rng);
            if !self.is_known(&x) && self.is_apart(&x, others, self.curves.apart) {
                return x;
            }
        }
        self.unseen(&mut rng)
    }

    fn reduced_points(&self) -> Vec<Vec<f64>> {
        self.trials
            .iter()
            .map(|trial| self.form.reduce(&trial.x))
            .collect()
    }

    /// Whether a point is at least so far from all others; another category is far.
    fn is_apart(&self, x: &[f64], others: &[Vec<f64>], apart: f64) -> bool {
        let form = &self.form;
        let x = form.reduce(x);
        others.iter().all(|other| {
            let square = |j: usize| {
                let whole = form.categorical[j] || x[j] < 0.0 || other[j] < 0.0;
                if whole {
                    f64::from(u8::from(x[j] != other[j]))
                } else {
                    (x[j] - other[j]).powi(2)
                }
            };
            (0..x.len()).map(square).sum::<f64>() >= apart * apart
        })
    }
}

/// The log expected gain at the last rung of a point that never ran, through the processes of all rungs, and the chance
/// that it keeps the constraints and ends well.
fn gain_at_end<'a>(form: &'a Form, chain: &'a Chain, sides: &[(&'a Gp, f64)]) -> Acquisition<'a> {
    let gains = chain.gains();
    let (mut mean0, mut variance0) = (0.0, 1e-12_f64);
    let mut models: Vec<&Gp> = Vec::new();
    let mut weights = Vec::new();
    for (k, gain) in gains.iter().enumerate() {
        match chain.process(k) {
            Some((gp, affine)) => {
                mean0 += gain * affine.0;
                weights.push(gain * affine.1);
                models.push(gp);
            }
            None => {
                let (mean, sd) = chain.plain(k);
                mean0 += gain * mean;
                variance0 += (gain * sd).powi(2);
            }
        }
    }
    let first_side = models.len();
    models.extend(sides.iter().map(|(gp, _)| *gp));
    let zeros: Vec<f64> = sides.iter().map(|(_, zero)| *zero).collect();
    let best = chain.best;
    let combine: Combine<'a> = Box::new(move |mean: &[f64], sd: &[f64], slopes: &mut Slopes| {
        let m = mean0 + weights.iter().zip(mean).map(|(w, m)| w * m).sum::<f64>();
        let variance = variance0 + weights.iter().zip(sd).map(|(w, s)| (w * s).powi(2)).sum::<f64>();
        let deviation = variance.sqrt();
        let z = (best - m) / deviation;
        let (value, slope) = ln_ei(z);
        slopes.mean = weights.iter().map(|w| -slope * w / deviation).collect();
        let by_sd = (1.0 - slope * z) / variance;
        slopes.sd = weights.iter().zip(sd).map(|(w, s)| by_sd * w * w * s).collect();
        slopes.mean.resize(mean.len(), 0.0);
        slopes.sd.resize(mean.len(), 0.0);
        let chances =
            (first_side..mean.len()).map(|k| probability(k, zeros[k - first_side], (mean[k], sd[k]), slopes));
        let chance: f64 = chances.sum();
        value + deviation.ln() + chance
    });
    Acquisition {
        form,
        models,
        combine,
    }
}
