//! The surrogate: a Gaussian process over the whole tree of parameters.
//!
//! `k(a, b) = s^2 m(r)`, `m` the Matern kernel of smoothness 5/2 and `r^2 = sum_j w_j d_j(a, b)`, `w_j = 1 / l_j^2`:
//! for numbers `d_j` is the squared difference, for categories whether they differ. A parameter that exists in one of
//! the two points only counts as if it lay at one half, plus a learned distance: values are embedded as `(x, 0)`, absence
//! as `(1/2, h)`, so `r` is a Euclidean distance and the kernel positive definite over the tree. `s^2` and the mean are
//! profiled out; lengths, noise and `h` maximise the posterior with analytic gradients. A fit costs `O(n^3)` a gradient,
//! a new observation `O(n^2)`, a prediction `O(n^2)`.
//!
//! Sources: Rasmussen & Williams 2006 (ch. 2, 5); Hvarfner et al. 2024 (prior on lengths that grows with the root of the
//! number of dimensions); Levesque et al. 2017 and Swersky et al. 2014 (conditional spaces).

use crate::lbfgs::{self, Limits};
use crate::linalg::Cholesky;
use crate::space::{ABSENT, Space};

const SQRT5: f64 = 2.236_067_977_499_79;
/// Observations the prior on the scale is worth.
const SCALE_PRIOR: f64 = 1.0;
const JITTER: f64 = 1e-8;

/// Which coordinates are modelled, and how.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Form {
    /// Index in the space of each modelled coordinate.
    pub(crate) dims: Vec<usize>,
    pub(crate) categorical: Vec<bool>,
    pub(crate) conditional: Vec<bool>,
    any_conditional: bool,
}

impl Form {
    pub(crate) fn new(space: &Space) -> Self {
        let dims: Vec<usize> = (0..space.len()).filter(|&j| space.levels(j) != Some(1)).collect();
        let conditional: Vec<bool> = dims
            .iter()
            .map(|&j| space.params()[j].condition.is_some())
            .collect();
        Self {
            categorical: dims.iter().map(|&j| space.categories(j) > 0).collect(),
            any_conditional: conditional.contains(&true),
            conditional,
            dims,
        }
    }

    pub(crate) fn reduce(&self, x: &[f64]) -> Vec<f64> {
        self.dims.iter().map(|&j| x[j]).collect()
    }

    /// Lengths, noise, and the distance to what does not exist.
    fn thetas(&self) -> usize {
        self.dims.len() + 1 + usize::from(self.any_conditional)
    }

    fn prior_centre(&self) -> f64 {
        std::f64::consts::SQRT_2 + 0.5 * (self.dims.len().max(1) as f64).ln()
    }

    /// Where fits start from: the mode of the prior.
    pub(crate) fn start(&self) -> Vec<f64> {
        let mut theta = vec![self.prior_centre() - 3.0; self.dims.len()];
        theta.push(NOISE_CENTRE);
        if self.any_conditional {
            theta.push(ABSENCE_CENTRE);
        }
        theta
    }

    fn bounds(&self) -> Vec<(f64, f64)> {
        let mut bounds = vec![(-4.6, 5.0); self.dims.len()];
        bounds.push((NOISE_LOW, 0.7));
        if self.any_conditional {
            bounds.push((-9.0, 3.0));
        }
        bounds
    }

    /// `d_j` of the two codes and whether exactly one of them exists.
    fn part(&self, j: usize, a: f64, b: f64) -> (f64, bool) {
        let alone = (a == ABSENT) != (b == ABSENT);
        if self.categorical[j] {
            return (f64::from(u8::from(a != b)), alone);
        }
        match (a == ABSENT, b == ABSENT) {
            (true, true) => (0.0, false),
            (true, false) => ((b - 0.5).powi(2), true),
            (false, true) => ((a - 0.5).powi(2), true),
            (false, false) => ((a - b).powi(2), false),
        }
    }
}

const NOISE_CENTRE: f64 = -9.0;
const NOISE_SPREAD: f64 = 3.0;
const NOISE_LOW: f64 = -16.0;
const ABSENCE_CENTRE: f64 = -2.0;
const ABSENCE_SPREAD: f64 = 1.5;

fn matern(r2: f64) -> f64 {
    let r = SQRT5 * r2.sqrt();
    (1.0 + r + r * r / 3.0) * (-r).exp()
}

