//! The columns of a view as a design matrix that is never written out.
//!
//! Numbers become dense columns, centred and brought to unit standard deviation so that every solver works on well
//! conditioned sums; a category stays one code a row and stands for a block of one-hot columns; stored entries of
//! sparse columns stand row by row. Rows of weight zero are left out.
//!
//! Solvers work on *standardised coefficients* `u`: for a dense column `w = u / scale` and the intercept gives back
//! `w * centre`; one-hot columns have scale one. A penalty on `w` is turned into one on `u` by [`Design::scale`], so
//! the minimiser is that of the original problem, to rounding.
//!
//! Every sum over rows runs over blocks of rows whose borders depend on the row count alone, combined in index order:
//! the number of threads cannot change a result.

mod gram;
mod products;
mod scatter;

use std::ops::Range;

use kolosal_compute::kernels::{centred_squares, dot};
use kolosal_compute::{Reservation, Workers};
use kolosal_frame::{Column, FrameView, MISSING};
use kolosal_learner::{FitContext, FitError, TrainView};

use crate::moments::transposed;
use crate::slots::{SlotKind, Slots};

pub(crate) use gram::{Gram, weighted_gram};
pub(crate) use products::{all_products, all_scores, linear_scores, transposed_product};

/// Rows of one block at least; blocks grow so that there are never more than [`BLOCKS_MAX`].
const BLOCK_ROWS: usize = 4096;
const BLOCKS_MAX: usize = 64;

/// A standard deviation this small beside the mean is the rounding error of a constant.
const CONSTANT: f64 = 1e-13;

/// Standard deviations whose squares neither overflow nor lose digits, even times small weights.
const SCALE_SAFE: Range<f64> = 1e-100..1e140;

/// A column that varies less than this counts as constant: its coefficient could leave the range of numbers.
const SCALE_MIN: f64 = 1e-150;

/// A dense column, standardised.
#[derive(Debug)]
pub(crate) struct Dense {
    pub(crate) slot: usize,
    pub(crate) values: Vec<f64>,
}

/// A categorical column: the code `levels` stands for a missing value.
#[derive(Debug)]
pub(crate) struct Coded {
    pub(crate) start: usize,
    pub(crate) levels: usize,
    pub(crate) codes: Vec<u32>,
}

/// The stored entries of all sparse columns, row after row, scaled but not centred.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// Entries of row `i` are `ends[i] .. ends[i + 1]`; empty if there is no sparse column.
    pub(crate) ends: Vec<usize>,
    pub(crate) slots: Vec<u32>,
    pub(crate) values: Vec<f64>,
}

/// The features, weights and scales of the rows that count.
pub(crate) struct Design {
    pub(crate) slots: Slots,
    pub(crate) dense: Vec<Dense>,
    pub(crate) coded: Vec<Coded>,
    pub(crate) stored: Stored,
    /// One weight a row, all positive.
    pub(crate) weights: Vec<f64>,
    pub(crate) weight_total: f64,
    /// Of each coefficient: what was taken away from the column, zero unless dense.
    pub(crate) centre: Vec<f64>,
    /// Of each coefficient: what the column was divided by; zero for a constant column, whose coefficient is zero.
    pub(crate) scale: Vec<f64>,
    _memory: Reservation,
}

/// The rows of a training view that have weight, in the order in which the design holds them.
pub(crate) struct Counted<'a> {
    /// Positions in the training view.
    pub(crate) positions: Vec<usize>,
    /// Rows of the frame.
    rows: Vec<u32>,
    all: FrameView<'a>,
}

impl<'a> Counted<'a> {
    /// Finds them.
    pub(crate) fn of(train: &TrainView<'a>) -> Self {
        let positions: Vec<usize> = (0..train.row_count())
            .filter(|&row| train.weight(row) > 0.0)
            .collect();
        let all = train.features();
        let rows = positions.iter().map(|&at| all.rows().get(at) as u32).collect();
        Self { positions, rows, all }
    }

    /// The rows, as a view.
    pub(crate) fn view(&self) -> FrameView<'_> {
        let in_order = self.positions.iter().enumerate().all(|(row, &at)| row == at);
        if in_order && self.positions.len() == self.all.row_count() {
            return self.all;
        }
        self.all.frame().select(&self.rows)
    }

    /// Puts the rows of each fold side by side, in their old order within the fold; gives each fold's rows.
    pub(crate) fn group_by(&mut self, folds: &[u32]) -> Vec<Range<usize>> {
        let mut order: Vec<usize> = (0..folds.len()).collect();
        order.sort_by_key(|&row| folds[row]);
        self.positions = order.iter().map(|&row| self.positions[row]).collect();
        self.rows = order.iter().map(|&row| self.rows[row]).collect();
        let sorted: Vec<u32> = order.iter().map(|&row| folds[row]).collect();
        let mut start = 0;
        sorted
            .chunk_by(|a, b| a == b)
            .map(|fold| {
                start += fold.len();
                start - fold.len()..start
            })
            .collect()
    }
}

