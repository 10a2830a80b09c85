//! The least spanning tree of reaches, by Prim's method: `n^2 / 2` distances, nothing kept but a line of them.

use kolosal_compute::kernels::squared_distances;
use kolosal_learner::{FitContext, FitError};

use crate::cluster::Cloud;

/// Points whose distances are taken together.
const BLOCK: usize = 512;
/// Numbers to work through from which it is worth to wake a second thread.
const SHARED_MIN: usize = 400_000;

/// An edge between two rows, and its reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Edge {
    pub(super) rows: (u32, u32),
    pub(super) reach: f64,
}

/// Rows that the tree has not reached yet, column after column.
struct Block {
    rows: Vec<u32>,
    columns: Vec<f64>,
    /// Squared core distance of each row.
    cores: Vec<f64>,
    /// Squared least reach to the tree, and from where.
    near: Vec<f64>,
    from: Vec<u32>,
    is_reached: Vec<bool>,
    left: usize,
}

impl Block {
    fn of(cloud: &Cloud, rows: Vec<u32>, cores: &[f64], state: &dyn Fn(u32) -> (f64, u32)) -> Self {
        let positions = rows.iter().map(|&row| row as usize);
        let (near, from) = rows.iter().map(|&row| state(row)).unzip();
        Self {
            columns: cloud.columns(&positions),
            cores: rows.iter().map(|&row| cores[row as usize]).collect(),
            near,
            from,
            is_reached: vec![false; rows.len()],
            left: rows.len(),
            rows,
        }
    }

    /// Takes a row of the tree into account and gives the place of the row that is now reached first.
    fn relax(&mut self, (row, point, core): (u32, &[f64], f64), far: &mut [f64]) -> (f64, usize) {
        let far = &mut far[..self.rows.len()];
        squared_distances(&[point], &self.columns, far);
        let mut best = (f64::INFINITY, usize::MAX);
        for at in 0..far.len() {
            let reach = far[at].max(core).max(self.cores[at]);
            if reach < self.near[at] {
                self.near[at] = reach;
                self.from[at] = row;
            }
            if self.near[at] < best.0 && !self.is_reached[at] {
                best = (self.near[at], at);
            }
        }
        best
    }
}

/// The tree's edges, in the order in which they were found; `cores` are squared core distances.
pub(super) fn spanning_tree(
    cloud: &Cloud,
    cores: &[f64],
    cx: &FitContext<'_>,
) -> Result<Vec<Edge>, FitError> {
    let count = cloud.len();
    let all: Vec<u32> = (1..count as u32).collect();
    let unknown = |_: u32| (f64::INFINITY, 0);
    let mut blocks: Vec<Block> = all
        .chunks(BLOCK)
        .map(|rows| Block::of(cloud, rows.to_vec(), cores, &unknown))
        .collect();
    let mut edges = Vec::with_capacity(count.saturating_sub(1));
    let (mut row, mut packed) = (0_u32, count - 1);
    while edges.len() + 1 < count {
        if edges.len() % 256 == 0 {
            cx.checkpoint()?;
        }
        let left = count - 1 - edges.len();
        if left * 4 < packed * 3 {
            blocks = repacked(cloud, blocks, cores);
            packed = left;
        }
        let from = (row, cloud.point(row as usize), cores[row as usize]);
        let (at, place) = next(&mut blocks, from, packed * cloud.width, cx);
        let block = &mut blocks[at];
        block.is_reached[place] = true;
        block.left -= 1;
        edges.push(Edge {
            rows: (block.from[place], block.rows[place]),
            reach: block.near[place].sqrt(),
        });
        row = block.rows[place];
    }
    Ok(edges)
}

/// Block and place of the row that is reached first; ties go to the earlier row, blocks being in the order of rows.
fn next(
    blocks: &mut [Block],
    from: (u32, &[f64], f64),
    numbers: usize,
    cx: &FitContext<'_>,
) -> (usize, usize) {
    let mut found = vec![(f64::INFINITY, usize::MAX); blocks.len()];
    if numbers < SHARED_MIN {
        let mut far = [0.0; BLOCK];
        for (block, found) in blocks.iter_mut().zip(&mut found) {
            *found = block.relax(from, &mut far);
        }
    } else {
        let mut pairs: Vec<(&mut Block, &mut (f64, usize))> = blocks.iter_mut().zip(&mut found).collect();
        cx.workers.for_each_chunk_mut(&mut pairs, 16, |_, pairs| {
            let mut far = [0.0; BLOCK];
            for (block, found) in pairs {
                **found = block.relax(from, &mut far);
            }
        });
    }
    let mut best: Option<(f64, usize, usize)> = None;
    for (at, (near, place)) in found.into_iter().enumerate() {
        if place != usize::MAX && best.is_none_or(|best| near < best.0) {
            best = Some((near, at, place));
        }
    }
    let (_, at, place) = best.expect("a row is not reached yet, and distances are finite");
    (at, place)
}

/// The rows that are left, closed up.
fn repacked(cloud: &Cloud, blocks: Vec<Block>, cores: &[f64]) -> Vec<Block> {
    let mut left = Vec::new();
    for block in blocks {
        for at in (0..block.rows.len()).filter(|&at| !block.is_reached[at]) {
            left.push((block.rows[at], (block.near[at], block.from[at])));
        }
    }
    let state = |row: u32| {
        let at = left
            .binary_search_by_key(&row, |(row, _)| *row)
            .expect("it is left");
        left[at].1
    };
    let rows: Vec<u32> = left.iter().map(|(row, _)| *row).collect();
    rows.chunks(BLOCK)
        .map(|rows| Block::of(cloud, rows.to_vec(), cores, &state))
        .collect()
}
