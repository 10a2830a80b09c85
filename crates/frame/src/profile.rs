//! What the values of each column look like: counts, quantiles, most frequent values, a histogram.
//!
//! ```
//! use kolosal_compute::Workers;
//! use kolosal_frame::{Column, Field, Frame, Kind, profile::profile};
//! let column = Column::numbers(vec![1.0, 2.0, 2.0, f64::NAN]);
//! let frame = Frame::new(vec![(Field::new("x", Kind::Integer, "whole numbers"), column)])?;
//! let profiles = profile(&frame, &Workers::new(1));
//! assert_eq!((profiles[0].missing, profiles[0].distinct), (1, 2));
//! assert_eq!(profiles[0].numbers.as_ref().map(|numbers| numbers.max), Some(2.0));
//! # Ok::<(), kolosal_frame::FrameError>(())
//! ```

use kolosal_compute::Workers;

use crate::convert::{categorise, spell};
use crate::read::dictionary::{distinct, hash};
use crate::{Categories, Column, Frame, Kind, MISSING};

/// The shares at which quantiles are given.
pub const QUANTILES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// Most frequent values given.
const TOP: usize = 10;

/// Most bins of a histogram.
const BINS_MAX: usize = 30;

/// Different texts up to which they are counted one by one.
const COUNTED_MAX: usize = 1 << 20;

/// What one column looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnProfile {
    /// Its name.
    pub name: String,
    /// What its values mean.
    pub kind: Kind,
    /// Why.
    pub reason: String,
    /// Rows.
    pub rows: usize,
    /// Rows without a value.
    pub missing: usize,
    /// Different values.
    pub distinct: usize,
    /// Whether `distinct` is an estimate (columns of more than four million rows).
    pub is_distinct_estimated: bool,
    /// Numbers and moments: their distribution. `None` where there is no value.
    pub numbers: Option<NumberProfile>,
    /// The most frequent values, most frequent first, equally frequent ones in ascending order. Empty for texts that
    /// hardly ever repeat.
    pub top: Vec<TopValue>,
}

/// A value and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopValue {
    /// The value as text.
    pub value: String,
    /// Rows that have it.
    pub count: usize,
}

/// The distribution of numbers; moments are microseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberProfile {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The standard deviation of the sample (divided by n - 1); zero for one value.
    pub std: f64,
    /// One for each of [`QUANTILES`], interpolated linearly between neighbours.
    pub quantiles: [f64; 7],
    /// Bins of equal width from least to greatest; one bin if all values are equal.
    pub histogram: Vec<Bin>,
}

/// A bin of a histogram: `from <= value < to`, the last bin with its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Values in it.
    pub count: usize,
}

/// Profiles of all columns, in column order, one column a worker.
pub fn profile(frame: &Frame, workers: &Workers) -> Vec<ColumnProfile> {
    workers.map(frame.column_count(), |position| {
        let field = &frame.schema().fields()[position];
        let column = &frame.columns()[position];
        let facts = Facts::of(column, field.kind);
        ColumnProfile {
            name: field.name.clone(),
            kind: field.kind,
            reason: field.reason.clone(),
            rows: column.len(),
            missing: facts.missing,
            distinct: facts.distinct,
            is_distinct_estimated: facts.is_estimated,
            numbers: facts.numbers,
            top: facts.top,
        }
    })
}

struct Facts {
    missing: usize,
    distinct: usize,
    is_estimated: bool,
    numbers: Option<NumberProfile>,
    top: Vec<TopValue>,
}

impl Facts {
    fn of(column: &Column, kind: Kind) -> Self {
        match column {
            Column::Numbers(values) => Self::of_numbers(values, kind),
            Column::Sparse(sparse) => {
                let values: Vec<f64> = (0..column.len()).map(|row| sparse.get(row)).collect();
                Self::of_numbers(&values, kind)
            }
            Column::Categories(categories) => Self::of_categories(categories),
            Column::Text(strings) => {
                let present = || strings.iter().filter(|text| !text.is_empty());
                let (distinct, is_exact) =
                    distinct(strings.len(), present().map(|text| hash(text.as_bytes())));
                if distinct <= COUNTED_MAX && distinct < present().count() {
                    return Self::of_categories(&categorise(strings.iter()));
                }
                Self {
                    missing: strings.len() - present().count(),
                    distinct,
                    is_estimated: !is_exact,
                    numbers: None,
                    top: Vec::new(),
                }
            }
        }
    }

    fn of_numbers(values: &[f64], kind: Kind) -> Self {
        let mut sorted: Vec<f64> = values
            .iter()
            .filter(|value| !value.is_nan())
            .map(|value| value + 0.0)
            .collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut top: Vec<(f64, usize)> = Vec::new();
        let mut distinct = 0;
        for same in sorted.chunk_by(|a, b| a == b) {
            distinct += 1;
            keep_top(&mut top, (same[0], same.len()));
        }
        let column = |value: f64| Column::numbers(vec![value]);
        let top = top.into_iter().map(|(value, count)| TopValue {
            value: spell(&column(value), kind, 0),
            count,
        });
        Self {
            missing: values.len() - sorted.len(),
            distinct,
            is_estimated: false,
            numbers: NumberProfile::of_sorted(&sorted),
            top: top.collect(),
        }
    }

    fn of_categories(categories: &Categories) -> Self {
        let mut counts = vec![0_usize; categories.levels().len()];
        let mut missing = 0;
        for &code in categories.codes() {
            match code {
                MISSING => missing += 1,
                code => counts[code as usize] += 1,
            }
        }
        let mut top = Vec::new();
        let occurring = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        occurring
            .clone()
            .for_each(|(code, &count)| keep_top(&mut top, (code, count)));
        let value = |(code, count): (usize, usize)| TopValue {
            value: categories.levels().get(code).to_owned(),
            count,
        };
        Self {
            missing,
            distinct: occurring.count(),
            is_estimated: false,
            numbers: None,
            top: top.into_iter().map(value).collect(),
        }
    }
}

