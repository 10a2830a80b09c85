//! Hierarchical clustering: the two nearest groups become one, again and again, until as many are left as wanted.
//!
//! Merges are found along chains of nearest neighbours (Murtagh 1983), `n^2` time, with distances kept up by the recurrence
//! of Lance and Williams (1967); for the four linkages offered this gives the same tree as always merging the nearest pair.
//! All distances are kept, `4 n^2` bytes, so the memory limit bounds the rows: 1.6 GB for 20,000. `Ward` makes groups of
//! small variance, `complete` of small diameter, `average` stands between, `single` follows chains of any shape.

use kolosal_compute::kernels::squared_distances;
use kolosal_learner::{FitContext, FitError, choices};

use super::quality::silhouette;
use super::{Cloud, Clustering};

/// Most rows: more would keep more than four gigabytes of distances.
const ROWS_MAX: usize = 30_000;
/// Most groups that are tried where none are asked for.
const AUTO_MAX: usize = 10;
/// Rows of one block.
const BLOCK: usize = 64;

choices! {
    /// How far two groups are from each other.
    pub enum Linkage {
        /// By how much their merger raises the sum of squared distances to the centres.
        Ward = "ward",
        /// As far as their two farthest points.
        Complete = "complete",
        /// The mean over all pairs of points.
        Average = "average",
        /// As near as their two nearest points.
        Single = "single",
    }
}

/// How to cut the tree.
#[derive(Debug, Clone, Copy)]
pub struct Hierarchical {
    /// How many groups; `None` tries 2 to 10 and takes the best silhouette.
    pub k: Option<usize>,
    /// How far groups are from each other.
    pub linkage: Linkage,
}

impl Default for Hierarchical {
    fn default() -> Self {
        Self {
            k: None,
            linkage: Linkage::Ward,
        }
    }
}

/// A merger of the groups of two rows, at a height.
#[derive(Debug, Clone, Copy)]
struct Merger {
    rows: (u32, u32),
    height: f64,
}

/// Groups a cloud by a tree of mergers.
///
/// # Errors
/// If there are more rows than fit, fewer than groups, or the work is stopped.
pub fn hierarchical(
    cloud: &Cloud,
    settings: &Hierarchical,
    cx: &FitContext<'_>,
) -> Result<Clustering, FitError> {
    hierarchical_of(cloud, &vec![1.0; cloud.len()], settings, cx)
}

/// The same for places of which each stands for so many points.
///
/// # Errors
/// As [`hierarchical`].
pub(crate) fn hierarchical_of(
    cloud: &Cloud,
    sizes: &[f64],
    settings: &Hierarchical,
    cx: &FitContext<'_>,
) -> Result<Clustering, FitError> {
    let count = cloud.len();
    let refused = |what: String, remedy| {
        Err(FitError::Unsupported {
            learner: "hierarchical",
            what,
            remedy,
        })
    };
    if count > ROWS_MAX {
        return refused(
            format!("keep the distances of {count} rows, at most {ROWS_MAX}"),
            "use kmeans or dbscan, or a sample of the rows",
        );
    }
    if let Some(k) = settings.k.filter(|&k| k == 0 || k > count) {
        return refused(
            format!("make {k} groups of {count} rows"),
            "ask for at least one group and no more than there are rows",
        );
    }
    let mergers = mergers((cloud, sizes), settings.linkage, cx)?;
    if let Some(k) = settings.k {
        return Ok(Clustering::in_order(&cut(&mergers, count, k), None));
    }
    let mut best: Option<(f64, usize, Vec<u32>)> = None;
    for k in 2..=AUTO_MAX.min(count.saturating_sub(1)) {
        let labels = cut(&mergers, count, k);
        let score = silhouette(cloud, &labels, cx)?.unwrap_or(-1.0);
        if best.as_ref().is_none_or(|best| score > best.0) {
            best = Some((score, k, labels));
        }
    }
    Ok(match best {
        None => Clustering::in_order(
            &vec![0; count],
            Some("there are too few rows to tell groups apart".to_owned()),
        ),
        Some((score, k, labels)) => {
            let reason = format!("of 2 to {AUTO_MAX} groups, {k} have the best silhouette: {score:.3}");
            Clustering::in_order(&labels, Some(reason))
        }
    })
}

/// Distances of all pairs, row after row: both halves, so that a row is read from one place.
struct Pairs {
    count: usize,
    far: Vec<f32>,
}

impl Pairs {
    fn row(&self, a: usize) -> &[f32] {
        &self.far[a * self.count..(a + 1) * self.count]
    }

    fn set(&mut self, a: usize, b: usize, far: f32) {
        self.far[a * self.count + b] = far;
        self.far[b * self.count + a] = far;
    }

