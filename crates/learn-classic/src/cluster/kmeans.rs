//! k-means: groups around centres.
//!
//! Minimises the sum of squared distances of points to the nearest of `k` centres, to a local minimum, by Lloyd's turns of
//! assigning and averaging. Centres start by k-means++ with several candidates each (Arthur, Vassilvitskii 2007). Two bounds
//! a point, kept up by how far centres moved, spare most distances (Hamerly 2010). A group that runs empty takes the point
//! that is farthest from its centre. Cost: at most `n k d` a turn, a small share of it near the end. Finds round groups of
//! like size; loses on others.

use kolosal_compute::kernels::squared_distances;
use kolosal_learner::{FitContext, FitError};

use super::quality::silhouette;
use super::{Cloud, Clustering};

/// Points of one block: sums run block by block, whatever the number of threads.
const BLOCK: usize = 2048;
/// Most groups that are tried where none are asked for.
const AUTO_MAX: usize = 10;
/// Batches that may come no nearer before the centres rest.
const STALE_MAX: usize = 10;

/// How to look for groups.
#[derive(Debug, Clone, Copy)]
pub struct KMeans {
    /// How many groups; `None` tries 2 to 10 and takes the best silhouette.
    pub k: Option<usize>,
    /// Starts of which the best is taken.
    pub starts: usize,
    /// Most turns of each.
    pub turns: usize,
    /// Movement of the centres, as a share of the mean variance, that counts as none.
    pub tol: f64,
    /// Points of a batch; zero for all points each turn.
    pub batch: usize,
}

impl Default for KMeans {
    fn default() -> Self {
        Self {
            k: None,
            starts: 4,
            turns: 300,
            tol: 1e-4,
            batch: 0,
        }
    }
}

/// What k-means found.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeansFound {
    /// The groups.
    pub clustering: Clustering,
    /// The centre of each group, one after the other.
    pub centres: Vec<f64>,
    /// The sum of squared distances of the points to their centres.
    pub inertia: f64,
}

/// Where a point stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    label: u32,
    /// Distance to its centre, at most.
    near: f64,
    /// Distance to any other centre, at least.
    other: f64,
}

/// Groups a cloud.
///
/// # Errors
/// If there are fewer points than groups, or the work is stopped.
pub fn kmeans(cloud: &Cloud, settings: &KMeans, cx: &FitContext<'_>) -> Result<KMeansFound, FitError> {
    let most = cloud.len();
    if let Some(k) = settings.k {
        if k == 0 || k > most {
            return Err(FitError::Unsupported {
                learner: "kmeans",
                what: format!("make {k} groups of {most} rows"),
                remedy: "ask for at least one group and no more than there are rows",
            });
        }
        return Ok(best_of(cloud, k, settings, cx)?.found(cloud.width, None));
    }
    let mut best: Option<(f64, usize, Run)> = None;
    for k in 2..=AUTO_MAX.min(most.saturating_sub(1)) {
        let run = best_of(cloud, k, settings, cx)?;
        let score = silhouette(cloud, &run.labels, cx)?.unwrap_or(-1.0);
        if best.as_ref().is_none_or(|best| score > best.0) {
            best = Some((score, k, run));
        }
    }
    let Some((score, k, run)) = best else {
        let reason = "there are too few rows to tell groups apart".to_owned();
        return Ok(best_of(cloud, 1, settings, cx)?.found(cloud.width, Some(reason)));
    };
    let reason = format!("of 2 to {AUTO_MAX} groups, {k} have the best silhouette: {score:.3}");
    Ok(run.found(cloud.width, Some(reason)))
}

/// Where one start led.
struct Run {
    labels: Vec<u32>,
    centres: Vec<f64>,
    inertia: f64,
}

impl Run {
    /// Groups in the order in which they first occur; centres without points are dropped.
    fn found(self, width: usize, reason: Option<String>) -> KMeansFound {
        let clustering = Clustering::in_order(&self.labels, reason);
        let mut centres = vec![0.0; clustering.count * width];
        for (old, new) in self.labels.iter().zip(&clustering.labels) {
            let (old, new) = (*old as usize * width, *new as usize * width);
            centres[new..new + width].copy_from_slice(&self.centres[old..old + width]);
        }
        KMeansFound {
            clustering,
            centres,
            inertia: self.inertia,
        }
    }
}