/// Keeps the most frequent values in order; values must come in ascending order.
fn keep_top<T>(top: &mut Vec<(T, usize)>, entry: (T, usize)) {
    let at = top.partition_point(|(_, count)| *count >= entry.1);
    if at < TOP {
        top.insert(at, entry);
        top.truncate(TOP);
    }
}

impl NumberProfile {
    fn of_sorted(sorted: &[f64]) -> Option<Self> {
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let count = sorted.len() as f64;
        // Deviations from the first value keep large offsets (dates) from eating the digits.
        let mean = min + sorted.iter().map(|value| value - min).sum::<f64>() / count;
        let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            min,
            max,
            mean,
            std: if sorted.len() > 1 {
                (squares / (count - 1.0)).sqrt()
            } else {
                0.0
            },
            quantiles: QUANTILES.map(|share| quantile(sorted, share)),
            histogram: histogram(sorted, min, max),
        })
    }
}

/// The quantile between sorted neighbours, as numpy's default does it.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// As many bins as Sturges' rule asks for, doubled, since tables are rarely normal.
fn histogram(sorted: &[f64], min: f64, max: f64) -> Vec<Bin> {
    let bins = (2 * (sorted.len().ilog2() as usize + 1)).min(BINS_MAX);
    let width = max / bins as f64 - min / bins as f64;
    if width <= 0.0 {
        return vec![Bin {
            from: min,
            to: max,
            count: sorted.len(),
        }];
    }
    let edge = |bin: usize| {
        if bin == bins {
            max
        } else {
            min + width * bin as f64
        }
    };
    let mut start = 0;
    (0..bins)
        .map(|bin| {
            let (from, to) = (edge(bin), edge(bin + 1));
            let end = if bin + 1 == bins {
                sorted.len()
            } else {
                sorted.partition_point(|&value| value < to)
            };
            let count = end.saturating_sub(start);
            start = end.max(start);
            Bin { from, to, count }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Field;
    use proptest::prelude::*;

    fn profile_of(kind: Kind, column: Column) -> ColumnProfile {
        let frame = Frame::new(vec![(Field::new("x", kind, "test"), column)]).expect("one column");
        profile(&frame, &Workers::new(2)).remove(0)
    }

    #[test]
    fn numbers_have_the_moments_and_quantiles_that_numpy_gives() {
        // numpy 2.4.6: x = np.array([3, 1, 4, 1, 5, 9, 2, 6]); x.mean(), x.std(ddof=1), np.quantile(x, QUANTILES)
        let profile = profile_of(
            Kind::Integer,
            Column::numbers(vec![3.0, 1.0, 4.0, f64::NAN, 1.0, 5.0, 9.0, 2.0, 6.0]),
        );
        let numbers = profile.numbers.expect("values");
        assert_eq!((numbers.min, numbers.max, numbers.mean), (1.0, 9.0, 3.875));
        assert!((numbers.std - 2.748376143938713).abs() < 1e-12);
        let expected = [1.0, 1.0, 1.75, 3.5, 5.25, 7.949999999999998, 8.79];
        assert!(
            numbers
                .quantiles
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12),
            "{:?}",
            numbers.quantiles
        );
        assert_eq!((profile.missing, profile.distinct), (1, 7));
        assert_eq!(
            profile.top[0],
            TopValue {
                value: "1".to_owned(),
                count: 2
            }
        );
    }

    #[test]
    fn words_are_counted_and_moments_are_spelled() {
        let words = profile_of(Kind::Categorical, Column::categories(&["b", "a", "", "b", "c"]));
        let top: Vec<(&str, usize)> = words
            .top
            .iter()
            .map(|top| (top.value.as_str(), top.count))
            .collect();
        assert_eq!(top, [("b", 2), ("a", 1), ("c", 1)]);
        assert_eq!((words.missing, words.distinct), (1, 3));
        let texts = profile_of(Kind::Text, Column::text(&["x y", "", "x y", "z"]));
        assert_eq!((texts.missing, texts.distinct, texts.top[0].count), (1, 2, 2));
        let moments = profile_of(Kind::Datetime, Column::numbers(vec![0.0]));
        assert_eq!(moments.top[0].value, "1970-01-01");
    }

    #[test]
    fn a_column_without_values_has_no_distribution() {
        let empty = profile_of(Kind::Numeric, Column::numbers(vec![f64::NAN; 3]));
        assert_eq!((empty.missing, empty.distinct, empty.numbers), (3, 0, None));
        let constant = profile_of(Kind::Numeric, Column::numbers(vec![2.5; 3]))
            .numbers
            .expect("values");
        assert_eq!((constant.std, constant.histogram.len()), (0.0, 1));
    }

    proptest! {
        #[test]
        fn bins_hold_every_value_once(values in proptest::collection::vec(-1e300_f64..1e300, 1..300)) {
            let numbers = profile_of(Kind::Numeric, Column::numbers(values.clone())).numbers.expect("values");
            prop_assert_eq!(numbers.histogram.iter().map(|bin| bin.count).sum::<usize>(), values.len());
            prop_assert!(numbers.histogram.len() <= BINS_MAX);
            prop_assert!(numbers.quantiles.is_sorted());
            for bin in &numbers.histogram[..numbers.histogram.len() - 1] {
                prop_assert_eq!(values.iter().filter(|&&value| bin.from <= value && value < bin.to).count(), bin.count);
            }
        }
    }
}
