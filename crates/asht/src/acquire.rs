//! Where to look next: an acquisition over one or several processes, and the search for its maximum.
//!
//! Candidates are low-discrepancy points of the region, steps around the elite at three scales, and crossings of the
//! elite; the best few are improved by gradient in the numbers and by sweeps over the categories and small integers.

use kolosal_base::{Rng, Seed};

use crate::gp::{Form, Gp, Moments};
use crate::lbfgs::{self, Limits};
use crate::sobol::Sobol;
use crate::space::{ABSENT, Space};

/// Derivatives of an acquisition by the means and deviations of its models.
#[derive(Debug, Clone)]
pub(crate) struct Slopes {
    pub(crate) mean: Vec<f64>,
    pub(crate) sd: Vec<f64>,
}

/// Value of an acquisition from means and deviations; fills the slopes.
pub(crate) type Combine<'a> = Box<dyn Fn(&[f64], &[f64], &mut Slopes) -> f64 + 'a>;

/// An acquisition: larger is better.
pub(crate) struct Acquisition<'a> {
    pub(crate) form: &'a Form,
    pub(crate) models: Vec<&'a Gp>,
    pub(crate) combine: Combine<'a>,
}

impl Acquisition<'_> {
    fn slopes(&self) -> Slopes {
        Slopes {
            mean: vec![0.0; self.models.len()],
            sd: vec![0.0; self.models.len()],
        }
    }

    /// Values at points of the space.
    pub(crate) fn scores(&self, points: &[Vec<f64>]) -> Vec<f64> {
        let mut scores = Vec::with_capacity(points.len());
        let mut slopes = self.slopes();
        for block in points.chunks(8) {
            let reduced: Vec<Vec<f64>> = block.iter().map(|x| self.form.reduce(x)).collect();
            let moments: Vec<_> = self.models.iter().map(|gp| gp.predict8(&reduced)).collect();
            for k in 0..block.len() {
                let means: Vec<f64> = moments.iter().map(|m| m.0[k]).collect();
                let sds: Vec<f64> = moments.iter().map(|m| m.1[k]).collect();
                scores.push((self.combine)(&means, &sds, &mut slopes));
            }
        }
        scores
    }

    /// Value and gradient by the modelled coordinates.
    fn slope(&self, reduced: &[f64], gradient: &mut [f64]) -> f64 {
        let mut moments = vec![Moments::default(); self.models.len()];
        for (gp, out) in self.models.iter().zip(&mut moments) {
            gp.moments(reduced, out);
        }
        let means: Vec<f64> = moments.iter().map(|m| m.mean).collect();
        let sds: Vec<f64> = moments.iter().map(|m| m.sd).collect();
        let mut slopes = self.slopes();
        let value = (self.combine)(&means, &sds, &mut slopes);
        gradient.fill(0.0);
        for (k, m) in moments.iter().enumerate() {
            for j in 0..gradient.len() {
                gradient[j] += slopes.mean[k] * m.mean_by[j] + slopes.sd[k] * m.sd_by[j];
            }
        }
        value
    }
}

/// A part of the space: bounds for numbers, codes that are held.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub(crate) bounds: Vec<(f64, f64)>,
    pub(crate) held: Vec<Option<f64>>,
}

impl Region {
    pub(crate) fn whole(space: &Space) -> Self {
        Self {
            bounds: vec![(0.0, 1.0); space.len()],
            held: vec![None; space.len()],
        }
    }

    /// Moves a point into the region.
    pub(crate) fn admit(&self, space: &Space, x: &mut [f64], uniform: &[f64]) {
        for j in 0..x.len() {
            if let Some(code) = self.held[j] {
                x[j] = code;
            } else if x[j] != ABSENT && space.categories(j) == 0 {
                x[j] = x[j].clamp(self.bounds[j].0, self.bounds[j].1);
            }
        }
        space.settle(x, |j| {
            let (low, high) = self.bounds[j];
            match space.categories(j) {
                0 => low + uniform[j] * (high - low),
                _ => space.at_uniform(j, uniform[j]),
            }
        });
    }

