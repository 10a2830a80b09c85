//! The best cut, or a random one, of one column in one node.
//!
//! For a two-class problem or a number to predict, a cut into rows `L` and `R` of a node with weight `W` and weighted
//! targets `T` gains `(T_L - W_L T / W)^2 W / (W_L W_R)`: the fall of the weighted variance, and half the fall of the
//! weighted Gini impurity. Categories are put in order of their mean target first; for these criteria one of the cuts
//! in that order is the best of all subsets (Breiman et al. 1984, theorem 4.5). A random cut draws a threshold uniformly
//! between the node's lowest and highest value (Geurts, Ernst, Wehenkel 2006), or a side for each level.

use kolosal_base::Rng;
use kolosal_frame::{BinCodes, BinCuts, BinnedColumn, LevelBins, MISSING_BIN, NumberBins, midpoint};

use crate::histogram::Histogram;
use crate::sample::{Sample, Stat};
use crate::tree::Side;

/// What every node and leaf must keep.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) depth_max: u32,
    pub(crate) split_rows_min: usize,
    pub(crate) leaf_rows_min: usize,
    pub(crate) leaf_weight_min: f64,
    pub(crate) gain_min: f64,
    /// How many columns a node looks at.
    pub(crate) columns: usize,
    /// Zero for no limit.
    pub(crate) leaves_max: usize,
}

/// How a column is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cutting {
    /// At the place of most gain.
    Best,
    /// At a random place.
    Random,
}

/// How the gain of a cut is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Criterion {
    Gini,
    Entropy,
    SquaredError,
}

/// Which bins of a column go left.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    /// Bins of values up to this one; the threshold separates their values.
    UpTo { bin: u16, threshold: f64 },
    /// Bins whose bit is set, the one for missing values included.
    Among(Vec<u64>),
}

/// A cut of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cut {
    pub(crate) rule: Rule,
    pub(crate) missing: Side,
    /// The fall of the node's weighted impurity.
    pub(crate) gain: f64,
}

/// What looking at a column gave.
#[derive(Debug)]
pub(crate) enum Found {
    /// All rows lie in one bin: no node below can split here either.
    Constant,
    /// No cut keeps the limits.
    Nothing,
    /// A cut.
    Cut(Cut),
}

impl Criterion {
    /// Gain of sending `left` of a node with sums `total` to one side.
    #[inline]
    fn gain<S: Stat>(self, total: &S, left: &S) -> f64 {
        let (weight, target) = (total.weight(), total.target());
        let (left_weight, left_target) = (left.weight(), left.target());
        let right_weight = weight - left_weight;
        if self == Self::Entropy {
            let right_target = target - left_target;
            return two_class_order(left_weight, left_target) + two_class_order(right_weight, right_target)
                - two_class_order(weight, target);
        }
        let surplus = left_target - left_weight * (target / weight);
        let variance = surplus * surplus * weight / (left_weight * right_weight);
        if self == Self::Gini {
            2.0 * variance
        } else {
            variance
        }
    }
}

/// `sum n_k log2 n_k - n log2 n` for two classes: minus the weighted entropy.
fn two_class_order(weight: f64, positive: f64) -> f64 {
    weigh_log(positive) + weigh_log(weight - positive) - weigh_log(weight)
}

/// `x log2 x`, continued to zero; rounding may have left `x` a little below it.
pub(crate) fn weigh_log(x: f64) -> f64 {
    if x > 0.0 { x * x.log2() } else { 0.0 }
}

/// Room for looking at columns, reused from node to node.
#[derive(Debug)]
pub(crate) struct Bench<S> {
    histogram: Histogram<S>,
    bins: Vec<u16>,
}

impl<S: Stat> Bench<S> {
    /// Room for columns of at most `bins` bins.
    pub(crate) fn new(bins: usize) -> Self {
        Self {
            histogram: Histogram::new(bins),
            bins: Vec::new(),
        }
    }
}

