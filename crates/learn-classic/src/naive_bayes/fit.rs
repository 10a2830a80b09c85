//! One pass over each column, then what the columns share, then the terms.

use kolosal_frame::{Column, FrameView};
use kolosal_learner::{Checked, FitContext, FitError, ParamValue, TrainView};

use super::model::NaiveBayesModel;
use super::params::{Form, NaiveBayesParams};
use super::spread::{Moments, Negative, Shape, Spread, measure};
use super::term::{Shared, complement_share, term_of};
use super::values::ByClass;

/// Columns between two looks at the clock.
const COLUMNS: usize = 64;

/// A standard deviation whose square times the number of rows is still a number.
const DEVIATION_MAX: f64 = 1e150;

pub(super) fn fit(
    params: &Checked<NaiveBayesParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<NaiveBayesModel, FitError> {
    let view = train.features();
    let _memory = cx.reserve(bytes_needed(view, train.row_count(), cx.workers.threads()))?;
    let by_class = ByClass::of(train);
    let mut spreads = Vec::with_capacity(view.column_count());
    for start in (0..view.column_count()).step_by(COLUMNS) {
        cx.checkpoint()?;
        let count = COLUMNS.min(view.column_count() - start);
        let measured = cx
            .workers
            .map(count, |at| measure(&by_class, view, start + at, params));
        for (at, spread) in measured.into_iter().enumerate() {
            let spread = spread.map_err(|Negative(value)| negative(view, start + at, value, params.form))?;
            spreads.push(spread);
        }
    }
    cx.checkpoint()?;
    let shared = agree(&spreads, view, params, &by_class)?;
    let (terms, mut told): (Vec<_>, Vec<f64>) = spreads
        .iter()
        .map(|spread| term_of(spread, params, &shared))
        .unzip();
    let total: f64 = told.iter().sum();
    let scale = if total > 0.0 && total.is_finite() {
        1.0 / total
    } else {
        0.0
    };
    told.iter_mut().for_each(|share| *share *= scale);
    Ok(NaiveBayesModel {
        priors: priors(params, &by_class.totals),
        terms,
        importances: told,
    })
}

fn bytes_needed(view: FrameView<'_>, rows: usize, threads: usize) -> u64 {
    let stored = |at| match view.column(at) {
        Column::Sparse(sparse) => sparse.rows().len(),
        _ => 0,
    };
    let entries = (0..view.column_count()).map(stored).max().unwrap_or(0).max(rows);
    // Rows by class and their weights, and for each thread a column's values, weights and order.
    (rows * 24 + entries * 48 * threads.min(view.column_count())) as u64
}

fn negative(view: FrameView<'_>, position: usize, value: f64, form: Form) -> FitError {
    let name = &view.frame().schema().fields()[position].name;
    FitError::Unsupported {
        learner: "naive_bayes",
        what: format!(
            "count with column '{name}', which holds {value}, under form {}",
            form.to_value()
        ),
        remedy: "counts are not negative; use form mixed or gaussian for such columns",
    }
}

/// Logarithms of the classes' shares; of an absent class minus infinity.
fn priors(params: &NaiveBayesParams, totals: &[f64]) -> Vec<f64> {
    let present = totals.iter().filter(|total| **total > 0.0).count();
    let all: f64 = totals.iter().sum();
    let is_even = !params.fit_prior || (params.form == Form::Complement && present > 1);
    let prior = |total: &f64| match (*total > 0.0, is_even) {
        (false, _) => f64::NEG_INFINITY,
        (true, true) => -(present as f64).ln(),
        (true, false) => (total / all).ln(),
    };
    totals.iter().map(prior).collect()
}

/// What the terms of all columns have in common.
fn agree(
    spreads: &[Spread],
    view: FrameView<'_>,
    params: &NaiveBayesParams,
    by_class: &ByClass<'_>,
) -> Result<Shared, FitError> {
    let classes = by_class.class_count();
    let mut shared = Shared {
        variance: 0.0,
        totals: vec![0.0; classes],
        norms: vec![-1.0; classes],
        classes: by_class.totals.clone(),
    };
    for (position, spread) in spreads.iter().enumerate() {
        if let Shape::Moments(parts) = &spread.shape {
            let deviation = Moments::pooled(parts).deviation;
            if !(0.0..=DEVIATION_MAX).contains(&deviation) {
                return Err(FitError::Unsupported {
                    learner: "naive_bayes",
                    what: format!(
                        "learn from column '{}', whose standard deviation of {deviation:e} leaves the range of numbers when squared",
                        view.frame().schema().fields()[position].name
                    ),
                    remedy: "divide the column by a constant, or leave it out",
                });
            }
        }
    }
    match params.form {
        Form::Gaussian => shared.variance = params.var_smoothing * widest_variance(spreads, &shared.classes),
        Form::Multinomial => {
            shared.totals = smoothed_totals(spreads, params.alpha, classes, |_, line, class| line[class]);
        }
        Form::Complement => {
            shared.totals = smoothed_totals(spreads, params.alpha, classes, |all, line, class| {
                all - line[class]
            });
            if params.norm {
                shared.norms = norms(spreads, params, &shared);
            }
        }
        _ => {}
    }
    Ok(shared)
}

/// The largest variance of any column over all classes; of a category, of its levels as 0/1 columns.
fn widest_variance(spreads: &[Spread], totals: &[f64]) -> f64 {
    let all: f64 = totals.iter().sum();
    let of_column = |spread: &Spread| match &spread.shape {
        Shape::Moments(parts) => Moments::pooled(parts).deviation.powi(2),
        Shape::Counts { counts, .. } => counts
            .chunks_exact(totals.len())
            .map(|line| line.iter().sum::<f64>() / all)
            .map(|share| share * (1.0 - share))
            .fold(0.0, f64::max),
        Shape::Sums(_) => 0.0,
    };
    let widest = spreads.iter().map(of_column).fold(0.0, f64::max);
    // Columns that are all constant are left out of the answer, whatever is added to their variance.
    if widest > 0.0 { widest } else { 1.0 }
}

/// The counts of one thing by class, for every counted thing of every column.
fn counted(spreads: &[Spread], classes: usize) -> impl Iterator<Item = &[f64]> {
    spreads.iter().flat_map(move |spread| match &spread.shape {
        Shape::Sums(sums) => sums.chunks_exact(classes),
        Shape::Counts { counts, .. } => counts.chunks_exact(classes),
        Shape::Moments(_) => [].chunks_exact(classes),
    })
}

fn smoothed_totals(
    spreads: &[Spread],
    alpha: f64,
    classes: usize,
    of_class: impl Fn(f64, &[f64], usize) -> f64,
) -> Vec<f64> {
    let mut totals = vec![0.0; classes];
    for line in counted(spreads, classes) {
        let all = line.iter().sum::<f64>();
        for (class, total) in totals.iter_mut().enumerate() {
            *total += of_class(all, line, class).max(0.0) + alpha;
        }
    }
    totals
}

fn norms(spreads: &[Spread], params: &NaiveBayesParams, shared: &Shared) -> Vec<f64> {
    let mut norms = vec![0.0; shared.classes.len()];
    for line in counted(spreads, norms.len()) {
        let all: f64 = line.iter().sum();
        for (class, norm) in norms.iter_mut().enumerate() {
            *norm += complement_share(line[class], all, class, params, shared).ln();
        }
    }
    // A single counted thing has share one in every class and says nothing.
    norms
        .iter()
        .map(|norm| if *norm < 0.0 { *norm } else { -1.0 })
        .collect()
}
