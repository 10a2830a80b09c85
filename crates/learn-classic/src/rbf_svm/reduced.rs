//! Machines on more rows than the kernel's square allows: Nyström features and coordinate descent in the dual.
//!
//! A few hundred rows are drawn as landmarks; a row becomes `z = L^-1 k`, where `k` are its kernels with the landmarks and
//! `L L'` those among them, so that `z' z'` is the best guess at the kernel of two rows from the landmarks (Williams, Seeger
//! 2001). On these features the same dual is solved multiplier by multiplier (Hsieh et al. 2008; Ho, Lin 2012), a pass costing
//! rows times landmarks. The offset is the weight of one more feature. What is found is a machine whose support vectors are the
//! landmarks, so it answers, is saved and is calibrated like any other.

use kolosal_compute::linalg::Factor;
use kolosal_learner::{FitContext, FitError};

use super::kernel::Points;
use super::smo::{Row, Solved};

/// What is added to the diagonal of the landmarks' kernels, so that repeated landmarks do no harm.
const RIDGE: f64 = 1e-8;
/// Rows whose features are made together.
const BLOCK: usize = 256;
/// The constant feature; larger means that the offset is held back less.
const CONSTANT: f64 = 4.0;
/// Passes over all rows, at most.
const PASSES_MAX: usize = 300;

/// All rows as features.
pub(super) struct Reduced {
    /// Rows that stand for all.
    pub(super) landmarks: Vec<u32>,
    factor: Factor,
    features: Vec<f32>,
}

impl Reduced {
    /// Draws landmarks and makes the features of all points.
    ///
    /// # Errors
    /// If the fit is stopped or the landmarks' kernels cannot be factored.
    pub(super) fn of(
        points: &Points,
        gamma: f64,
        most: usize,
        cx: &FitContext<'_>,
    ) -> Result<Self, FitError> {
        let rows = points.count();
        let mut order: Vec<u32> = (0..rows as u32).collect();
        cx.seed.fork("landmarks").rng().shuffle(&mut order);
        let mut landmarks = order[..most.min(rows)].to_vec();
        landmarks.sort_unstable();
        let side = landmarks.len();
        let chosen = points.select(&landmarks);
        let mut kernels = vec![0.0; side * side];
        cx.workers.for_each_chunk_mut(&mut kernels, side, |at, line| {
            chosen.kernel(&chosen.point(at), gamma, line, None);
            line[at] += RIDGE * side as f64;
        });
        let factor = Factor::new(kernels, side, cx.workers).ok_or(FitError::Unsupported {
            learner: "rbf_svm",
            what: "factor the kernels of the landmarks".to_owned(),
            remedy: "set above_max_rows=sample, or another gamma",
        })?;
        let mut features = vec![0.0_f32; rows * side];
        for (block, lines) in features.chunks_mut(BLOCK * side).enumerate() {
            cx.checkpoint()?;
            cx.workers.for_each_chunk_mut(lines, side, |at, line| {
                let mut kernel = vec![0.0; side];
                chosen.kernel(&points.point(block * BLOCK + at), gamma, &mut kernel, None);
                factor.forward(&mut kernel);
                line.iter_mut().zip(&kernel).for_each(|(z, k)| *z = *k as f32);
            });
        }
        Ok(Self {
            landmarks,
            factor,
            features,
        })
    }

    /// A machine on some of the rows; its multipliers are those of the landmarks.
    ///
    /// # Errors
    /// If the fit is stopped.
    pub(super) fn solve(
        &self,
        picked: &[u32],
        rows: &[Row],
        tol: f64,
        cx: &FitContext<'_>,
    ) -> Result<Solved, FitError> {
        let side = self.landmarks.len();
        let line = |at: usize| &self.features[picked[at] as usize * side..][..side];
        let curvature: Vec<f64> = (0..rows.len())
            .map(|at| {
                let squares: f64 = line(at).iter().map(|z| f64::from(*z) * f64::from(*z)).sum();
                squares + CONSTANT * CONSTANT
            })
            .collect();
        let (mut beta, mut weights, mut constant) = (vec![0.0; rows.len()], vec![0.0_f32; side], 0.0);
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        let mut rng = cx.seed.fork("descent").rng();
        let mut converged = false;
        for _ in 0..PASSES_MAX {
            cx.checkpoint()?;
            rng.shuffle(&mut order);
            let mut widest = 0.0_f64;
            for &at in &order {
                let at = at as usize;
                let (row, z) = (&rows[at], line(at));
                let slope = product(&weights, z) + constant * CONSTANT - row.target;
                let next = lowest(beta[at] - slope / curvature[at], row.epsilon / curvature[at])
                    .clamp(row.low, row.high);
                let step = next - beta[at];
                if step == 0.0 {
                    continue;
                }
                widest = widest.max(step.abs() * curvature[at]);
                beta[at] = next;
                constant += step * CONSTANT;
                let step = step as f32;
                weights.iter_mut().zip(z).for_each(|(w, z)| *w += step * z);
            }
            if widest <= tol.max(1e-4) * 10.0 {
                converged = true;
                break;
            }
        }
        let mut of_landmarks: Vec<f64> = weights.iter().map(|w| f64::from(*w)).collect();
        self.factor.backward(&mut of_landmarks);
        Ok(Solved {
            beta: of_landmarks,
            offset: constant * CONSTANT,
            converged,
        })
    }
}

/// The lowest place of half a square around `x` with `epsilon` times the absolute value added.
fn lowest(x: f64, epsilon: f64) -> f64 {
    if x > epsilon {
        x - epsilon
    } else if x < -epsilon {
        x + epsilon
    } else {
        0.0
    }
}

/// A product of many short numbers, in sixteen sums that do not depend on the processor.
fn product(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0_f32; 16];
    let (long_a, rest_a) = a.as_chunks::<16>();
    let (long_b, rest_b) = b.as_chunks::<16>();
    for (a, b) in long_a.iter().zip(long_b) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    sums.iter().map(|sum| f64::from(*sum)).sum::<f64>() + f64::from(rest)
}
