//! Coordinate descent on the columns themselves.
//!
//! The state is the weighted residual; columns are centred in the sums and never in memory. Columns whose coefficient
//! is provably zero at the minimum are dropped at each look at the duality gap.

use kolosal_compute::kernels::{add_scaled, dot};
use kolosal_learner::{FitContext, FitError};

use super::{GapTerms, Penalties, Stop, shrink};
use crate::design::Design;

/// One column of the design.
enum Values<'a> {
    Dense(&'a [f64]),
    /// Rows that are not zero, and what stands there; ones if there are no values.
    Entries {
        rows: Vec<u32>,
        values: Option<Vec<f64>>,
    },
}

/// The columns of a design under weights of its rows, some of which may be zero.
pub(crate) struct Columns<'a> {
    values: Vec<Values<'a>>,
    weights: Vec<f64>,
    weight_total: f64,
    means: Vec<f64>,
    /// Variance of each column.
    curvature: Vec<f64>,
    /// The target about its mean.
    target: Vec<f64>,
    target_mean: f64,
    /// The variance of the target.
    pub(crate) variance: f64,
}

/// Coefficients, `w (y - X u)` without centring, and the centring `sum mean u` that is missing from it.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) u: Vec<f64>,
    residual: Vec<f64>,
    offset: f64,
}

impl<'a> Columns<'a> {
    /// Prepares the columns; `weights` holds one weight a row of the design.
    pub(crate) fn new(design: &'a Design, target: &[f64], weights: Vec<f64>) -> Self {
        let weight_total: f64 = weights.iter().sum();
        let target_mean = dot(target, &weights) / weight_total;
        let target: Vec<f64> = target.iter().map(|y| y - target_mean).collect();
        let variance = target.iter().zip(&weights).map(|(y, w)| w * y * y).sum::<f64>() / weight_total;
        let mut columns = Self {
            values: values_of(design),
            means: Vec::new(),
            curvature: Vec::new(),
            weights,
            weight_total,
            target,
            target_mean,
            variance,
        };
        for j in 0..columns.values.len() {
            let (mut sum, mut squares) = (0.0, 0.0);
            columns.for_entries(j, |row, x| {
                sum += columns.weights[row] * x;
                squares += columns.weights[row] * x * x;
            });
            let mean = sum / weight_total;
            let variance = squares / weight_total - mean * mean;
            columns.means.push(mean);
            columns.curvature.push(if variance > 1e-14 * mean * mean {
                variance
            } else {
                0.0
            });
        }
        columns
    }

    fn for_entries(&self, j: usize, mut visit: impl FnMut(usize, f64)) {
        match &self.values[j] {
            Values::Dense(values) => values.iter().enumerate().for_each(|(row, x)| visit(row, *x)),
            Values::Entries { rows, values: None } => rows.iter().for_each(|row| visit(*row as usize, 1.0)),
            Values::Entries {
                rows,
                values: Some(values),
            } => {
                rows.iter()
                    .zip(values)
                    .for_each(|(row, x)| visit(*row as usize, *x));
            }
        }
    }

    /// The state of no coefficients.
    pub(crate) fn origin(&self) -> State {
        State {
            u: vec![0.0; self.values.len()],
            residual: self
                .target
                .iter()
                .zip(&self.weights)
                .map(|(y, w)| y * w)
                .collect(),
            offset: 0.0,
        }
    }

    /// The best intercept beside the state's coefficients.
    pub(crate) fn intercept(&self, state: &State) -> f64 {
        self.target_mean
            - self
                .means
                .iter()
                .zip(&state.u)
                .map(|(mean, u)| mean * u)
                .sum::<f64>()
    }

    /// `x' w r / W` of a centred column with the centred residual.
    pub(crate) fn correlation(&self, state: &State, j: usize) -> f64 {
        let product = match &self.values[j] {
            Values::Dense(values) => dot(values, &state.residual),
            Values::Entries { rows, values: None } => {
                rows.iter().map(|row| state.residual[*row as usize]).sum()
            }
            Values::Entries {
                rows,
                values: Some(values),
            } => rows
                .iter()
                .zip(values)
                .map(|(row, x)| x * state.residual[*row as usize])
                .sum(),
        };
        product / self.weight_total + state.offset * self.means[j]
    }

    fn move_to(&self, state: &mut State, j: usize, new: f64) {
        let step = new - state.u[j];
        state.u[j] = new;
        state.offset += step * self.means[j];
        match &self.values[j] {
            Values::Dense(values) if self.weights.iter().all(|w| *w == self.weights[0]) => {
                add_scaled(&mut state.residual, -step * self.weights[0], values);
            }
            _ => {
                let residual = &mut state.residual;
                self.for_entries(j, |row, x| residual[row] -= step * self.weights[row] * x);
            }
        }
    }

