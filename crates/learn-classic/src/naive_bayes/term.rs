//! What a column adds to the logarithm of each class's score.

use kolosal_learner::{ArtifactError, Decoder, Encoder};

use super::params::{Form, Missing, NaiveBayesParams};
use super::spread::{Moments, Shape, Spread};

/// Half of ln(2 pi).
const HALF_LN_2PI: f64 = 0.918_938_533_204_672_7;
/// Least share of a column's variance that a class is taken to have.
const VARIANCE_SHARE_MIN: f64 = 1e-9;
/// No logarithm of a probability or density of numbers is larger.
const TERM_MAX: f64 = 1e12;

/// What a column adds, one number a class.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    /// Nothing: the column is the same in all rows.
    Nothing,
    /// The logarithm of a normal density.
    Normal {
        mean: Vec<f64>,
        /// One over the standard deviation.
        inverse: Vec<f64>,
        /// What is added whatever the value.
        offset: Vec<f64>,
        /// What is added if there is no value.
        missing: Vec<f64>,
    },
    /// A number a level, `[level * classes + class]`, the last level being a missing value; numbers are put to levels by
    /// cuts.
    Levels { cuts: Option<Vec<f64>>, terms: Vec<f64> },
    /// The value times these.
    Factor(Vec<f64>),
}

/// What the columns have to agree on before their terms can be made.
pub(super) struct Shared {
    /// Variance that is added to each; form gaussian.
    pub(super) variance: f64,
    /// Sum of all counts and smoothing of each class; forms multinomial and complement.
    pub(super) totals: Vec<f64>,
    /// What the weights of each class are divided by; form complement.
    pub(super) norms: Vec<f64>,
    /// Weight of the rows of each class.
    pub(super) classes: Vec<f64>,
}

/// The term of a column, and how much it tells of the class.
pub(super) fn term_of(spread: &Spread, params: &NaiveBayesParams, shared: &Shared) -> (Term, f64) {
    let classes = shared.classes.len();
    match (&spread.shape, params.form) {
        (Shape::Moments(parts), form) => normal(parts, &seen(spread, params, shared), form, params, shared),
        (Shape::Sums(sums), _) => {
            let weights = count_weights(sums, params, shared);
            let mean = sums.iter().sum::<f64>() / shared.classes.iter().sum::<f64>();
            let told = mean * distance(&weights, &shared.classes);
            (Term::Factor(weights), told)
        }
        (Shape::Counts { counts, .. }, Form::Multinomial | Form::Complement) => {
            let mut terms: Vec<f64> = counts
                .chunks_exact(classes)
                .flat_map(|line| count_weights(line, params, shared))
                .collect();
            terms.extend(vec![0.0; classes]);
            (
                Term::Levels { cuts: None, terms },
                information(counts, classes, params.alpha),
            )
        }
        (Shape::Counts { cuts: None, counts }, Form::Gaussian | Form::Bernoulli) => {
            let terms = indicators(counts, params, shared);
            (
                Term::Levels { cuts: None, terms },
                information(counts, classes, params.alpha),
            )
        }
        (Shape::Counts { cuts, counts }, _) => {
            let cuts = cuts.clone();
            let terms = shares(counts, &seen(spread, params, shared), params.alpha);
            (
                Term::Levels { cuts, terms },
                information(counts, classes, params.alpha),
            )
        }
    }
}

/// Logarithms of the probability, by class, that a value is there and that it is not.
struct Seen {
    present: Vec<f64>,
    missing: Vec<f64>,
}

fn seen(spread: &Spread, params: &NaiveBayesParams, shared: &Shared) -> Seen {
    let classes = shared.classes.len();
    if params.missing == Missing::Skip || spread.missing.iter().all(|weight| *weight == 0.0) {
        return Seen {
            present: vec![0.0; classes],
            missing: vec![0.0; classes],
        };
    }
    let logarithm = |(part, whole): (f64, &f64)| ((part + params.alpha) / (whole + 2.0 * params.alpha)).ln();
    let there = shared
        .classes
        .iter()
        .zip(&spread.missing)
        .map(|(all, gone)| (all - gone).max(0.0));
    Seen {
        present: there.zip(&shared.classes).map(logarithm).collect(),
        missing: spread
            .missing
            .iter()
            .copied()
            .zip(&shared.classes)
            .map(logarithm)
            .collect(),
    }
}

