//! Growing a tree leaf by leaf: the leaf of highest gain first, or the one nearest the root.
//!
//! The rows of a node lie side by side and are split in place, in order. The smaller child is added up, the larger one is
//! the parent less its sibling. Children that will not be split are never added up.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use kolosal_base::{Rng, Seed};
use kolosal_compute::Crew;
use kolosal_compute::kernels::histogram::{Sample, Slot, merge, subtract};

use super::columns::ColumnChoice;
use super::config::{BoostConfig, Growth};
use super::leaf::Bounds;
use super::model::NodeFacts;
use super::monotone::split_bounds;
use super::pool::Pool;
use super::search::{Candidate, NodeState, SearchRule, SearchScratch, UnitSums};
use super::table::{BinTest, Table, TableColumn};
use crate::tree::{Side, Tree};

/// Steps (rows times columns, and slots) from which a node's columns are worth spreading over threads.
const SPREAD_MIN: usize = 2_500;

/// Rows of a node from which threads share its rows instead of its columns, and from which its rows are parted by several.
const ROWS_SPREAD_MIN: usize = 1_024;

/// Columns a thread from which sharing columns costs no more than sharing rows: a row's codes then fill a cache line each.
const COLUMNS_SPREAD_MIN: usize = 64;

/// What stays the same for all trees of a fit.
pub(crate) struct Ground<'a> {
    pub(crate) table: &'a Table<'a>,
    pub(crate) config: &'a BoostConfig,
    pub(crate) crew: &'a Crew<'a>,
    /// Whether a column holds a bin in any row that is learned from, by slot.
    pub(crate) present: &'a [bool],
    /// Columns that are not split themselves.
    pub(crate) closed: &'a [bool],
}

/// What differs from tree to tree.
pub(crate) struct TreeTask<'a> {
    pub(crate) rule: SearchRule<'a>,
    pub(crate) seed: Seed,
    /// Sums over all samples.
    pub(crate) sums: UnitSums,
    /// Gradient and hessian by position, for exact sums.
    pub(crate) wide: &'a [[i64; 2]],
    pub(crate) columns: ColumnChoice<'a>,
}

/// A grown tree; its leaves have no answers yet.
#[derive(Debug)]
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    pub(crate) facts: Vec<NodeFacts>,
    pub(crate) leaves: Vec<GrownLeaf>,
    pub(crate) bins: BinTree,
}

/// A tree over bins: for each node its split; `None` for leaves.
#[derive(Debug)]
pub(crate) struct BinTree(Vec<Option<BinSplit>>);

impl BinTree {
    /// The leaf that a row's bins lead to.
    pub(crate) fn leaf_of(&self, table: &Table<'_>, at: u32) -> usize {
        let mut node = 0;
        while let Some(split) = &self.0[node] {
            let bin = table.columns()[split.column as usize].bin(at);
            let goes_left = split.test.is_left(bin, split.missing_left);
            node = split.left as usize + usize::from(!goes_left);
        }
        node
    }
}

/// A leaf and its rows.
#[derive(Debug, Clone)]
pub(crate) struct GrownLeaf {
    pub(crate) node: u32,
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) state: NodeState,
    /// What its parent would have answered.
    pub(crate) parent_answer: f64,
    pub(crate) lambda_extra: f64,
    /// Columns tested on the way to it, where leaves are linear or columns may not all meet.
    pub(crate) path: Vec<u32>,
}

/// A split in terms of bins.
#[derive(Debug, Clone)]
pub(crate) struct BinSplit {
    pub(crate) column: u32,
    pub(crate) test: BinTest,
    pub(crate) missing_left: bool,
    pub(crate) left: u32,
}

