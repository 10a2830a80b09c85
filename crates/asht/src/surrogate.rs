//! A process kept up to date with the trials: when it is tuned anew, on which scale, with which of many trials.

use crate::gp::{Form, Gp};
use crate::warp::{self, WARPS, Warp, Warped};

/// A process sees at most so many trials: the best, the latest, and an even choice of the others.
const ROWS_MAX: usize = 220;
/// A scale is left only for one that explains the better half this much better.
const WARP_HYSTERESIS: f64 = 1.0;

/// Which scales a quantity may be put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scales {
    /// All of them.
    Free,
    /// As told: where zero or the distance between points has a meaning.
    Plain,
}

#[derive(Debug, Clone)]
pub(crate) struct Surrogate {
    scales: Scales,
    pub(crate) warp: Warp,
    theta: Vec<f64>,
    rows: Vec<usize>,
    next_tune: usize,
    pub(crate) z: Vec<f64>,
    /// Mean and deviation of the values of the rows: plain scales are `(value - mean) / deviation`.
    pub(crate) affine: (f64, f64),
    pub(crate) values: Vec<f64>,
    pub(crate) gp: Option<Gp>,
}

impl Surrogate {
    pub(crate) fn new(form: &Form, scales: Scales) -> Self {
        Self {
            scales,
            warp: match scales {
                Scales::Free => Warp::HalfRank,
                Scales::Plain => Warp::Raw,
            },
            theta: form.start(),
            rows: Vec::new(),
            next_tune: 0,
            z: Vec::new(),
            affine: (0.0, 1.0),
            values: Vec::new(),
            gp: None,
        }
    }

    /// Takes all observations, in the order they were told.
    pub(crate) fn update(&mut self, form: &Form, x: &[Vec<f64>], y: &[f64]) {
        let rows = chosen_rows(y);
        let values: Vec<f64> = rows.iter().map(|&i| y[i]).collect();
        self.affine = affine(&values);
        let points = |rows: &[usize]| rows.iter().map(|&i| x[i].clone()).collect::<Vec<_>>();
        if y.len() >= self.next_tune {
            self.tune(form, points(&rows), &values);
            self.next_tune = y.len() + 1 + if y.len() < 20 { 0 } else { y.len().div_ceil(20) };
        } else {
            self.extend(form, x, &rows, &values);
        }
        self.rows = rows;
        self.values = values;
    }

    fn extend(&mut self, form: &Form, x: &[Vec<f64>], rows: &[usize], values: &[f64]) {
        self.z = warp::apply(self.warp, values).z;
        let grown = self.gp.as_mut().is_some_and(|gp| {
            rows.len() >= self.rows.len()
                && rows[..self.rows.len()] == self.rows
                && gp.is_of(rows[..self.rows.len()].iter().map(|&i| &x[i]))
                && rows[self.rows.len()..].iter().all(|&i| gp.push(&x[i]))
        });
        match &mut self.gp {
            Some(gp) if grown => gp.targets(&self.z),
            _ => {
                let points = rows.iter().map(|&i| x[i].clone()).collect();
                self.gp = Some(Gp::new(form, &self.theta, points, &self.z));
            }
        }
    }

    fn tune(&mut self, form: &Form, points: Vec<Vec<f64>>, values: &[f64]) {
        let n = values.len();
        self.choose_scale(form, &points, values);
        self.z = warp::apply(self.warp, values).z;
        let evaluations = if n <= 60 { 30 } else { 12 };
        let mut theta = self.theta.clone();
        let loss = Gp::tune(form, &points, &self.z, &mut theta, evaluations);
        if n <= 40 || n.is_multiple_of(3) && n <= 120 {
            let mut fresh = form.start();
            if Gp::tune(form, &points, &self.z, &mut fresh, evaluations) < loss - 1e-6 {
                theta = fresh;
            }
        }
        self.theta = theta;
        self.gp = Some(Gp::new(form, &self.theta, points, &self.z));
    }

    fn choose_scale(&mut self, form: &Form, points: &[Vec<f64>], values: &[f64]) {
        if self.scales == Scales::Plain || values.len() < 6 {
            return;
        }
        let warped: Vec<Warped> = WARPS.iter().map(|&w| warp::apply(w, values)).collect();
        let targets: Vec<Vec<f64>> = warped.iter().map(|w| w.z.clone()).collect();
        let gp = Gp::new(form, &self.theta, points.to_vec(), &targets[0]);
        let mut best = (self.warp, f64::NEG_INFINITY);
        for ((warp, warped), left_out) in WARPS.iter().zip(&warped).zip(gp.leave_one_out(&targets)) {
            let bonus = if *warp == self.warp { WARP_HYSTERESIS } else { 0.0 };
            let density = warped.density(&left_out) + bonus;
            if density > best.1 {
                best = (*warp, density);
            }
        }
        self.warp = best.0;
    }

    /// The process with open trials taken at their expected values.
    pub(crate) fn with_pending(&self, pending: &[Vec<f64>]) -> Option<Gp> {
        let mut gp = self.gp.clone()?;
        let mut z = self.z.clone();
        for x in pending {
            let mean = gp.predict8(std::slice::from_ref(x)).0[0];
            if gp.push(x) {
                z.push(mean);
                gp.targets(&z);
            }
        }
        Some(gp)
    }

    /// The index among all observations of each row of the process.
    pub(crate) fn rows(&self) -> &[usize] {
        &self.rows
    }
}

fn affine(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    (
        mean,
        if sd > 1e-13 * mean.abs() && sd > 0.0 && sd.is_finite() {
            sd
        } else {
            1.0
        },
    )
}

fn chosen_rows(y: &[f64]) -> Vec<usize> {
    let n = y.len();
    if n <= ROWS_MAX {
        return (0..n).collect();
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| y[a].total_cmp(&y[b]).then(a.cmp(&b)));
    let mut taken = vec![false; n];
    order[..ROWS_MAX / 2].iter().for_each(|&i| taken[i] = true);
    (n - ROWS_MAX / 5..n).for_each(|i| taken[i] = true);
    let rest: Vec<usize> = order.into_iter().filter(|&i| !taken[i]).collect();
    let room = ROWS_MAX - taken.iter().filter(|t| **t).count();
    for k in 0..room.min(rest.len()) {
        taken[rest[k * rest.len() / room]] = true;
    }
    (0..n).filter(|&i| taken[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_trials_the_best_and_the_latest_are_kept() {
        let y: Vec<f64> = (0..1000).map(|i| f64::from(i * 7919 % 1000)).collect();
        let rows = chosen_rows(&y);
        assert_eq!(rows.len(), ROWS_MAX);
        assert!(rows.is_sorted() && rows.contains(&999));
        let best = (0..1000).filter(|&i| y[i] < 100.0);
        assert!(best.into_iter().all(|i| rows.contains(&i)));
    }
}
