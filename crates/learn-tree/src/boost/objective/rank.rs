//! Ranking the rows of a group: losses over pairs of rows.
//!
//! A pair of rows `i`, `j` with labels `l_i > l_j` costs `ln(1 + exp(-z))`, `z = sigma (s_i - s_j)`: with
//! `p = 1 / (1 + exp(z))`, `g_i -= w sigma p`, `g_j += w sigma p`, and both hessians grow by `w sigma^2 p (1 - p)`. In
//! [`PairwiseRank`] every pair weighs one (RankNet; XGBoost's `rank:pairwise`). In [`LambdaRank`] a pair weighs by how much
//! NDCG changes when the two rows trade places, `|2^l_i - 2^l_j| |1 / log2(2 + r_i) - 1 / log2(2 + r_j)| / maxDCG` with ranks
//! `r` by the present scores (LightGBM's `lambdarank`). Only pairs with at least one row among the first `truncation` ranks
//! count, so a group of `n` rows costs `truncation * n`, not `n^2`.
//!
//! Gradients of LambdaRank are not those of a function; [`Objective::loss`] reports `1 - NDCG` there. Scores start at zero:
//! a constant ranks nothing.
//!
//! Burges, "From RankNet to LambdaRank to LambdaMART: an overview", Microsoft Research MSR-TR-2010-82, 2010.

use std::ops::Range;

use kolosal_compute::kernels;
use kolosal_learner::DataError;

use super::Objective;
use super::labels::{Labels, LossSum, check_all};
use super::pointwise::{HESSIAN_MIN, narrow};
use crate::boost::link::Link;

/// The highest label: its gain is 2^31 - 1.
const LABEL_MAX: f64 = 31.0;
/// LightGBM's constant in the norm by score distance.
const DISTANCE_MIN: f64 = 0.01;

/// Pairs weighed by what they change in NDCG.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LambdaRank {
    /// Pairs need a row among so many first ranks; also the depth of NDCG.
    pub truncation: usize,
    /// Steepness of the pair loss; above zero.
    pub sigmoid: f64,
    /// Whether pairs count less the further their scores lie apart, and large sums of a group are damped.
    pub normalise: bool,
}

impl Default for LambdaRank {
    /// LightGBM's 30, 1 and yes.
    fn default() -> Self {
        Self {
            truncation: 30,
            sigmoid: 1.0,
            normalise: true,
        }
    }
}

/// Pairs that all weigh one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairwiseRank {
    /// Pairs need a row among so many first ranks.
    pub truncation: usize,
}

impl Default for PairwiseRank {
    /// The 32 of XGBoost's `lambdarank_num_pair_per_sample`.
    fn default() -> Self {
        Self { truncation: 32 }
    }
}

impl Objective for LambdaRank {
    fn name(&self) -> &'static str {
        "lambdarank"
    }

    fn outputs(&self) -> usize {
        1
    }

    fn link(&self) -> Link {
        Link::Identity
    }

    fn needs_groups(&self) -> bool {
        true
    }

    fn check(&self, rows: &Labels<'_>) -> Result<(), DataError> {
        check(rows, self.name())
    }

    fn base(&self, _: &Labels<'_>) -> Vec<f64> {
        vec![0.0]
    }

    fn derive(&self, rows: &Labels<'_>, scores: &[&[f64]], grad: &mut [&mut [f32]], hess: &mut [&mut [f32]]) {
        assert!(rows.has_groups(), "ranking works on whole groups");
        let mut group = Group::default();
        for range in rows.groups() {
            group.sort(&rows.numbers()[range.clone()], &scores[0][range.clone()]);
            let best = group.best_gain(self.truncation);
            let is_spread = group.scores.first() != group.scores.last();
            let rule = PairRule {
                truncation: self.truncation,
                sigmoid: self.sigmoid,
                scale: if best > 0.0 { 1.0 / best } else { 0.0 },
                by_distance: self.normalise && is_spread,
            };
            group.compare(&rule, |gains, discounts| gains.abs() * discounts.abs());
            if self.normalise {
                group.damp();
            }
            group.write(rows, range, grad[0], hess[0]);
        }
    }

    fn loss(&self, rows: &Labels<'_>, scores: &[&[f64]]) -> LossSum {
        assert!(rows.has_groups(), "ranking works on whole groups");
        let mut group = Group::default();
        let mut total = LossSum::default();
        for range in rows.groups() {
            group.sort(&rows.numbers()[range.clone()], &scores[0][range.clone()]);
            let best = group.best_gain(self.truncation);
            let weight = group_weight(rows, range);
            if best > 0.0 {
                total.sum += weight * (1.0 - group.gain(self.truncation) / best);
            }
            total.weight += weight;
        }
        total
    }
}