/// The kernel and its derivative by `r^2`.
fn matern_slope(r2: f64) -> (f64, f64) {
    let r = SQRT5 * r2.sqrt();
    let e = (-r).exp();
    ((1.0 + r + r * r / 3.0) * e, -5.0 / 6.0 * (1.0 + r) * e)
}

/// Squared differences of all pairs, made once a fit: `pairs[i (i - 1) / 2 + j]` is a row of one number a length.
struct Pairs {
    rows: Vec<f64>,
    width: usize,
    n: usize,
}

impl Pairs {
    fn new(form: &Form, x: &[Vec<f64>]) -> Self {
        let width = form.dims.len() + usize::from(form.any_conditional);
        let n = x.len();
        let mut rows = Vec::with_capacity(width * n * n / 2);
        for i in 1..n {
            for k in 0..i {
                let mut alone = 0.0;
                for j in 0..form.dims.len() {
                    let (part, one) = form.part(j, x[i][j], x[k][j]);
                    rows.push(part);
                    alone += f64::from(u8::from(one));
                }
                if form.any_conditional {
                    rows.push(alone);
                }
            }
        }
        Self { rows, width, n }
    }
}

/// Weights of the parts of `r^2` from the hyperparameters.
fn weights(form: &Form, theta: &[f64]) -> Vec<f64> {
    let d = form.dims.len();
    let mut w: Vec<f64> = theta[..d].iter().map(|t| (-2.0 * t).exp()).collect();
    if form.any_conditional {
        w.push(theta[d + 1].exp());
    }
    w
}

/// Minus the log posterior of `theta`, and its gradient.
fn loss(form: &Form, pairs: &Pairs, y: &[f64], theta: &[f64], gradient: &mut [f64]) -> f64 {
    let (n, d) = (pairs.n, form.dims.len());
    let w = weights(form, theta);
    let noise = theta[d].exp() + JITTER;
    let mut slopes = Vec::with_capacity(pairs.rows.len() / pairs.width.max(1));
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(n);
    let mut rows = pairs.rows.chunks_exact(pairs.width);
    for i in 0..n {
        let mut row = Vec::with_capacity(i + 1);
        for parts in rows.by_ref().take(i) {
            let r2: f64 = parts.iter().zip(&w).map(|(a, b)| a * b).sum();
            let (k, slope) = matern_slope(r2);
            row.push(k);
            slopes.push(slope);
        }
        row.push(1.0 + noise);
        lower.push(row);
    }
    let Some(factor) = Cholesky::new(&lower) else {
        return f64::INFINITY;
    };
    let fit = Fit::new(&factor, y);
    let inverse = factor.inverse();
    gradient.fill(0.0);
    let mut rows = pairs.rows.chunks_exact(pairs.width);
    let mut slopes = slopes.iter();
    let mut by_weight = vec![0.0; pairs.width];
    for i in 0..n {
        for ((k, parts), slope) in rows.by_ref().take(i).enumerate().zip(slopes.by_ref()) {
            // Both halves of the symmetric matrix: twice one half.
            let g = (inverse[i][k] - fit.alpha[i] * fit.alpha[k] / fit.scale) * slope;
            by_weight
                .iter_mut()
                .zip(parts)
                .for_each(|(sum, part)| *sum += g * part);
        }
    }
    for j in 0..d {
        gradient[j] = -2.0 * w[j] * by_weight[j];
    }
    let trace: f64 = (0..n)
        .map(|i| inverse[i][i] - fit.alpha[i] * fit.alpha[i] / fit.scale)
        .sum();
    gradient[d] = 0.5 * trace * theta[d].exp();
    if form.any_conditional {
        gradient[d + 1] = w[d] * by_weight[d];
    }
    let likelihood = 0.5 * (n as f64 + SCALE_PRIOR) * fit.scale.ln() + 0.5 * factor.ln_det();
    likelihood + prior(form, theta, gradient)
}

fn prior(form: &Form, theta: &[f64], gradient: &mut [f64]) -> f64 {
    let d = form.dims.len();
    let centre = form.prior_centre();
    let mut sum = 0.0;
    for j in 0..d {
        // Log-normal with variance 3, as a density of the length itself.
        sum += theta[j] + (theta[j] - centre).powi(2) / 6.0;
        gradient[j] += 1.0 + (theta[j] - centre) / 3.0;
    }
    let mut normal = |at: usize, centre: f64, spread: f64| {
        let z = (theta[at] - centre) / spread;
        sum += 0.5 * z * z;
        gradient[at] += z / spread;
    };
    normal(d, NOISE_CENTRE, NOISE_SPREAD);
    if form.any_conditional {
        normal(d + 1, ABSENCE_CENTRE, ABSENCE_SPREAD);
    }
    sum
}

