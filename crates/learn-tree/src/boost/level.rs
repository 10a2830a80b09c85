//! One level of an oblivious tree: the histograms of its leaves, and the test that splits them all.
//!
//! Threads first share the rows: each adds up a stretch of the rows of all leaves that are made, and a leaf that a stretch ends in
//! is joined from both. Then they share the columns: histograms of the other leaves are what is left of their parents', and
//! every cut of a column is scored over all leaves.

use kolosal_base::Rng;
use kolosal_compute::kernels::histogram::{Sample, Slot, merge, subtract};
use kolosal_compute::kernels::level::LevelScores;

use super::config::Score;
use super::grow::Ground;
use super::oblivious::{Level, SymmetricTask};
use super::table::{BinSet, BinTest, Cuts, Table};

/// Ranges of columns that a thread gets, so that threads that are done early take from those that are not.
const RANGES_A_THREAD: usize = 4;

/// Rows times columns from which a level's rows are worth sharing.
const SPREAD_MIN: usize = 4_096;

/// A leaf of the level that is being split: its rows, the same span in every output's samples, and its histogram.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) histogram: usize,
}

/// A histogram to be made: the rows to add up, and the histogram they are taken from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Making {
    pub(crate) leaf: Leaf,
    pub(crate) parent: Option<usize>,
}

/// The search for one level's test.
pub(crate) struct Search<'a> {
    pub(crate) ground: &'a Ground<'a>,
    pub(crate) task: &'a SymmetricTask<'a>,
    /// Samples of each output.
    pub(crate) samples: &'a [Vec<Sample>],
    pub(crate) leaves: &'a [Leaf],
    pub(crate) makings: &'a [Making],
    pub(crate) depth: usize,
    /// The score that the levels above have reached.
    pub(crate) reached: f64,
}

/// A test with its score.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Score with noise, by which tests compete.
    rank: f64,
    pub(crate) score: f64,
    pub(crate) level: Level,
}

/// Room that is kept between levels and trees.
pub(crate) struct LevelRoom<S> {
    /// By output and leaf; empty until they are made.
    histograms: Vec<Vec<S>>,
    /// Histograms of an output.
    leaves_max: usize,
    /// Sums of stretches of a leaf that another thread has begun.
    spare: Vec<Vec<S>>,
    ranges: Vec<RangeRoom<S>>,
}

/// A range of columns.
struct RangeRoom<S> {
    columns: (usize, usize),
    scores: LevelScores<S>,
    found: Option<Found>,
}

/// A stretch of a leaf's rows, and what they add up to.
struct Stretch<S> {
    histogram: usize,
    output: usize,
    rows: std::ops::Range<usize>,
    /// Whether the leaf's first row is among them.
    is_first: bool,
    slots: Vec<S>,
}

/// A histogram's slots of a range of columns.
struct RangeJob<'a, S> {
    room: &'a mut RangeRoom<S>,
    /// By output and leaf.
    histograms: Vec<&'a mut [S]>,
}

impl<S: Slot> LevelRoom<S> {
    pub(crate) fn new(ground: &Ground<'_>, outputs: usize) -> Self {
        let leaves_max = 1 << ground.config.depth_max.saturating_sub(1).min(15);
        let range = |columns| RangeRoom {
            columns,
            scores: LevelScores::default(),
            found: None,
        };
        let threads = ground.crew.threads();
        let ranges = ground.table.ranges(if threads == 1 {
            1
        } else {
            RANGES_A_THREAD * threads
        });
        Self {
            histograms: vec![Vec::new(); outputs * leaves_max],
            leaves_max,
            spare: Vec::new(),
            ranges: ranges.into_iter().map(range).collect(),
        }
    }

