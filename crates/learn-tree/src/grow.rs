//! Growing one tree: which node is split next, by which column, and where its rows go.
//!
//! A tree is grown depth first, or best first where the number of leaves is limited. Each node draws columns without
//! replacement until it has looked at as many as asked for; columns with one value in a node are not looked at again
//! below it, and drawing goes on until one with two values was seen. Rows of a node lie side by side, in ascending
//! order, and are split in place. A fit is the same for any number of threads: trees draw from seeds of their own, and
//! columns that are looked at in parallel are compared in column order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use kolosal_base::{Rng, Seed};
use kolosal_compute::Workers;
use kolosal_frame::{BinCodes, BinCuts, BinnedColumn, BinnedMatrix, MISSING_BIN};
use kolosal_learner::{FitContext, FitError};

use crate::problem::{Node, Problem};
use crate::sample::Sample;
use crate::split::{Cut, Found, Limits, Rule, levels_left, to_beat};
use crate::tree::{Side, Test, Tree};

/// Row visits between two looks at the clock; about ten milliseconds.
const VISITS_PER_CHECK: usize = 1 << 22;

/// Row visits of one node from which its columns are worth spreading over threads.
const SPREAD_MIN: usize = 1 << 17;

/// Who shares the threads.
#[derive(Clone, Copy)]
pub(crate) enum Spread<'a> {
    /// Trees do: each is grown by one thread.
    Trees,
    /// Columns of one tree do.
    Columns(&'a Workers),
}

/// A tree with what is known of its growth.
pub(crate) struct Grown<T> {
    pub(crate) tree: Tree,
    /// For each node the fall of weighted impurity by its split; zero for leaves.
    pub(crate) gains: Vec<f64>,
    /// For each node where its rows lie among the samples.
    pub(crate) spans: Vec<(u32, u32)>,
    pub(crate) samples: Vec<T>,
}

/// Everything that growing a tree needs.
pub(crate) struct Growth<'a, P: Problem> {
    pub(crate) problem: &'a P,
    pub(crate) matrix: &'a BinnedMatrix,
    pub(crate) limits: Limits,
    pub(crate) spread: Spread<'a>,
    pub(crate) cx: &'a FitContext<'a>,
}

/// A node that may be split.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Open {
    node: u32,
    depth: u32,
    /// How many columns are known to be constant here.
    constants: usize,
}

/// A node with the cut that would split it.
#[derive(Debug, PartialEq)]
struct Choice {
    open: Open,
    feature: u32,
    cut: Cut,
}

impl Eq for Choice {}

impl PartialOrd for Choice {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Choice {
    /// By gain; the older node wins a tie.
    fn cmp(&self, other: &Self) -> Ordering {
        let gains = self.cut.gain.total_cmp(&other.cut.gain);
        gains.then_with(|| Reverse(self.open.node).cmp(&Reverse(other.open.node)))
    }
}

/// The state of a tree that grows.
struct Grower<'a, P: Problem> {
    growth: &'a Growth<'a, P>,
    rng: Rng,
    seed: Seed,
    grown: Grown<P::Sample>,
    /// Rows that go right, while a node is split.
    spare: Vec<P::Sample>,
    bench: P::Bench,
    answer: Vec<f64>,
    columns: Columns,
    visits: usize,
}

/// The columns in drawing order; those known to be constant in the current node come first.
#[derive(Debug)]
struct Columns {
    order: Vec<u32>,
    /// The constant columns by the depth that found them.
    constants: Vec<u32>,
}

