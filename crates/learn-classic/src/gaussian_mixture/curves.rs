//! Bell curves: their densities at points, and those that explain weighted points best.

use kolosal_compute::Workers;
use kolosal_compute::kernels::{add_cross_products, dot};
use kolosal_compute::linalg::Factor;
use kolosal_learner::{ArtifactError, Decoder, Encoder, FitContext, FitError};

use super::params::Covariance;
use crate::cluster::Cloud;
use crate::scores::probabilities;

/// Points whose shares are added up together, so that the number of threads changes nothing.
const BLOCK: usize = 1024;

/// Weights, means, and what brings a curve to unit size.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curves {
    pub(super) width: usize,
    /// Logarithms of the weights.
    pub(super) weights: Vec<f64>,
    pub(super) means: Vec<f64>,
    /// Of each curve `W` with `W' W` the inverse covariance: a lower triangle row after row, or the diagonal alone.
    pub(super) whiteners: Vec<Vec<f64>>,
    /// Logarithm of the height of each curve.
    pub(super) heights: Vec<f64>,
}

/// Sums over the points, by the share of each curve in each.
struct Sums {
    totals: Vec<f64>,
    firsts: Vec<f64>,
    /// A square a curve, or a line where only the diagonal is wanted.
    seconds: Vec<f64>,
    likelihood: f64,
}

impl Curves {
    /// Logarithms of weight times density, one a curve.
    fn scores(&self, point: &[f64], out: &mut [f64], room: &mut [f64]) {
        let width = self.width;
        for (k, score) in out.iter_mut().enumerate() {
            let mean = &self.means[k * width..(k + 1) * width];
            room.iter_mut()
                .zip(point.iter().zip(mean))
                .for_each(|(off, (x, m))| *off = x - m);
            let whitener = &self.whiteners[k];
            let squares: f64 = if whitener.len() == width {
                room.iter()
                    .zip(whitener)
                    .map(|(off, w)| (off * w) * (off * w))
                    .sum()
            } else {
                (0..width)
                    .map(|i| dot(&whitener[i * width..=i * width + i], &room[..=i]).powi(2))
                    .sum()
            };
            *score = self.weights[k] + self.heights[k] - 0.5 * squares;
        }
    }

    /// The share of each curve in a point, and the logarithm of the density there.
    pub(super) fn shares(&self, point: &[f64], out: &mut [f64], room: &mut [f64]) -> f64 {
        self.scores(point, out, room);
        let highest = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = out.iter().map(|score| (score - highest).exp()).sum();
        probabilities(out, self.weights.len());
        highest + total.ln()
    }

    /// One turn: shares by these curves, and the curves that fit them best; with the mean log likelihood before.
    pub(super) fn turn(
        &self,
        cloud: &Cloud,
        (kind, floor): (Covariance, f64),
        cx: &FitContext<'_>,
    ) -> Result<(Option<Self>, f64), FitError> {
        cx.checkpoint()?;
        let is_full = matches!(kind, Covariance::Full | Covariance::Tied);
        let parts = cx.workers.map(cloud.len().div_ceil(BLOCK), |at| {
            let rows = at * BLOCK..cloud.len().min((at + 1) * BLOCK);
            self.sums(cloud, rows, is_full)
        });
        let sums = added(parts);
        let likelihood = sums.likelihood / cloud.len() as f64;
        Ok((fitted(&sums, self.width, (kind, floor), cx.workers), likelihood))
    }

    /// The mean log likelihood of the points.
    pub(super) fn likelihood(&self, cloud: &Cloud, cx: &FitContext<'_>) -> f64 {
        let parts = cx.workers.map(cloud.len().div_ceil(BLOCK), |at| {
            let (mut out, mut room) = (vec![0.0; self.weights.len()], vec![0.0; self.width]);
            let rows = at * BLOCK..cloud.len().min((at + 1) * BLOCK);
            rows.map(|row| self.shares(cloud.point(row), &mut out, &mut room))
                .sum::<f64>()
        });
        parts.iter().sum::<f64>() / cloud.len() as f64
    }

    fn sums(&self, cloud: &Cloud, rows: std::ops::Range<usize>, is_full: bool) -> Sums {
        let (count, width, curves) = (rows.len(), self.width, self.weights.len());
        // Shares and offsets from the curve's mean column after column, so that products run along the points.
        let mut shares = vec![0.0; curves * count];
        let (mut out, mut room) = (vec![0.0; curves], vec![0.0; width]);
        let mut likelihood = 0.0;
        for (at, row) in rows.clone().enumerate() {
            likelihood += self.shares(cloud.point(row), &mut out, &mut room);
            out.iter()
                .enumerate()
                .for_each(|(k, share)| shares[k * count + at] = *share);
        }
        let columns = cloud.columns(&rows);
        add_up(&shares, &columns, (&self.means, width, is_full), likelihood)
    }

