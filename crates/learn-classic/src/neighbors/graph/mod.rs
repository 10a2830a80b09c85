//! A graph of near points in layers (HNSW: Malkov, Yashunin 2018), for tables that are too large to be searched as a whole.
//!
//! Each point is linked to near points in all directions; a question walks from link to link towards its nearest, keeping
//! the `breadth` closest points seen in view. Layers above hold ever fewer of the points and are walked first, so that the walk starts
//! nearby. Instead of drawing a height for each point, points are put in a drawn order and layer `l` holds the first
//! `n / 16^l`: a layer is then a prefix. Rows that are all the same are one point, as many of them would link to nothing else.
//!
//! Points are linked in batches that double up to 256 (as in ParlayANN: Manohar, Shen, Blelloch, Dhulipala, Gu, Simhadri, Sun 2024): those of a
//! batch look for neighbours in the graph as it was before it and among themselves, and links back are made point by
//! point, so that threads never change the graph. Costs `O(n log n)` distances to build, some thousands a point, and
//! `O(log n)` to answer, about thirty times `breadth`. What it misses is measured where it is built.

mod beam;
mod build;
mod far;
#[cfg(test)]
mod tests;

use kolosal_learner::{ArtifactError, Decoder, Encoder, FitContext, FitError};

use self::beam::Beam;
use self::far::Ground;
use super::index::{self, Index};
use super::nearest::Nearest;
use super::space::Space;

/// Links a new point makes on each layer.
const LINKS: usize = 16;
/// Each layer has so many times fewer points than the one below.
const FEWER: usize = 16;
/// No graph has more layers.
const LAYERS_MAX: usize = 12;
/// Widest view, of a walk; bounds what a damaged file can ask for.
pub(super) const BREADTH_MAX: usize = 10_000;

/// Points to walk through.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Graph {
    /// Points, row after row, in their drawn order.
    points: Vec<f64>,
    /// Point `i` stands for the rows at `firsts[i] .. firsts[i + 1]` of `rows`.
    firsts: Vec<u32>,
    rows: Vec<u32>,
    /// Links of point `i` on layer `l`: `links[l][starts[l][i] .. starts[l][i + 1]]`.
    starts: Vec<Vec<u32>>,
    links: Vec<Vec<u32>>,
    has_gaps: bool,
    /// How many points a walk keeps in view.
    pub(super) breadth: usize,
}

