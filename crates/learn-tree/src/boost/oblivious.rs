//! Growing an oblivious tree: one test a level, chosen for all leaves of the level together.
//!
//! The tree sees gradients of all outputs and answers all of them. Histograms of a level come from those of the level above:
//! the smaller child of each leaf is added up, the larger is what is left of its parent.

use kolosal_base::Seed;
use kolosal_compute::kernels::histogram::{Sample, Slot};

use super::grow::Ground;
use super::level::{Leaf, LevelRoom, Making, Search};
use super::part::{Parting, part_leaves};
use super::search::Units;
use super::table::BinTest;

/// The tests of an oblivious tree, from the root down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Symmetric {
    pub(crate) levels: Vec<Level>,
}

/// One level's test.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    pub(crate) column: u32,
    pub(crate) test: BinTest,
    pub(crate) missing_left: bool,
    /// By how much the level raises the score.
    pub(crate) gain: f64,
}

/// What a tree is grown from.
pub(crate) struct SymmetricTask<'a> {
    /// Units of each output.
    pub(crate) units: &'a [Units],
    pub(crate) seed: Seed,
    /// Columns of each level that are looked at; `None` for all.
    pub(crate) open: &'a [Option<Vec<bool>>],
    /// Spread of the noise on scores.
    pub(crate) noise: f64,
}

/// Room that is kept between trees.
pub(crate) struct SymmetricGrower<S> {
    level: LevelRoom<S>,
    spare: Vec<Sample>,
}

impl<S: Slot> SymmetricGrower<S> {
    pub(crate) fn new(ground: &Ground<'_>, outputs: usize) -> Self {
        Self {
            level: LevelRoom::new(ground, outputs),
            spare: vec![Sample::default(); ground.table.row_count()],
        }
    }

    /// Grows a tree on samples, one list an output, all in the same order.
    pub(crate) fn grow(
        &mut self,
        ground: &Ground<'_>,
        task: &SymmetricTask<'_>,
        samples: &mut [Vec<Sample>],
    ) -> Symmetric {
        let mut tree = Symmetric::default();
        let mut leaves = vec![Leaf {
            start: 0,
            len: samples[0].len(),
            histogram: 0,
        }];
        let mut makings = vec![Making {
            leaf: leaves[0],
            parent: None,
        }];
        let mut score = 0.0;
        for depth in 0..ground.config.depth_max {
            let search = Search {
                ground,
                task,
                samples,
                leaves: &leaves,
                makings: &makings,
                depth,
                reached: score,
            };
            let Some(best) = self.level.best(&search) else {
                break;
            };
            let gain = best.score - score;
            score = best.score;
            tree.levels.push(Level { gain, ..best.level });
            if depth + 1 < ground.config.depth_max {
                (leaves, makings) = self.divide(ground, &tree.levels[depth], (&leaves, samples));
            }
        }
        tree
    }

    /// Moves the rows of every leaf to its children.
    fn divide(
        &mut self,
        ground: &Ground<'_>,
        level: &Level,
        (leaves, samples): (&[Leaf], &mut [Vec<Sample>]),
    ) -> (Vec<Leaf>, Vec<Making>) {
        // Rows of all outputs stand in the same order, so that every output has the same counts.
        let mut counts = Vec::new();
        for samples in samples.iter_mut() {
            counts = part_level(ground, level, leaves, (samples, &mut self.spare));
        }
        let mut children = Vec::with_capacity(2 * leaves.len());
        let mut makings = Vec::with_capacity(leaves.len());
        for (at, (leaf, lefts)) in leaves.iter().zip(counts).enumerate() {
            let fresh = leaves.len() + at;
            let is_left_small = lefts <= leaf.len - lefts;
            let (left, right) = if is_left_small {
                (fresh, leaf.histogram)
            } else {
                (leaf.histogram, fresh)
            };
            let left = Leaf {
                start: leaf.start,
                len: lefts,
                histogram: left,
            };
            let right = Leaf {
                start: leaf.start + lefts,
                len: leaf.len - lefts,
                histogram: right,
            };
            makings.push(Making {
                leaf: if is_left_small { left } else { right },
                parent: Some(leaf.histogram),
            });
            children.extend([left, right]);
        }
        (children, makings)
    }
}

/// Moves the rows of each leaf that go left to its front; returns how many there are, leaf by leaf.
fn part_level(
    ground: &Ground<'_>,
    level: &Level,
    leaves: &[Leaf],
    (mut samples, mut spare): (&mut [Sample], &mut [Sample]),
) -> Vec<usize> {
    let column = &ground.table.columns()[level.column as usize];
    let mut partings = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let (rows, others) = samples.split_at_mut(leaf.len);
        let (room, others_room) = spare.split_at_mut(leaf.len);
        partings.push(Parting::new(rows, room));
        (samples, spare) = (others, others_room);
    }
    part_leaves(
        ground.crew,
        (column, (&level.test, level.missing_left)),
        &mut partings,
    )
}
