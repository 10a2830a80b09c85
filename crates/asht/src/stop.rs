//! What further trials can be expected to gain, and when a study has converged.
//!
//! At each proposal over the whole space the largest expected improvement is noted in the units told. The gain of the
//! next twenty trials is foreseen as twenty times its mean over the last five, times a calibration: gains that came, over
//! gains that were foreseen, in the study so far. A study has converged when that stays under the tolerance, half the
//! noise, or a thousandth of what was gained since the median trial, and nothing was gained for a while (the bound
//! against noise follows Makarova et al. 2022).

use crate::surrogate::Surrogate;
use crate::warp;

/// Trials that a forecast speaks of.
pub const HORIZON: usize = 20;
const SHARE: f64 = 1e-3;

#[derive(Debug, Clone, Default)]
pub(crate) struct Forecast {
    /// Trials told, expected gain of one trial, and the best then.
    notes: Vec<(usize, f64)>,
    noise: f64,
}

impl Forecast {
    pub(crate) fn note(&mut self, told: usize, ln_ei: f64, model: &Surrogate) {
        let noise = model.gp.as_ref().map_or(0.0, |gp| gp.noise_sd());
        let unit = model.unit_at_best();
        self.noise = noise * unit;
        self.notes.push((told, ln_ei.clamp(-700.0, 50.0).exp() * unit));
    }

    /// The gain foreseen for the next trials; `best` are the best values after each told trial.
    pub(crate) fn gain(&self, best: &[f64]) -> Option<f64> {
        let recent = &self.notes[self.notes.len().saturating_sub(5)..];
        if recent.is_empty() {
            return None;
        }
        let mean = recent.iter().map(|(_, gain)| gain).sum::<f64>() / recent.len() as f64;
        Some(HORIZON as f64 * mean * self.calibration(best))
    }

    fn calibration(&self, best: &[f64]) -> f64 {
        let (mut came, mut foreseen) = (0.0, 0.0);
        for (told, gain) in self.notes.iter().rev().take(30) {
            if let (Some(before), Some(after)) = (best.get(told.wrapping_sub(1)), best.get(*told)) {
                came += before - after;
                foreseen += gain;
            }
        }
        if foreseen > 0.0 {
            ((came + 0.2 * foreseen) / (1.2 * foreseen)).clamp(0.1, 2.0)
        } else {
            1.0
        }
    }

    pub(crate) fn has_converged(&self, best: &[f64], median: f64, tolerance: f64, dimensions: usize) -> bool {
        let n = best.len();
        let quiet = 10 + 2 * dimensions;
        if n < quiet + 15 || self.notes.len() < 8 {
            return false;
        }
        let now = best[n - 1];
        let floor = tolerance.max(0.5 * self.noise).max(SHARE * (median - now));
        let still = best[n - 1 - quiet] - now <= floor;
        still && self.gain(best).is_some_and(|gain| gain <= floor)
    }
}

impl Surrogate {
    /// Units told per unit of the scale of the process, at the best trial.
    fn unit_at_best(&self) -> f64 {
        warp::unit_at_best(self.warp, &self.values)
    }
}