/// What follows from the factor for given targets.
struct Fit {
    alpha: Vec<f64>,
    mean: f64,
    scale: f64,
}

impl Fit {
    fn new(factor: &Cholesky, y: &[f64]) -> Self {
        let n = y.len() as f64;
        let ones = factor.solve(&vec![1.0; y.len()]);
        let total: f64 = ones.iter().sum();
        let mean = ones.iter().zip(y).map(|(a, b)| a * b).sum::<f64>() / total;
        let centred: Vec<f64> = y.iter().map(|v| v - mean).collect();
        let alpha = factor.solve(&centred);
        let square: f64 = alpha.iter().zip(&centred).map(|(a, b)| a * b).sum();
        let scale = ((square + SCALE_PRIOR) / (n + SCALE_PRIOR)).max(1e-12);
        Self { alpha, mean, scale }
    }
}

/// A fitted process.
#[derive(Debug, Clone)]
pub(crate) struct Gp {
    form: Form,
    pub(crate) theta: Vec<f64>,
    weights: Vec<f64>,
    x: Vec<Vec<f64>>,
    factor: Cholesky,
    alpha: Vec<f64>,
    mean: f64,
    scale: f64,
}

/// Moments at a point and their derivatives by each modelled coordinate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Moments {
    pub(crate) mean: f64,
    pub(crate) sd: f64,
    pub(crate) mean_by: Vec<f64>,
    pub(crate) sd_by: Vec<f64>,
}

impl Gp {
    /// Finds hyperparameters from `theta` on; gives the loss.
    pub(crate) fn tune(form: &Form, x: &[Vec<f64>], y: &[f64], theta: &mut [f64], evaluations: usize) -> f64 {
        assert_eq!(theta.len(), form.thetas());
        let pairs = Pairs::new(form, x);
        if pairs.width == 0 || x.len() < 2 {
            return 0.0;
        }
        let limits = Limits {
            evaluations,
            gain_min: 1e-3,
        };
        lbfgs::minimise(theta, &form.bounds(), limits, |t, g| loss(form, &pairs, y, t, g))
    }

    /// The process with these hyperparameters and observations (rows reduced by the form).
    pub(crate) fn new(form: &Form, theta: &[f64], x: Vec<Vec<f64>>, y: &[f64]) -> Self {
        let mut theta = theta.to_vec();
        let d = form.dims.len();
        let factor = loop {
            let weights = weights(form, &theta);
            let factor = (0..x.len()).try_fold(Cholesky::default(), |mut factor, i| {
                let row = kernel_row(form, &weights, &x[..i], &x[i], theta[d].exp());
                factor.push(&row).then_some(factor)
            });
            match factor {
                Some(factor) => break factor,
                None => theta[d] = (theta[d] + 2.0).max(-14.0), // more noise, until the matrix is regular
            }
        };
        let mut gp = Self {
            weights: weights(form, &theta),
            form: form.clone(),
            theta,
            x,
            factor,
            alpha: Vec::new(),
            mean: 0.0,
            scale: 1.0,
        };
        gp.targets(y);
        gp
    }

    /// One more observation, by a row of the factor; false when the factor would not hold.
    pub(crate) fn push(&mut self, x: &[f64]) -> bool {
        let noise = self.theta[self.form.dims.len()].exp();
        let row = kernel_row(&self.form, &self.weights, &self.x, x, noise);
        let held = self.factor.push(&row);
        if held {
            self.x.push(x.to_vec());
        }
        held
    }

    /// Other values for the same points.
    pub(crate) fn targets(&mut self, y: &[f64]) {
        assert_eq!(y.len(), self.x.len());
        let fit = Fit::new(&self.factor, y);
        (self.alpha, self.mean, self.scale) = (fit.alpha, fit.mean, fit.scale);
    }

