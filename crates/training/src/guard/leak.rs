//! The leakage probe: a column that alone predicts the target almost perfectly on rows it was not fitted on.
//!
//! Each column is cut into at most 256 bins of some eight rows and more, or taken by level; half of the rows say what the target is in each bin, the
//! other half judges, and the other way round.

use kolosal_frame::{Column, Frame};
use kolosal_pipeline::CodedTarget;

use super::{Finding, sample};
use crate::prepare::Prepared;

/// Rows that the probe looks at.
const ROWS_MAX: usize = 20_000;

/// Fewest rows that the probe says anything about.
const ROWS_MIN: usize = 50;

const BINS: usize = 256;

/// Rows of a bin: with fewer, one half would lack bins of the other.
const BIN_ROWS: usize = 8;

/// Explained variance, or mean accuracy over classes, from which on a column is suspect.
const SUSPECT: f64 = 0.998;

pub(super) fn probe(prepared: &Prepared, features: &Frame) -> Vec<Finding> {
    if features.row_count() < ROWS_MIN {
        return Vec::new();
    }
    let rows = sample(features.row_count(), ROWS_MAX);
    let mut found = Vec::new();
    for (field, column) in features.schema().fields().iter().zip(features.columns()) {
        let Some((bins, count)) = bins_of(column, &rows) else {
            continue;
        };
        let score = match &prepared.answers {
            CodedTarget::Numbers(values) => {
                let answers: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
                explained(&answers, (&bins, count))
            }
            CodedTarget::Classes {
                codes,
                count: classes,
            } => {
                let answers: Vec<u32> = rows.iter().map(|&row| codes[row]).collect();
                accuracy((&answers, *classes as usize), (&bins, count))
            }
        };
        if score >= SUSPECT {
            found.push(Finding::new(
                "leakage",
                &[&field.name],
                format!(
                    "column '{}' alone tells '{}' almost perfectly ({:.2} %)",
                    field.name,
                    prepared.spec.name,
                    100.0 * score
                ),
                format!(
                    "if it is not known when predictions are made, leave it out with --column-type {}=identifier",
                    field.name
                ),
            ));
        }
    }
    found
}

/// The bin of each row, and how many there are; missing is a bin of its own.
fn bins_of(column: &Column, rows: &[usize]) -> Option<(Vec<usize>, usize)> {
    match column {
        Column::Numbers(values) => {
            let mut sorted: Vec<f64> = rows
                .iter()
                .map(|&row| values[row])
                .filter(|v| !v.is_nan())
                .collect();
            sorted.sort_unstable_by(f64::total_cmp);
            if sorted.is_empty() {
                return None;
            }
            let count = BINS.min(sorted.len() / BIN_ROWS).max(2);
            let mut borders: Vec<f64> = (1..count).map(|i| sorted[i * sorted.len() / count]).collect();
            borders.dedup();
            let bin = |value: f64| {
                if value.is_nan() {
                    borders.len() + 1
                } else {
                    borders.partition_point(|&border| border <= value)
                }
            };
            Some((
                rows.iter().map(|&row| bin(values[row])).collect(),
                borders.len() + 2,
            ))
        }
        Column::Categories(categories) => {
            let levels = categories.levels().len();
            let bins = rows
                .iter()
                .map(|&row| (categories.codes()[row] as usize).min(levels));
            Some((bins.collect(), levels + 1))
        }
        Column::Text(_) | Column::Sparse(_) => None,
    }
}

/// Which half a row is in: drawn by a hash of its place, since tables often alternate.
fn half_of(i: usize) -> usize {
    ((i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40 & 1) as usize
}

/// Share of the variance that means by bin of the other half explain.
fn explained(answers: &[f64], (bins, count): (&[usize], usize)) -> f64 {
    let mean = answers.iter().sum::<f64>() / answers.len() as f64;
    let (mut missed, mut all) = (0.0, 0.0);
    for half in 0..2 {
        let mut sums = vec![(0.0, 0.0); count];
        for i in (0..answers.len()).filter(|&i| half_of(i) != half) {
            sums[bins[i]].0 += answers[i];
            sums[bins[i]].1 += 1.0;
        }
        for i in (0..answers.len()).filter(|&i| half_of(i) == half) {
            let (sum, rows) = sums[bins[i]];
            let guess = if rows > 0.0 { sum / rows } else { mean };
            missed += (answers[i] - guess) * (answers[i] - guess);
            all += (answers[i] - mean) * (answers[i] - mean);
        }
    }
    if all > 0.0 { 1.0 - missed / all } else { 0.0 }
}

/// Mean over classes of the share of its rows that the most frequent class by bin of the other half names.
fn accuracy((answers, classes): (&[u32], usize), (bins, count): (&[usize], usize)) -> f64 {
    let (mut right, mut rows) = (vec![0.0; classes], vec![0.0; classes]);
    for half in 0..2 {
        let mut counts = vec![0_u32; count * classes];
        for i in (0..answers.len()).filter(|&i| half_of(i) != half) {
            counts[bins[i] * classes + answers[i] as usize] += 1;
        }
        for i in (0..answers.len()).filter(|&i| half_of(i) == half) {
            let of_bin = &counts[bins[i] * classes..(bins[i] + 1) * classes];
            let most = (0..classes).max_by_key(|&class| (of_bin[class], std::cmp::Reverse(class)));
            let class = answers[i] as usize;
            rows[class] += 1.0;
            // A bin that the other half does not have names no class.
            if most == Some(class) && of_bin[class] > 0 {
                right[class] += 1.0;
            }
        }
    }
    let shares = right.iter().zip(&rows).filter(|(_, rows)| **rows > 0.0);
    let (sum, count) = shares.fold((0.0, 0.0), |(sum, count), (right, rows)| {
        (sum + right / rows, count + 1.0)
    });
    if count > 1.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_target_is_suspect_and_a_noisy_one_is_not() {
        let answers: Vec<f64> = (0..600).map(|i| f64::from(i * 7919 % 600)).collect();
        let rows: Vec<usize> = (0..600).collect();
        let copied =
            bins_of(&Column::numbers(answers.iter().map(|a| a * 3.0).collect()), &rows).expect("numbers");
        assert!(explained(&answers, (&copied.0, copied.1)) > SUSPECT);
        let noisy = answers
            .iter()
            .enumerate()
            .map(|(i, a)| a + 40.0 * (i as f64).sin())
            .collect();
        let noisy = bins_of(&Column::numbers(noisy), &rows).expect("numbers");
        assert!(explained(&answers, (&noisy.0, noisy.1)) < SUSPECT);
    }

    #[test]
    fn a_rare_class_counts_as_much_as_a_frequent_one() {
        let answers: Vec<u32> = (0..1000).map(|i| u32::from(i % 100 == 0)).collect();
        let bins = vec![0; 1000];
        assert!(accuracy((&answers, 2), (&bins, 1)) <= 0.5);
        let bins: Vec<usize> = answers.iter().map(|&a| a as usize).collect();
        assert_eq!(accuracy((&answers, 2), (&bins, 2)), 1.0);
    }
}
