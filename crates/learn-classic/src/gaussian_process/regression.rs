//! The exact regression and its likelihood, and inducing points for more rows.

use kolosal_compute::Workers;
use kolosal_compute::kernels::{add_cross_products, dot};
use kolosal_compute::linalg::Factor;
use kolosal_learner::{FitContext, FitError};

use super::kernel::{Kernel, Points};

/// Half of ln(2 pi).
const HALF_LN_2PI: f64 = 0.918_938_533_204_672_7;
/// Added to variances of one, so that points that coincide can be factored.
const JITTER: f64 = 1e-10;
/// Rows of one block that inducing points are fitted to.
const BLOCK: usize = 1024;
/// Numbers of a row that are multiplied while they stay in the cache.
const CHUNK: usize = 512;
/// Tenfold increases of the jitter before a matrix counts as hopeless.
const RETRIES: usize = 8;

/// Rows of a regression with standardised targets.
pub(super) struct Rows<'a> {
    pub(super) points: &'a Points,
    pub(super) targets: &'a [f64],
    pub(super) weights: &'a [f64],
}

/// The likelihood at some parameters, of which the last is the logarithm of the noise, and its gradient.
pub(super) fn likelihood(
    rows: &Rows<'_>,
    kernel: &Kernel<'_>,
    noise: f64,
    cx: &FitContext<'_>,
) -> Result<Option<(f64, Vec<f64>)>, FitError> {
    cx.checkpoint()?;
    let count = rows.targets.len();
    let mut matrix = kernel.matrix(rows.points, rows.points, cx.workers);
    for (i, weight) in rows.weights.iter().enumerate() {
        matrix[i * count + i] += noise / weight + JITTER;
    }
    let Some(factor) = Factor::new(matrix, count, cx.workers) else {
        return Ok(None);
    };
    let mut alpha = rows.targets.to_vec();
    factor.solve(&mut alpha);
    let value = -0.5 * dot(rows.targets, &alpha) - factor.half_log_determinant() - count as f64 * HALF_LN_2PI;
    cx.checkpoint()?;
    // Half of alpha alpha' minus the inverse: what each entry of the matrix is worth.
    let mut worth = factor.inverse(cx.workers);
    cx.workers.for_each_chunk_mut(&mut worth, count, |i, line| {
        for (value, other) in line.iter_mut().zip(&alpha) {
            *value = 0.5 * (alpha[i] * other - *value);
        }
    });
    let mut gradient = kernel.gradient(rows.points, &worth, cx.workers);
    let of_noise = rows
        .weights
        .iter()
        .enumerate()
        .map(|(i, weight)| worth[i * count + i] * noise / weight);
    gradient.push(of_noise.sum());
    Ok(Some((value, gradient)))
}

/// `(K + noise / weights)^-1 y`.
///
/// # Errors
/// If the fit is stopped, or the matrix cannot be factored.
pub(super) fn multipliers(
    rows: &Rows<'_>,
    kernel: &Kernel<'_>,
    noise: f64,
    cx: &FitContext<'_>,
) -> Result<Vec<f64>, FitError> {
    cx.checkpoint()?;
    let spread: Vec<f64> = rows.weights.iter().map(|weight| noise / weight).collect();
    let matrix = kernel.matrix(rows.points, rows.points, cx.workers);
    cx.checkpoint()?;
    let factor = factored(&matrix, &spread, cx.workers)?;
    let mut alpha = rows.targets.to_vec();
    factor.solve(&mut alpha);
    Ok(alpha)
}

/// Factors a matrix with these additions to its diagonal, and as much jitter as it takes.
pub(super) fn factored(matrix: &[f64], spread: &[f64], workers: &Workers) -> Result<Factor, FitError> {
    let side = spread.len();
    let mean = (0..side).map(|i| matrix[i * side + i] / side as f64).sum::<f64>();
    let mut jitter = JITTER * mean.max(1e-300);
    for _ in 0..RETRIES {
        let mut copy = matrix.to_vec();
        (0..side).for_each(|i| copy[i * side + i] += spread[i] + jitter);
        if let Some(factor) = Factor::new(copy, side, workers) {
            return Ok(factor);
        }
        jitter *= 10.0;
    }
    Err(FitError::Unsupported {
        learner: "gaussian_process",
        what: "factor its kernel matrix, which is not positive to rounding".to_owned(),
        remedy: "use a kernel without linear parts, or scale the columns",
    })
}

/// The multipliers of inducing points that answer for all rows, `(noise K_mm + K_mn S K_nm)^-1 K_mn S y`, and the matrix that they
/// were solved with.
pub(super) fn inducing_multipliers(
    rows: &Rows<'_>,
    inducing: &Points,
    kernel: &Kernel<'_>,
    (noise, cx): (f64, &FitContext<'_>),
) -> Result<(Vec<f64>, Vec<f64>), FitError> {
    let (count, side) = (rows.targets.len(), inducing.count());
    let mut matrix: Vec<f64> = kernel.matrix(inducing, inducing, cx.workers);
    matrix.iter_mut().for_each(|k| *k *= noise);
    let mut right = vec![0.0; side];
    for start in (0..count).step_by(BLOCK) {
        cx.checkpoint()?;
        let block: Vec<usize> = (start..count.min(start + BLOCK)).collect();
        let mut cross = kernel.matrix(inducing, &rows.points.select(&block), cx.workers);
        let roots: Vec<f64> = block.iter().map(|&row| rows.weights[row].sqrt()).collect();
        let targets: Vec<f64> = block
            .iter()
            .zip(&roots)
            .map(|(&row, root)| rows.targets[row] * root)
            .collect();
        for (line, sum) in cross.chunks_exact_mut(block.len()).zip(&mut right) {
            line.iter_mut().zip(&roots).for_each(|(k, root)| *k *= root);
            *sum += dot(line, &targets);
        }
        cx.workers
            .for_each_chunk_mut(&mut matrix, 16 * side, |at, lines| {
                let own = &cross[at * 16 * block.len()..][..lines.len() / side * block.len()];
                for from in (0..block.len()).step_by(CHUNK) {
                    let to = block.len().min(from + CHUNK);
                    let left: Vec<&[f64]> = own
                        .chunks_exact(block.len())
                        .map(|line| &line[from..to])
                        .collect();
                    let all: Vec<&[f64]> = cross
                        .chunks_exact(block.len())
                        .map(|line| &line[from..to])
                        .collect();
                    add_cross_products(&left, &all, lines);
                }
            });
    }
    let factor = factored(&matrix, &vec![0.0; side], cx.workers)?;
    factor.solve(&mut right);
    Ok((right, matrix))
}
