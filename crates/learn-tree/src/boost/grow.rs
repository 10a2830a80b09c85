//! Growing a tree leaf by leaf: the leaf of highest gain first, or the one nearest the root.
//!
//! The rows of a node lie side by side and are split in place, in order. The smaller child is added up, the larger one is
//! the parent less its sibling. Children that will not be split are never added up.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use kolosal_base::Seed;
use kolosal_compute::Crew;
use kolosal_compute::kernels::histogram::{Sample, Slot};

use super::columns::ColumnChoice;
use super::config::{BoostConfig, Growth, MonotoneMethod};
use super::leaf::Bounds;
use super::model::NodeFacts;
use super::monotone::{Lineage, split_bounds};
use super::part::{Parting, part_leaves};
use super::pool::Pool;
use super::search::{Candidate, NodeState, SearchRule, UnitSums};
use super::sweep::{Pair, Search, Sweep};
use super::table::{BinTest, Table};
use crate::tree::{Side, Tree};

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

impl Ground<'_> {
    /// The direction in which answers may move with a column.
    pub(crate) fn direction(&self, column: u32) -> i8 {
        self.config.monotone.get(column as usize).copied().unwrap_or(0)
    }

    /// Whether answers of leaves are bounds of others, so that they may not change once the tree is grown.
    pub(crate) fn bounds_leaves_by_each_other(&self) -> bool {
        self.config.monotone_method == MonotoneMethod::Intermediate
            && self.config.monotone.iter().any(|direction| *direction != 0)
    }
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
    sweep: Sweep<S>,
}

impl<S: Slot> Grower<S> {
    pub(crate) fn new(ground: &Ground<'_>) -> Self {
        let wanted = match ground.config.leaves_max {
            0 => 1 << ground.config.depth_max.min(14),
            leaves => leaves,
        };
        Self {
            pool: Pool::new(ground.table.slot_count(), wanted + 1),
            spare: vec![Sample::default(); ground.table.row_count()],
            sweep: Sweep::new(ground),
        }
    }

    /// Grows one tree on samples that are put in the order of its leaves.
    pub(crate) fn grow(&mut self, ground: &Ground<'_>, task: &TreeTask<'_>, samples: &mut [Sample]) -> Grown {
        self.pool.give_all();
        let mut growing = Growing {
            ground,
            task,
            samples,
            lineage: ground.bounds_leaves_by_each_other().then(Lineage::new),
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
    /// Where leaves bound each other.
    lineage: Option<Lineage>,
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
            if self.lineage.is_some() {
                heap = self.tighten(&children, heap);
            }
            children.into_iter().for_each(|child| self.keep(child, &mut heap));
        }
        let rest = heap.into_sorted_vec();
        self.grown.leaves.extend(rest.into_iter().map(|open| open.leaf));
        self.grown.leaves.sort_by_key(|leaf| leaf.node);
    }

    /// Bounds the leaves across monotone splits by the answers of two new ones; those whose bounds have moved are searched again.
    fn tighten(&mut self, children: &[Open; 2], heap: BinaryHeap<Open>) -> BinaryHeap<Open> {
        let mut opens = heap.into_vec();
        for open in &mut opens {
            let before = open.leaf.state.bounds;
            for child in children {
                let pair = (open.leaf.node, child.leaf.node);
                let lineage = self.lineage.as_ref().expect("leaves bound each other");
                let bounds = lineage.tightened(open.leaf.state.bounds, pair, child.leaf.state.answer);
                open.leaf.state.bounds = bounds;
            }
            if open.leaf.state.bounds != before {
                let room = self.grower.pool.reserve();
                let pair = self.pair((&open.leaf, true), None, open.depth);
                [open.best, _] = self.search(&pair, (room, None));
            }
        }
        let (going_on, done): (Vec<Open>, Vec<Open>) =
            opens.into_iter().partition(|open| open.best.is_some());
        let mut heap = BinaryHeap::from(going_on);
        done.into_iter().for_each(|open| self.keep(open, &mut heap));
        heap
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
        if let Some(lineage) = &mut self.lineage {
            lineage.split(leaf.node, self.ground.direction(candidate.column));
        }
        let children = self.children(leaf, candidate, (first, lefts));
        children.iter().for_each(|child| self.record(child));
        children
    }

    /// Moves the rows that go left to the front of the leaf's, in order; returns how many there are.
    fn part(&mut self, leaf: &GrownLeaf, candidate: &Candidate) -> usize {
        let column = &self.ground.table.columns()[candidate.column as usize];
        let rows = &mut self.samples[leaf.start..leaf.start + leaf.len];
        let spare = &mut self.grower.spare[..leaf.len];
        let test = (&candidate.test, candidate.missing_left);
        part_leaves(self.ground.crew, (column, test), &mut [Parting::new(rows, spare)])[0]
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
        let monotone = self.ground.direction(candidate.column);
        let answers = sums.map(|sums| answer(sums, leaf.state.bounds));
        let config = self.ground.config;
        let bounds = split_bounds(leaf.state.bounds, answers, (monotone, config.monotone_method));
        let mut path = leaf.path.clone();
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
        let search = Search {
            ground: self.ground,
            task: self.task,
            pair,
            samples: &self.samples[pair.first.start..pair.first.start + pair.first.len],
        };
        let Grower { pool, sweep, .. } = &mut *self.grower;
        match parent {
            Some(parent) => sweep.run(&search, pool.two(own, parent)),
            None => sweep.run(&search, (pool.one(own), &mut [])),
        }
    }
}
