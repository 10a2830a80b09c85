//! The best split of one node by one column, read from the column's slots.

use kolosal_base::Rng;
use kolosal_compute::kernels::gain::{CutRule, CutScratch, best_cut};
use kolosal_compute::kernels::histogram::Slot;

use super::config::CategoryRule;
use super::leaf::{Bounds, Penalty, Sums};
use super::table::{BinSet, BinTest, Cuts, TableColumn};

/// A split of a node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    /// By how much both children's worth exceeds the node's.
    pub(crate) gain: f64,
    pub(crate) column: u32,
    pub(crate) test: BinTest,
    pub(crate) missing_left: bool,
    /// L2 penalty on the children's answers on top of the usual one.
    pub(crate) lambda_extra: f64,
    pub(crate) left: UnitSums,
}

/// Sums in whole units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct UnitSums {
    pub(crate) gradient: i64,
    pub(crate) hessian: i64,
}

impl UnitSums {
    pub(crate) fn of<S: Slot>(slot: S) -> Self {
        Self {
            gradient: slot.gradient(),
            hessian: slot.hessian(),
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            gradient: self.gradient + other.gradient,
            hessian: self.hessian + other.hessian,
        }
    }

    pub(crate) fn less(self, other: Self) -> Self {
        Self {
            gradient: self.gradient - other.gradient,
            hessian: self.hessian - other.hessian,
        }
    }
}

/// What one unit of a histogram's whole numbers stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Units {
    pub(crate) gradient: f64,
    pub(crate) hessian: f64,
    /// Rows a unit of hessian, in this tree.
    pub(crate) rows: f64,
}

impl Units {
    pub(crate) fn sums(&self, sums: UnitSums) -> Sums {
        Sums {
            gradient: sums.gradient as f64 * self.gradient,
            hessian: sums.hessian as f64 * self.hessian,
        }
    }

    /// About how many rows have so many units of hessian.
    pub(crate) fn rows(&self, sums: UnitSums) -> f64 {
        sums.hessian as f64 * self.rows
    }
}

/// A node to be split.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeState {
    pub(crate) sums: UnitSums,
    /// Its answer, were it a leaf.
    pub(crate) answer: f64,
    pub(crate) bounds: Bounds,
}

/// What a split must keep, the same for all nodes of a tree.
#[derive(Debug, Clone)]
pub(crate) struct SearchRule<'a> {
    pub(crate) units: Units,
    pub(crate) penalty: Penalty,
    pub(crate) gain_min: f64,
    pub(crate) hessian_min: f64,
    pub(crate) rows_min: f64,
    pub(crate) categories: &'a CategoryRule,
    pub(crate) extra_trees: bool,
}

/// Room for the intermediate numbers of a search.
#[derive(Debug, Default)]
pub(crate) struct SearchScratch<S> {
    cut: CutScratch<S>,
    order: Vec<(f64, usize)>,
}

impl SearchRule<'_> {
    /// Least hessian of a side, in units: that asked for, and that of the fewest rows.
    fn hessian_min_units(&self) -> f64 {
        let by_hessian = self.hessian_min / self.units.hessian;
        // Rows are counted to the nearest whole one.
        let by_rows = (self.rows_min - 0.5) / self.units.rows;
        by_hessian.max(by_rows).max(1.0)
    }

    /// Whether a node is large enough to have two children.
    pub(crate) fn may_split(&self, sums: UnitSums) -> bool {
        sums.hessian as f64 >= 2.0 * self.hessian_min_units()
    }

    /// The node's own worth: what a split has to beat.
    fn worth(&self, node: &NodeState) -> f64 {
        let sums = self.units.sums(node.sums);
        if self.penalty.is_free() && node.bounds == Bounds::FREE {
            let answer = self.penalty.answer(sums, 0.0, 0.0, Bounds::FREE);
            return self.penalty.worth(sums, answer);
        }
        self.penalty.worth(sums, node.answer)
    }

    /// The best split of the node by a column, if one gains enough.
    pub(crate) fn best<S: Slot>(
        &self,
        node: &NodeState,
        (at, column, monotone): (u32, &TableColumn<'_>, i8),
        slots: &[S],
        (scratch, rng): (&mut SearchScratch<S>, &mut Rng),
    ) -> Option<Candidate> {
        let view = ColumnView {
            rule: self,
            node,
            slots,
            monotone,
            floor: self.worth(node) + self.gain_min,
        };
        let found = match column.cuts {
            Cuts::Levels(_) => view.levels(scratch, rng),
            _ if self.extra_trees => view.random(rng),
            _ if self.penalty.is_free() && node.bounds == Bounds::FREE && monotone == 0 => {
                view.free(&mut scratch.cut)
            }
            _ => view.bounded(),
        }?;
        let mut found = Candidate { column: at, ..found };
        if slots[0] == S::default() {
            // Nothing is missing here; what will be goes with most rows.
            found.missing_left = 2 * found.left.hessian > node.sums.hessian;
        }
        Some(found)
    }
}