/// A node while one column after the other is looked at.
pub(crate) struct NodeView<'a, S: Stat> {
    pub(crate) samples: &'a [S::Sample],
    pub(crate) total: S,
    pub(crate) criterion: Criterion,
    pub(crate) limits: &'a Limits,
}

/// The best place among ordered groups: how many go left, and the side of missing values.
#[derive(Debug, Clone, Copy)]
struct Place {
    left: usize,
    missing: Side,
    gain: f64,
}

impl<S: Stat> NodeView<'_, S> {
    /// The best cut of a column.
    pub(crate) fn best_cut(&self, column: &BinnedColumn, bench: &mut Bench<S>) -> Found {
        bench.histogram.fill(column, self.samples);
        let (bins, stats) = bench.histogram.parts();
        if bins.len() < 2 {
            return Found::Constant;
        }
        let (has_missing, values) = split_missing(bins);
        if let BinCuts::Levels(_) = column.cuts() {
            let mean = |bin: u16| stats[usize::from(bin)].target() / stats[usize::from(bin)].weight();
            values.sort_unstable_by(|&a, &b| mean(a).total_cmp(&mean(b)).then(a.cmp(&b)));
        }
        let missing = has_missing.then(|| stats[usize::from(MISSING_BIN)]);
        match self.best_place(values, stats, missing) {
            Some(place) => Found::Cut(place.cut(column.cuts(), values)),
            None => Found::Nothing,
        }
    }

    fn best_place(&self, values: &[u16], stats: &[S], missing: Option<S>) -> Option<Place> {
        let mut best: Option<Place> = None;
        let inner = &values[..values.len().saturating_sub(1)];
        match missing {
            None => {
                self.scan(inner, stats, S::default(), (&mut best, Side::Right));
                if let Some(place) = &mut best {
                    place.missing = self.heavier(&values[..place.left], stats);
                }
            }
            Some(missing) => {
                // With missing values on the right, all values on the left are a cut too.
                self.scan(values, stats, S::default(), (&mut best, Side::Right));
                self.scan(inner, stats, missing, (&mut best, Side::Left));
            }
        }
        best
    }

    /// Tries a cut behind each of the bins, `left` going left in any case.
    fn scan(&self, bins: &[u16], stats: &[S], mut left: S, (best, missing): (&mut Option<Place>, Side)) {
        let mut most = best.map_or(f64::NEG_INFINITY, |place| place.gain);
        for (at, &bin) in bins.iter().enumerate() {
            left.merge(&stats[usize::from(bin)]);
            if !self.is_allowed(&left) {
                continue;
            }
            let gain = self.criterion.gain(&self.total, &left);
            if gain > most {
                most = gain;
                *best = Some(Place {
                    left: at + 1,
                    missing,
                    gain,
                });
            }
        }
    }

    /// Whether both sides of a cut keep the limits.
    #[inline]
    fn is_allowed(&self, left: &S) -> bool {
        let rows_min = self.limits.leaf_rows_min;
        let weight_min = self.limits.leaf_weight_min;
        let right = self.total.weight() - left.weight();
        left.rows() >= rows_min
            && self.total.rows() - left.rows() >= rows_min
            && left.weight() >= weight_min
            && right >= weight_min
            && left.weight() > 0.0
            && right > 0.0
    }

    fn heavier(&self, left: &[u16], stats: &[S]) -> Side {
        let left: f64 = left.iter().map(|&bin| stats[usize::from(bin)].weight()).sum();
        side_of(left > self.total.weight() - left)
    }

    /// A random cut of a column.
    pub(crate) fn random_cut(&self, column: &BinnedColumn, bench: &mut Bench<S>, rng: &mut Rng) -> Found {
        match column.cuts() {
            BinCuts::Numbers(bins) => self.random_threshold(column, bins, bench, rng),
            BinCuts::Levels(_) => self.random_levels(column, bench, rng),
        }
    }

    fn random_threshold(
        &self,
        column: &BinnedColumn,
        bins: &NumberBins,
        bench: &mut Bench<S>,
        rng: &mut Rng,
    ) -> Found {
        let range = gather(column.codes(), self.samples, &mut bench.bins);
        let Some((rule, missing)) = draw_threshold(range, bins, rng) else {
            return Found::Constant;
        };
        let Rule::UpTo { bin, .. } = rule else {
            unreachable!("a threshold is a rule for numbers")
        };
        // Bins from `first` to `last` go left.
        let first = if missing == Some(Side::Left) { 0 } else { 1 };
        let mut left = S::default();
        for (sample, &at) in self.samples.iter().zip(&bench.bins) {
            left.add_times(sample, u32::from(at.wrapping_sub(first) <= bin - first));
        }
        self.judge(rule, &left, missing)
    }

    fn random_levels(&self, column: &BinnedColumn, bench: &mut Bench<S>, rng: &mut Rng) -> Found {
        bench.histogram.fill(column, self.samples);
        let (bins, stats) = bench.histogram.parts();
        if bins.len() < 2 {
            return Found::Constant;
        }
        let sides = draw_sides(bins.len(), rng);
        let mut left = S::default();
        let mut words = vec![0; column.bin_count().div_ceil(64)];
        for (&bin, _) in bins.iter().zip(&sides).filter(|(_, side)| **side == Side::Left) {
            left.merge(&stats[usize::from(bin)]);
            set_bit(&mut words, bin);
        }
        let heavier = side_of(left.weight() > self.total.weight() / 2.0);
        let side = if bins[0] == MISSING_BIN { sides[0] } else { heavier };
        send_absent(&mut words, bins.iter().copied(), side, column.bin_count());
        self.judge(Rule::Among(words), &left, Some(side))
    }

    fn judge(&self, rule: Rule, left: &S, missing: Option<Side>) -> Found {
        if !self.is_allowed(left) {
            return Found::Nothing;
        }
        let heavier = side_of(left.weight() > self.total.weight() / 2.0);
        Found::Cut(Cut {
            rule,
            missing: missing.unwrap_or(heavier),
            gain: self.criterion.gain(&self.total, left),
        })
    }
}