/// The nearest centre of each point, the earlier of equals, its squared distance and that of the next.
pub(crate) fn nearest_centres(cloud: &Cloud, centres: &[f64]) -> Vec<(u32, f64, f64)> {
    let turned = turned(centres, cloud.width);
    let mut far = vec![0.0; centres.len() / cloud.width];
    let nearest = |row: usize| {
        squared_distances(&[cloud.point(row)], &turned, &mut far);
        let (label, near, other) = two_nearest(&far);
        (label as u32, near, other)
    };
    (0..cloud.len()).map(nearest).collect()
}

/// Centres column after column.
fn turned(centres: &[f64], width: usize) -> Vec<f64> {
    let k = centres.len() / width;
    (0..width)
        .flat_map(|j| (0..k).map(move |c| centres[c * width + j]))
        .collect()
}

/// The place of the least number, the number, and the least of the others.
fn two_nearest(far: &[f64]) -> (usize, f64, f64) {
    let (mut best, mut second) = ((f64::INFINITY, 0), f64::INFINITY);
    for (c, &far) in far.iter().enumerate() {
        if far < best.0 {
            (second, best) = (best.0, (far, c));
        } else if far < second {
            second = far;
        }
    }
    (best.1, best.0, second)
}

fn best_of(cloud: &Cloud, k: usize, settings: &KMeans, cx: &FitContext<'_>) -> Result<Run, FitError> {
    let mut best: Option<Run> = None;
    for start in 0..settings.starts.max(1) as u64 {
        let found = run(
            cloud,
            k,
            settings,
            &cx.with_seed(cx.seed.fork("kmeans").fork_index(start)),
        )?;
        if best.as_ref().is_none_or(|best| found.inertia < best.inertia) {
            best = Some(found);
        }
    }
    Ok(best.expect("there is one start at least"))
}

fn run(cloud: &Cloud, k: usize, settings: &KMeans, cx: &FitContext<'_>) -> Result<Run, FitError> {
    let _memory = cx.reserve((cloud.len() * 40 + k * cloud.width * 32) as u64)?;
    let mut centres = first_centres(cloud, k, cx)?;
    let mut places = vec![
        Place {
            label: 0,
            near: f64::INFINITY,
            other: 0.0
        };
        cloud.len()
    ];
    if settings.batch > 0 && settings.batch < cloud.len() {
        batches(cloud, &mut centres, settings, cx)?;
        return Ok(settle(cloud, centres, places, cx));
    }
    let enough = settings.tol * mean_variance(cloud);
    for _ in 0..settings.turns {
        cx.checkpoint()?;
        assign(cloud, &centres, &mut places, cx);
        let moved = average(cloud, &mut centres, &mut places, cx);
        let total: f64 = moved.iter().map(|m| m * m).sum();
        if total <= enough {
            break;
        }
    }
    Ok(settle(cloud, centres, places, cx))
}

/// Bounds are no distances: the last assignment is to exact ones.
fn settle(cloud: &Cloud, centres: Vec<f64>, mut places: Vec<Place>, cx: &FitContext<'_>) -> Run {
    places
        .iter_mut()
        .for_each(|place| (place.near, place.other) = (f64::INFINITY, 0.0));
    assign(cloud, &centres, &mut places, cx);
    Run {
        labels: places.iter().map(|place| place.label).collect(),
        inertia: places.iter().map(|place| place.near * place.near).sum(),
        centres,
    }
}

/// Moves centres by batches of points drawn at random, each point pulling its centre by one over the points the centre has
/// had so far (Sculley 2010), until batches no longer come nearer.
fn batches(
    cloud: &Cloud,
    centres: &mut [f64],
    settings: &KMeans,
    cx: &FitContext<'_>,
) -> Result<(), FitError> {
    let width = cloud.width;
    let mut rng = cx.seed.fork("batches").rng();
    let mut counts = vec![0.0; centres.len() / width];
    // The mean squared distance of batches, later ones counting more, as it was best and for how many batches it was not.
    let (mut level, mut best, mut stale) = (None, f64::INFINITY, 0);
    let share = (2.0 * settings.batch as f64 / (cloud.len() as f64 + 1.0)).min(1.0);
    let turns = settings.turns * cloud.len().div_ceil(settings.batch);
    for _ in 0..turns {
        cx.checkpoint()?;
        let rows: Vec<usize> = (0..settings.batch).map(|_| rng.below(cloud.len())).collect();
        let batch = Cloud::from_points(
            rows.iter().flat_map(|&row| cloud.point(row)).copied().collect(),
            width,
        );
        let nearest = nearest_centres(&batch, centres);
        let mean = nearest.iter().map(|(_, far, _)| far).sum::<f64>() / settings.batch as f64;
        for (at, (label, ..)) in nearest.iter().enumerate() {
            let label = *label as usize;
            counts[label] += 1.0;
            let centre = &mut centres[label * width..(label + 1) * width];
            let pairs = centre.iter_mut().zip(batch.point(at));
            pairs.for_each(|(centre, x)| *centre += (x - *centre) / counts[label]);
        }
        let now = level.map_or(mean, |level: f64| level + share * (mean - level));
        level = Some(now);
        stale = if now < best * (1.0 - settings.tol) {
            0
        } else {
            stale + 1
        };
        best = best.min(now);
        if stale >= STALE_MAX {
            break;
        }
    }
    Ok(())
}