    /// Makes the level's histograms and finds the best test.
    pub(crate) fn best(&mut self, search: &Search<'_>) -> Option<Found> {
        let rest = self.add_up(search);
        let table = search.ground.table;
        let mut jobs = range_jobs(&mut self.ranges, table, &mut self.histograms);
        let leaves_max = self.leaves_max;
        search.ground.crew.for_each_mut(&mut jobs, |_, job| {
            let slots = table.slots_of(job.room.columns.0, job.room.columns.1);
            for stretch in &rest {
                merge(job.histograms[stretch.histogram], &stretch.slots[slots.clone()]);
            }
            search.take_from_parents(job, leaves_max);
            search.run(job, leaves_max);
        });
        self.spare.extend(rest.into_iter().map(|stretch| stretch.slots));
        let found = self.ranges.iter_mut().filter_map(|room| room.found.take());
        found.reduce(|best, found| if found.rank > best.rank { found } else { best })
    }

    /// Adds rows up; returns the stretches that are still to be joined with their leaf's.
    fn add_up(&mut self, search: &Search<'_>) -> Vec<Stretch<S>> {
        let table = search.ground.table;
        let mut shares = search.shares(self.leaves_max);
        for stretch in shares.iter_mut().flatten() {
            stretch.slots = if stretch.is_first {
                std::mem::take(&mut self.histograms[stretch.histogram])
            } else {
                self.spare.pop().unwrap_or_default()
            };
        }
        let whole = table.ranges_of_blocks();
        search.ground.crew.for_each_mut(&mut shares, |_, stretches| {
            for stretch in stretches {
                stretch.slots.clear();
                stretch.slots.resize(table.slot_count(), S::default());
                let samples = &search.samples[stretch.output][stretch.rows.clone()];
                for &columns in &whole {
                    let slots = &mut stretch.slots[table.slots_of(columns.0, columns.1)];
                    table.add(samples, &[], columns, slots);
                }
            }
        });
        let mut rest = Vec::new();
        for stretch in shares.into_iter().flatten() {
            if stretch.is_first {
                self.histograms[stretch.histogram] = stretch.slots;
            } else {
                rest.push(stretch);
            }
        }
        rest
    }
}

/// Cuts every histogram into the ranges of columns.
fn range_jobs<'a, S: Slot>(
    rooms: &'a mut [RangeRoom<S>],
    table: &Table<'_>,
    histograms: &'a mut [Vec<S>],
) -> Vec<RangeJob<'a, S>> {
    let mut jobs: Vec<RangeJob<'a, S>> = rooms
        .iter_mut()
        .map(|room| RangeJob {
            room,
            histograms: Vec::with_capacity(histograms.len()),
        })
        .collect();
    for histogram in histograms {
        let mut rest = &mut histogram[..];
        for job in &mut jobs {
            let (first, last) = job.room.columns;
            let len = table.slots_of(first, last).len().min(rest.len());
            let (mine, others) = rest.split_at_mut(len);
            job.histograms.push(mine);
            rest = others;
        }
    }
    jobs
}