/// A leaf that may be split.
#[derive(Debug)]
struct Open {
    leaf: GrownLeaf,
    depth: u32,
    histogram: Option<usize>,
    best: Option<Candidate>,
    growth: Growth,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        let age = Reverse(self.leaf.node).cmp(&Reverse(other.leaf.node));
        let gain = |open: &Self| open.best.as_ref().map_or(f64::NEG_INFINITY, |best| best.gain);
        match self.growth {
            Growth::DepthWise => Reverse(self.depth).cmp(&Reverse(other.depth)).then(age),
            _ => gain(self).total_cmp(&gain(other)).then(age),
        }
    }
}

/// Room that is kept between trees.
pub(crate) struct Grower<S> {
    pub(crate) pool: Pool<S>,
    spare: Vec<Sample>,
    rooms: Vec<Room<S>>,
    /// Sums of the rows of all threads but the first.
    partial: Vec<Vec<S>>,
}

/// One thread's share of a search.
#[derive(Default)]
struct Room<S> {
    columns: (usize, usize),
    scratch: SearchScratch<S>,
    found: [Option<Candidate>; 2],
}

/// Two siblings that are searched together; one alone at the root.
struct Pair<'a> {
    /// The one that is added up.
    first: &'a GrownLeaf,
    /// The one that is the parent less the first.
    second: Option<&'a GrownLeaf>,
    searched: [bool; 2],
    /// Columns that each may be split by; `None` for all.
    open: [Option<Vec<bool>>; 2],
}

impl<S: Slot> Grower<S> {
    pub(crate) fn new(ground: &Ground<'_>) -> Self {
        let wanted = match ground.config.leaves_max {
            0 => 1 << ground.config.depth_max.min(14),
            leaves => leaves,
        };
        let parts = ground.table.parts(ground.crew.threads());
        Self {
            pool: Pool::new(ground.table.slot_count(), wanted + 1),
            spare: vec![Sample::default(); ground.table.row_count()],
            partial: vec![Vec::new(); ground.crew.threads() - 1],
            rooms: parts
                .into_iter()
                .map(|columns| Room {
                    columns,
                    ..Room::default()
                })
                .collect(),
        }
    }

    /// Grows one tree on samples that are put in the order of its leaves.
    pub(crate) fn grow(&mut self, ground: &Ground<'_>, task: &TreeTask<'_>, samples: &mut [Sample]) -> Grown {
        self.pool.give_all();
        let mut growing = Growing {
            ground,
            task,
            samples,
            grower: self,
            grown: Grown {
                tree: Tree::new(1),
                facts: vec![NodeFacts::default()],
                leaves: Vec::new(),
                bins: BinTree(vec![None]),
            },
        };
        growing.run();
        growing.grown.tree.shrink();
        growing.grown
    }
}

struct Growing<'a, S> {
    ground: &'a Ground<'a>,
    task: &'a TreeTask<'a>,
    samples: &'a mut [Sample],
    grower: &'a mut Grower<S>,
    grown: Grown,
}