fn mean_variance(cloud: &Cloud) -> f64 {
    let count = cloud.len() as f64;
    let of_column = |j: usize| {
        let column = || cloud.numbers.iter().skip(j).step_by(cloud.width);
        let mean = column().sum::<f64>() / count;
        column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count
    };
    (0..cloud.width).map(of_column).sum::<f64>() / cloud.width.max(1) as f64
}

/// Squared distances of all points to some of them, the latter's one after the other.
fn distances_to(cloud: &Cloud, picked: &[usize], cx: &FitContext<'_>) -> Vec<Vec<f64>> {
    let blocks = cloud.len().div_ceil(BLOCK);
    let queries: Vec<&[f64]> = picked.iter().map(|&row| cloud.point(row)).collect();
    let parts = cx.workers.map(blocks, |at| {
        let rows = at * BLOCK..cloud.len().min((at + 1) * BLOCK);
        let block = cloud.columns(&rows);
        let mut out = vec![0.0; queries.len() * rows.len()];
        squared_distances(&queries, &block, &mut out);
        out
    });
    (0..picked.len())
        .map(|q| {
            let line = |part: &Vec<f64>| {
                let length = part.len() / picked.len();
                part[q * length..(q + 1) * length].to_vec()
            };
            parts.iter().flat_map(line).collect()
        })
        .collect()
}

/// Centres by k-means++: each the best of a few points drawn by their squared distance to the centres so far.
fn first_centres(cloud: &Cloud, k: usize, cx: &FitContext<'_>) -> Result<Vec<f64>, FitError> {
    let mut rng = cx.seed.rng();
    let candidates = 2 + (k as f64).ln() as usize;
    let first = rng.below(cloud.len());
    let mut centres = cloud.point(first).to_vec();
    let mut nearest = distances_to(cloud, &[first], cx).remove(0);
    for _ in 1..k {
        cx.checkpoint()?;
        let total: f64 = nearest.iter().sum();
        let picked: Vec<usize> = (0..candidates)
            .map(|_| {
                let mut left = rng.uniform() * total;
                let found = nearest.iter().position(|far| {
                    left -= far;
                    left < 0.0
                });
                // Points that all lie on centres: any will do.
                found.unwrap_or_else(|| rng.below(cloud.len()))
            })
            .collect();
        let lowered = distances_to(cloud, &picked, cx).into_iter().map(|line| {
            let lower: Vec<f64> = line.iter().zip(&nearest).map(|(a, b)| a.min(*b)).collect();
            (lower.iter().sum::<f64>(), lower)
        });
        let mut best: Option<(usize, f64, Vec<f64>)> = None;
        for (at, (sum, lower)) in lowered.enumerate() {
            if best.as_ref().is_none_or(|best| sum < best.1) {
                best = Some((at, sum, lower));
            }
        }
        let (at, _, lower) = best.expect("there is a candidate");
        centres.extend_from_slice(cloud.point(picked[at]));
        nearest = lower;
    }
    Ok(centres)
}

/// Moves points to their nearest centre; ties go to the earlier one.
fn assign(cloud: &Cloud, centres: &[f64], places: &mut [Place], cx: &FitContext<'_>) {
    let (width, k) = (cloud.width, centres.len() / cloud.width);
    let turned = turned(centres, width);
    let apart = half_gaps(centres, width);
    cx.workers.for_each_chunk_mut(places, BLOCK, |block, places| {
        let mut out = vec![0.0; k];
        for (at, place) in places.iter_mut().enumerate() {
            let least = place.other.max(apart[place.label as usize]);
            if place.near < least {
                continue;
            }
            let point = cloud.point(block * BLOCK + at);
            squared_distances(&[point], &turned, &mut out);
            place.near = out[place.label as usize].sqrt();
            if place.near < least {
                continue;
            }
            let (label, near, other) = two_nearest(&out);
            *place = Place {
                label: label as u32,
                near: near.sqrt(),
                other: other.sqrt(),
            };
        }
    });
}

