//! The regularisation path of an elastic net, and the choice of a strength on it by cross-validation.
//!
//! Strengths run from the least that makes every coefficient zero downwards in equal factors; each fit starts from the
//! one before. Folds are by content (`folds`). Where the Gram matrix is affordable, the moments of each fold are
//! summed once and every fold's path runs on differences of moments, so the whole cross-validation costs little more
//! than one pass over the data.

use std::ops::Range;

use kolosal_learner::{FitContext, FitError};

use crate::descent::{Penalties, Stop, covariance, residual};
use crate::design::{Design, Response};
use crate::moments::{Centred, Moments};

/// A fit at one strength of the penalty.
#[derive(Debug, Clone, PartialEq)]
pub struct PathPoint {
    /// The strength.
    pub alpha: f64,
    /// One coefficient a number column, one a level, in column order.
    pub coefficients: Vec<f64>,
    /// The answer where every column is zero.
    pub intercept: f64,
    /// Mean squared error on rows that a fit did not see, where that was measured.
    pub error: Option<f64>,
}

impl PathPoint {
    /// The same fit on the columns and target as they came.
    pub(crate) fn unscaled(&self, design: &Design, response: &Response) -> Self {
        let scale = if response.scale == 0.0 {
            1.0
        } else {
            response.scale
        };
        let u: Vec<f64> = self.coefficients.iter().map(|u| u * scale).collect();
        let (coefficients, intercept) = design.unscale(&u, self.intercept * scale + response.centre);
        let error = self.error.map(|error| error * scale * scale);
        Self {
            alpha: self.alpha,
            coefficients,
            intercept,
            error,
        }
    }
}

/// What is to be fitted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NetSettings {
    /// Share of the penalty that is absolute; above zero.
    pub(crate) l1_ratio: f64,
    pub(crate) stop: Stop,
}

/// The rows of an elastic net, in the form that is cheaper to descend on.
enum Rows<'a> {
    Covariance(Box<Centred>),
    Residual(residual::Columns<'a>),
}

/// An elastic net over some rows, with its penalties for a strength of one.
struct Net<'a> {
    rows: Rows<'a>,
    unit: Penalties,
    settings: NetSettings,
}

/// Where a descent stands, to start the next from.
enum Position {
    Covariance(covariance::State),
    Residual(residual::State),
}

/// A Gram matrix this wide is cheap whatever the number of rows.
const GRAM_WIDTH_ALWAYS: usize = 1000;
/// Beyond this, a Gram matrix is not affordable.
const GRAM_WIDTH_MAX: usize = 4000;

/// Whether sums of products should stand in for the rows.
pub(crate) fn prefers_gram(design: &Design) -> bool {
    let width = design.width();
    width <= GRAM_WIDTH_ALWAYS || (width <= GRAM_WIDTH_MAX && width <= design.row_count())
}

/// The fit at one strength.
///
/// # Errors
/// If the fit is stopped or short of memory.
pub(crate) fn fit_at(
    design: &Design,
    response: &Response,
    settings: NetSettings,
    alpha: f64,
    cx: &FitContext<'_>,
) -> Result<PathPoint, FitError> {
    let _memory = reserve(design, 2, cx)?;
    let net = Net::of_all(design, response, settings, cx);
    let mut fits = net.path(&[alpha], cx)?;
    Ok(fits.pop().expect("one strength gives one fit"))
}

