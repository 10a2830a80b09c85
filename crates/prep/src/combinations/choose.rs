//! Which combinations are kept.

use std::collections::BTreeMap;

use kolosal_frame::{Column, FrameView};
use kolosal_learner::{FitContext, FitError, Target, TrainView};

use super::Combinations;
use super::part::{Operation, Part, Table, keys_of};
use crate::target_statistics::answers_of;

/// Rows that pairs are judged by.
const SAMPLE_ROWS: usize = 1_500;

/// Most columns of a kind that are paired, those that follow the target most closely.
const PAIRED_MAX: usize = 24;

/// Most classes for which categories are encoded: each makes a column.
const CLASSES_MAX: usize = 8;

/// Most levels of a category that is paired.
const LEVELS_MAX: usize = 5_000;

/// How much closer than its parts a pair must follow the target, in shares of explained variance of ranks.
const GAIN_MIN: f64 = 0.003;

/// Folds of the target means of the training rows.
const FOLDS: usize = 5;

/// A part with its columns for the training rows.
type Kept = (Part, Vec<Vec<f64>>);

pub(super) struct Chooser<'a> {
    settings: &'a Combinations,
    train: &'a TrainView<'a>,
    x: FrameView<'a>,
    /// Rows of the view that pairs are judged by.
    sample: Vec<usize>,
    answer: Answer,
    /// One list of numbers for each output of an encoding.
    outputs: Vec<Vec<f64>>,
    fold_of: Vec<u8>,
}

/// The target of the sample, as associations are measured with it.
enum Answer {
    /// Ranks, centred.
    Ranks(Vec<f64>),
    Classes(Vec<u32>, usize),
}

impl<'a> Chooser<'a> {
    pub(super) fn new(settings: &'a Combinations, train: &'a TrainView<'a>, cx: &FitContext<'_>) -> Self {
        let x = train.features();
        let rows = x.row_count();
        let step = rows.div_ceil(SAMPLE_ROWS).max(1);
        let sample: Vec<usize> = (0..rows).step_by(step).collect();
        let answer = match train.target() {
            Target::Numbers(values) => {
                let picked: Vec<f64> = sample.iter().map(|&row| values[row]).collect();
                Answer::Ranks(centred_ranks(&picked))
            }
            Target::Classes { codes, count } => {
                Answer::Classes(sample.iter().map(|&row| codes[row]).collect(), count as usize)
            }
            // Nothing follows what is not known, so nothing is kept.
            Target::Unknown { .. } => Answer::Ranks(vec![0.0; sample.len()]),
        };
        let mut rng = cx.seed.fork("combinations").rng();
        Self {
            settings,
            train,
            x,
            sample,
            answer,
            outputs: answers_of(train.target()),
            fold_of: (0..rows).map(|_| rng.below(FOLDS) as u8).collect(),
        }
    }

    /// The combinations that are kept, with their columns for the training rows.
    pub(super) fn choose(&self, cx: &FitContext<'_>) -> Result<Vec<Kept>, FitError> {
        let numbers = self.strongest(
            |column| matches!(column, Column::Numbers(_)),
            |at| self.x.numbers(at),
        );
        cx.checkpoint()?;
        let mut kept = self.arithmetic(&numbers, cx);
        cx.checkpoint()?;
        let (encoded, categories) = self.encoded(cx);
        kept.extend(encoded);
        cx.checkpoint()?;
        kept.extend(self.groups(&categories, &numbers, cx));
        Ok(kept)
    }

    /// Columns of a kind and how closely each follows the target, the closest first.
    fn strongest(
        &self,
        is_kind: impl Fn(&Column) -> bool,
        values: impl Fn(usize) -> Vec<f64>,
    ) -> Vec<(usize, f64, Vec<f64>)> {
        let mut found: Vec<(usize, f64, Vec<f64>)> = (0..self.x.column_count())
            .filter(|&at| is_kind(self.x.column(at)))
            .map(|at| {
                let all = values(at);
                let picked: Vec<f64> = self.sample.iter().map(|&row| all[row]).collect();
                (at, self.association(&picked), picked)
            })
            .filter(|(_, _, picked)| distinct_of(picked) > 2)
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(PAIRED_MAX);
        found
    }

