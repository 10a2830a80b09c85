//! Growing an oblivious tree: one test a level, chosen for all leaves of the level together.
//!
//! The tree sees gradients of all outputs and answers all of them. Histograms of a level come from those of the level above:
//! the smaller child of each leaf is added up, the larger is what is left of its parent.

use kolosal_base::{Rng, Seed};
use kolosal_compute::kernels::histogram::{Sample, Slot, subtract};
use kolosal_compute::kernels::level::LevelScores;

use super::config::Score;
use super::grow::Ground;
use super::search::Units;
use super::table::{BinSet, BinTest, Cuts};

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
    rooms: Vec<Room<S>>,
    spare: Vec<Sample>,
}

/// One thread's range of columns: its part of every leaf's histogram.
struct Room<S> {
    columns: (usize, usize),
    /// By output and leaf.
    histograms: Vec<Vec<S>>,
    scores: LevelScores<S>,
    found: Option<Found>,
}

/// A test with its score.
#[derive(Debug, Clone)]
struct Found {
    /// Score with noise, by which tests compete.
    rank: f64,
    score: f64,
    level: Level,
}

/// A leaf of the level that is being split: its rows, the same span in every output's samples, and its histogram.
#[derive(Debug, Clone, Copy)]
struct Leaf {
    start: usize,
    len: usize,
    histogram: usize,
}

/// A histogram to be made: the rows to add up, and the histogram they are taken from.
#[derive(Debug, Clone, Copy)]
struct Making {
    leaf: Leaf,
    parent: Option<usize>,
}

impl<S: Slot> SymmetricGrower<S> {
    pub(crate) fn new(ground: &Ground<'_>, outputs: usize) -> Self {
        let histograms = outputs << ground.config.depth_max.saturating_sub(1).min(15);
        let room = |columns: (usize, usize)| Room {
            columns,
            histograms: vec![Vec::new(); histograms],
            scores: LevelScores::default(),
            found: None,
        };
        Self {
            rooms: ground
                .table
                .parts(ground.crew.threads())
                .into_iter()
                .map(room)
                .collect(),
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
            };
            ground
                .crew
                .for_each_mut(&mut self.rooms, |_, room| search.run(room));
            let found = self.rooms.iter_mut().filter_map(|room| room.found.take());
            let best = found.reduce(|best, found| if found.rank > best.rank { found } else { best });
            let Some(best) = best.filter(|best| best.score > score * (1.0 + 1e-12)) else {
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
            counts = part_leaves(ground, level, leaves, (samples, &mut self.spare));
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
fn part_leaves(
    ground: &Ground<'_>,
    level: &Level,
    leaves: &[Leaf],
    (mut samples, mut spare): (&mut [Sample], &mut [Sample]),
) -> Vec<usize> {
    let column = &ground.table.columns()[level.column as usize];
    let mut jobs: Vec<(&mut [Sample], &mut [Sample], usize)> = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let (rows, others) = samples.split_at_mut(leaf.len);
        let (room, others_room) = spare.split_at_mut(leaf.len);
        jobs.push((rows, room, 0));
        (samples, spare) = (others, others_room);
    }
    ground.crew.for_each_mut(&mut jobs, |_, (rows, spare, lefts)| {
        *lefts = match level.test {
            BinTest::UpTo(last) => column.partition(rows, spare, &|bin| bin <= last),
            BinTest::Among(_) => {
                column.partition(rows, spare, &|bin| level.test.is_left(bin, level.missing_left))
            }
        };
    });
    jobs.into_iter().map(|(_, _, lefts)| lefts).collect()
}

/// The search for one level's test.
struct Search<'a> {
    ground: &'a Ground<'a>,
    task: &'a SymmetricTask<'a>,
    samples: &'a [Vec<Sample>],
    leaves: &'a [Leaf],
    makings: &'a [Making],
    depth: usize,
}

impl Search<'_> {
    fn run<S: Slot>(&self, room: &mut Room<S>) {
        let histograms = room.histograms.len() / self.samples.len();
        for (output, samples) in self.samples.iter().enumerate() {
            let histograms = &mut room.histograms[output * histograms..(output + 1) * histograms];
            self.makings
                .iter()
                .for_each(|making| self.make(making, samples, (room.columns, histograms)));
        }
        for at in room.columns.0..room.columns.1 {
            let is_open = self.task.open[self.depth].as_ref().is_none_or(|open| open[at]);
            if is_open && let Some(found) = self.column(room, at) {
                let is_better = room.found.as_ref().is_none_or(|best| found.rank > best.rank);
                if is_better {
                    room.found = Some(found);
                }
            }
        }
    }