/// The path down to the strength with the least error over the folds; the last point is the one chosen.
///
/// # Errors
/// If the fit is stopped or short of memory.
pub(crate) fn fit_chosen(
    design: &Design,
    response: &Response,
    settings: NetSettings,
    grid: Grid<'_>,
    cx: &FitContext<'_>,
) -> Result<Vec<PathPoint>, FitError> {
    let folds = grid.folds;
    let _memory = reserve(
        design,
        folds.len() + 2 + cx.workers.threads().min(folds.len()),
        cx,
    )?;
    let (net, errors, alphas);
    if prefers_gram(design) {
        let parts: Vec<Moments> = folds
            .iter()
            .map(|fold| Moments::of(design, &response.values, fold.clone(), cx.workers))
            .collect();
        let all = Moments::sum(&parts);
        net = Net::new(
            Rows::Covariance(Box::new(all.centred())),
            design,
            response,
            settings,
        );
        alphas = grid.alphas(net.alpha_max());
        errors = mean_errors(folds.len(), all.weight(), cx, |at| {
            let rows = Rows::Covariance(Box::new(all.without(&parts[at]).centred()));
            let fits = Net::new(rows, design, response, settings).path(&alphas, cx)?;
            Ok(fits
                .iter()
                .map(|fit| parts[at].squared_error(&fit.coefficients, fit.intercept))
                .collect())
        })?;
    } else {
        net = Net::of_all(design, response, settings, cx);
        alphas = grid.alphas(net.alpha_max());
        errors = mean_errors(folds.len(), design.weight_total, cx, |at| {
            let seen = |(row, weight): (usize, &f64)| if folds[at].contains(&row) { 0.0 } else { *weight };
            let weights = design.weights.iter().enumerate().map(seen).collect();
            let rows = Rows::Residual(residual::Columns::new(design, &response.values, weights));
            let fits = Net::new(rows, design, response, settings).path(&alphas, cx)?;
            Ok(fits
                .iter()
                .map(|fit| unseen_error(design, response, folds[at].clone(), fit))
                .collect())
        })?;
    }
    let best = least(&errors);
    let mut fits = net.path(&alphas[..=best], cx)?;
    fits.iter_mut()
        .zip(errors)
        .for_each(|(fit, error)| fit.error = Some(error));
    Ok(fits)
}

/// Strengths to try, and rows to judge them by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid<'a> {
    /// How many strengths.
    pub(crate) count: usize,
    /// The last strength as a share of the first.
    pub(crate) ratio: f64,
    /// The largest that the last strength may be.
    pub(crate) last_max: f64,
    /// Rows of each fold.
    pub(crate) folds: &'a [Range<usize>],
}

impl Grid<'_> {
    fn alphas(&self, largest: f64) -> Vec<f64> {
        let steps = (self.count - 1).max(1) as f64;
        let last = (largest * self.ratio)
            .min(self.last_max)
            .max(largest * f64::EPSILON);
        (0..self.count)
            .map(|at| largest * (last / largest).powf(at as f64 / steps))
            .collect()
    }
}

/// The position of the least value; the first of equal ones.
pub(crate) fn least(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, at| if values[at] < values[best] { at } else { best })
}

fn reserve(
    design: &Design,
    matrices: usize,
    cx: &FitContext<'_>,
) -> Result<kolosal_compute::Reservation, FitError> {
    let each = if prefers_gram(design) {
        design.width() * design.width()
    } else {
        design.row_count() * 4
    };
    cx.reserve((matrices * each * 8) as u64)
}

/// The mean squared error at each strength, over the rows of all folds.
fn mean_errors(
    folds: usize,
    weight: f64,
    cx: &FitContext<'_>,
    errors_of: impl Fn(usize) -> Result<Vec<f64>, FitError> + Send + Sync,
) -> Result<Vec<f64>, FitError> {
    let mut sums: Vec<f64> = Vec::new();
    for errors in cx.workers.map(folds, errors_of) {
        let errors = errors?;
        sums.resize(errors.len(), 0.0);
        sums.iter_mut()
            .zip(errors)
            .for_each(|(sum, error)| *sum += error / weight);
    }
    Ok(sums)
}

fn unseen_error(design: &Design, response: &Response, rows: Range<usize>, fit: &PathPoint) -> f64 {
    let mut scores = vec![0.0; rows.len()];
    crate::design::linear_scores(
        design,
        rows.clone(),
        &fit.coefficients,
        fit.intercept,
        &mut scores,
    );
    let truth = response.values[rows.clone()].iter().zip(&design.weights[rows]);
    scores
        .iter()
        .zip(truth)
        .map(|(score, (y, weight))| weight * (y - score).powi(2))
        .sum()
}