    fn arithmetic(&self, numbers: &[(usize, f64, Vec<f64>)], cx: &FitContext<'_>) -> Vec<Kept> {
        let pairs: Vec<(usize, usize)> = (0..numbers.len())
            .flat_map(|i| (0..numbers.len()).map(move |j| (i, j)))
            .filter(|(i, j)| i != j)
            .collect();
        let gains = cx.workers.map(pairs.len(), |at| {
            let ((first, a, x), (second, b, y)) = (&numbers[pairs[at].0], &numbers[pairs[at].1]);
            // Sums, differences up to their sign and products are the same both ways round.
            let both = first < second;
            let tried = Operation::ALL
                .into_iter()
                .filter(|operation| both || *operation == Operation::Quotient);
            tried
                .map(|operation| {
                    let made: Vec<f64> = x.iter().zip(y).map(|(&x, &y)| operation.of(x, y)).collect();
                    (self.association(&made) - a.max(*b), operation)
                })
                .collect::<Vec<_>>()
        });
        let mut found: Vec<(f64, Part)> = Vec::new();
        for (&(i, j), gains) in pairs.iter().zip(gains) {
            for (gain, operation) in gains.into_iter().filter(|(gain, _)| *gain > GAIN_MIN) {
                let part = Part::Arithmetic {
                    first: numbers[i].0,
                    second: numbers[j].0,
                    operation,
                };
                found.push((gain, part));
            }
        }
        best(found, self.settings.arithmetic_max)
            .into_iter()
            .map(|part| {
                let values = part.apply(self.x);
                (part, values)
            })
            .collect()
    }