impl Design {
    /// Builds the design of the counted rows of `train`; `multiplier` scales the weight of a row of it.
    ///
    /// # Errors
    /// [`FitError::Memory`].
    pub(crate) fn new(
        train: &TrainView<'_>,
        counted: &Counted<'_>,
        multiplier: impl Fn(usize) -> f64,
        cx: &FitContext<'_>,
    ) -> Result<Self, FitError> {
        let view = counted.view();
        let slots = Slots::of(view);
        let memory = cx.reserve(bytes_needed(view, &slots))?;
        let weights: Vec<f64> = counted
            .positions
            .iter()
            .map(|&at| train.weight(at) * multiplier(at))
            .collect();
        let weight_total = weights.iter().sum();
        let mut design = Self {
            centre: vec![0.0; slots.width()],
            scale: vec![1.0; slots.width()],
            slots,
            dense: Vec::new(),
            coded: Vec::new(),
            stored: Stored::default(),
            weights,
            weight_total,
            _memory: memory,
        };
        design.fill(view, cx.workers);
        Ok(design)
    }

    /// How many rows there are.
    pub(crate) fn row_count(&self) -> usize {
        self.weights.len()
    }

    /// How many coefficients there are, the intercept apart.
    pub(crate) fn width(&self) -> usize {
        self.slots.width()
    }

    /// Borders of the blocks of rows that sums run over.
    pub(crate) fn blocks(&self) -> Vec<Range<usize>> {
        self.blocks_of(0..self.row_count())
    }

    /// Borders of the blocks of some of the rows.
    pub(crate) fn blocks_of(&self, rows: Range<usize>) -> Vec<Range<usize>> {
        let size = rows.len().div_ceil(BLOCKS_MAX).div_ceil(BLOCK_ROWS).max(1) * BLOCK_ROWS;
        rows.clone()
            .step_by(size)
            .map(|start| start..rows.end.min(start + size))
            .collect()
    }

    /// Numbers per row that are not zero, about: the cost of one product with the matrix.
    pub(crate) fn entries_per_row(&self) -> usize {
        self.dense.len() + self.coded.len() + self.stored.values.len().div_ceil(self.row_count())
    }

    /// Coefficients and intercept of the columns as they came, from those of the standardised ones.
    pub(crate) fn unscale(&self, standardised: &[f64], intercept: f64) -> (Vec<f64>, f64) {
        let original = |(u, scale): (&f64, &f64)| if *scale == 0.0 { 0.0 } else { u / scale };
        let original: Vec<f64> = standardised.iter().zip(&self.scale).map(original).collect();
        let moved: f64 = original
            .iter()
            .zip(&self.centre)
            .map(|(w, centre)| w * centre)
            .sum();
        (original, intercept - moved)
    }

    /// The standard deviation of each coefficient's column as it came.
    pub(crate) fn spreads(&self, workers: &Workers) -> Vec<f64> {
        let mut spreads = self.scale.clone();
        if self.coded.is_empty() && self.stored.ends.is_empty() {
            return spreads;
        }
        let means: Vec<f64> = transposed(self, 0, &self.weights, workers);
        for column in &self.coded {
            for slot in column.start..column.start + column.levels {
                let share = means[slot] / self.weight_total;
                spreads[slot] = (share * (1.0 - share)).max(0.0).sqrt();
            }
        }
        // A stored column was divided by its root mean square, so its mean square is one.
        for &slot in &self.stored.slots {
            let mean = means[slot as usize] / self.weight_total;
            spreads[slot as usize] = self.scale[slot as usize] * (1.0 - mean * mean).max(0.0).sqrt();
        }
        spreads
    }

    /// `strength / scale^power` for each coefficient: a penalty on original coefficients as one on standardised ones.
    pub(crate) fn penalty(&self, strength: f64, power: i32) -> Vec<f64> {
        let of_scale = |scale: &f64| {
            if *scale == 0.0 {
                0.0
            } else {
                (strength / scale.powi(power)).min(1e300)
            }
        };
        self.scale.iter().map(of_scale).collect()
    }