    fn make<S: Slot>(
        &self,
        making: &Making,
        samples: &[Sample],
        (columns, histograms): ((usize, usize), &mut [Vec<S>]),
    ) {
        let table = self.ground.table;
        let slots = table.slots_of(columns.0, columns.1).len();
        let Leaf {
            start,
            len,
            histogram,
        } = making.leaf;
        let mut own = std::mem::take(&mut histograms[histogram]);
        own.clear();
        own.resize(slots, S::default());
        table.add(&samples[start..start + len], &[], columns, &mut own);
        if let Some(parent) = making.parent {
            subtract(&mut histograms[parent], &own);
        }
        histograms[histogram] = own;
    }

    /// The best test of a column.
    fn column<S: Slot>(&self, room: &mut Room<S>, at: usize) -> Option<Found> {
        let table = self.ground.table;
        let column = &table.columns()[at];
        let from = table.slots_of(room.columns.0, room.columns.0).start;
        let range = table.slots_of(at, at + 1);
        let range = range.start - from..range.end - from;
        let histograms = room.histograms.len() / self.samples.len();
        room.scores.clear(column.bins);
        if column.bins < 2 {
            return None;
        }
        let is_levels = matches!(column.cuts, Cuts::Levels(_));
        for (output, units) in self.task.units.iter().enumerate() {
            let rule = (
                self.ground.config.limits.lambda / units.hessian,
                units.gradient * units.gradient / units.hessian,
            );
            for leaf in self.leaves.iter().filter(|leaf| leaf.len > 0) {
                let slots = &room.histograms[output * histograms + leaf.histogram][range.clone()];
                if is_levels {
                    add_levels(&mut room.scores, slots, rule);
                } else {
                    room.scores.add(slots, rule);
                }
            }
        }
        self.best_of(&room.scores, at, is_levels)
    }

    fn best_of<S>(&self, scores: &LevelScores<S>, at: usize, is_levels: bool) -> Option<Found> {
        let seed = self.task.seed.fork_index(self.depth as u64).fork_index(at as u64);
        let mut rng = seed.rng();
        // Noise is drawn twice, as in CatBoost: cuts compete within their column, then each column's cut with the others'.
        let mut best: Option<(f64, f64, usize)> = None;
        for (cut, (product, square)) in scores.products.iter().zip(&scores.squares).enumerate() {
            let score = match self.ground.config.score {
                Score::L2 => *product,
                Score::Cosine if *square > 0.0 => product / square.sqrt(),
                Score::Cosine => 0.0,
            };
            let rank = if self.task.noise > 0.0 {
                score + self.task.noise * quick_normal(&mut rng)
            } else {
                score
            };
            if score > 0.0 && best.is_none_or(|best| rank > best.0) {
                best = Some((rank, score, cut));
            }
        }
        let (_, score, cut) = best?;
        let noise = if self.task.noise > 0.0 {
            self.task.noise * rng.normal()
        } else {
            0.0
        };
        let (test, missing_left) = if is_levels {
            // One level (its bin is one above the cut's number) goes right, all others left.
            let bins = self.ground.table.columns()[at].bins;
            let others = (1..bins).filter(|&bin| bin != cut + 1);
            (BinTest::Among(BinSet::of(others)), true)
        } else {
            (BinTest::UpTo(cut), true)
        };
        Some(Found {
            rank: score + noise,
            score,
            level: Level {
                column: at as u32,
                test,
                missing_left,
                gain: 0.0,
            },
        })
    }
}

/// A number that is normal but for tails beyond eight deviations: the count of ones among 64 fair bits, spread evenly within its
/// step.
fn quick_normal(rng: &mut Rng) -> f64 {
    let ones = f64::from(rng.next_u64().count_ones());
    (ones - 32.5 + rng.uniform()) * (1.0 / (16.0_f64 + 1.0 / 12.0).sqrt())
}

/// Adds what a leaf makes of each level against all others.
fn add_levels<S: Slot>(scores: &mut LevelScores<S>, slots: &[S], (lambda, scale): (f64, f64)) {
    let total = slots.iter().fold(S::default(), |sum, slot| sum.plus(*slot));
    for (cut, slot) in slots[1..].iter().enumerate() {
        for (gradient, hessian) in [slot.numbers(), total.less(*slot).numbers()] {
            let answer = gradient / (hessian + lambda.max(1e-9));
            scores.products[cut] += scale * answer * gradient;
            scores.squares[cut] += scale * answer * answer * hessian;
        }
    }
}
