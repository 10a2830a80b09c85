//! Time and memory: how strongly costs count, and what may still be started.
//!
//! Seconds and bytes told are modelled by processes on the log scale. No point is proposed, by whatever arm, whose cost may
//! exceed what is left: the mean and one deviation are held against it.

use crate::models::ln_cost;
use crate::study::Study;
use crate::surrogate::Surrogate;

impl Study {
    /// How strongly costs count: fully at the start, not at all at the end (cost cooling, Lee et al. 2020).
    pub(crate) fn cooling(&self) -> f64 {
        if !self.models.has_seconds {
            return 0.0;
        }
        let spent = match (self.settings.seconds_max, self.settings.budget) {
            (Some(max), _) if max > 0.0 => self.spent_s / max,
            (_, Some(budget)) => self.trials.len() as f64 / budget.max(1) as f64,
            _ => 1.0,
        };
        (1.0 - spent).clamp(0.0, 1.0)
    }

    /// Seconds that are left, where they are limited.
    pub(crate) fn seconds_left(&self) -> Option<f64> {
        let max = self.settings.seconds_max?;
        Some((max - self.spent_s).max(0.0))
    }

    pub(crate) fn is_limited(&self) -> bool {
        self.settings.seconds_max.is_some() || self.settings.bytes_max.is_some()
    }

    /// Whether a point is expected to end within the time and memory that are left.
    pub(crate) fn fits_resources(&self, x: &[f64]) -> bool {
        self.excess(x) <= 0.0
    }

    /// How far a point may exceed what is left, in logarithms; zero and less where it fits.
    pub(crate) fn excess(&self, x: &[f64]) -> f64 {
        let over = |model: &Surrogate, known: bool, limit: Option<f64>| {
            let (Some(gp), Some(limit)) = (model.gp.as_ref().filter(|_| known), limit) else {
                return f64::NEG_INFINITY;
            };
            let (mean, sd) = gp.predict8(&[self.form.reduce(x)]);
            let deviation = sd[0].hypot(gp.noise_sd());
            model.affine.0 + model.affine.1 * (mean[0] + deviation) - ln_cost(limit)
        };
        let seconds = over(&self.models.seconds, self.models.has_seconds, self.seconds_left());
        let bytes = over(&self.models.bytes, self.models.has_bytes, self.settings.bytes_max);
        seconds.max(bytes)
    }

    /// The point that exceeds what is left least; the first of those that fit.
    pub(crate) fn least_excess(&self, points: &[Vec<f64>]) -> Option<usize> {
        let excess: Vec<f64> = points.iter().map(|x| self.excess(x).max(0.0)).collect();
        (0..points.len()).min_by(|&a, &b| excess[a].total_cmp(&excess[b]).then(a.cmp(&b)))
    }
}