impl<S: Slot> Growing<'_, S> {
    fn run(&mut self) {
        let leaves_max = match self.ground.config.leaves_max {
            0 => usize::MAX,
            most => most,
        };
        let mut heap = BinaryHeap::new();
        let mut leaves = 1;
        let root = self.root();
        self.keep(root, &mut heap);
        while leaves < leaves_max {
            let Some(open) = heap.pop() else { break };
            leaves += 1;
            let children = self.split(open, leaves < leaves_max);
            children.into_iter().for_each(|child| self.keep(child, &mut heap));
        }
        let rest = heap.into_sorted_vec();
        self.grown.leaves.extend(rest.into_iter().map(|open| open.leaf));
        self.grown.leaves.sort_by_key(|leaf| leaf.node);
    }

    /// Puts a leaf with a split on the heap; one without is done.
    fn keep(&mut self, open: Open, heap: &mut BinaryHeap<Open>) {
        if open.best.is_some() {
            heap.push(open);
        } else {
            if let Some(histogram) = open.histogram {
                self.grower.pool.give(histogram);
            }
            self.grown.leaves.push(open.leaf);
        }
    }

    fn root(&mut self) -> Open {
        let sums = self.task.sums;
        let rule = &self.task.rule;
        let answer = rule
            .penalty
            .answer(rule.units.sums(sums), rule.units.rows(sums), 0.0, Bounds::FREE);
        let leaf = GrownLeaf {
            node: 0,
            start: 0,
            len: self.samples.len(),
            state: NodeState {
                sums,
                answer,
                bounds: Bounds::FREE,
            },
            parent_answer: 0.0,
            lambda_extra: 0.0,
            path: Vec::new(),
        };
        let mut open = self.open(leaf, 0);
        if self.may_split(&open.leaf, 0) {
            open.histogram = self.grower.pool.take();
            let pair = self.pair((&open.leaf, true), None, 0);
            let histogram = open.histogram.expect("an empty pool has room for the root");
            [open.best, _] = self.search(&pair, (histogram, None));
        }
        self.record(&open.leaf);
        open
    }

    fn open(&self, leaf: GrownLeaf, depth: u32) -> Open {
        Open {
            leaf,
            depth,
            histogram: None,
            best: None,
            growth: self.ground.config.growth,
        }
    }

    fn may_split(&self, leaf: &GrownLeaf, depth: u32) -> bool {
        (depth as usize) < self.ground.config.depth_max
            && leaf.len >= 2
            && self.task.rule.may_split(leaf.state.sums)
    }

    fn record(&mut self, leaf: &GrownLeaf) {
        let sums = self.task.rule.units.sums(leaf.state.sums);
        let facts = &mut self.grown.facts[leaf.node as usize];
        facts.weight = sums.hessian as f32;
        facts.rows = leaf.len as u32;
    }

    /// Splits a leaf by its best candidate; the children are searched if they may be split.
    fn split(&mut self, open: Open, go_on: bool) -> [Open; 2] {
        let Open {
            leaf,
            depth,
            histogram,
            best,
            ..
        } = open;
        let candidate = best.expect("only leaves with a split are split");
        let [left, right] = self.divide(&leaf, &candidate);
        let mut children = [self.open(left, depth + 1), self.open(right, depth + 1)];
        let may = [0, 1].map(|side| go_on && self.may_split(&children[side].leaf, depth + 1));
        if may == [false, false] {
            if let Some(histogram) = histogram {
                self.grower.pool.give(histogram);
            }
            return children;
        }
        let small = usize::from(children[1].leaf.len < children[0].leaf.len);
        self.look_at(&mut children, small, (may, histogram));
        children
    }

    fn pair<'b>(
        &self,
        first: (&'b GrownLeaf, bool),
        second: Option<(&'b GrownLeaf, bool)>,
        depth: u32,
    ) -> Pair<'b> {
        let open = |leaf: &GrownLeaf| self.task.columns.of_node(leaf.node, depth, &leaf.path);
        Pair {
            first: first.0,
            second: second.map(|second| second.0),
            searched: [first.1, second.is_some_and(|second| second.1)],
            open: [open(first.0), second.and_then(|second| open(second.0))],
        }
    }

    /// Adds up and searches two siblings.
    fn look_at(&mut self, children: &mut [Open; 2], small: usize, (may, parent): ([bool; 2], Option<usize>)) {
        let large = 1 - small;
        let own = self.grower.pool.take();
        match (parent, own) {
            (Some(parent), Some(own)) => {
                let second = Some((&children[large].leaf, may[large]));
                let pair = self.pair((&children[small].leaf, may[small]), second, children[small].depth);
                let found = self.search(&pair, (own, Some(parent)));
                let [first, second] = found;
                (children[small].best, children[large].best) = (first, second);
                (children[small].histogram, children[large].histogram) = (Some(own), Some(parent));
            }
            (parent, own) => {
                // No room to keep histograms: each child is added up on its own, one after the other.
                let room = self.grower.pool.reserve();
                for side in [small, large] {
                    if may[side] {
                        let pair = self.pair((&children[side].leaf, true), None, children[side].depth);
                        [children[side].best, _] = self.search(&pair, (room, None));
                    }
                }
                parent
                    .into_iter()
                    .chain(own)
                    .for_each(|histogram| self.grower.pool.give(histogram));
            }
        }
    }

    /// Moves the rows of a leaf to its children and makes it a split.
    fn divide(&mut self, leaf: &GrownLeaf, candidate: &Candidate) -> [GrownLeaf; 2] {
        let missing_left = candidate.missing_left;
        let lefts = self.part(leaf, candidate);
        let slots = self
            .ground
            .table
            .slots_of(candidate.column as usize, candidate.column as usize + 1);
        let present = &self.ground.present[slots];
        let column = &self.ground.table.columns()[candidate.column as usize];
        let test = column.test(&candidate.test, |bin| present[bin]);
        let side = if missing_left { Side::Left } else { Side::Right };
        let first = self.grown.tree.split(leaf.node, candidate.column, &test, side);
        self.grown.facts[leaf.node as usize].gain = candidate.gain as f32;
        self.grown.facts.extend([NodeFacts::default(); 2]);
        self.grown.bins.0.extend([None, None]);
        self.grown.bins.0[leaf.node as usize] = Some(BinSplit {
            column: candidate.column,
            test: candidate.test.clone(),
            missing_left,
            left: first,
        });
        let children = self.children(leaf, candidate, (first, lefts));
        children.iter().for_each(|child| self.record(child));
        children
    }

    /// Moves the rows that go left to the front of the leaf's, in order; returns how many there are.
    fn part(&mut self, leaf: &GrownLeaf, candidate: &Candidate) -> usize {
        let column = &self.ground.table.columns()[candidate.column as usize];
        let rows = &mut self.samples[leaf.start..leaf.start + leaf.len];
        let crew = self.ground.crew;
        let parts = if rows.len() < 2 * ROWS_SPREAD_MIN {
            1
        } else {
            crew.threads()
        };
        if parts == 1 {
            return part_rows(column, candidate, rows, &mut self.grower.spare);
        }
        let share = rows.len().div_ceil(parts);
        let mut jobs: Vec<(&mut [Sample], &mut [Sample], usize)> = rows
            .chunks_mut(share)
            .zip(self.grower.spare.chunks_mut(share))
            .map(|(rows, spare)| (rows, spare, 0))
            .collect();
        crew.for_each_mut(&mut jobs, |_, (rows, spare, lefts)| {
            *lefts = part_rows(column, candidate, rows, spare);
        });
        let counts: Vec<(usize, usize)> = jobs.iter().map(|(rows, _, lefts)| (rows.len(), *lefts)).collect();
        // Each share holds its left rows and then its right ones: the left ones move in front of the right ones before them.
        let (mut lefts, mut end) = (0, 0);
        for (len, left) in counts {
            rows[lefts..end + left].rotate_left(end - lefts);
            lefts += left;
            end += len;
        }
        lefts
    }

    fn children(
        &self,
        leaf: &GrownLeaf,
        candidate: &Candidate,
        (first, lefts): (u32, usize),
    ) -> [GrownLeaf; 2] {
        let rule = &self.task.rule;
        let penalty = rule.penalty.heavier(candidate.lambda_extra);
        let sums = [candidate.left, leaf.state.sums.less(candidate.left)];
        let answer = |sums, bounds| {
            penalty.answer(
                rule.units.sums(sums),
                rule.units.rows(sums),
                leaf.state.answer,
                bounds,
            )
        };
        let monotone = self
            .ground
            .config
            .monotone
            .get(candidate.column as usize)
            .copied()
            .unwrap_or(0);
        let answers = sums.map(|sums| answer(sums, leaf.state.bounds));
        let bounds = split_bounds(leaf.state.bounds, answers, monotone);
        let mut path = leaf.path.clone();
        let config = self.ground.config;
        let is_kept = config.linear_lambda.is_some() || !config.interactions.is_empty();
        if is_kept && !path.contains(&candidate.column) {
            path.push(candidate.column);
        }
        let spans = [(leaf.start, lefts), (leaf.start + lefts, leaf.len - lefts)];
        [0, 1].map(|side| GrownLeaf {
            node: first + side as u32,
            start: spans[side].0,
            len: spans[side].1,
            state: NodeState {
                sums: sums[side],
                answer: answer(sums[side], bounds[side]),
                bounds: bounds[side],
            },
            parent_answer: leaf.state.answer,
            lambda_extra: candidate.lambda_extra,
            path: path.clone(),
        })
    }

    /// Adds the first leaf up, takes it from the parent where there is a second, and finds the best split of each.
    fn search(&mut self, pair: &Pair<'_>, (own, parent): (usize, Option<usize>)) -> [Option<Candidate>; 2] {
        let Ground { table, crew, .. } = *self.ground;
        let steps = pair.first.len * table.columns().len() + 2 * table.slot_count();
        let samples = &self.samples[pair.first.start..pair.first.start + pair.first.len];
        let task = Search {
            ground: self.ground,
            task: self.task,
            pair,
            samples,
        };
        let by_rows = task.shares_rows();
        if by_rows {
            task.add_in_parts(self.grower.pool.one(own), &mut self.grower.partial);
        }
        let (mut first, mut second) = match parent {
            Some(parent) => self.grower.pool.two(own, parent),
            None => (self.grower.pool.one(own), &mut [][..]),
        };
        let partial = if by_rows { &self.grower.partial[..] } else { &[] };
        let mut jobs: Vec<Job<'_, S>> = Vec::with_capacity(self.grower.rooms.len());
        for room in &mut self.grower.rooms {
            let range = table.slots_of(room.columns.0, room.columns.1);
            let slots = range.len();
            let (mine, rest) = first.split_at_mut(slots);
            first = rest;
            let (parents, rest) = second.split_at_mut(if parent.is_some() { slots } else { 0 });
            second = rest;
            let partial = partial.iter().map(|partial| &partial[range.clone()]).collect();
            jobs.push(Job {
                room,
                mine,
                parents,
                partial,
            });
        }
        let run = |job: &mut Job<'_, S>| {
            if by_rows {
                job.partial.iter().for_each(|partial| merge(job.mine, partial));
            } else {
                task.add(job);
            }
            task.run(job);
        };
        if steps < SPREAD_MIN {
            jobs.iter_mut().for_each(run);
        } else {
            crew.for_each_mut(&mut jobs, |_, job| run(job));
        }
        drop(jobs);
        let mut best = [None, None];
        for room in &mut self.grower.rooms {
            for (best, found) in best.iter_mut().zip(&mut room.found) {
                keep_better(best, found.take());
            }
        }
        best
    }
}

