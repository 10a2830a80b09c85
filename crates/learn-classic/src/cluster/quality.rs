//! How well groups are told apart, judged by the points alone. Rows of no group are left out.

use kolosal_compute::kernels::squared_distances;
use kolosal_learner::{FitContext, FitError};

use super::{Cloud, NOISE};

/// Most points whose silhouettes are averaged.
const SAMPLE_MAX: usize = 4000;

/// Three judgements of one clustering.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// Mean over points of how much nearer their own group is than the next, in -1 to 1; higher is better (Rousseeuw 1987).
    pub silhouette: f64,
    /// Spread between groups over spread within them; higher is better (Calinski, Harabasz 1974).
    pub calinski_harabasz: f64,
    /// Mean over groups of how alike they are to the one most like them; lower is better (Davies, Bouldin 1979).
    pub davies_bouldin: f64,
}

impl Quality {
    /// Judges groups; `None` unless there are two at least and fewer than points.
    ///
    /// The silhouette of more than 4,000 points is that of a sample.
    ///
    /// # Errors
    /// If the work is stopped.
    pub fn of(cloud: &Cloud, labels: &[u32], cx: &FitContext<'_>) -> Result<Option<Self>, FitError> {
        let Some(silhouette) = silhouette(cloud, labels, cx)? else {
            return Ok(None);
        };
        let groups = Groups::of(cloud, labels);
        Ok(Some(Self {
            silhouette,
            calinski_harabasz: groups.calinski_harabasz(),
            davies_bouldin: groups.davies_bouldin(),
        }))
    }
}

/// The mean silhouette; `None` unless there are two groups at least and fewer than points.
pub(crate) fn silhouette(
    cloud: &Cloud,
    labels: &[u32],
    cx: &FitContext<'_>,
) -> Result<Option<f64>, FitError> {
    let mut rows: Vec<usize> = (0..labels.len()).filter(|&row| labels[row] != NOISE).collect();
    if rows.len() > SAMPLE_MAX {
        cx.seed.fork("silhouette").rng().shuffle(&mut rows);
        rows.truncate(SAMPLE_MAX);
        rows.sort_unstable();
    }
    let mut names: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() < 2 || names.len() >= rows.len() {
        return Ok(None);
    }
    cx.checkpoint()?;
    let own: Vec<usize> = rows
        .iter()
        .map(|&row| names.binary_search(&labels[row]).expect("every label is a name"))
        .collect();
    let mut sizes = vec![0.0; names.len()];
    own.iter().for_each(|&group| sizes[group] += 1.0);
    let columns = cloud.columns(&rows.iter().copied());
    let scores = cx.workers.map(rows.len(), |at| {
        let mut far = vec![0.0; rows.len()];
        squared_distances(&[cloud.point(rows[at])], &columns, &mut far);
        let mut sums = vec![0.0; names.len()];
        far.iter()
            .zip(&own)
            .for_each(|(squared, &group)| sums[group] += squared.sqrt());
        let mine = own[at];
        if sizes[mine] < 2.0 {
            return 0.0;
        }
        let within = sums[mine] / (sizes[mine] - 1.0);
        let others = (0..names.len()).filter(|&group| group != mine);
        let nearest = others
            .map(|group| sums[group] / sizes[group])
            .fold(f64::INFINITY, f64::min);
        let widest = within.max(nearest);
        if widest > 0.0 {
            (nearest - within) / widest
        } else {
            0.0
        }
    });
    Ok(Some(scores.iter().sum::<f64>() / rows.len() as f64))
}

/// Centres and spreads.
struct Groups {
    width: usize,
    sizes: Vec<f64>,
    centres: Vec<f64>,
    /// Sum of squared distances to the centre.
    squares: Vec<f64>,
    /// Mean distance to the centre.
    radii: Vec<f64>,
    middle: Vec<f64>,
}

impl Groups {
    fn of(cloud: &Cloud, labels: &[u32]) -> Self {
        let width = cloud.width;
        let mut names: Vec<u32> = labels.iter().copied().filter(|label| *label != NOISE).collect();
        names.sort_unstable();
        names.dedup();
        let counted = || {
            let rows = labels.iter().enumerate().filter(|(_, label)| **label != NOISE);
            rows.map(|(row, label)| (row, names.binary_search(label).expect("every label is a name")))
        };
        let mut groups = Self {
            width,
            sizes: vec![0.0; names.len()],
            centres: vec![0.0; names.len() * width],
            squares: vec![0.0; names.len()],
            radii: vec![0.0; names.len()],
            middle: vec![0.0; width],
        };
        for (row, group) in counted() {
            groups.sizes[group] += 1.0;
            for (j, x) in cloud.point(row).iter().enumerate() {
                groups.centres[group * width + j] += x;
                groups.middle[j] += x;
            }
        }
        let total: f64 = groups.sizes.iter().sum();
        groups.middle.iter_mut().for_each(|x| *x /= total);
        for (at, x) in groups.centres.iter_mut().enumerate() {
            *x /= groups.sizes[at / width];
        }
        for (row, group) in counted() {
            let squared = squared(cloud.point(row), groups.centre(group));
            groups.squares[group] += squared;
            groups.radii[group] += squared.sqrt() / groups.sizes[group];
        }
        groups
    }

    fn centre(&self, group: usize) -> &[f64] {
        &self.centres[group * self.width..(group + 1) * self.width]
    }

    fn calinski_harabasz(&self) -> f64 {
        let (count, total) = (self.sizes.len() as f64, self.sizes.iter().sum::<f64>());
        let of_group = |group: usize| self.sizes[group] * squared(self.centre(group), &self.middle);
        let between: f64 = (0..self.sizes.len()).map(of_group).sum();
        let within: f64 = self.squares.iter().sum();
        if within == 0.0 {
            return 1.0;
        }
        between * (total - count) / (within * (count - 1.0))
    }

    fn davies_bouldin(&self) -> f64 {
        let count = self.sizes.len();
        let likeness = |a: usize, b: usize| {
            let apart = squared(self.centre(a), self.centre(b)).sqrt();
            if apart > 0.0 {
                (self.radii[a] + self.radii[b]) / apart
            } else {
                0.0
            }
        };
        let worst = |a: usize| {
            (0..count)
                .filter(|&b| b != a)
                .map(|b| likeness(a, b))
                .fold(0.0, f64::max)
        };
        (0..count).map(worst).sum::<f64>() / count as f64
    }
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}