    fn step(&self, state: &mut State, j: usize, penalties: &Penalties) -> f64 {
        let curvature = self.curvature[j];
        if curvature == 0.0 {
            return 0.0;
        }
        let old = state.u[j];
        let divisor = curvature + penalties.l2[j];
        let new = shrink(self.correlation(state, j) + curvature * old, penalties.l1[j]) / divisor;
        if new == old {
            return 0.0;
        }
        self.move_to(state, j, new);
        (new - old).abs() * divisor.sqrt()
    }

    /// Sweeps until the duality gap is small; tells whether that was reached.
    ///
    /// # Errors
    /// If the fit is stopped.
    pub(crate) fn minimise(
        &self,
        state: &mut State,
        penalties: &Penalties,
        stop: Stop,
        cx: &FitContext<'_>,
    ) -> Result<bool, FitError> {
        let target = stop.gap * self.variance;
        let mut step_max = (target.sqrt() * 0.1).max(1e-300);
        let mut kept: Vec<usize> = (0..self.values.len())
            .filter(|&j| self.curvature[j] > 0.0)
            .collect();
        for _ in 0..stop.sweeps_max {
            cx.checkpoint()?;
            let correlations = cx.workers.map(kept.len(), |at| self.correlation(state, kept[at]));
            let terms = self.gap_terms(state, penalties, &kept, &correlations);
            let (gap, factor) = terms.gap();
            if gap <= target {
                return Ok(true);
            }
            let radius = (2.0 * gap).sqrt();
            let mut at = 0;
            kept.retain(|&j| {
                let pull = (correlations[at] - penalties.l2[j] * state.u[j]).abs() * factor;
                at += 1;
                let reach = radius * (self.curvature[j] + penalties.l2[j]).sqrt();
                let keep = pull + reach >= penalties.l1[j];
                if !keep && state.u[j] != 0.0 {
                    self.move_to(state, j, 0.0);
                }
                keep
            });
            let moved = self.sweep(state, &kept, penalties, (step_max, stop.sweeps_max));
            if moved <= step_max {
                step_max *= 0.1;
            }
            if moved == 0.0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One sweep over the columns kept, then sweeps over those not zero until no step is larger than the limit.
    fn sweep(&self, state: &mut State, kept: &[usize], penalties: &Penalties, limit: (f64, usize)) -> f64 {
        let full = kept
            .iter()
            .map(|&j| self.step(state, j, penalties))
            .fold(0.0, f64::max);
        let active: Vec<usize> = kept.iter().copied().filter(|&j| state.u[j] != 0.0).collect();
        for _ in 0..limit.1 {
            if active
                .iter()
                .map(|&j| self.step(state, j, penalties))
                .fold(0.0, f64::max)
                <= limit.0
            {
                break;
            }
        }
        full
    }

    fn gap_terms(
        &self,
        state: &State,
        penalties: &Penalties,
        kept: &[usize],
        correlations: &[f64],
    ) -> GapTerms {
        let (mut residual, mut by_target) = (0.0, 0.0);
        for (row, weight) in self
            .weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight > 0.0)
        {
            let r = state.residual[row] / weight + state.offset;
            residual += weight * r * r;
            by_target += weight * r * self.target[row];
        }
        let mut terms = GapTerms {
            residual: residual / self.weight_total,
            target_by_residual: by_target / self.weight_total,
            absolute: 0.0,
            squared: 0.0,
            steepest: 0.0,
        };
        for (&j, correlation) in kept.iter().zip(correlations) {
            let (u, l1, l2) = (state.u[j], penalties.l1[j], penalties.l2[j]);
            terms.absolute += l1 * u.abs();
            terms.squared += l2 * u * u;
            terms.steepest = terms.steepest.max((correlation - l2 * u).abs() / l1);
        }
        terms
    }
}

/// One entry list a coefficient.
fn values_of(design: &Design) -> Vec<Values<'_>> {
    let mut lists: Vec<(Vec<u32>, Option<Vec<f64>>)> = vec![(Vec::new(), None); design.width()];
    for column in &design.coded {
        for (row, &code) in column
            .codes
            .iter()
            .enumerate()
            .filter(|(_, code)| (**code as usize) < column.levels)
        {
            lists[column.start + code as usize].0.push(row as u32);
        }
    }
    if !design.stored.ends.is_empty() {
        for row in 0..design.row_count() {
            for at in design.stored.ends[row]..design.stored.ends[row + 1] {
                let (rows, values) = &mut lists[design.stored.slots[at] as usize];
                rows.push(row as u32);
                values.get_or_insert_default().push(design.stored.values[at]);
            }
        }
    }
    let mut values: Vec<Values<'_>> = lists
        .into_iter()
        .map(|(rows, values)| Values::Entries { rows, values })
        .collect();
    for column in &design.dense {
        values[column.slot] = Values::Dense(&column.values);
    }
    values
}
