//! Learning curves as a chain: each rung foretold from the two before it, and a process over what that leaves.
//!
//! On a common scale `z = g(value)` a curve follows `z_k = z_{k-1} + a_k (z_{k-1}) + b_k (z_{k-1} - z_{k-2}) + d_k(x)`: a line
//! in level and trend, shrunk towards a power law in log time, and a Gaussian process `d_k` over the configuration,
//! independent from rung to rung. The chain is co-kriging done recursively (Kennedy & O'Hagan 2000, Le Gratiet & Garnier
//! 2014): every rung costs one process of the trials that came so far, and the end of any curve is normal, with mean and
//! variance by unrolling the recursion from the last value that was seen. A trial that never ran starts from `d_0(x)`.

use crate::gp::{Form, Gp};
use crate::surrogate::{Scales, Surrogate};

/// Values are worth a process of their own at a rung from this many on.
const ROWS_MIN: usize = 4;
/// A rung's process sees at most so many curves.
const ROWS_MAX: usize = 90;
/// Pairs that the prior on a rung's line and spread is worth.
const PRIOR_PAIRS: f64 = 2.0;
/// Share of the distance from the best to the median end that the logarithm keeps below the best.
const SHARE: f64 = 0.1;
/// Trend that a power law in log time keeps from rung to rung.
const TREND: f64 = 0.7;

/// A curve: its configuration and its values at the first rungs.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    pub(crate) x: Vec<f64>,
    pub(crate) values: Vec<f64>,
}

/// A normal distribution on the scale of the chain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct End {
    pub(crate) mean: f64,
    pub(crate) sd: f64,
}

/// The scale on which curves are foretold: the logarithm of the distance to just below the best.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scale {
    best: f64,
    unit: f64,
    share: f64,
    cap: f64,
}

impl Scale {
    fn new(curves: &[Curve], share: f64) -> Self {
        let last = |c: &Curve| c.values.last().copied();
        let mut ends: Vec<f64> = curves.iter().filter_map(last).collect();
        ends.sort_by(f64::total_cmp);
        let lowest = curves.iter().flat_map(|c| c.values.iter().copied());
        let best = lowest.fold(f64::INFINITY, f64::min);
        let median = ends.get(ends.len() / 2).copied().unwrap_or(best);
        let unit = (median - best).max(1e-12 * (1.0 + best.abs()));
        Self {
            best,
            unit,
            share,
            cap: median + 10.0 * unit,
        }
    }

    pub(crate) fn of(&self, value: f64) -> f64 {
        let above = (value.min(self.cap) - self.best) / self.unit;
        if above >= 0.0 {
            (above + self.share).ln()
        } else {
            // Values below any seen go on with the slope at the best: the scale stays monotone and finite.
            self.share.ln() + (above / self.share).max(-1e3)
        }
    }
}

#[derive(Debug, Clone)]
struct Level {
    /// What the level and the trend before add to the step.
    by_level: f64,
    by_trend: f64,
    /// Mean and deviation of what is left, where there is no process yet.
    plain: (f64, f64),
    process: Option<Surrogate>,
}

/// The chain over all rungs.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) scale: Scale,
    levels: Vec<Level>,
    processes: Vec<Surrogate>,
    /// Best end seen, on the scale.
    pub(crate) best: f64,
}

impl Chain {
    pub(crate) fn new(form: &Form, rungs: usize) -> Self {
        Self {
            scale: Scale {
                best: 0.0,
                unit: 1.0,
                share: 1.0,
                cap: 0.0,
            },
            levels: Vec::new(),
            processes: (0..rungs).map(|_| Surrogate::new(form, Scales::Plain)).collect(),
            best: f64::INFINITY,
        }
    }

