//! DBSCAN: groups of any shape where points are dense (Ester, Kriegel, Sander, Xu 1996).
//!
//! A point with at least `min_samples` points within `eps` of it, itself included, is a core; cores within `eps` of each
//! other are one group, other points within `eps` of a core join the earliest such group, and the rest is noise. Points
//! near another are found by the search tree of the nearest neighbours; of large neighbourhoods no more than eighty
//! megabytes are kept, the rest is walked twice, so memory stays linear. Finds groups of any shape and noise; loses where densities differ.

use kolosal_learner::{FitContext, FitError};

use super::{Cloud, Clustering, NOISE};
use crate::neighbors::{Index, Nearest, Space};

/// With more numbers a point, a tree would search nearly everything.
const TREE_WIDTH_MAX: usize = 40;
/// Points between two looks at the clock.
const BLOCK: usize = 256;
/// Points of a leaf whose neighbours are searched together, at most.
const TOGETHER: usize = 32;
/// Such groups between two looks at the clock: what they find is held before it is kept or dropped.
const GROUPS: usize = 16;
/// Most points whose distances decide on `eps`.
const SAMPLE_MAX: usize = 5000;
/// Neighbours of cores that are kept, at most: eighty megabytes.
const KEPT_MAX: usize = 20_000_000;

/// What counts as dense.
#[derive(Debug, Clone, Copy)]
pub struct Dbscan {
    /// How near points are near; `None` takes the bend in the curve of distances.
    pub eps: Option<f64>,
    /// Points within `eps`, itself included, that make a point a core.
    pub min_samples: usize,
}

impl Default for Dbscan {
    fn default() -> Self {
        Self {
            eps: None,
            min_samples: 5,
        }
    }
}

/// What DBSCAN found.
#[derive(Debug, Clone, PartialEq)]
pub struct DbscanFound {
    /// The groups.
    pub clustering: Clustering,
    /// Whether each point is a core.
    pub is_core: Vec<bool>,
    /// How near points were near.
    pub eps: f64,
}

/// Groups a cloud by density.
///
/// # Errors
/// If `eps` is negative or not finite, `min_samples` is zero, or the work is stopped.
pub fn dbscan(cloud: &Cloud, settings: &Dbscan, cx: &FitContext<'_>) -> Result<DbscanFound, FitError> {
    check(settings)?;
    let _memory = cx.reserve((cloud.len() * (cloud.width * 8 + 32)) as u64)?;
    let space = Space::plain(cloud.width);
    let index = if cloud.width <= TREE_WIDTH_MAX && cloud.len() > 500 {
        Index::tree(&cloud.numbers, cloud.width, cloud.width, cx)?
    } else {
        Index::blocks(&cloud.numbers, cloud.width, cloud.len())
    };
    let (eps, reason) = match settings.eps {
        Some(eps) => (eps, None),
        None => bend(cloud, (&index, &space), settings.min_samples, cx)?,
    };
    let neighbourhoods = Neighbourhoods::of(cloud, (&index, &space), (eps * eps, settings.min_samples), cx)?;
    let Neighbourhoods { is_core, lists } = neighbourhoods;
    let mut groups: Vec<u32> = (0..cloud.len() as u32).collect();
    for_blocks(cloud.len(), cx, |rows| {
        let cores: Vec<usize> = rows.filter(|&row| is_core[row]).collect();
        let walked = cx.workers.map(cores.len(), |at| {
            let mut found = Vec::new();
            if lists[cores[at]].is_none() {
                index.within(&space, cloud.point(cores[at]), eps * eps, &mut found);
            }
            found
        });
        for (&row, walked) in cores.iter().zip(&walked) {
            let others = lists[row].as_ref().unwrap_or(walked);
            let earlier = others
                .iter()
                .filter(|&&other| (other as usize) < row && is_core[other as usize]);
            earlier.for_each(|&other| join(&mut groups, row as u32, other));
        }
    })?;
    let mut labels = vec![NOISE; cloud.len()];
    for row in (0..cloud.len()).filter(|&row| is_core[row]) {
        labels[row] = root(&mut groups, row as u32);
    }
    for (row, list) in lists.into_iter().enumerate().filter(|(row, _)| !is_core[*row]) {
        // Roots are the first rows of their groups, so the lowest is the earliest group.
        let of_cores = list
            .into_iter()
            .flatten()
            .filter(|&other| is_core[other as usize]);
        labels[row] = of_cores
            .map(|other| labels[other as usize])
            .min()
            .unwrap_or(NOISE);
    }
    Ok(DbscanFound {
        clustering: Clustering::in_order(&labels, reason),
        is_core,
        eps,
    })
}

