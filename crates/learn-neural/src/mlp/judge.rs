//! The best epoch: the one whose answers to held-out rows lose least once their temperature is right.
//!
//! A network is refined long after its probabilities have become too sure of themselves; what is over-sure is mended by one
//! number afterwards, so epochs are compared as if it were mended already (Berta et al. 2025).

use kolosal_compute::Crew;
use kolosal_compute::kernels::exp;

use super::block::{ROWS, scores};
use super::front::Source;
use super::loss::Known;
use super::network::Reading;

/// Rows that choose the epoch.
pub(super) struct Held<'a> {
    pub(super) source: Source<'a>,
    pub(super) rows: Vec<u32>,
    /// Answers of all rows of the source.
    pub(super) known: &'a Known,
    /// Weights of all rows of the source.
    pub(super) weights: Option<&'a [f32]>,
    /// Lowest and highest answer that a regression gives.
    pub(super) bounds: [f32; 2],
}

/// What an epoch is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Verdict {
    pub(super) loss: f64,
    /// What scores are to be divided by.
    pub(super) temperature: f64,
}

impl Held<'_> {
    /// Judges the network as it stands.
    pub(super) fn judge(&self, reading: &Reading<'_>, crew: &Crew<'_>) -> Verdict {
        let outputs = reading.layout.outputs;
        let mut all = vec![0.0; self.rows.len() * outputs];
        crew.for_each_chunk_mut(&mut all, ROWS * outputs, |at, out| {
            let rows = &self.rows[at * ROWS..self.rows.len().min((at + 1) * ROWS)];
            scores(reading, &self.source, rows, out);
        });
        if all.iter().any(|score| !score.is_finite()) {
            return Verdict {
                loss: f64::NAN,
                temperature: 1.0,
            };
        }
        match self.known {
            Known::Numbers(targets) => self.mean_square(&all, targets),
            Known::Classes { codes, .. } => self.refined(&all, codes, outputs),
        }
    }

    fn weight(&self, row: u32) -> f64 {
        self.weights
            .map_or(1.0, |weights| f64::from(weights[row as usize]))
    }

    fn mean_square(&self, scores: &[f32], targets: &[f32]) -> Verdict {
        let (mut sum, mut total) = (0.0, 0.0);
        for (&row, score) in self.rows.iter().zip(scores) {
            let answer = score.clamp(self.bounds[0], self.bounds[1]);
            let weight = self.weight(row);
            sum += weight * f64::from(answer - targets[row as usize]).powi(2);
            total += weight;
        }
        Verdict {
            loss: sum / total,
            temperature: 1.0,
        }
    }

    /// The log-loss at the temperature where it is lowest: it is convex in the factor on the scores.
    fn refined(&self, scores: &[f32], codes: &[u32], outputs: usize) -> Verdict {
        let mut factor = 1.0;
        let (mut low, mut high) = (1.0 / TEMPERATURE_MAX, TEMPERATURE_MAX);
        let mut loss = f64::INFINITY;
        for _ in 0..STEPS_MAX {
            let [value, slope, bend] = self.at_factor(factor, scores, codes, outputs);
            loss = value;
            if slope > 0.0 {
                high = factor;
            } else {
                low = factor;
            }
            let newton = factor - slope / bend;
            let next = if low < newton && newton < high {
                newton
            } else {
                (low * high).sqrt()
            };
            if (next / factor - 1.0).abs() < 1e-3 {
                break;
            }
            factor = next;
        }
        Verdict {
            loss,
            temperature: 1.0 / factor,
        }
    }

    /// Log-loss of scores times a factor, and its first two derivatives by the factor.
    fn at_factor(&self, factor: f64, scores: &[f32], codes: &[u32], outputs: usize) -> [f64; 3] {
        let mut odds: Vec<f64> = Vec::with_capacity(scores.len());
        for line in scores.chunks_exact(outputs) {
            let highest = line.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            odds.extend(line.iter().map(|score| factor * f64::from(score - highest)));
        }
        exp(&mut odds);
        let (mut sums, mut total) = ([0.0; 3], 0.0);
        for ((&row, line), odds) in self
            .rows
            .iter()
            .zip(scores.chunks_exact(outputs))
            .zip(odds.chunks_exact(outputs))
        {
            let highest = line.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let (mut all, mut mean, mut square) = (0.0, 0.0, 0.0);
            for (score, odds) in line.iter().zip(odds) {
                let score = f64::from(score - highest);
                all += odds;
                mean += odds * score;
                square += odds * score * score;
            }
            (mean, square) = (mean / all, square / all);
            let of_class = f64::from(line[codes[row as usize] as usize] - highest);
            let weight = self.weight(row);
            sums[0] += weight * (all.ln() - factor * of_class);
            sums[1] += weight * (mean - of_class);
            sums[2] += weight * (square - mean * mean);
            total += weight;
        }
        sums.map(|sum| sum / total)
    }
}

/// Most that answers are softened or sharpened by.
const TEMPERATURE_MAX: f64 = 20.0;
const STEPS_MAX: usize = 25;