impl<P: Problem> Growth<'_, P> {
    /// Grows a tree on the samples, which may not be empty.
    pub(crate) fn grow(&self, samples: Vec<P::Sample>, seed: Seed) -> Result<Grown<P::Sample>, FitError> {
        let columns = self.matrix.columns().len() as u32;
        let grower = Grower {
            growth: self,
            rng: seed.rng(),
            seed,
            spare: Vec::with_capacity(samples.len()),
            grown: Grown {
                tree: Tree::new(self.problem.width()),
                gains: vec![0.0],
                spans: vec![(0, samples.len() as u32)],
                samples,
            },
            bench: self.problem.bench(self.matrix.widest()),
            answer: vec![0.0; self.problem.width()],
            columns: Columns {
                order: (0..columns).collect(),
                constants: (0..columns).collect(),
            },
            visits: 0,
        };
        if self.limits.leaves_max == 0 {
            grower.depth_first()
        } else {
            grower.best_first()
        }
    }
}

impl<P: Problem> Grower<'_, P> {
    fn depth_first(mut self) -> Result<Grown<P::Sample>, FitError> {
        let mut stack = vec![Open {
            node: 0,
            depth: 0,
            constants: 0,
        }];
        while let Some(open) = stack.pop() {
            match self.choose(open)? {
                None => self.close(open.node),
                Some(choice) => stack.extend(self.split(choice).into_iter().rev()),
            }
        }
        self.grown.tree.shrink();
        Ok(self.grown)
    }

    fn best_first(mut self) -> Result<Grown<P::Sample>, FitError> {
        let mut heap = BinaryHeap::new();
        let mut fresh = vec![Open {
            node: 0,
            depth: 0,
            constants: 0,
        }];
        let mut leaves = 1;
        loop {
            for open in fresh.drain(..) {
                // Best first hops between branches, so what is constant in one says nothing in the next.
                let open = Open { constants: 0, ..open };
                match self.choose(open)? {
                    None => self.close(open.node),
                    Some(choice) => heap.push(choice),
                }
            }
            if leaves >= self.growth.limits.leaves_max {
                break;
            }
            let Some(choice) = heap.pop() else { break };
            fresh.extend(self.split(choice));
            leaves += 1;
        }
        heap.into_sorted_vec()
            .iter()
            .for_each(|choice| self.close(choice.open.node));
        self.grown.tree.shrink();
        Ok(self.grown)
    }

    /// Makes the node a leaf.
    fn close(&mut self, node: u32) {
        let samples = span(&self.grown.samples, self.grown.spans[node as usize]);
        self.growth.problem.answer(samples, &mut self.answer);
        self.grown.tree.set_shares(node, &self.answer);
    }

    /// The cut that should split the node, if it may be split.
    fn choose(&mut self, open: Open) -> Result<Option<Choice>, FitError> {
        let limits = &self.growth.limits;
        let (start, len) = self.grown.spans[open.node as usize];
        let samples = span(&self.grown.samples, (start, len));
        let small = samples.len() < limits.split_rows_min || samples.len() < 2 * limits.leaf_rows_min;
        if small || open.depth >= limits.depth_max || is_pure(samples) {
            return Ok(None);
        }
        self.visits += samples.len() * limits.columns;
        if self.visits >= VISITS_PER_CHECK {
            self.visits = 0;
            self.growth.cx.checkpoint()?;
        }
        let choice = match self.growth.spread {
            Spread::Columns(workers) if samples.len() * limits.columns >= SPREAD_MIN => {
                self.look_at_all(open, workers)
            }
            _ => self.look_at_drawn(open),
        };
        Ok(choice.filter(|choice| choice.cut.gain >= limits.gain_min))
    }

    /// Looks at randomly drawn columns, one after the other; the first of equals wins.
    fn look_at_drawn(&mut self, open: Open) -> Option<Choice> {
        let samples = span(&self.grown.samples, self.grown.spans[open.node as usize]);
        let limits = &self.growth.limits;
        self.growth.problem.enter(samples, limits, &mut self.bench);
        let mut best: Option<(u32, Cut)> = None;
        let mut draw = Draw::new(open.constants, self.columns.order.len());
        while draw.goes_on(limits.columns) {
            let Some(at) = draw.next(&mut self.columns.order, &mut self.rng) else {
                continue;
            };
            let feature = self.columns.order[at];
            let node = Node { samples, limits };
            let column = &self.growth.matrix.columns()[feature as usize];
            match self
                .growth
                .problem
                .look(node, column, &mut self.bench, &mut self.rng)
            {
                Found::Constant => draw.found_constant(at, &mut self.columns.order),
                Found::Nothing => draw.seen(at, &mut self.columns.order),
                Found::Cut(cut) => {
                    draw.seen(at, &mut self.columns.order);
                    if best
                        .as_ref()
                        .is_none_or(|(_, most)| cut.gain > to_beat(most.gain))
                    {
                        best = Some((feature, cut));
                    }
                }
            }
        }
        let constants = draw.close(&mut self.columns);
        best.map(|(feature, cut)| Choice {
            open: Open { constants, ..open },
            feature,
            cut,
        })
    }

    /// Looks at as many columns as asked for in parallel; each thread has room of its own.
    fn look_at_all(&mut self, open: Open, workers: &Workers) -> Option<Choice> {
        let samples = span(&self.grown.samples, self.grown.spans[open.node as usize]);
        let Growth {
            problem,
            matrix,
            limits,
            ..
        } = self.growth;
        let mut order: Vec<u32> = (0..matrix.columns().len() as u32).collect();
        self.rng.shuffle(&mut order);
        let seed = self.seed.fork_index(u64::from(open.node));
        let look = |at: usize| {
            let mut bench = problem.bench(matrix.widest());
            problem.enter(samples, limits, &mut bench);
            let node = Node { samples, limits };
            let column = &matrix.columns()[order[at] as usize];
            problem.look(node, column, &mut bench, &mut seed.fork_index(at as u64).rng())
        };
        let mut best: Option<(u32, Cut)> = None;
        let mut varied = 0;
        for from in (0..order.len()).step_by(limits.columns) {
            let found = workers.map(limits.columns.min(order.len() - from), |at| look(from + at));
            for (feature, found) in order[from..].iter().zip(found) {
                varied += usize::from(!matches!(found, Found::Constant));
                if let Found::Cut(cut) = found
                    && best
                        .as_ref()
                        .is_none_or(|(_, most)| cut.gain > to_beat(most.gain))
                {
                    best = Some((*feature, cut));
                }
            }
            if varied > 0 {
                break;
            }
        }
        best.map(|(feature, cut)| Choice { open, feature, cut })
    }

    /// Splits the node's rows and makes its children.
    fn split(&mut self, choice: Choice) -> [Open; 2] {
        let Choice { open, feature, cut } = choice;
        let (start, len) = self.grown.spans[open.node as usize];
        let column = &self.growth.matrix.columns()[feature as usize];
        let samples = &mut self.grown.samples[start as usize..(start + len) as usize];
        let left = partition(samples, &mut self.spare, column, &cut) as u32;
        assert!(left > 0 && left < len, "a cut has rows on both sides");
        let test = match (&cut.rule, column.cuts()) {
            (Rule::UpTo { threshold, .. }, _) => Test::UpTo(*threshold),
            (Rule::Among(words), BinCuts::Levels(bins)) => Test::Among(levels_left(bins, words)),
            (Rule::Among(_), BinCuts::Numbers(_)) => unreachable!("only levels are cut into sets"),
        };
        let first = self.grown.tree.split(open.node, feature, &test, cut.missing);
        self.grown.gains[open.node as usize] = cut.gain.max(0.0);
        self.grown.gains.extend([0.0; 2]);
        self.grown
            .spans
            .extend([(start, left), (start + left, len - left)]);
        [first, first + 1].map(|node| Open {
            node,
            depth: open.depth + 1,
            constants: open.constants,
        })
    }
}

