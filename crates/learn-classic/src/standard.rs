//! Columns brought to mean zero and deviation one.

use kolosal_frame::{Column, FrameView};
use kolosal_learner::{ArtifactError, Decoder, Encoder};

/// A standard deviation this small beside the mean is the rounding error of a constant.
const CONSTANT: f64 = 1e-13;
/// Numbers farther out than so many deviations count as so far.
const FAR: f64 = 1e8;

/// Centre and scale of each column; a constant column has scale zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standard {
    centres: Vec<f64>,
    scales: Vec<f64>,
}

impl Standard {
    /// Those of a view's number columns; other columns count as constant.
    pub(crate) fn of_columns(view: FrameView<'_>, weights: &[f64]) -> Self {
        let of_column = |j: usize| match view.column(j) {
            Column::Numbers(_) | Column::Sparse(_) => Self::of_numbers(&view.numbers(j), weights),
            _ => (0.0, 0.0),
        };
        let (centres, scales) = (0..view.column_count()).map(of_column).unzip();
        Self { centres, scales }
    }

    /// Weighted mean and standard deviation, the latter zero for a constant.
    pub(crate) fn of_numbers(values: &[f64], weights: &[f64]) -> (f64, f64) {
        let widest = values.iter().fold(0.0_f64, |widest, x| widest.max(x.abs()));
        if widest == 0.0 {
            return (0.0, 0.0);
        }
        let total: f64 = weights.iter().sum();
        // In shares of the largest, so that squares stay numbers.
        let pairs = || {
            values
                .iter()
                .map(|x| x / widest)
                .zip(weights.iter().map(|weight| weight / total))
        };
        let mean: f64 = pairs().map(|(x, share)| x * share).sum();
        let squares: f64 = pairs().map(|(x, share)| share * (x - mean) * (x - mean)).sum();
        let deviation = squares.sqrt();
        if deviation <= CONSTANT * mean.abs() {
            return (mean * widest, 0.0);
        }
        (mean * widest, deviation * widest)
    }

    /// A number on the scale of a column.
    pub(crate) fn place(x: f64, centre: f64, scale: f64) -> f64 {
        if scale == 0.0 {
            return 0.0;
        }
        ((x - centre) / scale).clamp(-FAR, FAR)
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.centres.len()
    }

    /// The rows of a view, one after the other.
    pub(crate) fn apply(&self, view: FrameView<'_>) -> Vec<f64> {
        let (rows, width) = (view.row_count(), self.width());
        let (mut numbers, mut column) = (vec![0.0; rows * width], vec![0.0; rows]);
        for j in 0..width {
            if !matches!(view.column(j), Column::Numbers(_) | Column::Sparse(_)) {
                continue;
            }
            view.numbers_into(j, &mut column);
            for (row, x) in column.iter().enumerate() {
                numbers[row * width + j] = Self::place(*x, self.centres[j], self.scales[j]);
            }
        }
        numbers
    }

    pub(crate) fn save(&self, to: &mut Encoder) {
        to.f64s(&self.centres);
        to.f64s(&self.scales);
    }

    pub(crate) fn load(from: &mut Decoder<'_>) -> Result<Self, ArtifactError> {
        let (centres, scales) = (from.f64s()?, from.f64s()?);
        let is_sound = centres.len() == scales.len()
            && !centres.is_empty()
            && centres.iter().all(|centre| centre.is_finite())
            && scales.iter().all(|scale| scale.is_finite() && *scale >= 0.0);
        if !is_sound {
            return Err(ArtifactError::damaged("the scales of the columns are no scales"));
        }
        Ok(Self { centres, scales })
    }
}