/// Half the distance of each centre to its nearest other.
fn half_gaps(centres: &[f64], width: usize) -> Vec<f64> {
    let k = centres.len() / width;
    let far = |a: usize, b: usize| -> f64 {
        let pairs = centres[a * width..(a + 1) * width]
            .iter()
            .zip(&centres[b * width..(b + 1) * width]);
        pairs.map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
    };
    (0..k)
        .map(|a| {
            (0..k)
                .filter(|&b| b != a)
                .map(|b| far(a, b))
                .fold(f64::INFINITY, f64::min)
                / 2.0
        })
        .collect()
}

/// Moves centres to the means of their points, and bounds with them; gives how far each centre moved.
fn average(cloud: &Cloud, centres: &mut [f64], places: &mut [Place], cx: &FitContext<'_>) -> Vec<f64> {
    let (width, k) = (cloud.width, centres.len() / cloud.width);
    let shared = &*places;
    let parts = cx.workers.map(places.len().div_ceil(BLOCK), |at| {
        let rows = at * BLOCK..shared.len().min((at + 1) * BLOCK);
        let (mut sums, mut counts) = (vec![0.0; k * width], vec![0.0; k]);
        for row in rows {
            let label = shared[row].label as usize;
            counts[label] += 1.0;
            let sum = &mut sums[label * width..(label + 1) * width];
            sum.iter_mut()
                .zip(cloud.point(row))
                .for_each(|(sum, x)| *sum += x);
        }
        (sums, counts)
    });
    let (mut sums, mut counts) = (vec![0.0; k * width], vec![0.0; k]);
    for (part, some) in parts {
        sums.iter_mut().zip(part).for_each(|(sum, x)| *sum += x);
        counts.iter_mut().zip(some).for_each(|(count, x)| *count += x);
    }
    fill_empty(cloud, places, (&mut sums, &mut counts));
    let mut moved = vec![0.0; k];
    for c in 0..k {
        let mut squares = 0.0;
        for j in 0..width {
            let next = sums[c * width + j] / counts[c];
            squares += (next - centres[c * width + j]).powi(2);
            centres[c * width + j] = next;
        }
        moved[c] = squares.sqrt();
    }
    let farthest = moved.iter().copied().fold(0.0, f64::max);
    for place in places {
        place.near += moved[place.label as usize];
        place.other -= farthest;
    }
    moved
}

/// Gives each empty group the point that is farthest from its own centre.
fn fill_empty(cloud: &Cloud, places: &mut [Place], (sums, counts): (&mut [f64], &mut [f64])) {
    let width = cloud.width;
    for empty in 0..counts.len() {
        if counts[empty] > 0.0 {
            continue;
        }
        let mut farthest: Option<usize> = None;
        for (row, place) in places.iter().enumerate() {
            let is_farther = farthest.is_none_or(|far| place.near > places[far].near);
            if counts[place.label as usize] > 1.0 && is_farther {
                farthest = Some(row);
            }
        }
        let row = farthest.expect("there are no fewer points than groups");
        let from = places[row].label as usize;
        for (j, x) in cloud.point(row).iter().enumerate() {
            sums[from * width + j] -= x;
            sums[empty * width + j] += x;
        }
        counts[from] -= 1.0;
        counts[empty] += 1.0;
        places[row] = Place {
            label: empty as u32,
            near: 0.0,
            other: 0.0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_runs_empty_takes_the_point_farthest_from_its_centre() {
        let cloud = Cloud::from_points(vec![0.0, 1.0, 2.0, 9.0, 20.0], 1);
        let place = |label, near| Place {
            label,
            near,
            other: 0.0,
        };
        // The last point is farther from its centre, but alone there.
        let mut places = [
            place(0, 3.0),
            place(0, 2.0),
            place(0, 1.0),
            place(0, 6.0),
            place(2, 7.0),
        ];
        let (mut sums, mut counts) = (vec![12.0, 0.0, 20.0], vec![4.0, 0.0, 1.0]);
        fill_empty(&cloud, &mut places, (&mut sums, &mut counts));
        assert_eq!((sums, counts), (vec![3.0, 9.0, 20.0], vec![3.0, 1.0, 1.0]));
        assert_eq!(places.map(|place| place.label), [0, 0, 0, 1, 2]);
    }
}