    /// Learns all curves anew; `curves` in order of time.
    pub(crate) fn update(&mut self, form: &Form, curves: &[Curve]) {
        let rungs = self.processes.len();
        let curves = kept(curves);
        if curves.is_empty() {
            return;
        }
        self.scale = Scale::new(&curves, SHARE);
        let z: Vec<Vec<f64>> = curves
            .iter()
            .map(|c| c.values.iter().map(|v| self.scale.of(*v)).collect())
            .collect();
        let x: Vec<Vec<f64>> = curves.iter().map(|c| form.reduce(&c.x)).collect();
        self.best = z
            .iter()
            .filter(|z| z.len() == rungs)
            .map(|z| z[rungs - 1])
            .fold(f64::INFINITY, f64::min);
        self.levels.clear();
        let mut pooled = (0.0, 0.3_f64.powi(2) * PRIOR_PAIRS, PRIOR_PAIRS);
        for k in 0..rungs {
            let rows: Vec<usize> = (0..z.len()).filter(|&i| z[i].len() > k).collect();
            let line = if k == 0 { (0.0, 0.0) } else { line(&z, &rows, k) };
            let left: Vec<f64> = rows.iter().map(|&i| z[i][k] - step(&z[i][..k], line)).collect();
            let plain = spread(&left, pooled, k);
            if k > 0 {
                let n = left.len() as f64;
                pooled.1 += left.iter().map(|v| (v - plain.0).powi(2)).sum::<f64>();
                pooled.2 += n;
            }
            let points: Vec<Vec<f64>> = rows.iter().map(|&i| x[i].clone()).collect();
            let process = (rows.len() >= ROWS_MIN).then(|| {
                self.processes[k].update(form, &points, &left);
                self.processes[k].clone()
            });
            self.levels.push(Level {
                by_level: line.0,
                by_trend: line.1,
                plain,
                process,
            });
        }
    }

    /// The end of a curve with these values at its first rungs.
    pub(crate) fn end(&self, form: &Form, x: &[f64], values: &[f64]) -> End {
        self.ends(form, &[(x, values)])[0]
    }

    /// The ends of many curves, each given by its point and its values at the first rungs.
    pub(crate) fn ends(&self, form: &Form, curves: &[(&[f64], &[f64])]) -> Vec<End> {
        let gains = self.gains();
        curves
            .chunks(8)
            .flat_map(|block| {
                let points: Vec<Vec<f64>> = block.iter().map(|(x, _)| form.reduce(x)).collect();
                let first = block.iter().map(|(_, values)| values.len()).min().unwrap_or(0);
                let left: Vec<Vec<(f64, f64)>> = (0..self.levels.len())
                    .map(|k| {
                        if k < first {
                            Vec::new()
                        } else {
                            self.levels[k].moments(&points)
                        }
                    })
                    .collect();
                (0..block.len())
                    .map(|c| self.unroll(block[c].1, |k| left[k][c], &gains))
                    .collect::<Vec<End>>()
            })
            .collect()
    }

    fn unroll(&self, values: &[f64], left: impl Fn(usize) -> (f64, f64), gains: &[f64]) -> End {
        let mut path: Vec<f64> = values.iter().map(|v| self.scale.of(*v)).collect();
        let mut variance = 0.0;
        for k in values.len()..self.levels.len() {
            let (mean, sd) = left(k);
            path.push(step(&path, (self.levels[k].by_level, self.levels[k].by_trend)) + mean);
            variance += (gains[k] * sd).powi(2);
        }
        End {
            mean: path[self.levels.len() - 1],
            sd: variance.sqrt().max(1e-9),
        }
    }

    /// What a unit left at each rung adds to the end.
    pub(crate) fn gains(&self) -> Vec<f64> {
        (0..self.levels.len())
            .map(|from| {
                let (mut before, mut now) = (0.0, 1.0);
                for (k, level) in self.levels.iter().enumerate().skip(from + 1) {
                    let trend = if k >= 2 {
                        level.by_trend * (now - before)
                    } else {
                        0.0
                    };
                    let next = now + level.by_level * now + trend;
                    (before, now) = (now, next);
                }
                now
            })
            .collect()
    }