fn span<T>(samples: &[T], (start, len): (u32, u32)) -> &[T] {
    &samples[start as usize..(start + len) as usize]
}

fn is_pure<T: Sample>(samples: &[T]) -> bool {
    let first = samples[0].target();
    samples.iter().all(|sample| sample.target() == first)
}

/// Puts the samples that go left in front, both sides keeping their order; returns how many there are.
fn partition<T: Sample>(samples: &mut [T], spare: &mut Vec<T>, column: &BinnedColumn, cut: &Cut) -> usize {
    match (&cut.rule, column.codes()) {
        (Rule::UpTo { bin, .. }, codes) => {
            let first = if cut.missing == Side::Left { MISSING_BIN } else { 1 };
            let width = bin - first;
            let goes_left = |bin: u16| bin.wrapping_sub(first) <= width;
            match codes {
                BinCodes::U8(codes) => divide(samples, spare, |row| goes_left(u16::from(codes[row]))),
                BinCodes::U16(codes) => divide(samples, spare, |row| goes_left(codes[row])),
            }
        }
        (Rule::Among(words), codes) => {
            let goes_left = |bin: u16| words[usize::from(bin) / 64] >> (bin % 64) & 1 == 1;
            match codes {
                BinCodes::U8(codes) => divide(samples, spare, |row| goes_left(u16::from(codes[row]))),
                BinCodes::U16(codes) => divide(samples, spare, |row| goes_left(codes[row])),
            }
        }
    }
}