    fn of(cloud: &Cloud, (linkage, sizes): (Linkage, &[f64]), cx: &FitContext<'_>) -> Result<Self, FitError> {
        let count = cloud.len();
        let mut far = vec![0.0; count * count];
        let columns = cloud.columns(&(0..count));
        for (block, lines) in far.chunks_mut(BLOCK * count).enumerate() {
            cx.checkpoint()?;
            cx.workers.for_each_chunk_mut(lines, count, |at, line| {
                let mut squares = vec![0.0; count];
                squared_distances(&[cloud.point(block * BLOCK + at)], &columns, &mut squares);
                let own = sizes[block * BLOCK + at];
                let kept = |(squared, size): (f64, &f64)| {
                    if linkage == Linkage::Ward {
                        // Twice what their merger adds to the squares; of two single points their squared distance.
                        squared * 2.0 * own * size / (own + size)
                    } else {
                        squared.sqrt()
                    }
                };
                line.iter_mut()
                    .zip(squares.into_iter().zip(sizes))
                    .for_each(|(far, pair)| *far = kept(pair) as f32);
            });
        }
        Ok(Self { count, far })
    }
}

/// All mergers, lowest first.
fn mergers(
    (cloud, sizes): (&Cloud, &[f64]),
    linkage: Linkage,
    cx: &FitContext<'_>,
) -> Result<Vec<Merger>, FitError> {
    let count = cloud.len();
    let _memory = cx.reserve((count * count * 4 + count * cloud.width * 8) as u64)?;
    let mut pairs = Pairs::of(cloud, (linkage, sizes), cx)?;
    let mut sizes = sizes.to_vec();
    let mut active: Vec<u32> = (0..count as u32).collect();
    let (mut chain, mut mergers) = (Vec::<u32>::new(), Vec::with_capacity(count));
    while active.len() > 1 {
        if mergers.len() % 64 == 0 {
            cx.checkpoint()?;
        }
        if chain.is_empty() {
            chain.push(active[0]);
        }
        let here = *chain.last().expect("the chain has a row");
        let before = chain.len().checked_sub(2).map(|at| chain[at]);
        // The row before wins a tie, so that the chain ends.
        let line = pairs.row(here as usize);
        let mut nearest = before.map(|row| (line[row as usize], row));
        for &other in active.iter().filter(|&&other| other != here) {
            let far = line[other as usize];
            if nearest.is_none_or(|nearest| far < nearest.0) {
                nearest = Some((far, other));
            }
        }
        let (far, next) = nearest.expect("two rows are active");
        if Some(next) != before {
            chain.push(next);
            continue;
        }
        chain.truncate(chain.len() - 2);
        let (kept, gone) = (here.min(next), here.max(next));
        mergers.push(Merger {
            rows: (kept, gone),
            height: f64::from(far),
        });
        active.retain(|&row| row != gone);
        merge(&mut pairs, linkage, (kept, gone), (&active, &mut sizes));
    }
    mergers.sort_by(|a, b| a.height.total_cmp(&b.height));
    Ok(mergers)
}

/// Brings distances to the merged group up to date (Lance, Williams 1967).
fn merge(
    pairs: &mut Pairs,
    linkage: Linkage,
    (kept, gone): (u32, u32),
    (active, sizes): (&[u32], &mut [f64]),
) {
    let (a, b) = (kept as usize, gone as usize);
    let between = f64::from(pairs.row(a)[b]);
    let (of_a, of_b) = (sizes[a], sizes[b]);
    for &other in active.iter().filter(|&&other| other != kept) {
        let other = other as usize;
        let (x, y) = (f64::from(pairs.row(a)[other]), f64::from(pairs.row(b)[other]));
        let merged = match linkage {
            Linkage::Single => x.min(y),
            Linkage::Complete => x.max(y),
            Linkage::Average => (of_a * x + of_b * y) / (of_a + of_b),
            Linkage::Ward => {
                let size = sizes[other];
                ((of_a + size) * x + (of_b + size) * y - size * between) / (of_a + of_b + size)
            }
        };
        pairs.set(a, other, merged as f32);
    }
    sizes[a] += of_b;
}

/// The groups that are left when all but the highest `k - 1` mergers are made.
fn cut(mergers: &[Merger], count: usize, k: usize) -> Vec<u32> {
    let mut groups: Vec<u32> = (0..count as u32).collect();
    fn root(groups: &[u32], mut row: u32) -> u32 {
        while groups[row as usize] != row {
            row = groups[row as usize];
        }
        row
    }
    for merger in &mergers[..mergers.len().saturating_sub(k - 1)] {
        let (a, b) = (root(&groups, merger.rows.0), root(&groups, merger.rows.1));
        groups[a.max(b) as usize] = a.min(b);
    }
    (0..count as u32).map(|row| root(&groups, row)).collect()
}