impl Objective for PairwiseRank {
    fn name(&self) -> &'static str {
        "pairwise"
    }

    fn outputs(&self) -> usize {
        1
    }

    fn link(&self) -> Link {
        Link::Identity
    }

    fn needs_groups(&self) -> bool {
        true
    }

    fn check(&self, rows: &Labels<'_>) -> Result<(), DataError> {
        check(rows, self.name())
    }

    fn base(&self, _: &Labels<'_>) -> Vec<f64> {
        vec![0.0]
    }

    fn derive(&self, rows: &Labels<'_>, scores: &[&[f64]], grad: &mut [&mut [f32]], hess: &mut [&mut [f32]]) {
        let rule = PairRule {
            truncation: self.truncation,
            sigmoid: 1.0,
            scale: 1.0,
            by_distance: false,
        };
        assert!(rows.has_groups(), "ranking works on whole groups");
        let mut group = Group::default();
        for range in rows.groups() {
            group.sort(&rows.numbers()[range.clone()], &scores[0][range.clone()]);
            group.compare(&rule, |gains, _| f64::from(u8::from(gains != 0.0)));
            group.write(rows, range, grad[0], hess[0]);
        }
    }

    /// The pair losses of a group added up; the mean is one over groups.
    fn loss(&self, rows: &Labels<'_>, scores: &[&[f64]]) -> LossSum {
        assert!(rows.has_groups(), "ranking works on whole groups");
        let mut group = Group::default();
        let mut total = LossSum::default();
        for range in rows.groups() {
            group.sort(&rows.numbers()[range.clone()], &scores[0][range.clone()]);
            let weight = group_weight(rows, range);
            total.sum += weight * group.pair_loss(self.truncation);
            total.weight += weight;
        }
        total
    }
}

fn check(rows: &Labels<'_>, objective: &'static str) -> Result<(), DataError> {
    if !rows.has_groups() {
        return Err(DataError::NoGroups { objective });
    }
    check_all(
        rows.numbers(),
        |label| (0.0..=LABEL_MAX).contains(&label) && label.fract() == 0.0,
        |row, value| DataError::Unfit {
            objective,
            row,
            value,
            range: "whole numbers from 0 to 31",
        },
    )
}

/// What a group counts: the mean weight of its rows.
fn group_weight(rows: &Labels<'_>, range: Range<usize>) -> f64 {
    let len = range.len() as f64;
    range.map(|row| rows.weight(row)).sum::<f64>() / len
}

/// How the pairs of a group weigh.
struct PairRule {
    truncation: usize,
    sigmoid: f64,
    scale: f64,
    by_distance: bool,
}

/// The rows of one group by falling score; buffers are used again for the next group.
#[derive(Default)]
struct Group {
    /// The row, from the start of the group, at each rank.
    order: Vec<u32>,
    scores: Vec<f64>,
    labels: Vec<f64>,
    /// `2^label - 1`
    gains: Vec<f64>,
    /// `1 / log2(2 + rank)`; as long as the longest group so far.
    discounts: Vec<f64>,
    grads: Vec<f64>,
    hessians: Vec<f64>,
    /// `exp(z)` of one row's pairs.
    odds: Vec<f64>,
    /// Sum of the sizes of both ends of all pairs.
    pull: f64,
}

impl Group {
    fn sort(&mut self, labels: &[f64], scores: &[f64]) {
        let len = scores.len();
        self.order.clear();
        self.order.extend(0..len as u32);
        self.order
            .sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
        let by_rank = |values: &[f64], into: &mut Vec<f64>| {
            into.clear();
            into.extend(self.order.iter().map(|&row| values[row as usize]));
        };
        by_rank(scores, &mut self.scores);
        by_rank(labels, &mut self.labels);
        self.gains.clear();
        self.gains.extend(self.labels.iter().map(|&label| gain_of(label)));
        let known = self.discounts.len();
        self.discounts.extend((known..len).map(discount_of));
        for sums in [&mut self.grads, &mut self.hessians] {
            sums.clear();
            sums.resize(len, 0.0);
        }
        self.odds.resize(len.max(self.odds.len()), 0.0);
        self.pull = 0.0;
    }