#[inline]
fn divide<T: Sample>(samples: &mut [T], spare: &mut Vec<T>, goes_left: impl Fn(usize) -> bool) -> usize {
    // Both places are written and one of the counters moves: no branch that could be guessed wrong.
    spare.resize(spare.len().max(samples.len()), samples[0]);
    let (mut left, mut right) = (0, 0);
    for at in 0..samples.len() {
        let sample = samples[at];
        let is_left = usize::from(goes_left(sample.row()));
        samples[left] = sample;
        spare[right] = sample;
        left += is_left;
        right += 1 - is_left;
    }
    samples[left..].copy_from_slice(&spare[..right]);
    left
}

/// Drawing columns without replacement. In the order, columns known to be constant above come first (those drawn already
/// in front), then those found constant here, then those not drawn yet, last those looked at.
#[derive(Debug)]
struct Draw {
    known: usize,
    drawn_known: usize,
    found: usize,
    /// End of the columns that were not drawn yet.
    end: usize,
    draws: usize,
}

impl Draw {
    fn new(known: usize, columns: usize) -> Self {
        Self {
            known,
            drawn_known: 0,
            found: 0,
            end: columns,
            draws: 0,
        }
    }

    /// Whether another column should be drawn: until enough were, and one of them had two values.
    fn goes_on(&self, columns: usize) -> bool {
        let only_constants = self.draws <= self.drawn_known + self.found;
        self.end > self.known + self.found && (self.draws < columns || only_constants)
    }

    /// Draws one; `None` if it is known to be constant.
    fn next(&mut self, order: &mut [u32], rng: &mut Rng) -> Option<usize> {
        self.draws += 1;
        let at = self.drawn_known + rng.below(self.end - self.found - self.drawn_known);
        if at < self.known {
            order.swap(at, self.drawn_known);
            self.drawn_known += 1;
            return None;
        }
        Some(at + self.found)
    }

    fn found_constant(&mut self, at: usize, order: &mut [u32]) {
        order.swap(at, self.known + self.found);
        self.found += 1;
    }

    fn seen(&mut self, at: usize, order: &mut [u32]) {
        self.end -= 1;
        order.swap(at, self.end);
    }

    /// Restores the order of the known constants, on which nodes above rely, and returns how many are known now.
    fn close(self, columns: &mut Columns) -> usize {
        let Columns { order, constants } = columns;
        let known = self.known + self.found;
        order[..self.known].copy_from_slice(&constants[..self.known]);
        constants[self.known..known].copy_from_slice(&order[self.known..known]);
        known
    }
}