    /// The curves of given groups.
    pub(super) fn of_labels(
        cloud: &Cloud,
        (labels, count): (&[u32], usize),
        (kind, floor): (Covariance, f64),
        cx: &FitContext<'_>,
    ) -> Option<Self> {
        let is_full = matches!(kind, Covariance::Full | Covariance::Tied);
        let width = cloud.width;
        let means = vec![0.0; count * width];
        let parts = cx.workers.map(cloud.len().div_ceil(BLOCK), |at| {
            let rows = at * BLOCK..cloud.len().min((at + 1) * BLOCK);
            let length = rows.len();
            let mut shares = vec![0.0; count * length];
            rows.clone()
                .enumerate()
                .for_each(|(i, row)| shares[labels[row] as usize * length + i] = 1.0);
            add_up(&shares, &cloud.columns(&rows), (&means, width, is_full), 0.0)
        });
        let sums = added(parts);
        fitted(&sums, width, (kind, floor), cx.workers)
    }

    pub(super) fn save(&self, to: &mut Encoder) {
        to.u32(self.width as u32);
        to.f64s(&self.weights);
        to.f64s(&self.means);
        to.f64s(&self.heights);
        to.f64s(&self.whiteners.concat());
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let width = from.u32()? as usize;
        let (weights, means, heights, all) = (from.f64s()?, from.f64s()?, from.f64s()?, from.f64s()?);
        let count = weights.len();
        let each = all.len().checked_div(count).unwrap_or(0);
        let is_whole = count > 0
            && width > 0
            && Some(means.len()) == count.checked_mul(width)
            && heights.len() == count
            && each * count == all.len()
            && (each == width || Some(each) == width.checked_mul(width));
        let numbers = weights.iter().chain(&means).chain(&heights).chain(&all);
        if !is_whole || numbers.into_iter().any(|x| !x.is_finite()) {
            return Err(ArtifactError::damaged("the bell curves are not whole"));
        }
        Ok(Self {
            width,
            weights,
            means,
            heights,
            whiteners: all.chunks_exact(each).map(<[f64]>::to_vec).collect(),
        })
    }
}

/// Weighted sums of a block, about the given means.
fn add_up(
    shares: &[f64],
    columns: &[f64],
    (means, width, is_full): (&[f64], usize, bool),
    likelihood: f64,
) -> Sums {
    let count = columns.len() / width;
    let curves = means.len() / width;
    let each = if is_full { width * width } else { width };
    let mut sums = Sums {
        totals: vec![0.0; curves],
        firsts: vec![0.0; curves * width],
        seconds: vec![0.0; curves * each],
        likelihood,
    };
    let (mut offsets, mut weighted) = (vec![0.0; width * count], vec![0.0; width * count]);
    for k in 0..curves {
        let share = &shares[k * count..(k + 1) * count];
        sums.totals[k] = share.iter().sum();
        for j in 0..width {
            let mean = means[k * width + j];
            for i in 0..count {
                let off = columns[j * count + i] - mean;
                offsets[j * count + i] = off;
                weighted[j * count + i] = off * share[i];
            }
            let line = &weighted[j * count..(j + 1) * count];
            sums.firsts[k * width + j] = line.iter().sum::<f64>() + mean * sums.totals[k];
        }
        let seconds = &mut sums.seconds[k * each..(k + 1) * each];
        let lines: Vec<&[f64]> = offsets.chunks_exact(count).collect();
        let scaled: Vec<&[f64]> = weighted.chunks_exact(count).collect();
        if is_full {
            add_cross_products(&lines, &scaled, seconds);
        } else {
            for (second, (a, b)) in seconds.iter_mut().zip(lines.iter().zip(&scaled)) {
                *second = dot(a, b);
            }
        }
        // About the old mean; moved to zero so that blocks can be added and the new mean taken away.
        recentre(
            seconds,
            (
                &means[k * width..(k + 1) * width],
                &sums.firsts[k * width..(k + 1) * width],
            ),
            sums.totals[k],
            is_full,
        );
    }
    sums
}

