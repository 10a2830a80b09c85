//! How a column is spread in each class: moments, levels or sums.

use kolosal_compute::kernels::{centred_squares, dot};
use kolosal_frame::{Column, FrameView};

use super::params::{Form, NaiveBayesParams};
use super::values::{ByClass, Values};

/// A standard deviation this small beside the mean is the rounding error of a constant.
const CONSTANT: f64 = 1e-13;

/// Variances whose sums neither overflow nor lose digits.
const VARIANCE_SAFE: std::ops::Range<f64> = 1e-200..1e280;

/// What one column shows of the classes.
pub(super) struct Spread {
    pub(super) shape: Shape,
    /// Weight of the missing values of each class.
    pub(super) missing: Vec<f64>,
}

pub(super) enum Shape {
    /// Moments of a number.
    Moments(Vec<Moments>),
    /// Weight of each level and class, `[level * classes + class]`; numbers have cuts between their levels.
    Counts {
        cuts: Option<Vec<f64>>,
        counts: Vec<f64>,
    },
    /// Sums of a number that counts something, one a class.
    Sums(Vec<f64>),
}

/// Weight, mean and standard deviation of some rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moments {
    pub(super) weight: f64,
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

/// A count below zero; where it was found is for the caller to say.
pub(super) struct Negative(pub(super) f64);

/// Measures a column in the way that the form asks for.
pub(super) fn measure(
    by_class: &ByClass<'_>,
    view: FrameView<'_>,
    position: usize,
    params: &NaiveBayesParams,
) -> Result<Spread, Negative> {
    if let Column::Categories(categories) = view.column(position) {
        let (counts, missing) = by_class.count_levels(categories.codes(), categories.levels().len());
        let shape = Shape::Counts { cuts: None, counts };
        return Ok(Spread { shape, missing });
    }
    let values = by_class.numbers(position);
    let shape = match params.form {
        Form::Mixed | Form::Gaussian => Shape::Moments(
            (0..values.class_count())
                .map(|class| moments_of(&values, class))
                .collect(),
        ),
        Form::Bernoulli => counts_between(&values, vec![params.binarize]),
        Form::Categorical => {
            let cuts = cuts_of(&values, params.bins as usize);
            counts_between(&values, cuts)
        }
        Form::Multinomial | Form::Complement => {
            if let Some(negative) = values.listed().iter().find(|value| **value < 0.0) {
                return Err(Negative(*negative));
            }
            let sum = |class| {
                let (values, weights) = values.of(class);
                dot(values, weights)
            };
            Shape::Sums((0..values.class_count()).map(sum).collect())
        }
    };
    Ok(Spread {
        shape,
        missing: values.missing,
    })
}

fn moments_of(values: &Values<'_>, class: usize) -> Moments {
    let (listed, weights) = values.of(class);
    Moments::of(listed, weights, values.zeros[class])
}

impl Moments {
    /// The moments of listed values and of some weight of zeros.
    pub(super) fn of(listed: &[f64], weights: &[f64], zeros: f64) -> Self {
        let weight = weights.iter().sum::<f64>() + zeros;
        if weight <= 0.0 {
            return Self {
                weight: 0.0,
                mean: 0.0,
                deviation: 0.0,
            };
        }
        let mean = dot(listed, weights) / weight;
        let variance = (centred_squares(listed, weights, mean) + zeros * mean * mean) / weight;
        if mean.is_finite() && VARIANCE_SAFE.contains(&variance) {
            return Self::sound(weight, mean, variance.sqrt());
        }
        let widest = listed
            .iter()
            .fold(0.0_f64, |widest, value| widest.max(value.abs()));
        if widest == 0.0 {
            return Self::sound(weight, 0.0, 0.0);
        }
        // Shares of the largest neither overflow nor vanish together.
        let shares: Vec<f64> = listed.iter().map(|value| value / widest).collect();
        let mean = dot(&shares, weights) / weight;
        let variance = (centred_squares(&shares, weights, mean) + zeros * mean * mean) / weight;
        Self::sound(weight, mean * widest, variance.sqrt() * widest)
    }

    fn sound(weight: f64, mean: f64, deviation: f64) -> Self {
        let deviation = if deviation <= CONSTANT * mean.abs() {
            0.0
        } else {
            deviation
        };
        Self {
            weight,
            mean,
            deviation,
        }
    }