fn normal(
    parts: &[Moments],
    seen: &Seen,
    form: Form,
    params: &NaiveBayesParams,
    shared: &Shared,
) -> (Term, f64) {
    let pooled = Moments::pooled(parts);
    if pooled.deviation == 0.0 {
        let zeros = vec![0.0; parts.len()];
        let is_told = seen.present.iter().any(|term| *term != 0.0);
        // All values are the same, so only whether there is one can tell.
        let term = Term::Normal {
            mean: zeros.clone(),
            inverse: zeros,
            offset: seen.present.clone(),
            missing: seen.missing.clone(),
        };
        return (if is_told { term } else { Term::Nothing }, 0.0);
    }
    let deviation = |part: &Moments| {
        if part.weight == 0.0 {
            return pooled.deviation;
        }
        if form == Form::Gaussian {
            return (part.deviation * part.deviation + shared.variance).sqrt();
        }
        let ratio = part.deviation / pooled.deviation;
        let share = (part.weight * ratio * ratio + params.prior_rows) / (part.weight + params.prior_rows);
        pooled.deviation * share.max(VARIANCE_SHARE_MIN).sqrt()
    };
    let deviations: Vec<f64> = parts.iter().map(deviation).collect();
    let told: f64 = parts
        .iter()
        .zip(&deviations)
        .map(|(part, deviation)| part.weight / pooled.weight * (pooled.deviation / deviation).ln())
        .sum();
    let term = Term::Normal {
        mean: parts
            .iter()
            .map(|part| {
                if part.weight == 0.0 {
                    pooled.mean
                } else {
                    part.mean
                }
            })
            .collect(),
        inverse: deviations.iter().map(|deviation| 1.0 / deviation).collect(),
        offset: deviations
            .iter()
            .zip(&seen.present)
            .map(|(deviation, present)| present - deviation.ln() - HALF_LN_2PI)
            .collect(),
        missing: seen.missing.clone(),
    };
    (term, told.max(0.0))
}

/// Weights of one counted thing, by class.
fn count_weights(sums: &[f64], params: &NaiveBayesParams, shared: &Shared) -> Vec<f64> {
    let all: f64 = sums.iter().sum();
    let weight = |class: usize| {
        if params.form == Form::Multinomial {
            return ((sums[class] + params.alpha) / shared.totals[class]).ln();
        }
        let of_others = complement_share(sums[class], all, class, params, shared);
        of_others.ln() / shared.norms[class]
    };
    (0..sums.len()).map(weight).collect()
}

/// The share that one counted thing has in the rows of all other classes.
pub(super) fn complement_share(
    sum: f64,
    all: f64,
    class: usize,
    params: &NaiveBayesParams,
    shared: &Shared,
) -> f64 {
    ((all - sum).max(0.0) + params.alpha) / shared.totals[class]
}

/// Terms of a category whose levels are 0/1 columns, each normal or yes-or-no.
fn indicators(counts: &[f64], params: &NaiveBayesParams, shared: &Shared) -> Vec<f64> {
    let classes = shared.classes.len();
    let pair = |(class, count): (usize, &f64)| -> (f64, f64) {
        let whole = shared.classes[class];
        if params.form == Form::Bernoulli {
            let all = whole + 2.0 * params.alpha;
            let no = (whole - count).max(0.0) + params.alpha;
            return (((count + params.alpha) / all).ln(), (no / all).ln());
        }
        let share = if whole > 0.0 {
            (count / whole).min(1.0)
        } else {
            0.5
        };
        let variance = share * (1.0 - share) + shared.variance;
        let density = |x: f64| -0.5 * ((x - share) * (x - share) / variance + variance.ln()) - HALF_LN_2PI;
        (density(1.0), density(0.0))
    };
    let of_levels: Vec<Vec<(f64, f64)>> = counts
        .chunks_exact(classes)
        .map(|line| line.iter().enumerate().map(pair).collect())
        .collect();
    let mut none = vec![0.0; classes];
    for line in &of_levels {
        none.iter_mut().zip(line).for_each(|(sum, (_, no))| *sum += no);
    }
    let mut terms: Vec<f64> = of_levels
        .iter()
        .flat_map(|line| line.iter().zip(&none).map(|((yes, no), none)| none + (yes - no)))
        .collect();
    terms.extend(none);
    terms
}

/// Logarithms of the share of each level in a class.
fn shares(counts: &[f64], seen: &Seen, alpha: f64) -> Vec<f64> {
    let classes = seen.present.len();
    let levels = counts.len() / classes;
    let totals = column_totals(counts, classes);
    let mut terms: Vec<f64> = counts
        .iter()
        .enumerate()
        .map(|(at, count)| {
            let class = at % classes;
            ((count + alpha) / (totals[class] + alpha * levels as f64)).ln() + seen.present[class]
        })
        .collect();
    terms.extend(&seen.missing);
    terms
}

