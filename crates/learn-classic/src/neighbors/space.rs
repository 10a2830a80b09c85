//! The columns of a table as the numbers that distances are made of.

use kolosal_frame::{Column, FrameView, MISSING};
use kolosal_learner::{ArtifactError, Decoder, Encoder};

use super::params::Metric;

/// A number column: how it is brought to the scale of the metric, and what stands for a missing value.
#[derive(Debug, Clone, PartialEq)]
struct Axis {
    position: u32,
    low: f64,
    /// Half of what one is; halves keep differences of numbers in range.
    half_range: f64,
    fill: f64,
}

/// What distances are measured in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Space {
    pub(super) metric: Metric,
    columns: usize,
    axes: Vec<Axis>,
    /// Positions of the categories.
    codes: Vec<u32>,
}

impl Space {
    /// Euclid's distance between points of so many numbers, as they are.
    pub(crate) fn plain(width: usize) -> Self {
        let axis = |position| Axis {
            position,
            low: 0.0,
            half_range: 0.5,
            fill: 0.0,
        };
        Self {
            metric: Metric::Euclidean,
            columns: width,
            axes: (0..width as u32).map(axis).collect(),
            codes: Vec::new(),
        }
    }

    /// The space of some training rows.
    pub(super) fn of(view: FrameView<'_>, asked: Metric) -> Self {
        let is_category = |at: &usize| matches!(view.column(*at), Column::Categories(_));
        let codes: Vec<u32> = (0..view.column_count())
            .filter(is_category)
            .map(|at| at as u32)
            .collect();
        let numbers: Vec<usize> = (0..view.column_count()).filter(|at| !is_category(at)).collect();
        let measured: Vec<(usize, Measured)> = numbers
            .into_iter()
            .map(|at| (at, Measured::of(&view.numbers(at))))
            .collect();
        let metric = match asked {
            Metric::Auto if !codes.is_empty() || measured.iter().any(|(_, column)| column.has_gaps) => {
                Metric::Gower
            }
            Metric::Auto => Metric::Euclidean,
            asked => asked,
        };
        let axis = |(at, column): (usize, Measured)| {
            let half_range = column.high / 2.0 - column.low / 2.0;
            let is_gower = metric == Metric::Gower;
            // A column of one value, or of none, makes no difference between rows.
            let half_range = if half_range > 0.0 {
                half_range
            } else {
                f64::INFINITY
            };
            Axis {
                position: at as u32,
                low: if is_gower { column.low } else { 0.0 },
                half_range: if is_gower { half_range } else { 0.5 },
                fill: if is_gower { f64::NAN } else { column.mean },
            }
        };
        Self {
            metric,
            columns: view.column_count(),
            axes: measured.into_iter().map(axis).collect(),
            codes,
        }
    }

    /// How many columns the table has.
    pub(super) fn column_count(&self) -> usize {
        self.columns
    }

    /// How many numbers a point has that differ by degrees; they come first.
    pub(crate) fn axis_count(&self) -> usize {
        self.axes.len()
    }

    /// How many numbers a point has.
    pub(super) fn width(&self) -> usize {
        self.axes.len() + self.codes.len()
    }

    /// What two categories that differ add to the distance: as much as two 0/1 columns.
    pub(super) fn mismatch(&self) -> f64 {
        if self.metric == Metric::Gower { 1.0 } else { 2.0 }
    }

    /// The rows as points, one after the other; a value that is missing and not filled is NaN.
    pub(super) fn embed(&self, view: FrameView<'_>) -> Vec<f64> {
        let (rows, width) = (view.row_count(), self.width());
        let mut points = vec![0.0; rows * width];
        let mut numbers = vec![0.0; rows];
        for (j, axis) in self.axes.iter().enumerate() {
            match view.column(axis.position as usize) {
                Column::Numbers(_) | Column::Sparse(_) => {
                    view.numbers_into(axis.position as usize, &mut numbers);
                }
                _ => numbers.fill(f64::NAN),
            }
            for (row, x) in numbers.iter().enumerate() {
                points[row * width + j] = axis.place(*x, self.metric);
            }
        }
        let mut codes = vec![0; rows];
        for (j, position) in self.codes.iter().enumerate() {
            match view.column(*position as usize) {
                Column::Categories(_) => view.codes_into(*position as usize, &mut codes),
                _ => codes.fill(MISSING),
            }
            for (row, code) in codes.iter().enumerate() {
                points[row * width + self.axes.len() + j] = match *code {
                    MISSING if self.metric == Metric::Gower => f64::NAN,
                    MISSING => -1.0,
                    code => f64::from(code),
                };
            }
        }
        points
    }

    pub(super) fn save(&self, to: &mut Encoder) {
        to.u8(match self.metric {
            Metric::Auto | Metric::Euclidean => 0,
            Metric::Manhattan => 1,
            Metric::Gower => 2,
        });
        to.u32(self.columns as u32);
        to.u32s(&self.axes.iter().map(|axis| axis.position).collect::<Vec<_>>());
        to.u32s(&self.codes);
        for axis in &self.axes {
            [axis.low, axis.half_range, axis.fill]
                .into_iter()
                .for_each(|value| to.f64(value));
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let metric = match from.u8()? {
            0 => Metric::Euclidean,
            1 => Metric::Manhattan,
            2 => Metric::Gower,
            other => return Err(ArtifactError::damaged(format!("{other} is no distance"))),
        };
        let columns = from.u32()? as usize;
        let (positions, codes) = (from.u32s()?, from.u32s()?);
        if positions.len() + codes.len() != columns
            || positions.iter().chain(&codes).any(|at| *at as usize >= columns)
        {
            return Err(ArtifactError::damaged(
                "columns of the space are not those of the table",
            ));
        }
        let mut axes = Vec::with_capacity(positions.len());
        for position in positions {
            let (low, half_range, fill) = (from.finite()?, from.f64()?, from.f64()?);
            if half_range.is_nan() || half_range <= 0.0 {
                return Err(ArtifactError::damaged("the range of a column is not positive"));
            }
            axes.push(Axis {
                position,
                low,
                half_range,
                fill,
            });
        }
        Ok(Self {
            metric,
            columns,
            axes,
            codes,
        })
    }
}

impl Axis {
    /// Where a value stands on the axis.
    fn place(&self, x: f64, metric: Metric) -> f64 {
        let x = if x.is_nan() { self.fill } else { x };
        if metric != Metric::Gower || x.is_nan() {
            return x;
        }
        ((x / 2.0 - self.low / 2.0) / self.half_range).clamp(0.0, 1.0)
    }
}

/// Range and mean of the values that are there.
struct Measured {
    low: f64,
    high: f64,
    mean: f64,
    has_gaps: bool,
}

impl Measured {
    fn of(values: &[f64]) -> Self {
        let present = || values.iter().copied().filter(|value| !value.is_nan());
        let count = present().count();
        if count == 0 {
            return Self {
                low: 0.0,
                high: 0.0,
                mean: 0.0,
                has_gaps: true,
            };
        }
        Self {
            low: present().fold(f64::INFINITY, f64::min),
            high: present().fold(f64::NEG_INFINITY, f64::max),
            mean: present().map(|value| value / count as f64).sum(),
            has_gaps: count < values.len(),
        }
    }
}
