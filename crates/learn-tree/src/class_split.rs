//! Cuts for targets of several classes.
//!
//! Rows are put in the order of their bins by counting, then moved one by one from the right side to the left while sums
//! of squares (Gini) or of `n log n` (entropy) are kept up to date: `O(rows)` for Gini, whatever the number of classes.
//!
//! Categories are ordered by the leading direction of their class shares: the first principal component of the levels'
//! class distributions, weighted by their rows (Coppersmith, Hong, Hosking 1999). With two classes this is the optimal
//! order; with more it is a good one, found without trying the exponentially many subsets.

use kolosal_base::Rng;
use kolosal_frame::{BinCuts, BinnedColumn, MISSING_BIN};

use crate::sample::ClassSample;
use crate::split::{
    Criterion, Cut, Found, Limits, Rule, draw_sides, draw_threshold, gather, rule_of, send_absent, set_bit,
    side_of, to_beat, weigh_log,
};
use crate::tree::Side;

/// Steps of the power iteration that finds the leading direction; more do not change orders noticeably.
const DIRECTION_STEPS: usize = 8;

/// The weight of each class in a set of rows.
#[derive(Debug, Clone, Default)]
struct Tally {
    classes: Vec<f64>,
    weight: f64,
    rows: usize,
    /// Sum of squares or of `n log2 n` over the classes.
    order: f64,
}

impl Tally {
    fn clear(&mut self, classes: usize) {
        self.classes.clear();
        self.classes.resize(classes, 0.0);
        (self.weight, self.rows, self.order) = (0.0, 0, 0.0);
    }

    fn copy_from(&mut self, other: &Self) {
        self.classes.clear();
        self.classes.extend_from_slice(&other.classes);
        (self.weight, self.rows, self.order) = (other.weight, other.rows, other.order);
    }

    #[inline]
    fn add(&mut self, criterion: Criterion, sample: &ClassSample) {
        self.shift(criterion, sample.class, sample.weight);
        self.rows += 1;
    }

    #[inline]
    fn remove(&mut self, criterion: Criterion, sample: &ClassSample) {
        self.shift(criterion, sample.class, -sample.weight);
        self.rows -= 1;
    }

    #[inline]
    fn shift(&mut self, criterion: Criterion, class: u32, by: f64) {
        let slot = &mut self.classes[class as usize];
        self.order += match criterion {
            Criterion::Entropy => weigh_log(*slot + by) - weigh_log(*slot),
            _ => by * (2.0 * *slot + by),
        };
        *slot += by;
        self.weight += by;
    }

    /// Minus the weighted impurity, up to a term that both sides of a cut share.
    #[inline]
    fn purity(&self, criterion: Criterion) -> f64 {
        match criterion {
            Criterion::Entropy => self.order - weigh_log(self.weight),
            _ => self.order / self.weight,
        }
    }
}

/// Room for looking at columns, and the node's tally.
#[derive(Debug)]
pub(crate) struct ClassBench {
    total: Tally,
    left: Tally,
    right: Tally,
    bins: Vec<u16>,
    /// Rows of each bin while counting, then where the bin's next row goes.
    starts: Vec<u32>,
    ordered: Vec<ClassSample>,
    groups: Vec<Group>,
}

/// A run of rows of one bin in the ordered list.
#[derive(Debug, Clone, Copy)]
struct Group {
    bin: u16,
    start: usize,
    end: usize,
}

impl ClassBench {
    /// Room for columns of at most `bins` bins.
    pub(crate) fn new(bins: usize) -> Self {
        Self {
            total: Tally::default(),
            left: Tally::default(),
            right: Tally::default(),
            bins: Vec::new(),
            starts: vec![0; bins + 1],
            ordered: Vec::new(),
            groups: Vec::new(),
        }
    }
}

/// A node while one column after the other is looked at.
pub(crate) struct ClassView<'a> {
    pub(crate) samples: &'a [ClassSample],
    pub(crate) criterion: Criterion,
    pub(crate) limits: &'a Limits,
}

