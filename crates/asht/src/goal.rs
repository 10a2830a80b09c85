//! What a proposal maximises: the expected gain, over one objective or several, where constraints are likely kept.

use kolosal_base::Seed;

use crate::acquire::{Acquisition, Combine, Slopes};
use crate::gp::Gp;
use crate::models::Models;
use crate::pareto::{self, Strips};
use crate::special::{ln_ei, ln_normal_cdf, normal_pdf};
use crate::study::Study;
use crate::surrogate::{Scales, Surrogate};

impl Study {
    /// The processes of the objectives with open trials taken at their expected values.
    pub(crate) fn targets(&mut self, ranked: &[usize], pending: &[Vec<f64>], seed: Seed) -> Vec<Target> {
        if self.settings.objectives <= 2 {
            return self
                .models
                .objectives
                .iter()
                .filter_map(|s| {
                    let gp = s.with_pending(pending)?;
                    Some(Target {
                        gp,
                        z: s.z.clone(),
                        rows: s.rows().to_vec(),
                    })
                })
                .collect();
        }
        let scalar = self.scalarised(ranked, seed);
        let x: Vec<Vec<f64>> = self
            .models
            .rows
            .iter()
            .map(|&i| self.form.reduce(&self.trials[i].x))
            .collect();
        let mut surrogate = Surrogate::new(&self.form, Scales::Free);
        surrogate.update(&self.form, &x, &scalar);
        let gp = surrogate.with_pending(pending).expect("updated above");
        vec![Target {
            gp,
            z: surrogate.z.clone(),
            rows: surrogate.rows().to_vec(),
        }]
    }

    /// Several objectives as one: the augmented Chebyshev norm with random weights (Knowles 2006).
    fn scalarised(&self, ranked: &[usize], seed: Seed) -> Vec<f64> {
        let mut rng = seed.fork("weights").rng();
        let m = self.settings.objectives;
        let raw: Vec<f64> = (0..m).map(|_| -rng.uniform().max(1e-12).ln()).collect();
        let total: f64 = raw.iter().sum();
        let bounds: Vec<(f64, f64)> = (0..m)
            .map(|k| {
                let of = |&i: &usize| self.trials[i].model_value(k);
                let low = ranked.iter().filter_map(of).fold(f64::INFINITY, f64::min);
                let high = ranked.iter().filter_map(of).fold(f64::NEG_INFINITY, f64::max);
                (low, (high - low).max(1e-12))
            })
            .collect();
        let norm = |v: Vec<f64>| {
            let part = |k: usize| raw[k] / total * (v[k] - bounds[k].0) / bounds[k].1;
            (0..m).map(part).fold(0.0, f64::max) + 0.05 * (0..m).map(part).sum::<f64>()
        };
        self.models
            .rows
            .iter()
            .map(|&i| norm(self.model_values(i)))
            .collect()
    }