    fn place(&self, space: &Space, uniform: &[f64]) -> Vec<f64> {
        let mut x = vec![ABSENT; space.len()];
        self.admit(space, &mut x, uniform);
        x
    }
}

/// How wide to search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) spread: usize,
    pub(crate) steps: usize,
    pub(crate) starts: usize,
    pub(crate) evaluations: usize,
}

impl Effort {
    /// Less of it where a prediction costs more.
    pub(crate) fn for_observations(n: usize) -> Self {
        let scale = |count: usize| {
            if n <= 60 {
                count
            } else {
                (count * 60 / n).max(count / 5)
            }
        };
        Self {
            spread: scale(256),
            steps: scale(20),
            starts: if n <= 120 { 4 } else { 3 },
            evaluations: if n <= 120 { 30 } else { 16 },
        }
    }
}

/// The search for the best of an acquisition.
pub(crate) struct Search<'a> {
    pub(crate) space: &'a Space,
    pub(crate) region: &'a Region,
    pub(crate) elite: &'a [Vec<f64>],
    pub(crate) effort: Effort,
    pub(crate) seed: Seed,
}

impl Search<'_> {
    /// Points in order of their value, best first.
    pub(crate) fn run(&self, acquisition: &Acquisition<'_>) -> Vec<(f64, Vec<f64>)> {
        let mut rng = self.seed.fork("candidates").rng();
        let mut points = self.candidates(&mut rng);
        points.dedup();
        let scores = acquisition.scores(&points);
        let mut ranked: Vec<(f64, Vec<f64>)> = scores
            .into_iter()
            .zip(points)
            .filter(|(s, _)| !s.is_nan())
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut best: Vec<(f64, Vec<f64>)> = Vec::new();
        for (score, x) in &ranked {
            if best.len() == self.effort.starts {
                break;
            }
            let near = |other: &Vec<f64>| x.iter().zip(other).all(|(a, b)| (a - b).abs() < 0.03);
            if !best.iter().any(|(_, other)| near(other)) {
                best.push((*score, x.clone()));
            }
        }
        for (score, x) in &mut best {
            for _ in 0..2 {
                let before = *score;
                self.climb(acquisition, score, x);
                self.sweep(acquisition, score, x);
                if *score - before < 1e-3 {
                    break;
                }
            }
        }
        best.extend(ranked);
        best.sort_by(|a, b| b.0.total_cmp(&a.0));
        best
    }

    fn candidates(&self, rng: &mut Rng) -> Vec<Vec<f64>> {
        let space = self.space;
        let mut sobol = Sobol::new(space.len(), self.seed);
        let mut points: Vec<Vec<f64>> = (0..self.effort.spread)
            .map(|_| self.region.place(space, &sobol.next()))
            .collect();
        for parent in self.elite.iter().take(5) {
            for scale in [0.2, 0.05, 0.01] {
                for _ in 0..self.effort.steps {
                    let mut x = step(space, parent, scale, rng);
                    self.admit(&mut x, rng);
                    points.push(x);
                }
            }
        }
        if self.elite.len() > 1 {
            for _ in 0..3 * self.effort.steps {
                let pair = (rng.below(self.elite.len()), rng.below(self.elite.len()));
                let mut x = self.elite[pair.0].clone();
                for j in 0..x.len() {
                    if rng.uniform() < 0.5 {
                        x[j] = self.elite[pair.1][j];
                    }
                }
                self.admit(&mut x, rng);
                points.push(x);
            }
        }
        points
    }

    fn admit(&self, x: &mut [f64], rng: &mut Rng) {
        let uniform: Vec<f64> = (0..x.len()).map(|_| rng.uniform()).collect();
        self.region.admit(self.space, x, &uniform);
    }

    /// Gradient ascent in the numbers that exist.
    fn climb(&self, acquisition: &Acquisition<'_>, score: &mut f64, x: &mut Vec<f64>) {
        let form = acquisition.form;
        let moves: Vec<usize> = (0..form.dims.len())
            .filter(|&k| {
                let j = form.dims[k];
                let fine = self.space.levels(j).is_none_or(|levels| levels > 16);
                !form.categorical[k] && x[j] != ABSENT && self.region.held[j].is_none() && fine
            })
            .collect();
        if moves.is_empty() {
            return;
        }
        let mut full = form.reduce(x);
        let mut gradient = vec![0.0; full.len()];
        let bounds: Vec<(f64, f64)> = moves.iter().map(|&k| self.region.bounds[form.dims[k]]).collect();
        let mut at: Vec<f64> = moves.iter().map(|&k| full[k]).collect();
        let limits = Limits {
            evaluations: self.effort.evaluations,
            gain_min: 1e-4,
        };
        lbfgs::minimise(&mut at, &bounds, limits, |place, out| {
            for (value, &k) in place.iter().zip(&moves) {
                full[k] = *value;
            }
            let value = acquisition.slope(&full, &mut gradient);
            for (out, &k) in out.iter_mut().zip(&moves) {
                *out = -gradient[k];
            }
            -value
        });
        let mut moved = x.clone();
        for (value, &k) in at.iter().zip(&moves) {
            moved[form.dims[k]] = self.space.snap(form.dims[k], *value);
        }
        let new = acquisition.scores(std::slice::from_ref(&moved))[0];
        if new > *score {
            (*score, *x) = (new, moved);
        }
    }

    /// Tries every value of each category and small integer, and the neighbours of large integers.
    fn sweep(&self, acquisition: &Acquisition<'_>, score: &mut f64, x: &mut Vec<f64>) {
        for j in 0..x.len() {
            if x[j] == ABSENT || self.region.held[j].is_some() {
                continue;
            }
            let Some(levels) = self.space.levels(j).filter(|&levels| levels > 1) else {
                continue;
            };
            let codes: Vec<f64> = if levels <= 16 {
                (0..levels).map(|level| self.space.level(j, level)).collect()
            } else if self.space.categories(j) > 0 {
                (0..levels.min(64))
                    .map(|level| self.space.level(j, level))
                    .collect()
            } else {
                let here = (0..4).map(|k| x[j] + (f64::from(k) - 1.5) * 1.2 / levels as f64);
                here.map(|u| self.space.snap(j, u)).collect()
            };
            let (low, high) = self.region.bounds[j];
            let inside = |u: f64| self.space.categories(j) > 0 || (low..=high).contains(&u);
            let mut rng = self.seed.fork("sweep").fork_index(j as u64).rng();
            let trials: Vec<Vec<f64>> = codes
                .into_iter()
                .filter(|&code| code != x[j] && inside(code))
                .map(|code| {
                    let mut y = x.clone();
                    y[j] = code;
                    self.admit(&mut y, &mut rng);
                    y
                })
                .collect();
            for (new, y) in acquisition.scores(&trials).into_iter().zip(trials) {
                if new > *score {
                    (*score, *x) = (new, y);
                }
            }
        }
    }
}

/// A random step from a point: numbers by a normal of this scale, categories now and then anew.
pub(crate) fn step(space: &Space, parent: &[f64], scale: f64, rng: &mut Rng) -> Vec<f64> {
    let mut x = parent.to_vec();
    let exist = x.iter().filter(|v| **v != ABSENT).count().max(1);
    let share = (2.0 / exist as f64).max(0.4);
    let forced = rng.below(x.len());
    for j in 0..x.len() {
        if x[j] == ABSENT || (rng.uniform() >= share && j != forced) {
            continue;
        }
        if space.categories(j) > 0 {
            if rng.uniform() < 0.2 {
                x[j] = space.at_uniform(j, rng.uniform());
            }
            continue;
        }
        let levels = space.levels(j).map_or(0.0, |levels| 0.7 / levels as f64);
        let moved = x[j] + scale.max(levels) * rng.normal();
        // Reflected at the bounds, so that the edge is not favoured.
        let folded = moved.rem_euclid(2.0);
        x[j] = if folded > 1.0 { 2.0 - folded } else { folded };
    }
    x
}