/// The rows near each row.
struct Neighbourhoods {
    is_core: Vec<bool>,
    /// Rows that are no cores have fewer than `min_samples` rows near them, so these lists stay short. Those of cores are kept
    /// while there is room; `None` where there is none.
    lists: Vec<Option<Vec<u32>>>,
}

impl Neighbourhoods {
    /// Searches leaf by leaf: rows of a leaf lie close together and have much the same rows around them.
    fn of(
        cloud: &Cloud,
        (index, space): (&Index, &Space),
        (squared, min_samples): (f64, usize),
        cx: &FitContext<'_>,
    ) -> Result<Self, FitError> {
        let (mut is_core, mut lists) = (vec![false; cloud.len()], vec![None; cloud.len()]);
        let groups: Vec<&[u32]> = (0..index.leaf_count())
            .flat_map(|leaf| index.leaf_rows(leaf).chunks(TOGETHER))
            .collect();
        let mut room = KEPT_MAX;
        for groups in groups.chunks(GROUPS) {
            cx.checkpoint()?;
            let found = cx.workers.map(groups.len(), |at| {
                let points: Vec<&[f64]> = groups[at].iter().map(|row| cloud.point(*row as usize)).collect();
                let mut found = vec![Vec::new(); points.len()];
                index.within_together(space, &points, squared, &mut found);
                found
            });
            for (&row, list) in groups.iter().copied().flatten().zip(found.into_iter().flatten()) {
                let core = list.len() >= min_samples;
                is_core[row as usize] = core;
                if !core || list.len() <= room {
                    room -= if core { list.len() } else { 0 };
                    lists[row as usize] = Some(list);
                }
            }
        }
        Ok(Self { is_core, lists })
    }
}

fn check(settings: &Dbscan) -> Result<(), FitError> {
    let is_sound = settings.eps.is_none_or(|eps| eps.is_finite() && eps >= 0.0) && settings.min_samples > 0;
    if !is_sound {
        return Err(FitError::Unsupported {
            learner: "dbscan",
            what: match settings.eps {
                Some(eps) => format!("work with eps {eps} and {} points", settings.min_samples),
                None => format!("work with {} points", settings.min_samples),
            },
            remedy: "eps is finite and not negative, and at least one point makes a core",
        });
    }
    Ok(())
}

/// Runs over all rows, block by block, looking whether to stop.
fn for_blocks(
    count: usize,
    cx: &FitContext<'_>,
    mut run: impl FnMut(std::ops::Range<usize>),
) -> Result<(), FitError> {
    for start in (0..count).step_by(BLOCK) {
        cx.checkpoint()?;
        run(start..count.min(start + BLOCK));
    }
    Ok(())
}

/// The first row of a row's group.
fn root(groups: &mut [u32], mut row: u32) -> u32 {
    while groups[row as usize] != row {
        groups[row as usize] = groups[groups[row as usize] as usize];
        row = groups[row as usize];
    }
    row
}

fn join(groups: &mut [u32], a: u32, b: u32) {
    let (a, b) = (root(groups, a), root(groups, b));
    groups[a.max(b) as usize] = a.min(b);
}

/// The distance at which the sorted curve of distances to the last point that a core needs bends most: where it is farthest
/// below the line from its first to its last point.
fn bend(
    cloud: &Cloud,
    (index, space): (&Index, &Space),
    min_samples: usize,
    cx: &FitContext<'_>,
) -> Result<(f64, Option<String>), FitError> {
    let mut rows: Vec<usize> = (0..cloud.len()).collect();
    if rows.len() > SAMPLE_MAX {
        cx.seed.fork("eps").rng().shuffle(&mut rows);
        rows.truncate(SAMPLE_MAX);
    }
    let k = min_samples.min(cloud.len());
    let mut curve = Vec::with_capacity(rows.len());
    for block in rows.chunks(BLOCK) {
        cx.checkpoint()?;
        curve.extend(cx.workers.map(block.len(), |at| {
            let mut nearest = [Nearest::new(k)];
            index.search(space, cloud.point(block[at]), &mut nearest);
            nearest[0].found().last().map_or(0.0, |(far, _)| far.sqrt())
        }));
    }
    curve.sort_by(f64::total_cmp);
    let (Some(&low), Some(&high)) = (curve.first(), curve.last()) else {
        return Ok((0.0, None));
    };
    let last = (curve.len() - 1).max(1) as f64;
    let below = |at: usize| low + (high - low) * at as f64 / last - curve[at];
    let mut best = 0;
    for at in 0..curve.len() {
        if below(at) > below(best) {
            best = at;
        }
    }
    let eps = curve[best];
    let reason =
        format!("eps is {eps:.4}: there the sorted distances to each row's neighbour number {k} bend most");
    Ok((eps, Some(reason)))
}