impl ClassView<'_> {
    /// Counts the classes of the node; to be called before columns are looked at.
    pub(crate) fn enter(&self, classes: usize, bench: &mut ClassBench) {
        bench.total.clear(classes);
        for sample in self.samples {
            bench.total.add(self.criterion, sample);
        }
    }

    /// The best cut of a column.
    pub(crate) fn best_cut(&self, column: &BinnedColumn, bench: &mut ClassBench) -> Found {
        self.order(column, bench);
        if bench.groups.len() < 2 {
            return Found::Constant;
        }
        if let BinCuts::Levels(_) = column.cuts() {
            self.order_levels(bench);
        }
        let has_missing = bench.groups[0].bin == MISSING_BIN;
        let values = bench.groups.split_off(usize::from(has_missing));
        let missing = bench.groups.first().copied();
        let best = self.best_place(&values, missing, bench);
        let found = best.map(|(left, side, gain)| Cut {
            rule: rule_of(column.cuts(), values.iter().map(|group| group.bin), left, side),
            missing: side,
            gain,
        });
        bench.groups = values;
        found.map_or(Found::Nothing, Found::Cut)
    }

    /// Orders the rows by bin and notes where each bin's rows lie.
    fn order(&self, column: &BinnedColumn, bench: &mut ClassBench) {
        gather(column.codes(), self.samples, &mut bench.bins);
        bench.groups.clear();
        let (starts, bins) = (&mut bench.starts, &bench.bins);
        let rows = self.samples.len();
        if rows * 4 < column.bin_count() {
            return self.order_few(bench);
        }
        starts[..column.bin_count()].fill(0);
        bins.iter().for_each(|&bin| starts[usize::from(bin)] += 1);
        let mut start = 0;
        for (bin, slot) in (0_u16..).zip(&mut starts[..column.bin_count()]) {
            let count = *slot as usize;
            *slot = start as u32;
            if count > 0 {
                bench.groups.push(Group {
                    bin,
                    start,
                    end: start + count,
                });
                start += count;
            }
        }
        bench.ordered.resize(rows, self.samples[0]);
        for (&bin, sample) in bins.iter().zip(self.samples) {
            let slot = &mut starts[usize::from(bin)];
            bench.ordered[*slot as usize] = *sample;
            *slot += 1;
        }
    }

    /// The same for fewer rows than it would pay to count bins for.
    fn order_few(&self, bench: &mut ClassBench) {
        let mut keys: Vec<(u16, u32)> = bench.bins.iter().copied().zip(0..).collect();
        keys.sort_unstable();
        bench.ordered.clear();
        bench
            .ordered
            .extend(keys.iter().map(|&(_, at)| self.samples[at as usize]));
        for (at, &(bin, _)) in keys.iter().enumerate() {
            match bench.groups.last_mut() {
                Some(group) if group.bin == bin => group.end = at + 1,
                _ => bench.groups.push(Group {
                    bin,
                    start: at,
                    end: at + 1,
                }),
            }
        }
    }

    /// Puts the groups of levels in the order of the leading direction of their class shares.
    fn order_levels(&self, bench: &mut ClassBench) {
        let from = usize::from(bench.groups[0].bin == MISSING_BIN);
        let classes = bench.total.classes.len();
        let mut shares = vec![0.0; (bench.groups.len() - from) * classes];
        let mut weights = Vec::with_capacity(bench.groups.len());
        for (group, share) in bench.groups[from..].iter().zip(shares.chunks_mut(classes)) {
            let members = &bench.ordered[group.start..group.end];
            members
                .iter()
                .for_each(|sample| share[sample.class as usize] += sample.weight);
            let weight: f64 = share.iter().sum();
            for (value, total) in share.iter_mut().zip(&bench.total.classes) {
                *value = *value / weight - total / bench.total.weight;
            }
            weights.push(weight);
        }
        let scores = leading_scores(&shares, &weights, classes);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_unstable_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(a.cmp(&b)));
        let sorted: Vec<Group> = order.iter().map(|&at| bench.groups[from + at]).collect();
        bench.groups[from..].copy_from_slice(&sorted);
    }

    fn best_place(
        &self,
        values: &[Group],
        missing: Option<Group>,
        bench: &mut ClassBench,
    ) -> Option<(usize, Side, f64)> {
        let mut best = None;
        let last = if missing.is_some() {
            values.len()
        } else {
            values.len() - 1
        };
        bench.left.clear(bench.total.classes.len());
        bench.right.copy_from(&bench.total);
        self.scan(&values[..last], bench, Side::Right, &mut best);
        if let Some(missing) = missing {
            bench.left.clear(bench.total.classes.len());
            bench.right.copy_from(&bench.total);
            self.shift(missing, bench);
            self.scan(&values[..values.len() - 1], bench, Side::Left, &mut best);
        } else if let Some((left, side, _)) = &mut best {
            let rows = values[..*left]
                .iter()
                .flat_map(|group| &bench.ordered[group.start..group.end]);
            let weight: f64 = rows.map(|sample| sample.weight).sum();
            *side = side_of(weight > bench.total.weight - weight);
        }
        best
    }

    fn scan(
        &self,
        groups: &[Group],
        bench: &mut ClassBench,
        missing: Side,
        best: &mut Option<(usize, Side, f64)>,
    ) {
        let before = bench.total.purity(self.criterion);
        for (at, group) in groups.iter().enumerate() {
            self.shift(*group, bench);
            if !self.is_allowed(&bench.left, &bench.right) {
                continue;
            }
            let gain = bench.left.purity(self.criterion) + bench.right.purity(self.criterion) - before;
            if best.is_none_or(|(_, _, most)| gain > to_beat(most)) {
                *best = Some((at + 1, missing, gain));
            }
        }
    }

    /// Moves a group's rows from the right to the left.
    #[inline]
    fn shift(&self, group: Group, bench: &mut ClassBench) {
        for sample in &bench.ordered[group.start..group.end] {
            bench.left.add(self.criterion, sample);
            bench.right.remove(self.criterion, sample);
        }
    }

    fn is_allowed(&self, left: &Tally, right: &Tally) -> bool {
        let (rows_min, weight_min) = (self.limits.leaf_rows_min, self.limits.leaf_weight_min);
        [left, right]
            .iter()
            .all(|side| side.rows >= rows_min && side.weight >= weight_min && side.weight > 0.0)
    }

    /// A random cut of a column.
    pub(crate) fn random_cut(&self, column: &BinnedColumn, bench: &mut ClassBench, rng: &mut Rng) -> Found {
        let range = gather(column.codes(), self.samples, &mut bench.bins);
        let mut words = vec![0_u64; column.bin_count().div_ceil(64)];
        let (rule, missing) = match column.cuts() {
            BinCuts::Numbers(bins) => {
                let Some((rule, missing)) = draw_threshold(range, bins, rng) else {
                    return Found::Constant;
                };
                let Rule::UpTo { bin, .. } = rule else {
                    unreachable!("a threshold is a rule for numbers")
                };
                (1..=bin).for_each(|bin| set_bit(&mut words, bin));
                if missing == Some(Side::Left) {
                    set_bit(&mut words, MISSING_BIN);
                }
                (Some(rule), missing)
            }
            BinCuts::Levels(_) => match draw_levels(&bench.bins, column.bin_count(), &mut words, rng) {
                Some(missing) => (None, missing),
                None => return Found::Constant,
            },
        };
        self.judge(rule, missing, words, bench)
    }

    fn judge(
        &self,
        rule: Option<Rule>,
        missing: Option<Side>,
        mut words: Vec<u64>,
        bench: &mut ClassBench,
    ) -> Found {
        bench.left.clear(bench.total.classes.len());
        bench.right.clear(bench.total.classes.len());
        for (sample, &bin) in self.samples.iter().zip(&bench.bins) {
            if words[usize::from(bin) / 64] >> (bin % 64) & 1 == 1 {
                bench.left.add(self.criterion, sample);
            } else {
                bench.right.add(self.criterion, sample);
            }
        }
        if !self.is_allowed(&bench.left, &bench.right) {
            return Found::Nothing;
        }
        let missing = missing.unwrap_or(side_of(bench.left.weight > bench.right.weight));
        let sides = bench.left.purity(self.criterion) + bench.right.purity(self.criterion);
        let rule = rule.unwrap_or_else(|| {
            let bins = words.len() * 64;
            send_absent(&mut words, bench.bins.iter().copied(), missing, bins);
            Rule::Among(words)
        });
        Found::Cut(Cut {
            rule,
            missing,
            gain: sides - bench.total.purity(self.criterion),
        })
    }
}