    pub(crate) fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether its observations are these points, in this order.
    pub(crate) fn is_of<'a>(&self, points: impl Iterator<Item = &'a Vec<f64>>) -> bool {
        self.x.iter().eq(points)
    }

    /// Standard deviation of the noise, in units of the targets.
    pub(crate) fn noise_sd(&self) -> f64 {
        (self.theta[self.form.dims.len()].exp() * self.scale).sqrt()
    }

    /// Length of each modelled coordinate.
    pub(crate) fn lengths(&self) -> Vec<f64> {
        self.theta[..self.form.dims.len()]
            .iter()
            .map(|t| t.exp())
            .collect()
    }

    /// Leave-one-out mean and standard deviation of each observation, for several sets of targets at once.
    pub(crate) fn leave_one_out(&self, targets: &[Vec<f64>]) -> Vec<Vec<(f64, f64)>> {
        let inverse = self.factor.inverse();
        targets
            .iter()
            .map(|y| {
                let fit = Fit::new(&self.factor, y);
                (0..y.len())
                    .map(|i| {
                        (
                            y[i] - fit.alpha[i] / inverse[i][i],
                            (fit.scale / inverse[i][i]).sqrt(),
                        )
                    })
                    .collect()
            })
            .collect()
    }

    /// Posterior means at the observations.
    pub(crate) fn means_at_data(&self, y: &[f64]) -> Vec<f64> {
        let noise = self.theta[self.form.dims.len()].exp() + JITTER;
        y.iter().zip(&self.alpha).map(|(y, a)| y - noise * a).collect()
    }

    /// Means and standard deviations at up to eight points.
    pub(crate) fn predict8(&self, points: &[Vec<f64>]) -> ([f64; 8], [f64; 8]) {
        let d = self.form.dims.len();
        let mut across = vec![[0.0; 8]; d];
        for (k, point) in points.iter().enumerate() {
            for j in 0..d {
                across[j][k] = point[j];
            }
        }
        let mut columns = Vec::with_capacity(self.x.len());
        let mut means = [self.mean; 8];
        for (row, alpha) in self.x.iter().zip(&self.alpha) {
            let r2 = self.distances(row, &across);
            let k: [f64; 8] = std::array::from_fn(|c| matern(r2[c]));
            for c in 0..8 {
                means[c] += alpha * k[c];
            }
            columns.push(k);
        }
        let norms = self.factor.squared_norms(&mut columns);
        (
            means,
            norms.map(|norm| (self.scale * (1.0 - norm).max(1e-12)).sqrt()),
        )
    }

    fn distances(&self, row: &[f64], across: &[[f64; 8]]) -> [f64; 8] {
        let mut r2 = [0.0; 8];
        for j in 0..row.len() {
            let w = self.weights[j];
            if self.form.categorical[j] || self.form.conditional[j] {
                for c in 0..8 {
                    let (part, alone) = self.form.part(j, row[j], across[j][c]);
                    r2[c] += w * part;
                    if alone {
                        r2[c] += self.weights[row.len()];
                    }
                }
            } else {
                for c in 0..8 {
                    let difference = row[j] - across[j][c];
                    r2[c] += w * difference * difference;
                }
            }
        }
        r2
    }

    /// Moments at a point with their slopes.
    pub(crate) fn moments(&self, x: &[f64], out: &mut Moments) {
        let d = self.form.dims.len();
        let n = self.x.len();
        let (mut k, mut slopes) = (Vec::with_capacity(n), Vec::with_capacity(n));
        for row in &self.x {
            let (value, slope) = matern_slope(self.distance(row, x));
            k.push(value);
            slopes.push(slope);
        }
        let mut v = k.clone();
        self.factor.forward(&mut v);
        let norm: f64 = v.iter().map(|a| a * a).sum();
        self.factor.backward(&mut v);
        out.mean = self.mean + k.iter().zip(&self.alpha).map(|(a, b)| a * b).sum::<f64>();
        out.sd = (self.scale * (1.0 - norm).max(1e-12)).sqrt();
        out.mean_by.clear();
        out.mean_by.resize(d, 0.0);
        out.sd_by.clear();
        out.sd_by.resize(d, 0.0);
        for i in 0..n {
            let (a, b) = (self.alpha[i] * slopes[i], v[i] * slopes[i]);
            for j in 0..d {
                if !self.form.categorical[j] && x[j] != ABSENT {
                    let other = if self.x[i][j] == ABSENT { 0.5 } else { self.x[i][j] };
                    let slope = 2.0 * self.weights[j] * (x[j] - other);
                    out.mean_by[j] += a * slope;
                    out.sd_by[j] -= b * slope * self.scale / out.sd;
                }
            }
        }
    }

    fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        distance(&self.form, &self.weights, a, b)
    }
}