/// One range of columns of a search.
struct Job<'a, S> {
    room: &'a mut Room<S>,
    mine: &'a mut [S],
    parents: &'a mut [S],
    /// What other threads have added up of the node's rows.
    partial: Vec<&'a [S]>,
}

struct Search<'a> {
    ground: &'a Ground<'a>,
    task: &'a TreeTask<'a>,
    pair: &'a Pair<'a>,
    samples: &'a [Sample],
}

impl Search<'_> {
    /// Whether threads share the node's rows: where few columns would be left for each.
    fn shares_rows(&self) -> bool {
        let threads = self.ground.crew.threads();
        threads > 1
            && self.samples.len() >= ROWS_SPREAD_MIN
            && self.ground.table.columns().len() < COLUMNS_SPREAD_MIN * threads
    }

    /// Adds the node's rows up, a share by each thread: the first into `own`, the others into `partial`.
    fn add_in_parts<S: Slot>(&self, own: &mut [S], partial: &mut [Vec<S>]) {
        let table = self.ground.table;
        let share = self.samples.len().div_ceil(partial.len() + 1);
        let mut jobs: Vec<(&[Sample], &mut [S])> = Vec::with_capacity(partial.len() + 1);
        let mut rest = self.samples;
        for slots in std::iter::once(own).chain(partial.iter_mut().map(|slots| {
            slots.resize(table.slot_count(), S::default());
            &mut slots[..]
        })) {
            let (mine, others) = rest.split_at(share.min(rest.len()));
            rest = others;
            jobs.push((mine, slots));
        }
        self.ground.crew.for_each_mut(&mut jobs, |_, (samples, slots)| {
            slots.fill(S::default());
            for columns in table.parts(1) {
                let range = table.slots_of(columns.0, columns.1);
                table.add(samples, self.task.wide, columns, &mut slots[range]);
            }
        });
    }

    /// Adds the node's rows up for the job's columns.
    fn add<S: Slot>(&self, job: &mut Job<'_, S>) {
        job.mine.fill(S::default());
        self.ground
            .table
            .add(self.samples, self.task.wide, job.room.columns, job.mine);
    }

    fn run<S: Slot>(&self, job: &mut Job<'_, S>) {
        if let Some(second) = self.pair.second {
            subtract(job.parents, job.mine);
            if self.pair.searched[1] {
                let found = self.best(
                    (second, 1),
                    job.room.columns,
                    (job.parents, &mut job.room.scratch),
                );
                job.room.found[1] = found;
            }
        }
        if self.pair.searched[0] {
            let found = self.best(
                (self.pair.first, 0),
                job.room.columns,
                (job.mine, &mut job.room.scratch),
            );
            job.room.found[0] = found;
        }
    }

    fn best<S: Slot>(
        &self,
        (leaf, side): (&GrownLeaf, usize),
        (first, last): (usize, usize),
        (slots, scratch): (&[S], &mut SearchScratch<S>),
    ) -> Option<Candidate> {
        let table = self.ground.table;
        let from = table.slots_of(first, first).start;
        let seed = self.task.seed.fork_index(u64::from(leaf.node));
        let mut rng = seed.rng();
        let mut best = None;
        for at in first..last {
            if self.pair.open[side].as_ref().is_some_and(|open| !open[at]) {
                continue;
            }
            if self.task.rule.extra_trees {
                rng = column_rng(seed, at);
            }
            let range = table.slots_of(at, at + 1);
            let monotone = self.ground.config.monotone.get(at).copied().unwrap_or(0);
            let found = self.task.rule.best(
                &leaf.state,
                (at as u32, &table.columns()[at], monotone),
                &slots[range.start - from..range.end - from],
                (scratch, &mut rng),
            );
            keep_better(&mut best, found);
        }
        best
    }
}

/// Moves the rows that go left to the front, in order; returns how many there are.
fn part_rows(
    column: &TableColumn<'_>,
    candidate: &Candidate,
    rows: &mut [Sample],
    spare: &mut [Sample],
) -> usize {
    let missing_left = candidate.missing_left;
    match &candidate.test {
        BinTest::UpTo(last) => {
            // Bin 0 comes first: a shifted comparison decides both at once.
            let (low, span) = if missing_left { (0, last + 1) } else { (1, *last) };
            column.partition(rows, spare, &|bin| bin.wrapping_sub(low) < span)
        }
        test => column.partition(rows, spare, &|bin| test.is_left(bin, missing_left)),
    }
}

fn column_rng(seed: Seed, column: usize) -> Rng {
    seed.fork_index(column as u64).rng()
}

/// The candidate of higher gain; the one of the lower column where they are equal.
pub(crate) fn keep_better(best: &mut Option<Candidate>, found: Option<Candidate>) {
    if let Some(found) = found
        && best.as_ref().is_none_or(|best| found.gain > best.gain)
    {
        *best = Some(found);
    }
}
