//! What further trials can be expected to gain, and when a study has converged.
//!
//! Two witnesses are asked: the process, by its expected improvement at the last proposals, and the record, by how long ago
//! the best was found and what the trials before gained. In units of the distance from the median trial to the best, with
//! `e` the expected improvement of [`HORIZON`] trials, `g` the gain of the last as many, and `s` the trials since the best,
//! the chance `p` of a new best within the horizon is logistic in `ln e`, `ln g` and `ln (1 + s)`, and the size of a gain
//! log-normal around `m`, linear in the same. The coefficients were fitted once to studies of 27 tasks; `s` says most. The
//! mean gain is a power of `p exp(m)`, because both witnesses overstate how much they know.
//!
//! A study has converged when half of its budget is used, a new best within the horizon is less likely than not, and that
//! chance times the share of the budget that is left is under `LEFT_MAX`; or when what the rest can be expected to gain
//! stays under the tolerance or half the noise (the bound against noise follows Makarova et al. 2022).

use crate::special::normal_quantile;
use crate::surrogate::Surrogate;
use crate::warp;

/// Trials that a forecast speaks of.
pub const HORIZON: usize = 20;
/// Chance of a new best, times the share of the budget that is left, under which a study has converged.
const LEFT_MAX: f64 = 0.2;
const CHANCE_MAX: f64 = 0.5;
/// Trials before which no study without a budget has converged.
const TRIALS_MIN: usize = 40;
/// Proposals whose expected improvements are averaged.
const NOTES: usize = 5;
/// Shares of the spread below this are as good as none.
const SHARE_MIN: f64 = 1e-6;

/// What the next [`HORIZON`] trials can be expected to bring.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// The chance of a new best.
    pub chance: f64,
    /// The mean gain, in units of the objective.
    pub gain: f64,
    /// The gain that is passed in one case of ten.
    pub gain_high: f64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Forecast {
    /// Expected gains of single trials, in the units told.
    notes: Vec<f64>,
    noise: f64,
}

impl Forecast {
    pub(crate) fn note(&mut self, ln_ei: f64, model: &Surrogate) {
        let noise = model.gp.as_ref().map_or(0.0, |gp| gp.noise_sd());
        let unit = model.unit_at_best();
        self.noise = noise * unit;
        self.notes.push(ln_ei.clamp(-700.0, 50.0).exp() * unit);
    }

    /// Deviation of the noise at the best, in the units told.
    pub(crate) fn noise(&self) -> f64 {
        self.noise
    }

    /// From the best values after each told trial and the median of all values.
    pub(crate) fn outlook(&self, best: &[f64], median: f64) -> Option<Outlook> {
        let recent = &self.notes[self.notes.len().saturating_sub(NOTES)..];
        let now = *best.last()?;
        if recent.is_empty() || !now.is_finite() {
            return None;
        }
        let n = best.len();
        let spread = (median - now).max(1e-300);
        let share = |gain: f64| (gain / spread).clamp(SHARE_MIN, 1e6).ln();
        let mean = recent.iter().sum::<f64>() / recent.len() as f64;
        let before = best[n.saturating_sub(HORIZON + 1)];
        let found = best.iter().position(|b| *b <= now).unwrap_or(0);
        let (e, g) = (
            share(HORIZON as f64 * mean),
            share((before - now).min(1e6 * spread)),
        );
        let s = ((n - 1 - found) as f64).ln_1p();
        let odds = 2.03 + 0.05 * e + 0.04 * g - 0.665 * s;
        let chance = 1.0 / (1.0 + (-odds).exp());
        let size = -3.46 + 0.93 * e + 0.21 * g + 0.74 * s;
        let typical = (4.0 * chance * size.exp().min(0.5)).min(0.5);
        Some(Outlook {
            chance,
            gain: spread * 0.16 * typical.powf(0.25),
            gain_high: spread * high_quantile(chance, size),
        })
    }

    /// `remaining` trials of the budget; as many as were told where there is none.
    pub(crate) fn has_converged(&self, best: &[f64], median: f64, study: Budget) -> bool {
        let n = best.len();
        let enough = study.total.map_or(TRIALS_MIN, |total| total / 2);
        let Some(outlook) = self.outlook(best, median).filter(|_| n >= enough) else {
            return false;
        };
        // Without a budget as many trials may follow as were made.
        let total = study.total.unwrap_or(2 * n);
        let left = total.saturating_sub(n) as f64;
        let floor = study
            .tolerance
            .max(0.5 * self.noise.min(0.1 * (median - best[n - 1]).max(0.0)));
        let is_unlikely =
            outlook.chance < CHANCE_MAX && outlook.chance * left / total.max(1) as f64 <= LEFT_MAX;
        is_unlikely || outlook.gain * left / HORIZON as f64 <= floor
    }
}

/// What was intended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) total: Option<usize>,
    pub(crate) tolerance: f64,
}

/// The quantile nine tenths of a gain that is nothing, or log-normal around `size`.
fn high_quantile(chance: f64, size: f64) -> f64 {
    const SPREAD: f64 = 3.3;
    if chance <= 0.1 {
        return 0.0;
    }
    let within = (chance - 0.1) / chance;
    (size + SPREAD * normal_quantile(within)).min(0.0).exp()
}

impl Surrogate {
    /// Units told per unit of the scale of the process, at the best trial.
    fn unit_at_best(&self) -> f64 {
        warp::unit_at_best(self.warp, &self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_nothing_came_the_less_is_expected() {
        let forecast = Forecast {
            notes: vec![1e-3; 5],
            noise: 0.0,
        };
        let at = |quiet: usize| {
            let mut best: Vec<f64> = (0..40).map(|i| 1.0 / f64::from(i + 1)).collect();
            best.extend(std::iter::repeat_n(best[39], quiet));
            forecast.outlook(&best, 1.0).expect("noted")
        };
        let (fresh, stale) = (at(0), at(60));
        assert!(fresh.chance > 0.7 && stale.chance < 0.3, "{fresh:?} {stale:?}");
        assert!(stale.gain_high < fresh.gain_high, "{fresh:?} {stale:?}");
        assert!(fresh.gain > 0.0 && fresh.gain < 1.0);
    }

    #[test]
    fn a_budget_that_is_nearly_used_up_converges_sooner() {
        let forecast = Forecast {
            notes: vec![1e-6; 5],
            noise: 0.0,
        };
        let best: Vec<f64> = (0..60).map(|i| if i < 40 { 1.0 } else { 0.5 }).collect();
        let budget = |total| Budget {
            total: Some(total),
            tolerance: 0.0,
        };
        let chance = forecast.outlook(&best, 1.5).expect("noted").chance;
        assert!((0.3..0.5).contains(&chance), "{chance}");
        assert!(forecast.has_converged(&best, 1.5, budget(75)));
        assert!(
            !forecast.has_converged(&best, 1.5, budget(125)),
            "not half of it is used"
        );
    }
}
