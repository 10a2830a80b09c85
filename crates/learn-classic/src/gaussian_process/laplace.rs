//! Laplace's approximation of a two-class posterior, and its likelihood.

use kolosal_compute::kernels::dot;
use kolosal_compute::linalg::Factor;
use kolosal_learner::{FitContext, FitError};

use super::kernel::{Kernel, Points};

/// Most steps of Newton's method to the mode.
const STEPS: usize = 50;
/// Halvings of a step that would lose.
const HALVINGS: usize = 10;
/// Gain that counts as none.
const GAIN_MIN: f64 = 1e-8;
/// Added to the kernel's diagonal.
const JITTER: f64 = 1e-8;

/// Rows of two classes.
pub(super) struct Rows<'a> {
    pub(super) points: &'a Points,
    /// One for the class, minus one for all others.
    pub(super) signs: &'a [f64],
    pub(super) weights: &'a [f64],
}

/// The mode of the posterior.
pub(super) struct Mode {
    /// The kernel's multipliers: the gradient of the likelihood there.
    pub(super) alpha: Vec<f64>,
    /// Square roots of the curvature of each row.
    pub(super) roots: Vec<f64>,
    latent: Vec<f64>,
    factor: Factor,
    value: f64,
}

/// The kernel matrix of the rows.
pub(super) fn kernel_matrix(rows: &Rows<'_>, kernel: &Kernel<'_>, cx: &FitContext<'_>) -> Vec<f64> {
    let count = rows.signs.len();
    let mut matrix = kernel.matrix(rows.points, rows.points, cx.workers);
    (0..count).for_each(|i| matrix[i * count + i] += JITTER);
    matrix
}

fn log_likelihood(rows: &Rows<'_>, latent: &[f64]) -> f64 {
    let of_row = |((f, sign), weight): ((&f64, &f64), &f64)| {
        let z = sign * f;
        weight * (z.min(0.0) - (-z.abs()).exp().ln_1p())
    };
    latent.iter().zip(rows.signs).zip(rows.weights).map(of_row).sum()
}

/// First derivative of a row's likelihood, its curvature, and its third derivative.
fn derivatives(rows: &Rows<'_>, row: usize, f: f64) -> (f64, f64, f64) {
    let share = 1.0 / (1.0 + (-f).exp());
    let is_in = f64::from(u8::from(rows.signs[row] > 0.0));
    let (weight, bend) = (rows.weights[row], share * (1.0 - share));
    (
        weight * (is_in - share),
        weight * bend,
        -weight * bend * (1.0 - 2.0 * share),
    )
}

/// Finds the mode; `None` if a matrix cannot be factored.
///
/// # Errors
/// If the fit is stopped.
pub(super) fn mode(rows: &Rows<'_>, matrix: &[f64], cx: &FitContext<'_>) -> Result<Option<Mode>, FitError> {
    let count = rows.signs.len();
    let times = |v: &[f64]| -> Vec<f64> {
        cx.workers
            .map(count, |i| dot(&matrix[i * count..(i + 1) * count], v))
    };
    let (mut alpha, mut latent) = (vec![0.0; count], vec![0.0; count]);
    let mut reached = log_likelihood(rows, &latent);
    for _ in 0..STEPS {
        cx.checkpoint()?;
        let (roots, slopes, bends) = bent(rows, &latent);
        let Some(factor) = curved(matrix, &roots, cx) else {
            return Ok(None);
        };
        let b: Vec<f64> = (0..count).map(|i| bends[i] * latent[i] + slopes[i]).collect();
        let mut inner: Vec<f64> = times(&b).iter().zip(&roots).map(|(k, root)| k * root).collect();
        factor.solve(&mut inner);
        let wanted: Vec<f64> = (0..count).map(|i| b[i] - roots[i] * inner[i]).collect();
        let mut share = 1.0;
        let mut gained = None;
        for _ in 0..HALVINGS {
            let next: Vec<f64> = alpha
                .iter()
                .zip(&wanted)
                .map(|(a, w)| a + share * (w - a))
                .collect();
            let scores = times(&next);
            let value = log_likelihood(rows, &scores) - 0.5 * dot(&next, &scores);
            if value >= reached {
                gained = Some((next, scores, value));
                break;
            }
            share *= 0.5;
        }
        let Some((next, scores, value)) = gained else {
            break;
        };
        let gain = value - reached;
        (alpha, latent, reached) = (next, scores, value);
        if gain <= GAIN_MIN * (1.0 + reached.abs()) {
            break;
        }
    }
    let (roots, slopes, _) = bent(rows, &latent);
    let Some(factor) = curved(matrix, &roots, cx) else {
        return Ok(None);
    };
    let value = reached - factor.half_log_determinant();
    Ok(Some(Mode {
        alpha: slopes,
        roots,
        latent,
        factor,
        value,
    }))
}