impl Place {
    fn cut(self, cuts: &BinCuts, values: &[u16]) -> Cut {
        let order = values.iter().copied();
        Cut {
            rule: rule_of(cuts, order, self.left, self.missing),
            missing: self.missing,
            gain: self.gain,
        }
    }
}

/// The rule that sends the first `left` of the node's bins, in their order, to the left.
pub(crate) fn rule_of(
    cuts: &BinCuts,
    mut order: impl Iterator<Item = u16> + Clone,
    left: usize,
    missing: Side,
) -> Rule {
    match cuts {
        BinCuts::Numbers(bins) => {
            let bin = order.nth(left - 1).expect("a cut has a value on the left");
            let threshold = match order.next() {
                Some(next) => midpoint(bins.highest(bin), bins.lowest(next)),
                None => f64::MAX,
            };
            Rule::UpTo { bin, threshold }
        }
        BinCuts::Levels(_) => {
            let mut words = vec![0; cuts.bin_count().div_ceil(64)];
            order.clone().take(left).for_each(|bin| set_bit(&mut words, bin));
            send_absent(&mut words, order, missing, cuts.bin_count());
            Rule::Among(words)
        }
    }
}

/// Whether the node has missing values, and its bins of values.
fn split_missing(bins: &mut [u16]) -> (bool, &mut [u16]) {
    match bins {
        [MISSING_BIN, values @ ..] => (true, values),
        values => (false, values),
    }
}

/// Bins that the node does not have go where missing values go.
pub(crate) fn send_absent(words: &mut [u64], present: impl Iterator<Item = u16>, missing: Side, bins: usize) {
    if missing == Side::Right {
        return;
    }
    let mut absent = vec![u64::MAX; words.len()];
    present
        .filter(|&bin| bin != MISSING_BIN)
        .for_each(|bin| absent[usize::from(bin) / 64] &= !(1 << (bin % 64)));
    if !bins.is_multiple_of(64) {
        absent[bins / 64] &= (1 << (bins % 64)) - 1;
    }
    words
        .iter_mut()
        .zip(absent)
        .for_each(|(word, more)| *word |= more);
}