    /// DCG of the first ranks.
    fn gain(&self, truncation: usize) -> f64 {
        let ranks = self.gains.iter().zip(&self.discounts).take(truncation);
        ranks.map(|(gain, discount)| gain * discount).sum()
    }

    /// DCG of the best order, by counting labels.
    fn best_gain(&self, truncation: usize) -> f64 {
        let mut counts = [0_usize; LABEL_MAX as usize + 1];
        self.labels.iter().for_each(|&label| counts[label as usize] += 1);
        let falling = (0..counts.len())
            .rev()
            .flat_map(|label| std::iter::repeat_n(gain_of(label as f64), counts[label]));
        let ranks = falling.zip(&self.discounts).take(truncation);
        ranks.map(|(gain, discount)| gain * discount).sum()
    }

    /// Adds up the derivatives of all pairs; `weigh` sees the differences of gains and discounts.
    fn compare(&mut self, rule: &PairRule, weigh: impl Fn(f64, f64) -> f64) {
        let len = self.scores.len();
        for upper in 0..len.saturating_sub(1).min(rule.truncation) {
            let below = upper + 1..len;
            let (score, gain, discount) = (self.scores[upper], self.gains[upper], self.discounts[upper]);
            let count = below.len();
            let (scores, gains) = (&self.scores[below.clone()], &self.gains[below.clone()]);
            let discounts = &self.discounts[below.clone()];
            let odds = &mut self.odds[..count];
            for at in 0..count {
                // exp(z) with z from the row of the higher label to the other one.
                odds[at] = rule.sigmoid * (score - scores[at]) * 1.0_f64.copysign(gain - gains[at]);
            }
            kernels::exp(odds);
            let (grads, hessians) = (&mut self.grads[below.clone()], &mut self.hessians[below]);
            let (mut own_grad, mut own_hessian) = (0.0, 0.0);
            for at in 0..count {
                let mut weight = weigh(gain - gains[at], discount - discounts[at]) * rule.scale;
                if rule.by_distance {
                    weight /= DISTANCE_MIN + (score - scores[at]);
                }
                let p = 1.0 / (1.0 + odds[at]);
                let push = (rule.sigmoid * p * weight).copysign(gain - gains[at]);
                let curvature = rule.sigmoid * rule.sigmoid * p * (1.0 - p) * weight;
                own_grad -= push;
                own_hessian += curvature;
                grads[at] += push;
                hessians[at] += curvature;
                self.pull += 2.0 * push.abs();
            }
            self.grads[upper] += own_grad;
            self.hessians[upper] += own_hessian;
        }
    }

    /// LightGBM's norm: sums grow with their logarithm.
    fn damp(&mut self) {
        if self.pull > 0.0 {
            let factor = self.pull.ln_1p() / (std::f64::consts::LN_2 * self.pull);
            let both = self.grads.iter_mut().chain(&mut self.hessians);
            both.for_each(|sum| *sum *= factor);
        }
    }

    fn pair_loss(&self, truncation: usize) -> f64 {
        let len = self.scores.len();
        let mut sum = 0.0;
        for upper in 0..len.min(truncation) {
            for lower in upper + 1..len {
                let gap = self.gains[upper] - self.gains[lower];
                if gap != 0.0 {
                    let z = (self.scores[upper] - self.scores[lower]) * gap.signum();
                    sum += (-z).max(0.0) + (-z.abs()).exp().ln_1p();
                }
            }
        }
        sum
    }

    /// Writes the derivatives to the rows they belong to, times their weights.
    fn write(&self, rows: &Labels<'_>, range: Range<usize>, grad: &mut [f32], hess: &mut [f32]) {
        for (rank, &row) in self.order.iter().enumerate() {
            let row = range.start + row as usize;
            let weight = rows.weight(row);
            grad[row] = narrow(self.grads[rank] * weight);
            hess[row] = narrow(self.hessians[rank].max(HESSIAN_MIN) * weight);
        }
    }
}

fn gain_of(label: f64) -> f64 {
    // Labels are whole and at most 31.
    ((1_u64 << label as u32) - 1) as f64
}

fn discount_of(rank: usize) -> f64 {
    1.0 / (2.0 + rank as f64).log2()
}