/// Roots of the curvatures, slopes and curvatures of the likelihood.
fn bent(rows: &Rows<'_>, latent: &[f64]) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (mut slopes, mut bends) = (Vec::with_capacity(latent.len()), Vec::with_capacity(latent.len()));
    for (row, f) in latent.iter().enumerate() {
        let (slope, bend, _) = derivatives(rows, row, *f);
        slopes.push(slope);
        bends.push(bend);
    }
    (bends.iter().map(|bend| bend.sqrt()).collect(), slopes, bends)
}

/// The factor of `I + W^1/2 K W^1/2`.
pub(super) fn scaled_up(matrix: &[f64], roots: &[f64]) -> Vec<f64> {
    let count = roots.len();
    let mut scaled = matrix.to_vec();
    for (i, line) in scaled.chunks_exact_mut(count).enumerate() {
        line.iter_mut()
            .zip(roots)
            .for_each(|(k, root)| *k *= root * roots[i]);
        line[i] += 1.0;
    }
    scaled
}

fn curved(matrix: &[f64], roots: &[f64], cx: &FitContext<'_>) -> Option<Factor> {
    Factor::new(scaled_up(matrix, roots), roots.len(), cx.workers)
}

/// The approximate likelihood at some parameters, and its gradient.
///
/// # Errors
/// If the fit is stopped.
pub(super) fn likelihood(
    rows: &Rows<'_>,
    kernel: &Kernel<'_>,
    cx: &FitContext<'_>,
) -> Result<Option<(f64, Vec<f64>)>, FitError> {
    let count = rows.signs.len();
    let matrix = kernel_matrix(rows, kernel, cx);
    let Some(mode) = mode(rows, &matrix, cx)? else {
        return Ok(None);
    };
    let mut inverse = mode.factor.inverse(cx.workers);
    // How the determinant follows each latent value: half its variance times the third derivative.
    let follows: Vec<f64> = (0..count)
        .map(|i| {
            let bend = mode.roots[i] * mode.roots[i];
            let variance = if bend > 1e-10 {
                (1.0 - inverse[i * count + i]) / bend
            } else {
                matrix[i * count + i]
            };
            0.5 * variance * derivatives(rows, i, mode.latent[i]).2
        })
        .collect();
    for (i, line) in inverse.chunks_exact_mut(count).enumerate() {
        line.iter_mut()
            .zip(&mode.roots)
            .for_each(|(r, root)| *r *= root * mode.roots[i]);
    }
    let times = |matrix: &[f64], v: &[f64]| -> Vec<f64> {
        cx.workers
            .map(count, |i| dot(&matrix[i * count..(i + 1) * count], v))
    };
    let moved = times(&inverse, &times(&matrix, &follows));
    let u: Vec<f64> = follows.iter().zip(&moved).map(|(s, m)| s - m).collect();
    let (a, g) = (&mode.alpha, &mode.alpha);
    let mut worth = inverse;
    cx.workers.for_each_chunk_mut(&mut worth, count, |i, line| {
        for (j, value) in line.iter_mut().enumerate() {
            *value = 0.5 * (a[i] * a[j] - *value + u[i] * g[j] + g[i] * u[j]);
        }
    });
    Ok(Some((
        mode.value,
        kernel.gradient(rows.points, &worth, cx.workers),
    )))
}