    pub(crate) fn acquisition<'a>(&'a self, targets: &'a [Target], ranked: &[usize]) -> Acquisition<'a> {
        let models: &Models = &self.models;
        let mut all: Vec<&Gp> = targets.iter().map(|t| &t.gp).collect();
        let first_side = all.len();
        let sides = self.sides();
        all.extend(sides.iter().map(|(gp, _)| *gp));
        let first_past = all.len();
        let weights = self.past.weights();
        if first_side == 1 {
            all.extend(self.past.models().iter());
        }
        let first_cost = all.len();
        let cooling = self.cooling();
        if cooling > 0.0 {
            all.extend(models.seconds.gp.as_ref());
        }
        let has_feasible = ranked.iter().any(|&i| self.trials[i].is_feasible());
        let main: Combine<'a> = if first_side == 2 {
            self.hypervolume_gain(ranked)
        } else {
            let best = self.incumbent(&targets[0]);
            let mix = if first_past < first_cost {
                weights
            } else {
                Vec::new()
            };
            improvement(best, mix, first_past)
        };
        let zeros: Vec<f64> = sides.iter().map(|(_, zero)| *zero).collect();
        let cost_scale = models.seconds.affine.1;
        let combine = move |mean: &[f64], sd: &[f64], slopes: &mut Slopes| {
            slopes.mean.clear();
            slopes.mean.resize(mean.len(), 0.0);
            slopes.sd.clear();
            slopes.sd.resize(mean.len(), 0.0);
            let mut value = 0.0;
            if has_feasible {
                value += main(mean, sd, slopes);
                slopes.mean.resize(mean.len(), 0.0);
                slopes.sd.resize(mean.len(), 0.0);
            }
            for k in first_side..first_past {
                value += probability(k, zeros[k - first_side], (mean[k], sd[k]), slopes);
            }
            for k in first_cost..mean.len() {
                value -= cooling * cost_scale * mean[k];
                slopes.mean[k] -= cooling * cost_scale;
            }
            value
        };
        Acquisition {
            form: &self.form,
            models: all,
            combine: Box::new(combine),
        }
    }

    /// Processes of the constraints and of crashes, each with the place of its limit.
    pub(crate) fn sides(&self) -> Vec<(&Gp, f64)> {
        let models = &self.models;
        let failure = models.failure.gp.as_ref().filter(|_| models.failures > 0);
        let processes = models
            .constraints
            .iter()
            .filter_map(|s| s.gp.as_ref())
            .chain(failure);
        processes.zip(models.zeros.iter().copied()).collect()
    }

    /// The best that is known on the scale of the process: the smallest posterior mean of a feasible trial.
    fn incumbent(&self, target: &Target) -> f64 {
        let mut z = target.z.clone();
        z = target.gp.means_at_data(&z);
        let rows: Vec<usize> = target.rows.iter().map(|&k| self.models.rows[k]).collect();
        let trials = &self.trials;
        if let Some(best) = self.past.incumbent(&self.form, trials, &rows, &z) {
            return best;
        }
        let feasible = |k: usize| self.trials[rows[k]].is_feasible();
        (0..z.len())
            .filter(|&k| feasible(k))
            .map(|k| z[k])
            .fold(f64::INFINITY, f64::min)
    }

    fn hypervolume_gain<'a>(&self, ranked: &[usize]) -> Combine<'a> {
        let scales = [self.models.objectives[0].affine, self.models.objectives[1].affine];
        let points: Vec<Vec<f64>> = ranked
            .iter()
            .filter(|&&i| self.trials[i].is_feasible())
            .map(|&i| {
                let told = self.model_values(i);
                (0..2).map(|k| (told[k] - scales[k].0) / scales[k].1).collect()
            })
            .collect();
        let front: Vec<[f64; 2]> = pareto::front(&points)
            .into_iter()
            .map(|k| [points[k][0], points[k][1]])
            .collect();
        // The corner lies beyond the front and beyond most of what was seen: a front that is still short must be able to
        // gain by growing at its ends.
        let reference = std::array::from_fn(|k| {
            let high = front.iter().map(|p| p[k]).fold(f64::NEG_INFINITY, f64::max);
            let low = front.iter().map(|p| p[k]).fold(f64::INFINITY, f64::min);
            let mut seen: Vec<f64> = points.iter().map(|p| p[k]).collect();
            seen.sort_by(f64::total_cmp);
            let wide = seen.get(seen.len() * 9 / 10).copied().unwrap_or(high);
            (high + (0.1 * (high - low)).max(0.1)).max(wide)
        });
        let strips = Strips::new(&front, reference);
        Box::new(move |mean, sd, slopes| strips.ln_gain(&mean[..2], &sd[..2], slopes))
    }
}

/// A process to search, its targets, and which trials its rows are.
pub(crate) struct Target {
    pub(crate) gp: Gp,
    z: Vec<f64>,
    rows: Vec<usize>,
}

/// The share of its own deviation that a study loses where earlier studies rank its trials best and it never does.
const KNOWN_SHARE: f64 = 0.95;

/// The logarithm of the expected improvement on `best`, with earlier studies' processes mixed in by weight. The deviation
/// is the study's own, by its share: where earlier studies rank rightly there is less to explore.
fn improvement<'a>(best: f64, mix: Vec<f64>, first: usize) -> Combine<'a> {
    Box::new(move |mean, sd, slopes| {
        let own = 1.0 - mix.iter().sum::<f64>();
        let mut mixed = own * mean[0];
        for (k, w) in mix.iter().enumerate() {
            mixed += w * mean[first + k];
        }
        let share = 1.0 - KNOWN_SHARE * (1.0 - own);
        let deviation = share * sd[0];
        let z = (best - mixed) / deviation;
        let (value, slope) = ln_ei(z);
        slopes.mean[0] = -slope * own / deviation;
        for (k, w) in mix.iter().enumerate() {
            slopes.mean[first + k] = -slope * w / deviation;
        }
        slopes.sd[0] = (1.0 - slope * z) / deviation * share;
        value + deviation.ln()
    })
}

/// The log probability that output `k` is at most `zero`.
pub(crate) fn probability(k: usize, zero: f64, moments: (f64, f64), slopes: &mut Slopes) -> f64 {
    let (mean, sd) = moments;
    let z = (zero - mean) / sd;
    let value = ln_normal_cdf(z);
    let ratio = (normal_pdf(z).max(1e-300).ln() - value).exp();
    slopes.mean[k] -= ratio / sd;
    slopes.sd[k] -= ratio * z / sd;
    value
}