    fn fill(&mut self, view: FrameView<'_>, workers: &Workers) {
        let numbers: Vec<usize> = (0..view.column_count())
            .filter(|&at| matches!(view.column(at), Column::Numbers(_)))
            .collect();
        let standardised = workers.map(numbers.len(), |i| {
            let mut values = view.numbers(numbers[i]);
            let (centre, scale) = standardise(&mut values, &self.weights, self.weight_total);
            (centre, scale, values)
        });
        for (&position, (centre, scale, values)) in numbers.iter().zip(standardised) {
            let slot = self.slots.start(position);
            (self.centre[slot], self.scale[slot]) = (centre, scale);
            self.dense.push(Dense { slot, values });
        }
        for position in 0..view.column_count() {
            if let SlotKind::Levels(levels) = self.slots.kind(position) {
                let mut codes = view.codes(position);
                codes
                    .iter_mut()
                    .filter(|code| **code == MISSING)
                    .for_each(|code| *code = levels);
                self.coded.push(Coded {
                    start: self.slots.start(position),
                    levels: levels as usize,
                    codes,
                });
            }
        }
        self.fill_stored(view);
    }

    /// Turns sparse columns into rows of entries, each column divided by its root mean square.
    fn fill_stored(&mut self, view: FrameView<'_>) {
        let sparse: Vec<usize> = (0..view.column_count())
            .filter(|&at| matches!(view.column(at), Column::Sparse(_)))
            .collect();
        if sparse.is_empty() {
            return;
        }
        let rows = self.row_count();
        let mut by_row: Vec<Vec<(u32, f64)>> = vec![Vec::new(); rows];
        let mut buffer = vec![0.0; rows];
        for position in sparse {
            view.numbers_into(position, &mut buffer);
            let slot = self.slots.start(position);
            let squares: f64 = buffer
                .iter()
                .zip(&self.weights)
                .map(|(x, weight)| weight * x * x)
                .sum();
            let scale = (squares / self.weight_total).sqrt();
            self.scale[slot] = scale;
            for (row, x) in buffer
                .iter()
                .enumerate()
                .filter(|(_, x)| **x != 0.0 && scale > 0.0)
            {
                by_row[row].push((slot as u32, x / scale));
            }
        }
        self.stored.ends.push(0);
        for entries in by_row {
            for (slot, value) in entries {
                self.stored.slots.push(slot);
                self.stored.values.push(value);
            }
            self.stored.ends.push(self.stored.values.len());
        }
    }
}

fn bytes_needed(view: FrameView<'_>, slots: &Slots) -> u64 {
    let rows = view.row_count();
    let of_column = |position| match view.column(position) {
        Column::Numbers(_) => rows * 8,
        Column::Categories(_) => rows * 4,
        Column::Sparse(sparse) => sparse.rows().len() * 32,
        Column::Text(_) => 0,
    };
    let columns: usize = (0..view.column_count()).map(of_column).sum();
    // Weights, target, scores and residuals stand beside the columns.
    (columns + rows * 40 + slots.width() * 64) as u64
}

/// The target of a regression, standardised like a dense column.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) values: Vec<f64>,
    pub(crate) centre: f64,
    /// Zero if the target is constant.
    pub(crate) scale: f64,
}

impl Response {
    /// The targets of the counted rows.
    pub(crate) fn of(train: &TrainView<'_>, counted: &Counted<'_>, design: &Design) -> Self {
        let mut values: Vec<f64> = counted.positions.iter().map(|&at| train.numbers()[at]).collect();
        let (centre, scale) = standardise(&mut values, &design.weights, design.weight_total);
        Self {
            values,
            centre,
            scale,
        }
    }
}

/// Centres a column and divides it by its standard deviation; gives both. A constant column becomes zero, scale zero.
fn standardise(values: &mut [f64], weights: &[f64], weight_total: f64) -> (f64, f64) {
    let mut mean = dot(values, weights) / weight_total;
    let mut scale = (centred_squares(values, weights, mean) / weight_total).sqrt();
    if !SCALE_SAFE.contains(&scale) {
        (mean, scale) = moments_at_the_limits(values, weights);
    }
    if scale <= CONSTANT * mean.abs() || scale < SCALE_MIN || !scale.is_finite() {
        values.fill(0.0);
        return (mean, 0.0);
    }
    let factor = 1.0 / scale;
    values.iter_mut().for_each(|x| *x = (*x - mean) * factor);
    (mean, scale)
}

/// Mean and standard deviation where squares may overflow or vanish: everything is divided by its largest first.
#[cold]
fn moments_at_the_limits(values: &[f64], weights: &[f64]) -> (f64, f64) {
    let heaviest = weights.iter().copied().fold(0.0, f64::max);
    let total: f64 = weights.iter().map(|weight| weight / heaviest).sum();
    let share = |weight: &f64| weight / heaviest / total;
    let mean: f64 = values
        .iter()
        .zip(weights)
        .map(|(x, weight)| share(weight) * x)
        .sum();
    let widest = values.iter().map(|x| (x - mean).abs()).fold(0.0, f64::max);
    if widest == 0.0 || !widest.is_finite() {
        return (mean, 0.0);
    }
    let squares = values
        .iter()
        .zip(weights)
        .map(|(x, weight)| share(weight) * ((x - mean) / widest).powi(2));
    (mean, widest * squares.sum::<f64>().sqrt())
}