    /// Categories as target means, and the pairs that say more than either; and the categories, closest first.
    fn encoded(&self, cx: &FitContext<'_>) -> (Vec<Kept>, Vec<(usize, f64)>) {
        if self.outputs.len() >= CLASSES_MAX {
            return (Vec::new(), Vec::new());
        }
        let at: Vec<usize> = (0..self.x.column_count())
            .filter(
                |&at| matches!(self.x.column(at), Column::Categories(c) if (3..=LEVELS_MAX).contains(&c.levels().len())),
            )
            .collect();
        let singles = cx.workers.map(at.len(), |i| self.encode(&[at[i]]));
        let mut singles: Vec<(f64, Kept)> = singles
            .into_iter()
            .map(|kept| (self.worth(&kept), kept))
            .collect();
        singles.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.0.origin().cmp(&b.1.0.origin())));
        singles.truncate(PAIRED_MAX);
        let categories: Vec<(usize, f64)> = singles
            .iter()
            .map(|(worth, kept)| (kept.0.origin(), *worth))
            .collect();
        let pairs: Vec<(usize, usize)> = (0..categories.len())
            .flat_map(|i| (i + 1..categories.len()).map(move |j| (i, j)))
            .collect();
        let encoded = cx.workers.map(pairs.len(), |at| {
            let ((a, worth_a), (b, worth_b)) = (categories[pairs[at].0], categories[pairs[at].1]);
            let kept = self.encode(&[a.min(b), a.max(b)]);
            let gain = self.worth(&kept) - worth_a.max(worth_b);
            (gain > GAIN_MIN).then_some((gain, kept))
        });
        let room = self.settings.encoded_max / self.outputs.len().max(1);
        let mut found: Vec<(f64, Kept)> = encoded.into_iter().flatten().collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let pairs_kept = room.saturating_sub(singles.len()).max(room / 2);
        let kept = singles
            .into_iter()
            .take(room)
            .chain(found.into_iter().take(pairs_kept))
            .map(|(_, kept)| kept)
            .collect();
        (kept, categories)
    }

    /// How closely the best output of an encoding follows the target.
    fn worth(&self, (_, values): &Kept) -> f64 {
        let worth = |values: &Vec<f64>| {
            let picked: Vec<f64> = self.sample.iter().map(|&row| values[row]).collect();
            self.association(&picked)
        };
        values.iter().map(worth).fold(0.0, f64::max)
    }

    /// Smoothed target means of categories, out of fold for the training rows.
    fn encode(&self, columns: &[usize]) -> Kept {
        let keys = keys_of(self.x, columns);
        let mut slots: BTreeMap<u64, usize> = keys.iter().map(|&key| (key, 0)).collect();
        slots.values_mut().enumerate().for_each(|(i, slot)| *slot = i);
        let slot_of: Vec<usize> = keys.iter().map(|key| slots[key]).collect();
        let weight = |row: usize| self.train.weight(row);
        let total: f64 = (0..keys.len()).map(weight).sum();
        let strength = self.settings.strength;
        let (mut tables, mut encoded, mut priors) = (Vec::new(), Vec::new(), Vec::new());
        for answer in &self.outputs {
            let prior = (0..keys.len()).map(|row| weight(row) * answer[row]).sum::<f64>() / total;
            let mut sums = vec![[(0.0, 0.0); FOLDS]; slots.len()];
            for (row, &slot) in slot_of.iter().enumerate() {
                let sum = &mut sums[slot][self.fold_of[row] as usize];
                sum.0 += weight(row) * answer[row];
                sum.1 += weight(row);
            }
            let smoothed = |(sum, count): (f64, f64)| (sum + strength * prior) / (count + strength);
            let without = |slot: usize, fold: Option<usize>| {
                let parts = sums[slot].iter().enumerate().filter(|(i, _)| Some(*i) != fold);
                smoothed(parts.fold((0.0, 0.0), |all, (_, part)| (all.0 + part.0, all.1 + part.1)))
            };
            tables.push((0..slots.len()).map(|slot| without(slot, None)).collect());
            let rows = slot_of.iter().zip(&self.fold_of);
            encoded.push(
                rows.map(|(&slot, &fold)| without(slot, Some(fold as usize)))
                    .collect(),
            );
            priors.push(prior);
        }
        let table = Table {
            keys: slots.into_keys().collect(),
            outputs: tables,
            priors,
        };
        let columns = columns.to_vec();
        (Part::Encoded { columns, table }, encoded)
    }

    fn groups(
        &self,
        categories: &[(usize, f64)],
        numbers: &[(usize, f64, Vec<f64>)],
        cx: &FitContext<'_>,
    ) -> Vec<Kept> {
        let pairs: Vec<(usize, usize)> = (0..categories.len())
            .flat_map(|c| (0..numbers.len()).map(move |n| (c, n)))
            .collect();
        let made = cx.workers.map(pairs.len(), |at| {
            let ((category, worth), (number, alone, _)) = (categories[pairs[at].0], &numbers[pairs[at].1]);
            let part = self.group(category, *number);
            let values = part.apply(self.x);
            let picked: Vec<f64> = self.sample.iter().map(|&row| values[0][row]).collect();
            let gain = self.association(&picked) - alone.max(worth);
            (gain > GAIN_MIN).then_some((gain, part))
        });
        best(made.into_iter().flatten().collect(), self.settings.groups_max)
            .into_iter()
            .map(|part| {
                let values = part.apply(self.x);
                (part, values)
            })
            .collect()
    }

    fn group(&self, category: usize, number: usize) -> Part {
        let (codes, values) = (self.x.codes(category), self.x.numbers(number));
        let Column::Categories(categories) = self.x.column(category) else {
            panic!("only categories make groups");
        };
        let levels = categories.levels().len();
        let mut sums = vec![(0.0, 0.0); levels + 1];
        for (row, (&code, &value)) in codes.iter().zip(&values).enumerate() {
            if !value.is_nan() {
                let weight = self.train.weight(row);
                for slot in [(code as usize).min(levels), levels] {
                    sums[slot].0 += weight * value;
                    sums[slot].1 += weight;
                }
            }
        }
        let all = if sums[levels].1 > 0.0 {
            sums[levels].0 / sums[levels].1
        } else {
            0.0
        };
        let mean = |&(sum, count): &(f64, f64)| if count > 0.0 { sum / count } else { all };
        let mut means: Vec<f64> = sums[..levels].iter().map(mean).collect();
        means.push(all);
        // Sums of numbers near the end of the range are no means.
        let means = means
            .into_iter()
            .map(|mean| if mean.is_finite() { mean } else { 0.0 })
            .collect();
        Part::Group {
            category,
            number,
            means,
        }
    }

    /// Share of the variance that the target's ranks, or the classes, have in common with the ranks of the values.
    fn association(&self, values: &[f64]) -> f64 {
        let ranks = centred_ranks(values);
        let spread: f64 = ranks.iter().map(|r| r * r).sum();
        if spread <= 0.0 {
            return 0.0;
        }
        match &self.answer {
            Answer::Ranks(answer) => {
                let size: f64 = answer.iter().map(|r| r * r).sum();
                let joint: f64 = ranks.iter().zip(answer).map(|(a, b)| a * b).sum();
                if size > 0.0 {
                    joint * joint / (size * spread)
                } else {
                    0.0
                }
            }
            Answer::Classes(codes, count) => {
                let mut sums = vec![(0.0, 0.0); *count];
                for (&code, rank) in codes.iter().zip(&ranks) {
                    sums[code as usize].0 += rank;
                    sums[code as usize].1 += 1.0;
                }
                let between = sums.iter().filter(|(_, n)| *n > 0.0).map(|(s, n)| s * s / n);
                between.sum::<f64>() / spread
            }
        }
    }
}

/// The parts with the largest gains.
fn best(mut found: Vec<(f64, Part)>, count: usize) -> Vec<Part> {
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(count);
    found.into_iter().map(|(_, part)| part).collect()
}

/// Ranks less their mean, equal values sharing the mean of theirs; missing values lie in the middle.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| !values[i].is_nan()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let middle = (order.len() as f64 - 1.0) / 2.0;
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && values[order[end]] == values[order[start]] {
            end += 1;
        }
        let rank = (start + end - 1) as f64 / 2.0 - middle;
        order[start..end].iter().for_each(|&i| ranks[i] = rank);
        start = end;
    }
    ranks
}

/// Number of distinct values, counted up to three.
fn distinct_of(values: &[f64]) -> usize {
    let mut seen: Vec<f64> = Vec::new();
    for &value in values.iter().filter(|v| !v.is_nan()) {
        if !seen.contains(&value) {
            seen.push(value);
            if seen.len() == 3 {
                break;
            }
        }
    }
    seen.len()
}
