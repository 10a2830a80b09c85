//! What earlier studies of other tasks teach: first points, and processes mixed in while they rank the trials rightly.
//!
//! Values of another task are on another scale, so each past study counts by normal quantiles of its ranks (Salinas et
//! al. 2020). First points are a greedy portfolio: each next one lowers the mean over past studies of the best so far
//! most (Wistuba et al. 2015). Then the processes of the past studies are mixed with the study's own by how often each
//! ranks resampled trials best (Feurer et al. 2018). A past process that usually ranks worse than the own one out of
//! sample has weight zero, so misleading history is gone after some ten trials.

use kolosal_base::Seed;

use crate::error::AshtError;
use crate::gp::{Form, Gp};
use crate::space::{Point, Space};
use crate::special::normal_quantile;
use crate::study::Settings;
use crate::surrogate::Surrogate;
use crate::trial::Trial;

const STARTS_MAX: usize = 5;
const TRIALS_MIN: usize = 4;
/// The most trials of a past study and the most past studies that are used.
const TRIALS_MAX: usize = 150;
const STUDIES_MAX: usize = 24;
const BOOTSTRAPS: usize = 32;
/// A past study whose process foretells its own trials worse than this, left out one by one, teaches nothing.
const FORETELLS_MIN: f64 = 0.15;
/// Trials from which the votes are trusted in full; fewer can agree with anything.
const TRUSTED_FROM: f64 = 10.0;
/// A past process that ranks better than the own one less often than this, of all bootstraps, misleads.
const BETTER_MIN: usize = 13;

/// A finished study: points with their first value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PastStudy {
    /// Points and values; smaller is better.
    pub trials: Vec<(Point, f64)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Past {
    models: Vec<Gp>,
    starts: Vec<Vec<f64>>,
    weights: Vec<f64>,
    seed: Seed,
}

impl Past {
    pub(crate) fn new(space: &Space, form: &Form, settings: &Settings) -> Result<Self, AshtError> {
        let mut models = Vec::new();
        let mut pool: Vec<Vec<f64>> = Vec::new();
        let single = settings.objectives == 1;
        for study in settings.history.iter().filter(|_| single).take(STUDIES_MAX) {
            if study.trials.iter().any(|(_, v)| v.is_nan()) {
                return Err(AshtError::settings(
                    "history",
                    "holds a value that is no number; leave such trials out",
                ));
            }
            // A point that this space does not have says nothing about it.
            let usable = study
                .trials
                .iter()
                .filter_map(|(point, v)| Some((space.encode(point).ok()?, *v)));
            let rows: Vec<(Vec<f64>, f64)> = usable.take(TRIALS_MAX).collect();
            if rows.len() < TRIALS_MIN {
                continue;
            }
            let x: Vec<Vec<f64>> = rows.iter().map(|(x, _)| form.reduce(x)).collect();
            let z = quantiles(&rows.iter().map(|(_, v)| *v).collect::<Vec<_>>());
            let mut theta = form.start();
            // With tuned lengths even shuffled values seem to be foretold; with those of the prior they are not.
            if foretells(&Gp::new(form, &theta, x.clone(), &z), &z) < FORETELLS_MIN {
                continue;
            }
            Gp::tune(form, &x, &z, &mut theta, 25);
            models.push(Gp::new(form, &theta, x, &z));
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.sort_by(|&a, &b| z[a].total_cmp(&z[b]).then(a.cmp(&b)));
            pool.extend(order.iter().take(8).map(|&i| rows[i].0.clone()));
        }
        let starts = portfolio(form, &models, &pool);
        Ok(Self {
            weights: vec![0.0; models.len()],
            models,
            starts,
            seed: Seed::new(settings.seed).fork("history"),
        })
    }

    /// The `id`-th first point, while the portfolio is worth its share of the budget.
    pub(crate) fn start(&self, id: usize, budget: Option<usize>) -> Option<Vec<f64>> {
        let most = budget.map_or(STARTS_MAX, |budget| (budget / 4).min(STARTS_MAX));
        self.starts.get(id).filter(|_| id < most).cloned()
    }

    pub(crate) fn is_useful(&self) -> bool {
        !self.models.is_empty()
    }

    pub(crate) fn models(&self) -> &[Gp] {
        &self.models
    }

    pub(crate) fn weights(&self) -> Vec<f64> {
        self.weights.clone()
    }