fn column_totals(counts: &[f64], classes: usize) -> Vec<f64> {
    let mut totals = vec![0.0; classes];
    for line in counts.chunks_exact(classes) {
        totals
            .iter_mut()
            .zip(line)
            .for_each(|(total, count)| *total += count);
    }
    totals
}

/// Mutual information of level and class, from smoothed counts.
fn information(counts: &[f64], classes: usize, alpha: f64) -> f64 {
    let smoothed: Vec<f64> = counts
        .iter()
        .map(|count| count + alpha / classes as f64)
        .collect();
    let of_class = column_totals(&smoothed, classes);
    let total: f64 = of_class.iter().sum();
    let mut told = 0.0;
    for line in smoothed.chunks_exact(classes) {
        let of_level: f64 = line.iter().sum();
        for (count, class) in line.iter().zip(&of_class) {
            told += count / total * (count / of_level * (total / class)).ln();
        }
    }
    if told.is_finite() { told.max(0.0) } else { 0.0 }
}

/// Mean distance of the classes' weights from their mean.
fn distance(weights: &[f64], classes: &[f64]) -> f64 {
    let total: f64 = classes.iter().sum();
    let mean: f64 = weights
        .iter()
        .zip(classes)
        .map(|(w, class)| w * class / total)
        .sum();
    let off = weights
        .iter()
        .zip(classes)
        .map(|(w, class)| (w - mean).abs() * class / total);
    let off: f64 = off.sum();
    if off.is_finite() { off } else { 0.0 }
}

impl Term {
    pub(super) fn save(&self, to: &mut Encoder) {
        match self {
            Self::Nothing => to.u8(0),
            Self::Normal {
                mean,
                inverse,
                offset,
                missing,
            } => {
                to.u8(1);
                [mean, inverse, offset, missing]
                    .into_iter()
                    .for_each(|list| to.f64s(list));
            }
            Self::Levels { cuts: None, terms } => {
                to.u8(2);
                to.f64s(terms);
            }
            Self::Levels {
                cuts: Some(cuts),
                terms,
            } => {
                to.u8(3);
                to.f64s(cuts);
                to.f64s(terms);
            }
            Self::Factor(weights) => {
                to.u8(4);
                to.f64s(weights);
            }
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>, classes: usize) -> Result<Self, ArtifactError> {
        let term = match from.u8()? {
            0 => Self::Nothing,
            1 => Self::Normal {
                mean: list(from, classes, f64::MAX)?,
                inverse: list(from, classes, f64::MAX)?,
                offset: list(from, classes, TERM_MAX)?,
                missing: list(from, classes, TERM_MAX)?,
            },
            2 => Self::Levels {
                cuts: None,
                terms: levels(from, classes)?,
            },
            3 => {
                let cuts = from.f64s()?;
                let ascends = cuts.windows(2).all(|pair| pair[0] < pair[1]);
                if !ascends || cuts.iter().any(|cut| !cut.is_finite()) {
                    return Err(ArtifactError::damaged("cuts do not ascend"));
                }
                let terms = levels(from, classes)?;
                if terms.len() != (cuts.len() + 2) * classes {
                    return Err(ArtifactError::damaged("levels and cuts do not belong together"));
                }
                Self::Levels {
                    cuts: Some(cuts),
                    terms,
                }
            }
            4 => Self::Factor(list(from, classes, TERM_MAX)?),
            other => return Err(ArtifactError::damaged(format!("{other} is no kind of term"))),
        };
        Ok(term)
    }
}

/// A list with one number of limited size a class.
fn list(from: &mut Decoder<'_>, classes: usize, largest: f64) -> Result<Vec<f64>, ArtifactError> {
    let values = from.f64s()?;
    sound(&values, largest)?;
    if values.len() != classes {
        return Err(ArtifactError::damaged(format!(
            "{} numbers stand where {classes} classes are",
            values.len()
        )));
    }
    Ok(values)
}

/// Whole levels, the missing one at least.
fn levels(from: &mut Decoder<'_>, classes: usize) -> Result<Vec<f64>, ArtifactError> {
    let values = from.f64s()?;
    sound(&values, TERM_MAX)?;
    if values.is_empty() || !values.len().is_multiple_of(classes) {
        return Err(ArtifactError::damaged(format!(
            "{} numbers are no levels of {classes} classes",
            values.len()
        )));
    }
    Ok(values)
}

fn sound(values: &[f64], largest: f64) -> Result<(), ArtifactError> {
    match values
        .iter()
        .find(|value| value.is_nan() || value.abs() > largest)
    {
        None => Ok(()),
        Some(odd) => Err(ArtifactError::damaged(format!("a term is {odd}"))),
    }
}