    /// The process of a rung and the scale of its values, where there is one.
    pub(crate) fn process(&self, k: usize) -> Option<(&Gp, (f64, f64))> {
        let surrogate = self.levels[k].process.as_ref()?;
        Some((surrogate.gp.as_ref()?, surrogate.affine))
    }

    /// Mean and deviation of what is left at a rung without a process.
    pub(crate) fn plain(&self, k: usize) -> (f64, f64) {
        self.levels[k].plain
    }
}

impl Level {
    /// What is left at up to eight points: mean and deviation.
    fn moments(&self, points: &[Vec<f64>]) -> Vec<(f64, f64)> {
        let process = self
            .process
            .as_ref()
            .and_then(|p| Some((p.gp.as_ref()?, p.affine)));
        let Some((gp, (mean, unit))) = process else {
            return vec![self.plain; points.len()];
        };
        let (means, sds) = gp.predict8(points);
        (0..points.len())
            .map(|c| (mean + unit * means[c], unit * sds[c]))
            .collect()
    }
}

/// The value foretold by the line from the values before.
fn step(before: &[f64], (by_level, by_trend): (f64, f64)) -> f64 {
    match *before {
        [] => 0.0,
        [.., second, last] => last + by_level * last + by_trend * (last - second),
        [last] => last + by_level * last,
    }
}

/// The curves that went furthest, then the latest; in order of time.
fn kept(curves: &[Curve]) -> Vec<Curve> {
    let mut order: Vec<usize> = (0..curves.len()).collect();
    order.sort_by_key(|&i| (std::cmp::Reverse(curves[i].values.len()), std::cmp::Reverse(i)));
    order.truncate(ROWS_MAX);
    order.sort_unstable();
    order.into_iter().map(|i| curves[i].clone()).collect()
}

/// Level and trend by ridge regression of the step to rung `k`, around no level and the trend of a power law.
fn line(z: &[Vec<f64>], rows: &[usize], k: usize) -> (f64, f64) {
    let n = rows.len() as f64;
    if rows.is_empty() {
        return (0.0, if k >= 2 { TREND } else { 0.0 });
    }
    let of = |i: usize| {
        let trend = if k >= 2 { z[i][k - 1] - z[i][k - 2] } else { 0.0 };
        (z[i][k - 1], trend, z[i][k] - z[i][k - 1] - TREND * trend)
    };
    let mut mean = [0.0; 3];
    for &i in rows {
        let (a, b, c) = of(i);
        mean[0] += a / n;
        mean[1] += b / n;
        mean[2] += c / n;
    }
    let mut m = [PRIOR_PAIRS * 0.5, 0.0, PRIOR_PAIRS * 0.1];
    let mut v = [0.0; 2];
    for &i in rows {
        let (a, b, c) = of(i);
        let (a, b, c) = (a - mean[0], b - mean[1], c - mean[2]);
        m[0] += a * a;
        m[1] += a * b;
        m[2] += b * b;
        v[0] += a * c;
        v[1] += b * c;
    }
    let det = m[0] * m[2] - m[1] * m[1];
    let by_level = (v[0] * m[2] - v[1] * m[1]) / det;
    let by_trend = (v[1] * m[0] - v[0] * m[1]) / det;
    (
        by_level.clamp(-0.9, 1.0),
        if k >= 2 {
            (TREND + by_trend).clamp(-0.5, 1.5)
        } else {
            0.0
        },
    )
}

/// Mean and deviation of what a line leaves, shrunk to what it leaves at the rungs before.
fn spread(left: &[f64], pooled: (f64, f64, f64), k: usize) -> (f64, f64) {
    let n = left.len() as f64;
    let mean = if k == 0 && n > 0.0 {
        left.iter().sum::<f64>() / n
    } else {
        left.iter().sum::<f64>() / (n + 1.0)
    };
    let square: f64 = left.iter().map(|v| (v - mean).powi(2)).sum();
    let prior = pooled.1 / pooled.2;
    (mean, ((square + PRIOR_PAIRS * prior) / (n + PRIOR_PAIRS)).sqrt())
}