/// Draws a side for every bin that occurs; the outer `None` if only one does, the inner one if nothing is missing.
fn draw_levels(bins: &[u16], count: usize, words: &mut [u64], rng: &mut Rng) -> Option<Option<Side>> {
    let mut occurs = vec![false; count];
    bins.iter().for_each(|&bin| occurs[usize::from(bin)] = true);
    let present: Vec<u16> = (0_u16..)
        .zip(&occurs)
        .filter(|(_, occurs)| **occurs)
        .map(|(bin, _)| bin)
        .collect();
    if present.len() < 2 {
        return None;
    }
    let sides = draw_sides(present.len(), rng);
    let left = present
        .iter()
        .zip(&sides)
        .filter(|(_, side)| **side == Side::Left);
    left.for_each(|(&bin, _)| set_bit(words, bin));
    Some((present[0] == MISSING_BIN).then_some(sides[0]))
}

/// Each row's coordinate along the first principal component of centred `shares` (rows of `width`), by power iteration.
fn leading_scores(shares: &[f64], weights: &[f64], width: usize) -> Vec<f64> {
    let project = |direction: &[f64]| -> Vec<f64> {
        let dot = |row: &[f64]| row.iter().zip(direction).map(|(a, b)| a * b).sum();
        shares.chunks(width).map(dot).collect()
    };
    // The class whose share varies most is a start that is never orthogonal to everything.
    let mut spread = vec![0.0; width];
    for (row, weight) in shares.chunks(width).zip(weights) {
        spread
            .iter_mut()
            .zip(row)
            .for_each(|(slot, share)| *slot += weight * share * share);
    }
    let widest = (0..width).fold(
        0,
        |best, class| if spread[class] > spread[best] { class } else { best },
    );
    let mut direction = vec![0.0; width];
    direction[widest] = 1.0;
    for _ in 0..DIRECTION_STEPS {
        let scores = project(&direction);
        let mut next = vec![0.0; width];
        for ((row, score), weight) in shares.chunks(width).zip(&scores).zip(weights) {
            next.iter_mut()
                .zip(row)
                .for_each(|(slot, share)| *slot += weight * score * share);
        }
        let length = next.iter().map(|v| v * v).sum::<f64>().sqrt();
        if length == 0.0 {
            break;
        }
        direction = next.iter().map(|v| v / length).collect();
    }
    project(&direction)
}
