//! An arm: covariance matrix adaptation around the elite (Hansen 2016), on the numbers of the best branch.
//!
//! Generations are small and may be told in any order; a generation is closed when all of it is told. Sampling uses the
//! Cholesky factor of the covariance. It wins on long narrow valleys after some hundred trials, and learns nothing about
//! categories, which stay as the best trial has them.

use kolosal_base::Rng;

use crate::linalg::Cholesky;
use crate::space::{ABSENT, Space};

#[derive(Debug, Clone)]
pub(crate) struct Cma {
    template: Vec<f64>,
    dims: Vec<usize>,
    mean: Vec<f64>,
    sigma: f64,
    covariance: Vec<Vec<f64>>,
    path_sigma: Vec<f64>,
    path_c: Vec<f64>,
    told: Vec<(f64, Vec<f64>)>,
    lambda: usize,
}

impl Cma {
    /// Starts from points ordered from the best to the worst.
    pub(crate) fn new(space: &Space, ranked: &[&[f64]]) -> Option<Self> {
        let template = ranked.first()?.to_vec();
        let dims: Vec<usize> = (0..space.len())
            .filter(|&j| template[j] != ABSENT && space.categories(j) == 0 && space.levels(j) != Some(1))
            .collect();
        if dims.len() < 2 {
            return None;
        }
        let same = |x: &&&[f64]| (0..space.len()).all(|j| dims.contains(&j) || x[j] == template[j]);
        let elite: Vec<&[f64]> = ranked.iter().filter(same).take(5).copied().collect();
        let mean: Vec<f64> = dims
            .iter()
            .map(|&j| elite.iter().map(|x| x[j]).sum::<f64>() / elite.len() as f64)
            .collect();
        let square: f64 = dims
            .iter()
            .zip(&mean)
            .map(|(&j, m)| elite.iter().map(|x| (x[j] - m).powi(2)).sum::<f64>())
            .sum();
        let sigma = (square / (elite.len() * dims.len()) as f64)
            .sqrt()
            .clamp(0.02, 0.25);
        let n = dims.len();
        Some(Self {
            template,
            covariance: (0..n)
                .map(|i| (0..=i).map(|j| f64::from(u8::from(i == j))).collect())
                .collect(),
            path_sigma: vec![0.0; n],
            path_c: vec![0.0; n],
            lambda: 4 + (3.0 * (n as f64).ln()) as usize,
            told: Vec::new(),
            mean,
            sigma,
            dims,
        })
    }

    /// Whether it has nothing left to do here.
    pub(crate) fn is_spent(&self) -> bool {
        self.sigma < 1e-5 || Cholesky::new(&self.covariance).is_none()
    }

    pub(crate) fn propose(&self, space: &Space, rng: &mut Rng) -> Vec<f64> {
        let n = self.dims.len();
        let z: Vec<f64> = (0..n).map(|_| rng.normal()).collect();
        let factor = Cholesky::new(&self.covariance).expect("looked at by is_spent");
        let step = factor.times(&z);
        let mut x = self.template.clone();
        for (k, &j) in self.dims.iter().enumerate() {
            x[j] = (self.mean[k] + self.sigma * step[k]).clamp(0.0, 1.0);
        }
        space.settle(&mut x, |_| 0.5);
        x
    }

    /// Takes the value of a proposal; closes the generation when it is full.
    pub(crate) fn tell(&mut self, x: &[f64], value: f64) {
        let same = (0..x.len()).all(|j| self.dims.contains(&j) || x[j] == self.template[j]);
        if !same {
            return;
        }
        self.told.push((value, self.dims.iter().map(|&j| x[j]).collect()));
        if self.told.len() >= self.lambda {
            let told = std::mem::take(&mut self.told);
            self.advance(told);
        }
    }

    fn advance(&mut self, mut told: Vec<(f64, Vec<f64>)>) {
        told.sort_by(|a, b| a.0.total_cmp(&b.0));
        let n = self.dims.len() as f64;
        let mu = told.len() / 2;
        let raw: Vec<f64> = (1..=mu)
            .map(|i| (mu as f64 + 0.5).ln() - (i as f64).ln())
            .collect();
        let total: f64 = raw.iter().sum();
        let w: Vec<f64> = raw.iter().map(|v| v / total).collect();
        let mu_eff = 1.0 / w.iter().map(|v| v * v).sum::<f64>();
        let old = self.mean.clone();
        for k in 0..old.len() {
            self.mean[k] = w.iter().zip(&told).map(|(w, (_, x))| w * x[k]).sum();
        }
        let shift: Vec<f64> = self
            .mean
            .iter()
            .zip(&old)
            .map(|(a, b)| (a - b) / self.sigma)
            .collect();
        let c_sigma = (mu_eff + 2.0) / (n + mu_eff + 5.0);
        let damping = 1.0 + 2.0 * (((mu_eff - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0) + c_sigma;
        let Some(factor) = Cholesky::new(&self.covariance) else {
            return;
        };
        let mut white = shift.clone();
        factor.forward(&mut white);
        let gain = (c_sigma * (2.0 - c_sigma) * mu_eff).sqrt();
        for (p, v) in self.path_sigma.iter_mut().zip(&white) {
            *p = (1.0 - c_sigma) * *p + gain * v;
        }
        let length = self.path_sigma.iter().map(|v| v * v).sum::<f64>().sqrt();
        let expected = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
        let cc = (4.0 + mu_eff / n) / (n + 4.0 + 2.0 * mu_eff / n);
        let steady = f64::from(u8::from(length / expected < 1.4 + 2.0 / (n + 1.0)));
        for (p, v) in self.path_c.iter_mut().zip(&shift) {
            *p = (1.0 - cc) * *p + steady * (cc * (2.0 - cc) * mu_eff).sqrt() * v;
        }
        let c1 = 2.0 / ((n + 1.3).powi(2) + mu_eff);
        let c_mu = (2.0 * (mu_eff - 2.0 + 1.0 / mu_eff) / ((n + 2.0).powi(2) + mu_eff)).min(1.0 - c1);
        for i in 0..old.len() {
            for j in 0..=i {
                let rank: f64 = w
                    .iter()
                    .zip(&told)
                    .map(|(w, (_, x))| w * (x[i] - old[i]) * (x[j] - old[j]) / self.sigma.powi(2))
                    .sum();
                let c = &mut self.covariance[i][j];
                *c = (1.0 - c1 - c_mu) * *c + c1 * self.path_c[i] * self.path_c[j] + c_mu * rank;
            }
        }
        self.sigma = (self.sigma * (c_sigma / damping * (length / expected - 1.0)).exp()).min(0.5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Param;
    use kolosal_base::Seed;

    #[test]
    fn a_narrow_valley_is_descended() {
        let space =
            Space::new((0..4).map(|j| Param::float(&format!("x{j}"), 0.0, 1.0)).collect()).expect("sound");
        let f = |x: &[f64]| {
            (0..4)
                .map(|j| 100f64.powi(j) * (x[j as usize] - 0.3).powi(2))
                .sum::<f64>()
        };
        let start = [0.6; 4];
        let mut cma = Cma::new(&space, &[&start]).expect("numbers");
        let mut rng = Seed::new(4).rng();
        let mut best = f64::INFINITY;
        for _ in 0..2400 {
            if cma.is_spent() {
                break;
            }
            let x = cma.propose(&space, &mut rng);
            best = best.min(f(&x));
            cma.tell(&x, f(&x));
        }
        assert!(best < 1e-4, "{best}");
    }
}