pub(crate) fn set_bit(words: &mut [u64], bin: u16) {
    words[usize::from(bin) / 64] |= 1 << (bin % 64);
}

pub(crate) fn side_of(left: bool) -> Side {
    if left { Side::Left } else { Side::Right }
}

/// The bins that a node's rows have in a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    lowest: u16,
    highest: u16,
    has_missing: bool,
}

/// Writes each sample's bin into `bins` and returns the range of those that hold values.
pub(crate) fn gather<T: Sample>(codes: &BinCodes, samples: &[T], bins: &mut Vec<u16>) -> Range {
    bins.clear();
    match codes {
        BinCodes::U8(codes) => bins.extend(samples.iter().map(|sample| u16::from(codes[sample.row()]))),
        BinCodes::U16(codes) => bins.extend(samples.iter().map(|sample| codes[sample.row()])),
    }
    let mut range = Range {
        lowest: u16::MAX,
        highest: 0,
        has_missing: false,
    };
    for &bin in bins.iter() {
        // A missing value wraps to the highest number and so never is the lowest bin.
        range.lowest = range.lowest.min(bin.wrapping_sub(1));
        range.highest = range.highest.max(bin);
        range.has_missing |= bin == MISSING_BIN;
    }
    range.lowest = range.lowest.wrapping_add(1);
    range
}

/// A uniform threshold between the range's lowest and highest value, with a random side for missing values if the node
/// has any; `None` if all rows lie in one bin.
pub(crate) fn draw_threshold(range: Range, bins: &NumberBins, rng: &mut Rng) -> Option<(Rule, Option<Side>)> {
    let missing = range.has_missing.then(|| side_of(rng.below(2) == 0));
    if range.highest == MISSING_BIN {
        return None;
    }
    if range.lowest == range.highest {
        // Only missing values can be told from the one value.
        let rule = Rule::UpTo {
            bin: range.highest,
            threshold: f64::MAX,
        };
        return range.has_missing.then_some((rule, Some(Side::Right)));
    }
    let (low, high) = (bins.lowest(range.lowest), bins.highest(range.highest));
    let drawn = low + (high - low) * rng.uniform();
    // The last bin that starts at or below the draw; the last bin of all must stay on the right.
    let at = bins.last_from(drawn, range.lowest, range.highest);
    let (bottom, top) = (bins.lowest(at), bins.highest(at));
    let (bin, threshold) = if drawn >= top && at < range.highest {
        (at, drawn)
    } else {
        // Within a bin, which cannot be cut: the nearer of its edges that leaves rows on both sides.
        let below = at > range.lowest && (at == range.highest || drawn - bottom < top - drawn);
        let bin = if below { at - 1 } else { at };
        (bin, midpoint(bins.highest(bin), bins.lowest(bin + 1)))
    };
    Some((Rule::UpTo { bin, threshold }, missing))
}

/// A random side for each of `count` groups, not all the same.
pub(crate) fn draw_sides(count: usize, rng: &mut Rng) -> Vec<Side> {
    let mut sides: Vec<Side> = (0..count).map(|_| side_of(rng.below(2) == 0)).collect();
    if sides.iter().all(|side| *side == sides[0]) {
        let odd = rng.below(count);
        sides[odd] = if sides[odd] == Side::Left {
            Side::Right
        } else {
            Side::Left
        };
    }
    sides
}

/// The levels that go left by a rule over their bins.
pub(crate) fn levels_left(bins: &LevelBins, words: &[u64]) -> Vec<u64> {
    let levels = bins.bin_of_level();
    let mut left = vec![0_u64; levels.len().div_ceil(64)];
    for (level, &bin) in levels.iter().enumerate() {
        left[level / 64] |= (words[usize::from(bin) / 64] >> (bin % 64) & 1) << (level % 64);
    }
    left
}