    /// The moments of all parts together.
    pub(super) fn pooled(parts: &[Self]) -> Self {
        let weight: f64 = parts.iter().map(|part| part.weight).sum();
        if weight <= 0.0 {
            return Self::of(&[], &[], 0.0);
        }
        let mean: f64 = parts.iter().map(|part| part.weight / weight * part.mean).sum();
        let counted = || parts.iter().filter(|part| part.weight > 0.0);
        let widest = counted().fold(0.0_f64, |widest, part| {
            widest.max(part.deviation).max((part.mean - mean).abs())
        });
        if widest == 0.0 || !widest.is_finite() {
            return Self::sound(weight, mean, widest);
        }
        let squares: f64 = counted()
            .map(|part| {
                let (within, between) = (part.deviation / widest, (part.mean - mean) / widest);
                part.weight / weight * (within * within + between * between)
            })
            .sum();
        Self::sound(weight, mean, widest * squares.sqrt())
    }
}

/// Weight of each class in each interval between the cuts.
fn counts_between(values: &Values<'_>, cuts: Vec<f64>) -> Shape {
    let classes = values.class_count();
    let mut counts = vec![0.0; (cuts.len() + 1) * classes];
    for class in 0..classes {
        let (listed, weights) = values.of(class);
        for (value, weight) in listed.iter().zip(weights) {
            counts[level_of(&cuts, *value) * classes + class] += weight;
        }
        counts[level_of(&cuts, 0.0) * classes + class] += values.zeros[class];
    }
    Shape::Counts {
        cuts: Some(cuts),
        counts,
    }
}

/// How many cuts a value lies above.
pub(super) fn level_of(cuts: &[f64], value: f64) -> usize {
    cuts.partition_point(|cut| value > *cut)
}

/// Cuts that leave at most `bins` levels: between all distinct values if they are so few, else at quantiles.
fn cuts_of(values: &Values<'_>, bins: usize) -> Vec<f64> {
    let mut order: Vec<(f64, f64)> = values
        .listed()
        .iter()
        .copied()
        .zip(values.listed_weights().iter().copied())
        .collect();
    let zeros: f64 = values.zeros.iter().sum();
    if zeros > 0.0 {
        order.push((0.0, zeros));
    }
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut distinct: Vec<(f64, f64)> = Vec::new();
    for (value, weight) in order {
        match distinct.last_mut() {
            Some(last) if last.0 == value => last.1 += weight,
            _ => distinct.push((value, weight)),
        }
    }
    let between = |pair: &[(f64, f64)]| pair[0].0 + (pair[1].0 / 2.0 - pair[0].0 / 2.0);
    if distinct.len() <= bins {
        return distinct.windows(2).map(between).collect();
    }
    let total: f64 = distinct.iter().map(|(_, weight)| weight).sum();
    let (mut cuts, mut below) = (Vec::new(), 0.0);
    for pair in distinct.windows(2) {
        below += pair[0].1;
        if below * bins as f64 >= total * (cuts.len() + 1) as f64 && cuts.len() + 1 < bins {
            cuts.push(between(pair));
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_hold_at_the_limits_of_numbers() {
        let ones = [1.0; 2];
        let huge = Moments::of(&[1e300, 3e300], &ones, 0.0);
        assert!((huge.mean / 2e300 - 1.0).abs() < 1e-15 && (huge.deviation / 1e300 - 1.0).abs() < 1e-15);
        let tiny = Moments::of(&[1e-300, 3e-300], &ones, 0.0);
        assert!((tiny.deviation / 1e-300 - 1.0).abs() < 1e-15);
        assert_eq!(Moments::of(&[7.1; 3], &[1.0; 3], 0.0).deviation, 0.0);
        let with_zeros = Moments::of(&[4.0], &[1.0], 3.0);
        assert_eq!(
            (with_zeros.weight, with_zeros.mean, with_zeros.deviation),
            (4.0, 1.0, 3.0_f64.sqrt())
        );
    }

    #[test]
    fn pooled_moments_are_those_of_all_rows() {
        let (a, b) = ([1.0, 2.0, 4.0], [-3.0, 8.0]);
        let parts = [Moments::of(&a, &[1.0; 3], 0.0), Moments::of(&b, &[1.0; 2], 0.0)];
        let whole = Moments::of(&[1.0, 2.0, 4.0, -3.0, 8.0], &[1.0; 5], 0.0);
        let pooled = Moments::pooled(&parts);
        assert!(
            (pooled.mean - whole.mean).abs() < 1e-14 && (pooled.deviation - whole.deviation).abs() < 1e-14
        );
    }
}