impl Search<'_> {
    /// Cuts the rows of the histograms to be made into a share for each thread.
    fn shares<S>(&self, leaves_max: usize) -> Vec<Vec<Stretch<S>>> {
        let table = self.ground.table;
        let rows: usize = self.makings.iter().map(|making| making.leaf.len).sum();
        // Clearing a histogram takes as long as a few rows.
        let fixed = table.slot_count() / (4 * table.columns().len()) + 1;
        let total = self.samples.len() * (rows + fixed * self.makings.len());
        let threads = if total * table.columns().len() < SPREAD_MIN {
            1
        } else {
            self.ground.crew.threads()
        };
        let share = total.div_ceil(threads);
        let mut shares = vec![Vec::new()];
        let mut room = share;
        for output in 0..self.samples.len() {
            for Making { leaf, .. } in self.makings {
                let mut rows = leaf.start..leaf.start + leaf.len;
                let mut is_first = true;
                room = room.saturating_sub(fixed);
                while is_first || !rows.is_empty() {
                    if room == 0 && shares.len() < threads {
                        shares.push(Vec::new());
                        room = share;
                    }
                    let end = if shares.len() == threads {
                        rows.end
                    } else {
                        rows.end.min(rows.start + room)
                    };
                    room = room.saturating_sub(end - rows.start);
                    let stretches = shares.last_mut().expect("there is a share");
                    stretches.push(Stretch {
                        histogram: output * leaves_max + leaf.histogram,
                        output,
                        rows: rows.start..end,
                        is_first,
                        slots: Vec::new(),
                    });
                    rows.start = end;
                    is_first = false;
                }
            }
        }
        shares
    }

    /// Turns the parents' histograms into those of the children that were not added up.
    fn take_from_parents<S: Slot>(&self, job: &mut RangeJob<'_, S>, leaves_max: usize) {
        for output in 0..self.samples.len() {
            for making in self.makings {
                let Some(parent) = making.parent else { continue };
                let pair = [parent, making.leaf.histogram].map(|at| output * leaves_max + at);
                let [parent, own] = job
                    .histograms
                    .get_disjoint_mut(pair)
                    .expect("a child has a histogram of its own");
                subtract(parent, own);
            }
        }
    }

    /// Finds the best test of a range of columns.
    fn run<S: Slot>(&self, job: &mut RangeJob<'_, S>, leaves_max: usize) {
        let table = self.ground.table;
        let (first, last) = job.room.columns;
        let from = table.slots_of(first, first).start;
        for at in first..last {
            let is_open = self.task.open[self.depth].as_ref().is_none_or(|open| open[at]);
            let column = &table.columns()[at];
            if !is_open || column.bins < 2 {
                continue;
            }
            let range = table.slots_of(at, at + 1);
            let range = range.start - from..range.end - from;
            let is_levels = matches!(column.cuts, Cuts::Levels(_));
            let scores = &mut job.room.scores;
            scores.clear(column.bins);
            for (output, units) in self.task.units.iter().enumerate() {
                let rule = (
                    self.ground.config.limits.lambda / units.hessian,
                    units.gradient * units.gradient / units.hessian,
                );
                for leaf in self.leaves.iter().filter(|leaf| leaf.len > 0) {
                    let slots = &job.histograms[output * leaves_max + leaf.histogram][range.clone()];
                    if is_levels {
                        add_levels(scores, slots, rule);
                    } else {
                        scores.add(slots, rule);
                    }
                }
            }
            if let Some(found) = self.best_of(scores, at, is_levels) {
                let is_better = job.room.found.as_ref().is_none_or(|best| found.rank > best.rank);
                if is_better {
                    job.room.found = Some(found);
                }
            }
        }
    }

    fn best_of<S>(&self, scores: &LevelScores<S>, at: usize, is_levels: bool) -> Option<Found> {
        let seed = self.task.seed.fork_index(self.depth as u64).fork_index(at as u64);
        let mut rng = seed.rng();
        // Bins of the columns of a frame may be those of other rows; derived columns are made of these rows.
        let is_shared = !matches!(self.ground.table.columns()[at].cuts, Cuts::Borders(_));
        let slots = self.ground.table.slots_of(at, at + 1);
        // Noise is drawn twice, as in CatBoost: cuts compete within their column, then each column's cut with the others'.
        let mut best: Option<(f64, f64, usize)> = None;
        for (cut, (product, square)) in scores.products.iter().zip(&scores.squares).enumerate() {
            // A cut behind a bin without rows is the one before it again, for which noise was drawn, or has no rows on one side.
            let last = cut + usize::from(is_levels);
            let is_there = |bin: usize| self.ground.present[slots.start + bin];
            if is_shared && !(is_there(last) && (is_levels || (last + 1..slots.len()).any(is_there))) {
                continue;
            }
            let score = match self.ground.config.score {
                Score::L2 => *product,
                Score::Cosine if *square > 0.0 => product / square.sqrt(),
                Score::Cosine => 0.0,
            };
            if score <= self.reached * (1.0 + 1e-12) {
                continue;
            }
            let rank = if self.task.noise > 0.0 {
                score + self.task.noise * quick_normal(&mut rng)
            } else {
                score
            };
            if best.is_none_or(|best| rank > best.0) {
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