impl<'a> Net<'a> {
    fn of_all(design: &'a Design, response: &Response, settings: NetSettings, cx: &FitContext<'_>) -> Self {
        let rows = if prefers_gram(design) {
            let all = Moments::of(design, &response.values, 0..design.row_count(), cx.workers);
            Rows::Covariance(Box::new(all.centred()))
        } else {
            Rows::Residual(residual::Columns::new(
                design,
                &response.values,
                design.weights.clone(),
            ))
        };
        Self::new(rows, design, response, settings)
    }

    fn new(rows: Rows<'a>, design: &Design, response: &Response, settings: NetSettings) -> Self {
        let ratio = settings.l1_ratio;
        let unit = Penalties {
            l1: design.penalty(ratio / response.scale, 1),
            l2: design.penalty(1.0 - ratio, 2),
        };
        Self { rows, unit, settings }
    }

    /// The least strength at which every coefficient is zero.
    fn alpha_max(&self) -> f64 {
        let pulls: Vec<f64> = match &self.rows {
            Rows::Covariance(centred) => centred.linear.clone(),
            Rows::Residual(columns) => {
                let origin = columns.origin();
                (0..origin.u.len())
                    .map(|j| columns.correlation(&origin, j))
                    .collect()
            }
        };
        let needed = |(pull, unit): (&f64, &f64)| if *unit > 0.0 { pull.abs() / unit } else { 0.0 };
        let largest = pulls.iter().zip(&self.unit.l1).map(needed).fold(0.0, f64::max);
        // No column tells anything of the target: any strength will do.
        if largest > 0.0 { largest } else { 1.0 }
    }

    fn path(&self, alphas: &[f64], cx: &FitContext<'_>) -> Result<Vec<PathPoint>, FitError> {
        let mut position = match &self.rows {
            Rows::Covariance(centred) => Position::Covariance(covariance::State::zero(centred.linear.len())),
            Rows::Residual(columns) => Position::Residual(columns.origin()),
        };
        let mut reached = true;
        let mut fits = Vec::with_capacity(alphas.len());
        for &alpha in alphas {
            let scaled = |unit: &[f64]| unit.iter().map(|v| (v * alpha).min(1e300)).collect();
            let penalties = Penalties {
                l1: scaled(&self.unit.l1),
                l2: scaled(&self.unit.l2),
            };
            let (done, coefficients, intercept) = self.descend(&mut position, &penalties, cx)?;
            reached &= done;
            fits.push(PathPoint {
                alpha,
                coefficients,
                intercept,
                error: None,
            });
        }
        if !reached {
            cx.progress.warn(
                "coordinate descent stopped before its tolerance was reached: raise max_iter or tol, or scale the columns",
            );
        }
        Ok(fits)
    }

    fn descend(
        &self,
        position: &mut Position,
        penalties: &Penalties,
        cx: &FitContext<'_>,
    ) -> Result<(bool, Vec<f64>, f64), FitError> {
        match (&self.rows, position) {
            (Rows::Covariance(centred), Position::Covariance(state)) => {
                let quadratic = covariance::Quadratic {
                    matrix: &centred.matrix,
                    linear: &centred.linear,
                    penalties,
                };
                let done = quadratic.minimise(state, centred.variance, self.settings.stop, cx)?;
                Ok((done, state.u.clone(), centred.intercept(&state.u)))
            }
            (Rows::Residual(columns), Position::Residual(state)) => {
                let done = columns.minimise(state, penalties, self.settings.stop, cx)?;
                Ok((done, state.u.clone(), columns.intercept(state)))
            }
            _ => unreachable!("a position belongs to the rows it was made for"),
        }
    }
}