fn distance(form: &Form, weights: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let mut r2 = 0.0;
    for j in 0..a.len() {
        if form.categorical[j] || form.conditional[j] {
            let (part, alone) = form.part(j, a[j], b[j]);
            r2 += weights[j] * part;
            if alone {
                r2 += weights[a.len()];
            }
        } else {
            r2 += weights[j] * (a[j] - b[j]).powi(2);
        }
    }
    r2
}

fn kernel_row(form: &Form, weights: &[f64], before: &[Vec<f64>], x: &[f64], noise: f64) -> Vec<f64> {
    let mut row: Vec<f64> = before
        .iter()
        .map(|other| matern(distance(form, weights, other, x)))
        .collect();
    row.push(1.0 + noise + JITTER);
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Param;
    use kolosal_base::Seed;

    fn sample(n: usize) -> (Space, Vec<Vec<f64>>, Vec<f64>) {
        let space = Space::new(vec![
            Param::categorical("m", &["a", "b"]),
            Param::float("x", 0.0, 1.0),
            Param::float("z", 0.0, 1.0).when("m", &["b"]),
        ])
        .expect("sound");
        let mut rng = Seed::new(2).rng();
        let x: Vec<Vec<f64>> = (0..n).map(|_| space.draw(&mut rng)).collect();
        let y = x
            .iter()
            .map(|p| p[0] + (5.0 * p[1]).sin() + p[2] * p[2])
            .collect();
        (space, x, y)
    }

    #[test]
    fn gradients_agree_with_differences() {
        let (space, x, y) = sample(14);
        let form = Form::new(&space);
        let pairs = Pairs::new(&form, &x);
        let theta = vec![-0.3, 0.2, 0.1, -4.0, -1.0];
        let (mut g, mut unused) = (vec![0.0; 5], vec![0.0; 5]);
        loss(&form, &pairs, &y, &theta, &mut g);
        for j in 0..5 {
            let mut at = |step: f64| {
                let mut moved = theta.clone();
                moved[j] += step;
                loss(&form, &pairs, &y, &moved, &mut unused)
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (g[j] - slope).abs() < 1e-5 * slope.abs().max(1.0),
                "{j}: {} {slope}",
                g[j]
            );
        }
    }

    #[test]
    fn slopes_of_the_moments_agree_with_differences() {
        let (space, x, y) = sample(12);
        let gp = Gp::new(&Form::new(&space), &[0.0, -0.5, 0.0, -6.0, -1.0], x, &y);
        let mut out = Moments::default();
        let point = vec![1.0, 0.3, 0.7];
        gp.moments(&point, &mut out);
        for j in [1, 2] {
            let at = |step: f64| {
                let (mut moved, mut out) = (point.clone(), Moments::default());
                moved[j] += step;
                gp.moments(&moved, &mut out);
                (out.mean, out.sd)
            };
            let (up, down) = (at(1e-5), at(-1e-5));
            assert!((out.mean_by[j] - (up.0 - down.0) / 2e-5).abs() < 1e-5);
            assert!((out.sd_by[j] - (up.1 - down.1) / 2e-5).abs() < 1e-5);
        }
        let (means, sds) = gp.predict8(std::slice::from_ref(&point));
        assert!((means[0] - out.mean).abs() < 1e-10 && (sds[0] - out.sd).abs() < 1e-10);
    }

    #[test]
    fn rows_added_one_by_one_give_the_process_fitted_at_once() {
        let (space, x, y) = sample(20);
        let form = Form::new(&space);
        let theta = form.start();
        let whole = Gp::new(&form, &theta, x.clone(), &y);
        let mut grown = Gp::new(&form, &theta, x[..10].to_vec(), &y[..10]);
        assert!(x[10..].iter().all(|row| grown.push(row)));
        grown.targets(&y);
        let probe = [vec![0.0, 0.25, ABSENT]];
        assert!((whole.predict8(&probe).0[0] - grown.predict8(&probe).0[0]).abs() < 1e-12);
    }

    #[test]
    fn a_point_seen_twice_with_other_values_is_taken_as_noise() {
        let (space, mut x, mut y) = sample(6);
        x.extend(x.clone());
        y.extend(y.clone().iter().map(|v| v + 0.3));
        let form = Form::new(&space);
        let mut theta = form.start();
        Gp::tune(&form, &x, &y, &mut theta, 40);
        assert!(Gp::new(&form, &theta, x, &y).noise_sd() > 0.05);
    }
}
