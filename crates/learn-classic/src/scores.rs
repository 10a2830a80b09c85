//! From scores to probabilities, and shares read back from a file.

use kolosal_compute::kernels::exp;
use kolosal_learner::{ArtifactError, Decoder};

/// Replaces each line of `classes` scores, of which one at least is finite, by their softmax.
pub(crate) fn probabilities(scores: &mut [f64], classes: usize) {
    for line in scores.chunks_exact_mut(classes) {
        let highest = line.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        line.iter_mut().for_each(|score| *score -= highest);
    }
    exp(scores);
    for line in scores.chunks_exact_mut(classes) {
        let total: f64 = line.iter().sum();
        line.iter_mut().for_each(|share| *share /= total);
    }
}

/// Reads one share a column.
pub(crate) fn load_importances(from: &mut Decoder<'_>) -> Result<Vec<f64>, ArtifactError> {
    let shares = from.f64s()?;
    match shares.iter().find(|share| !(0.0..=1.0 + 1e-9).contains(*share)) {
        None => Ok(shares),
        Some(odd) => Err(ArtifactError::damaged(format!("an importance is {odd}"))),
    }
}
