//! Scales for the values told: which one the surrogate sees is chosen by leave-one-out density.
//!
//! A process with one length a parameter models a function well when it is about equally rough everywhere. Values of
//! trainings are not: a diverged run is worse by decades. Each scale is monotone, so the best stays the best. Densities on
//! different scales are compared in the units told, `log p(w(y_i) | rest) + log w'(y_i)`, over the better half, where all
//! scales are differentiable and where the search will go on (Snelson et al. 2004; half ranks: Golovin et al. 2017).

use crate::special::normal_quantile;

/// A scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Warp {
    /// Values as told.
    Raw,
    /// The better half as told, the worse half by normal quantiles of its ranks.
    HalfRank,
    /// The logarithm of the distance to just below the best: `share` of the distance from the best to the median.
    Log {
        /// The share.
        share: f64,
    },
    /// Yeo and Johnson's power transform with this exponent.
    Power {
        /// The exponent.
        lambda: f64,
    },
}

/// Every scale that is tried.
pub(crate) const WARPS: [Warp; 6] = [
    Warp::HalfRank,
    Warp::Raw,
    Warp::Log { share: 0.3 },
    Warp::Log { share: 0.02 },
    Warp::Power { lambda: 0.5 },
    Warp::Power { lambda: -0.5 },
];

impl Warp {
    /// Its name, for `status`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::HalfRank => "half-rank",
            Self::Log { .. } => "log",
            Self::Power { .. } => "power",
        }
    }
}

/// Values on a scale, standardised.
#[derive(Debug, Clone)]
pub(crate) struct Warped {
    pub(crate) z: Vec<f64>,
    /// Logarithm of the slope of the scale at each value of the better half; zero elsewhere.
    ln_slope: Vec<f64>,
    good: Vec<usize>,
}

impl Warped {
    /// Log density of the better half in the units told.
    pub(crate) fn density(&self, left_out: &[(f64, f64)]) -> f64 {
        let of = |&i: &usize| {
            let (mean, sd) = left_out[i];
            let z = (self.z[i] - mean) / sd;
            -0.5 * z * z - sd.ln() + self.ln_slope[i]
        };
        self.good.iter().map(of).sum()
    }
}

/// Puts values on a scale; larger stays larger.
pub(crate) fn apply(warp: Warp, y: &[f64]) -> Warped {
    assert!(y.iter().all(|v| v.is_finite()), "crashed trials have no value");
    let n = y.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| y[a].total_cmp(&y[b]).then(a.cmp(&b)));
    let good = order[..n.div_ceil(2)].to_vec();
    let (best, median) = (y[order[0]], y[order[(n - 1) / 2]]);
    let spread = (median - best).max(f64::MIN_POSITIVE);
    let (mut z, mut ln_slope) = (y.to_vec(), vec![0.0; n]);
    match warp {
        Warp::Raw => {}
        Warp::HalfRank => half_ranks(&mut z, &order, median),
        Warp::Log { share } => {
            half_ranks(&mut z, &order, median);
            for i in 0..n {
                let above = (z[i] - best) / spread + share;
                z[i] = above.ln();
                ln_slope[i] = -above.ln() - spread.ln();
            }
        }
        Warp::Power { lambda } => {
            // Powers of shares beyond this would leave the numbers where most values are equal and others far away.
            let range = y[order[n - 1]] - best;
            let unit = (spread * 1.5).max(range * 1e-12);
            for i in 0..n {
                let v = (y[i] - median) / unit;
                z[i] = yeo_johnson(v, lambda);
                let exponent = if v >= 0.0 { lambda - 1.0 } else { 1.0 - lambda };
                ln_slope[i] = exponent * v.abs().ln_1p() - unit.ln();
            }
        }
    }
    let sd = standardise(&mut z);
    ln_slope.iter_mut().for_each(|s| *s -= sd.ln());
    Warped { z, ln_slope, good }
}

/// Units told per unit of the scale, at the best value.
pub(crate) fn unit_at_best(warp: Warp, y: &[f64]) -> f64 {
    let warped = apply(warp, y);
    warped
        .good
        .first()
        .map_or(1.0, |&best| (-warped.ln_slope[best]).exp())
}

fn half_ranks(z: &mut [f64], order: &[usize], median: f64) {
    let n = order.len();
    let half = n.div_ceil(2);
    let square: f64 = order[..half].iter().map(|&i| (z[i] - median).powi(2)).sum();
    let scale = (square / half as f64).sqrt();
    let mut at = half;
    while at < n {
        let end = (at..n).find(|&k| z[order[k]] > z[order[at]]).unwrap_or(n);
        let rank = 0.5 * (at + end - 1) as f64 + 0.5;
        let value = if z[order[at]] > median {
            median + scale * normal_quantile(rank / n as f64).max(0.0)
        } else {
            median
        };
        order[at..end].iter().for_each(|&i| z[i] = value);
        at = end;
    }
}

fn yeo_johnson(v: f64, lambda: f64) -> f64 {
    if v >= 0.0 {
        ((1.0 + v).powf(lambda) - 1.0) / lambda
    } else {
        -((1.0 - v).powf(2.0 - lambda) - 1.0) / (2.0 - lambda)
    }
}

/// Mean zero, deviation one; gives the deviation.
fn standardise(z: &mut [f64]) -> f64 {
    let n = z.len() as f64;
    let mean = z.iter().sum::<f64>() / n;
    let sd = (z.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    // Equal values differ by rounding only, which is no spread.
    let is_spread = sd > 1e-13 * mean.abs() && sd.is_finite();
    let sd = if is_spread && sd > 0.0 { sd } else { 1.0 };
    z.iter_mut().for_each(|v| *v = (*v - mean) / sd);
    sd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scale_keeps_the_order_and_stays_finite() {
        for (warp, y) in WARPS.into_iter().flat_map(|warp| {
            [
                (warp, [3.0, 1.0, 2.0, 1e12, 2.0, -1.0, 1e300, 5.0]),
                (warp, [5.0, 5.0, 5.0, 5.0, 5.0, 1e100, 1e100, -1e-300]),
                (warp, [5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 1e100, 5.0]),
                (warp, [-1e100, 1e100, 5.0, 1e-320, -1e100, 1e100, 5.0, 0.0]),
            ]
        }) {
            let z = apply(warp, &y).z;
            assert!(z.iter().all(|v| v.is_finite()), "{warp:?} {z:?}");
            for i in 0..y.len() {
                for j in 0..y.len() {
                    assert!(y[i] >= y[j] || z[i] <= z[j], "{warp:?} {z:?}");
                }
            }
        }
        assert!(
            apply(Warp::Log { share: 0.02 }, &[1.0; 5])
                .z
                .iter()
                .all(|v| v.abs() < 1e-9)
        );
    }

    #[test]
    fn half_ranks_pull_the_bad_half_in() {
        let z = apply(Warp::HalfRank, &[0.0, 1.0, 2.0, 1e9, 1e10]).z;
        assert!(z[4] - z[3] < z[1] - z[0], "{z:?}");
    }
}