    /// Weighs the past processes by how they rank the trials told.
    pub(crate) fn reweigh(&mut self, own: &Surrogate, form: &Form, trials: &[Trial], rows: &[usize]) {
        let Some(gp) = &own.gp else { return };
        if self.models.is_empty() || rows.len() < 3 {
            return;
        }
        let kept: Vec<usize> = own.rows().iter().map(|&k| rows[k]).collect();
        let points: Vec<Vec<f64>> = kept.iter().map(|&i| form.reduce(&trials[i].x)).collect();
        let mut ranks: Vec<Vec<f64>> = self.models.iter().map(|past| means(past, &points)).collect();
        let left_out = gp.leave_one_out(std::slice::from_ref(&own.z));
        ranks.push(left_out[0].iter().map(|(mean, _)| *mean).collect());
        let n = kept.len();
        let mut rng = self.seed.fork_index(n as u64).rng();
        let mut wins = vec![0.0; ranks.len()];
        let mut better = vec![0; self.models.len()];
        for _ in 0..BOOTSTRAPS {
            let drawn: Vec<usize> = (0..n.min(60)).map(|_| rng.below(n)).collect();
            let losses: Vec<usize> = ranks.iter().map(|r| discordant(&drawn, &own.z, r)).collect();
            let target = losses[self.models.len()];
            let least = losses.iter().copied().min().unwrap_or(0);
            let tied = losses.iter().filter(|l| **l == least).count() as f64;
            for (k, loss) in losses.iter().enumerate() {
                wins[k] += if *loss == least { 1.0 / tied } else { 0.0 };
            }
            for k in 0..better.len() {
                better[k] += usize::from(losses[k] < target);
            }
        }
        let trust = (n as f64 / TRUSTED_FROM).min(1.0);
        for k in 0..self.models.len() {
            let misleads = better[k] < BETTER_MIN;
            self.weights[k] = if misleads {
                0.0
            } else {
                trust * wins[k] / BOOTSTRAPS as f64
            };
        }
    }

    /// The best known place on the mixed scale, or nothing when no past process counts.
    pub(crate) fn incumbent(
        &self,
        form: &Form,
        trials: &[Trial],
        rows: &[usize],
        own: &[f64],
    ) -> Option<f64> {
        let total: f64 = self.weights.iter().sum();
        if total <= 0.0 {
            return None;
        }
        let points: Vec<Vec<f64>> = rows.iter().map(|&i| form.reduce(&trials[i].x)).collect();
        let mut mixed: Vec<f64> = own.iter().map(|m| (1.0 - total) * m).collect();
        for (past, w) in self.models.iter().zip(&self.weights).filter(|(_, w)| **w > 0.0) {
            for (sum, mean) in mixed.iter_mut().zip(means(past, &points)) {
                *sum += w * mean;
            }
        }
        Some(mixed.into_iter().fold(f64::INFINITY, f64::min))
    }
}

/// Correlation of values with what the process of the others says of each: none where values do not hang on points.
fn foretells(gp: &Gp, z: &[f64]) -> f64 {
    let left_out: Vec<f64> = gp.leave_one_out(&[z.to_vec()])[0]
        .iter()
        .map(|(mean, _)| *mean)
        .collect();
    let centre = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (a, b) = (centre(z), centre(&left_out));
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| z.iter().zip(&left_out).map(|(v, w)| f(v - a, w - b)).sum::<f64>();
    let norm = (sum(&|v, _| v * v) * sum(&|_, w| w * w)).sqrt();
    if norm > 0.0 {
        sum(&|v, w| v * w) / norm
    } else {
        0.0
    }
}

fn means(gp: &Gp, points: &[Vec<f64>]) -> Vec<f64> {
    points
        .chunks(8)
        .flat_map(|block| gp.predict8(block).0[..block.len()].to_vec())
        .collect()
}

/// Pairs that are ordered one way by the values and the other way by the prediction.
fn discordant(drawn: &[usize], z: &[f64], predicted: &[f64]) -> usize {
    let mut count = 0;
    for (k, &i) in drawn.iter().enumerate() {
        for &j in &drawn[..k] {
            count += usize::from((z[i] < z[j]) != (predicted[i] < predicted[j]));
        }
    }
    count
}

/// Normal quantiles of the ranks; ties share theirs.
fn quantiles(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    values
        .iter()
        .map(|v| {
            let below = values.iter().filter(|o| *o < v).count() as f64;
            let equal = values.iter().filter(|o| *o == v).count() as f64;
            normal_quantile((below + 0.5 * equal) / n)
        })
        .collect()
}

fn portfolio(form: &Form, models: &[Gp], pool: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let points: Vec<Vec<f64>> = pool.iter().map(|x| form.reduce(x)).collect();
    let scores: Vec<Vec<f64>> = models.iter().map(|gp| means(gp, &points)).collect();
    let mut reached = vec![f64::INFINITY; models.len()];
    let mut chosen = Vec::new();
    for _ in 0..STARTS_MAX.min(pool.len()) {
        let total = |c: usize| {
            scores
                .iter()
                .zip(&reached)
                .map(|(s, r)| s[c].min(*r))
                .sum::<f64>()
        };
        let best = (0..pool.len()).min_by(|&a, &b| total(a).total_cmp(&total(b)).then(a.cmp(&b)));
        let Some(best) = best else { break };
        for (r, s) in reached.iter_mut().zip(&scores) {
            *r = r.min(s[best]);
        }
        if !chosen.contains(&pool[best]) {
            chosen.push(pool[best].clone());
        }
    }
    chosen
}