/// One column of one node.
struct ColumnView<'a, S> {
    rule: &'a SearchRule<'a>,
    node: &'a NodeState,
    slots: &'a [S],
    monotone: i8,
    /// Worth of both children that must be exceeded.
    floor: f64,
}

impl<S: Slot> ColumnView<'_, S> {
    fn candidate(&self, worth: f64, test: BinTest, missing_left: bool, left: UnitSums) -> Candidate {
        Candidate {
            gain: worth - (self.floor - self.rule.gain_min),
            column: 0,
            test,
            missing_left,
            lambda_extra: 0.0,
            left,
        }
    }

    fn missing(&self) -> UnitSums {
        UnitSums::of(self.slots[0])
    }

    /// The best cut where answers are free: the closed form, many cuts at once.
    fn free(&self, scratch: &mut CutScratch<S>) -> Option<Candidate> {
        let units = &self.rule.units;
        let rule = CutRule {
            alpha: self.rule.penalty.alpha / units.gradient,
            lambda: self.rule.penalty.lambda / units.hessian,
            hessian_min: self.rule.hessian_min_units(),
        };
        let best = best_cut(self.slots, &rule, scratch)?;
        let worth = best.gain * units.gradient * units.gradient / units.hessian;
        if worth <= self.floor {
            return None;
        }
        let left = self.sum_up_to(best.bin, best.missing_left);
        Some(self.candidate(worth, BinTest::UpTo(best.bin), best.missing_left, left))
    }

    fn sum_up_to(&self, bin: usize, missing_left: bool) -> UnitSums {
        let first = if missing_left { 0 } else { 1 };
        let total = self.slots[first..=bin]
            .iter()
            .fold(S::default(), |sum, slot| sum.plus(*slot));
        UnitSums::of(total)
    }

    /// The best cut where answers have limits.
    fn bounded(&self) -> Option<Candidate> {
        let is_missing = self.slots[0] != S::default();
        let mut best: Option<Candidate> = None;
        for missing_left in [false, true] {
            if missing_left && !is_missing {
                break;
            }
            let mut left = if missing_left {
                self.missing()
            } else {
                UnitSums::default()
            };
            let last = if is_missing {
                self.slots.len()
            } else {
                self.slots.len().saturating_sub(1)
            };
            for bin in 1..last {
                left = left.plus(UnitSums::of(self.slots[bin]));
                let Some(worth) = self.both_worth(left, 0.0) else {
                    continue;
                };
                if self.beats(worth, best.as_ref()) {
                    best = Some(self.candidate(worth, BinTest::UpTo(bin), missing_left, left));
                }
            }
        }
        best
    }

    fn beats(&self, worth: f64, best: Option<&Candidate>) -> bool {
        worth > self.floor && best.is_none_or(|best| worth - (self.floor - self.rule.gain_min) > best.gain)
    }

    /// Worth of both children, unless one is too small or they break a monotone direction.
    fn both_worth(&self, left: UnitSums, lambda_extra: f64) -> Option<f64> {
        let right = self.node.sums.less(left);
        let least = self.rule.hessian_min_units();
        if (left.hessian as f64) < least || (right.hessian as f64) < least {
            return None;
        }
        let penalty = self.rule.penalty.heavier(lambda_extra);
        let answer = |sums: UnitSums| {
            let rows = self.rule.units.rows(sums);
            penalty.answer(
                self.rule.units.sums(sums),
                rows,
                self.node.answer,
                self.node.bounds,
            )
        };
        let (left_answer, right_answer) = (answer(left), answer(right));
        let breaks = match self.monotone {
            1 => left_answer > right_answer,
            -1 => left_answer < right_answer,
            _ => false,
        };
        let worth = |sums, answer| penalty.worth(self.rule.units.sums(sums), answer);
        (!breaks).then(|| worth(left, left_answer) + worth(right, right_answer))
    }

    /// One random cut between the lowest and the highest bin that hold rows.
    fn random(&self, rng: &mut Rng) -> Option<Candidate> {
        let held = |bin: &usize| self.slots[*bin] != S::default();
        let first = (1..self.slots.len()).find(held)?;
        let last = (1..self.slots.len()).rev().find(held)?;
        if first == last && !held(&0) {
            return None;
        }
        let bin = first + rng.below((last - first).max(1));
        let mut best: Option<Candidate> = None;
        for missing_left in [false, true] {
            if missing_left && !held(&0) {
                break;
            }
            let left = self.sum_up_to(bin, missing_left);
            if let Some(worth) = self.both_worth(left, 0.0)
                && self.beats(worth, best.as_ref())
            {
                best = Some(self.candidate(worth, BinTest::UpTo(bin), missing_left, left));
            }
        }
        best
    }

    /// The best set of levels.
    fn levels(&self, scratch: &mut SearchScratch<S>, rng: &mut Rng) -> Option<Candidate> {
        let held = self.slots.iter().filter(|slot| **slot != S::default()).count();
        if held < 2 {
            return None;
        }
        if held <= self.rule.categories.one_hot_max {
            self.one_level(rng)
        } else {
            self.ordered_levels(&mut scratch.order, rng)
        }
    }

    /// One level against all others; missing values count as a level.
    fn one_level(&self, rng: &mut Rng) -> Option<Candidate> {
        let only = self.rule.extra_trees.then(|| rng.below(self.slots.len()));
        let mut best: Option<Candidate> = None;
        for (bin, slot) in self.slots.iter().enumerate() {
            if *slot == S::default() || only.is_some_and(|only| only != bin) {
                continue;
            }
            let left = UnitSums::of(*slot);
            if let Some(worth) = self.both_worth(left, 0.0)
                && self.beats(worth, best.as_ref())
            {
                let test = BinTest::Among(BinSet::of((bin > 0).then_some(bin).into_iter()));
                best = Some(self.candidate(worth, test, bin == 0, left));
            }
        }
        best
    }

    /// Levels in the order of their mean answer, cut as if they were numbers (Fisher 1958), from both ends.
    fn ordered_levels(&self, order: &mut Vec<(f64, usize)>, rng: &mut Rng) -> Option<Candidate> {
        let (rule, units) = (self.rule.categories, &self.rule.units);
        order.clear();
        for (bin, slot) in self.slots.iter().enumerate() {
            let sums = UnitSums::of(*slot);
            if sums != UnitSums::default() && units.rows(sums).round() >= rule.smooth {
                let sums = units.sums(sums);
                order.push((sums.gradient / (sums.hessian + rule.smooth), bin));
            }
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let most = rule.levels_max.min(order.len().div_ceil(2));
        let only = self.rule.extra_trees.then(|| rng.below(most.max(1)));
        let mut best: Option<(Candidate, bool, usize)> = None;
        for from_end in [false, true] {
            let mut walk = LevelWalk::default();
            for taken in 0..most {
                let at = if from_end { order.len() - 1 - taken } else { taken };
                let Some(worth) = walk.take(self, UnitSums::of(self.slots[order[at].1])) else {
                    continue;
                };
                let is_tried = only.is_none_or(|only| only == taken);
                if is_tried && self.beats(worth, best.as_ref().map(|best| &best.0)) {
                    let test = BinTest::Among(BinSet::default());
                    best = Some((self.candidate(worth, test, false, walk.left), from_end, taken + 1));
                }
            }
        }
        let (mut found, from_end, count) = best?;
        let chosen = if from_end {
            &order[order.len() - count..]
        } else {
            &order[..count]
        };
        found.missing_left = chosen.iter().any(|(_, bin)| *bin == 0);
        found.test = BinTest::Among(BinSet::of(
            chosen.iter().map(|(_, bin)| *bin).filter(|bin| *bin > 0),
        ));
        found.lambda_extra = rule.lambda;
        Some(found)
    }
}

/// Levels taken from one end so far.
#[derive(Default)]
struct LevelWalk {
    left: UnitSums,
    /// Rows taken since the last cut that was tried.
    group_rows: f64,
}

impl LevelWalk {
    /// Takes one more level; the worth of a cut behind it, if there may be one.
    fn take<S: Slot>(&mut self, view: &ColumnView<'_, S>, level: UnitSums) -> Option<f64> {
        let (rule, units) = (view.rule, &view.rule.units);
        self.left = self.left.plus(level);
        self.group_rows += units.rows(level);
        let right_rows = units.rows(view.node.sums.less(self.left)).round();
        if right_rows < rule.categories.group_min as f64
            || self.group_rows.round() < rule.categories.group_min as f64
        {
            return None;
        }
        let worth = view.both_worth(self.left, rule.categories.lambda)?;
        self.group_rows = 0.0;
        Some(worth)
    }
}