impl Graph {
    /// The graph of some points.
    ///
    /// # Errors
    /// If the fit is stopped.
    pub(super) fn of(points: &[f64], space: &Space, cx: &FitContext<'_>) -> Result<Self, FitError> {
        let width = space.width();
        let mut groups = equal_rows(points, width);
        cx.seed.fork("graph").rng().shuffle(&mut groups);
        let mut graph = Self {
            points: groups
                .iter()
                .flat_map(|rows| &points[rows[0] as usize * width..][..width])
                .copied()
                .collect(),
            firsts: vec![0],
            rows: groups.concat(),
            starts: Vec::new(),
            links: Vec::new(),
            has_gaps: points.iter().any(|number| number.is_nan()),
            breadth: 1,
        };
        for rows in &groups {
            graph
                .firsts
                .push(graph.firsts[graph.firsts.len() - 1] + rows.len() as u32);
        }
        let (points, has_gaps) = (std::mem::take(&mut graph.points), graph.has_gaps);
        let ground = Ground {
            space,
            points: &points,
            has_gaps,
        };
        build::link(&mut graph, ground, cx)?;
        graph.points = points;
        Ok(graph)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many rows differ from all others before them.
    fn point_count(&self) -> usize {
        self.firsts.len() - 1
    }

    /// Finds close points of each query. Distances are the same bits as those of the exact search.
    pub(super) fn search(&self, space: &Space, queries: &[f64], lists: &mut [Nearest]) {
        let ground = Ground {
            space,
            points: &self.points,
            has_gaps: self.has_gaps,
        };
        let mut beam = Beam::new();
        for (query, list) in queries.chunks_exact(space.width()).zip(lists) {
            list.clear();
            let far = ground.far(query);
            let mut start = 0;
            for (layer, starts) in self.starts.iter().enumerate().rev() {
                let width = if layer == 0 {
                    self.breadth.max(list.most())
                } else {
                    1
                };
                beam.walk((start, width), &far, |point| {
                    let at = point as usize;
                    &self.links[layer][starts[at] as usize..starts[at + 1] as usize]
                });
                start = beam.closest();
            }
            for (_, point) in beam.found() {
                let distance = index::distance(query, space, ground.point(point), self.has_gaps);
                let (first, end) = (self.firsts[point as usize], self.firsts[point as usize + 1]);
                for row in &self.rows[first as usize..end as usize] {
                    list.offer(distance, *row);
                }
            }
        }
    }

    pub(super) fn save(&self, to: &mut Encoder) {
        to.u32s(&self.firsts);
        to.u32s(&self.rows);
        index::save_numbers(&self.points, to);
        to.u64(self.breadth as u64);
        to.u64(self.starts.len() as u64);
        for (starts, links) in self.starts.iter().zip(&self.links) {
            to.u32s(starts);
            to.u32s(links);
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>, space: &Space) -> Result<Self, ArtifactError> {
        let (firsts, rows) = (from.u32s()?, from.u32s()?);
        index::check_rows(&rows)?;
        if rows.is_empty()
            || !are_starts(&firsts, rows.len())
            || firsts.windows(2).any(|pair| pair[0] == pair[1])
        {
            return Err(ArtifactError::damaged(
                "the points of the graph do not stand for the rows",
            ));
        }
        let count = firsts.len() - 1;
        let points = index::load_numbers(from, count.checked_mul(space.width()))?;
        if points.len() != count * space.width() || points.iter().any(|number| number.is_infinite()) {
            return Err(ArtifactError::damaged("the points of the graph are not whole"));
        }
        let breadth = from.count("points in view", BREADTH_MAX)?;
        let layers = from.count("layers", LAYERS_MAX)?;
        let mut graph = Self {
            has_gaps: index::checked_gaps(&points, space)?,
            points,
            firsts,
            rows,
            starts: Vec::new(),
            links: Vec::new(),
            breadth,
        };
        let expected = build::layers_of(count);
        if breadth == 0 || layers != expected.len() {
            return Err(ArtifactError::damaged(
                "the layers of the graph are not those of its points",
            ));
        }
        for members in expected {
            let (starts, links) = (from.u32s()?, from.u32s()?);
            if starts.len() != members + 1
                || !are_starts(&starts, links.len())
                || links.iter().any(|link| *link as usize >= members)
            {
                return Err(ArtifactError::damaged("the links of the graph lead nowhere"));
            }
            graph.starts.push(starts);
            graph.links.push(links);
        }
        Ok(graph)
    }
}

/// Whether numbers rise from zero to `end`.
fn are_starts(starts: &[u32], end: usize) -> bool {
    starts.first() == Some(&0)
        && starts.last().map(|last| *last as usize) == Some(end)
        && starts.windows(2).all(|pair| pair[0] <= pair[1])
}

/// Rows that are the same, bit by bit, together; groups in the order of their first rows.
fn equal_rows(points: &[f64], width: usize) -> Vec<Vec<u32>> {
    let point = |row: u32| &points[row as usize * width..][..width];
    // The two zeros are one number.
    let bits = |row: u32| point(row).iter().map(|x| (x + 0.0).to_bits());
    let mut order: Vec<u32> = (0..(points.len() / width) as u32).collect();
    order.sort_unstable_by(|&a, &b| bits(a).cmp(bits(b)).then(a.cmp(&b)));
    let mut groups: Vec<Vec<u32>> = order
        .chunk_by(|&a, &b| bits(a).eq(bits(b)))
        .map(<[u32]>::to_vec)
        .collect();
    groups.sort_unstable_by_key(|rows| rows[0]);
    groups
}

/// The share of the true `k` nearest that a graph finds for some rows that are left out of their own answers.
#[derive(Debug, Clone)]
pub(super) struct Judge<'a> {
    space: &'a Space,
    queries: Vec<f64>,
    rows: Vec<u32>,
    truth: Vec<Nearest>,
}

impl<'a> Judge<'a> {
    /// Searches exactly for the neighbours of up to `count` rows.
    ///
    /// # Errors
    /// If the fit is stopped.
    pub(super) fn of(
        points: &[f64],
        space: &'a Space,
        (count, k): (usize, usize),
        cx: &FitContext<'_>,
    ) -> Result<Self, FitError> {
        let width = space.width();
        let mut rows: Vec<u32> = (0..(points.len() / width) as u32).collect();
        let all = Index::blocks(points, width, rows.len());
        cx.seed.fork("recall").rng().shuffle(&mut rows);
        rows.truncate(count);
        let queries: Vec<f64> = rows
            .iter()
            .flat_map(|row| &points[*row as usize * width..][..width])
            .copied()
            .collect();
        let mut truth = vec![Nearest::new(k + 1); rows.len()];
        cx.checkpoint()?;
        cx.workers
            .for_each_chunk_mut(&mut truth, TOGETHER, |chunk, lists| {
                let queries = &queries[chunk * TOGETHER * width..][..lists.len() * width];
                all.search(space, queries, lists);
            });
        Ok(Self {
            space,
            queries,
            rows,
            truth,
        })
    }

    /// How many rows are asked for.
    pub(super) fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// From zero to one. A row counts as found if it is no farther than the last of the true ones, whichever of several equally
    /// far rows it is.
    pub(super) fn recall(&self, graph: &Graph) -> f64 {
        let mut lists = vec![Nearest::new(self.truth[0].most()); self.rows.len()];
        graph.search(self.space, &self.queries, &mut lists);
        let (mut hits, mut all) = (0, 0);
        for ((found, truth), row) in lists.iter().zip(&self.truth).zip(&self.rows) {
            let last = truth.found().last().map_or(0.0, |last| last.0);
            let others = truth.found().iter().filter(|near| near.1 != *row).count();
            let is_hit = |near: &&(f64, u32)| near.0 <= last && near.1 != *row;
            hits += found.found().iter().filter(is_hit).count().min(others);
            all += others;
        }
        if all == 0 { 1.0 } else { hits as f64 / all as f64 }
    }
}

/// Questions that are searched for exactly at a time.
const TOGETHER: usize = 16;