/// Second sums about a mean become those about zero.
fn recentre(seconds: &mut [f64], (mean, firsts): (&[f64], &[f64]), total: f64, is_full: bool) {
    let width = mean.len();
    if is_full {
        for i in 0..width {
            for j in 0..width {
                seconds[i * width + j] +=
                    mean[i] * firsts[j] + firsts[i] * mean[j] - total * mean[i] * mean[j];
            }
        }
    } else {
        for i in 0..width {
            seconds[i] += 2.0 * mean[i] * firsts[i] - total * mean[i] * mean[i];
        }
    }
}

fn added(parts: Vec<Sums>) -> Sums {
    let mut parts = parts.into_iter();
    let mut all = parts.next().expect("there is a point");
    for part in parts {
        let add = |a: &mut Vec<f64>, b: &[f64]| a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
        add(&mut all.totals, &part.totals);
        add(&mut all.firsts, &part.firsts);
        add(&mut all.seconds, &part.seconds);
        all.likelihood += part.likelihood;
    }
    all
}

/// The curves of these sums; `None` if a covariance is not positive to rounding.
fn fitted(sums: &Sums, width: usize, (kind, floor): (Covariance, f64), workers: &Workers) -> Option<Curves> {
    let curves = sums.totals.len();
    let each = sums.seconds.len() / curves;
    let total: f64 = sums.totals.iter().sum();
    let sizes: Vec<f64> = sums
        .totals
        .iter()
        .map(|size| size + 10.0 * f64::EPSILON)
        .collect();
    let means: Vec<f64> = (0..curves * width)
        .map(|at| sums.firsts[at] / sizes[at / width])
        .collect();
    let mut covariances: Vec<Vec<f64>> = (0..curves)
        .map(|k| {
            let seconds = &sums.seconds[k * each..(k + 1) * each];
            covariance(seconds, &means[k * width..(k + 1) * width], sizes[k])
        })
        .collect();
    match kind {
        Covariance::Tied => {
            let mut mean = vec![0.0; each];
            for (k, covariance) in covariances.iter().enumerate() {
                mean.iter_mut()
                    .zip(covariance)
                    .for_each(|(sum, x)| *sum += x * sizes[k] / total);
            }
            covariances = vec![mean; curves];
        }
        Covariance::Spherical => {
            for covariance in &mut covariances {
                let mean = covariance.iter().sum::<f64>() / width as f64;
                covariance.fill(mean);
            }
        }
        Covariance::Full | Covariance::Diag => {}
    }
    let (mut whiteners, mut heights) = (Vec::new(), Vec::new());
    let constant = -0.5 * width as f64 * (2.0 * std::f64::consts::PI).ln();
    for covariance in covariances {
        let (whitener, log_determinant) = whitened(covariance, width, floor, workers)?;
        whiteners.push(whitener);
        heights.push(constant + log_determinant);
    }
    let all: f64 = sizes.iter().sum();
    Some(Curves {
        width,
        weights: sizes.iter().map(|size| (size / all).ln()).collect(),
        means,
        whiteners,
        heights,
    })
}

fn covariance(seconds: &[f64], mean: &[f64], size: f64) -> Vec<f64> {
    let width = mean.len();
    let is_full = seconds.len() == width * width && width > 1;
    let about = |at: usize| {
        let (i, j) = if is_full {
            (at / width, at % width)
        } else {
            (at, at)
        };
        seconds[at] / size - mean[i] * mean[j]
    };
    (0..seconds.len()).map(about).collect()
}

/// `W` with `W' W` the inverse of the covariance with the floor on its diagonal, and half the logarithm of its determinant.
fn whitened(
    mut covariance: Vec<f64>,
    width: usize,
    floor: f64,
    workers: &Workers,
) -> Option<(Vec<f64>, f64)> {
    if covariance.len() == width {
        let whitener: Vec<f64> = covariance
            .iter()
            .map(|variance| 1.0 / (variance.max(0.0) + floor).sqrt())
            .collect();
        let half: f64 = whitener.iter().map(|w| w.ln()).sum();
        return Some((whitener, half));
    }
    (0..width).for_each(|i| covariance[i * width + i] += floor);
    let factor = Factor::new(covariance, width, workers)?;
    let half = -factor.half_log_determinant();
    let mut whitener = vec![0.0; width * width];
    for j in 0..width {
        let mut unit = vec![0.0; width];
        unit[j] = 1.0;
        factor.forward(&mut unit);
        (j..width).for_each(|i| whitener[i * width + j] = unit[i]);
    }
    Some((whitener, half))
}
