//! Predictions beside their known answers, checked to fit together.

use crate::task::check_weights;
use crate::{DataError, MetricError, Predictions, Target, TaskKind};

/// Rows to judge: making one checks lengths, predictions and weights, so metrics trust them.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    target: Target<'a>,
    predictions: &'a Predictions,
    weights: Option<&'a [f64]>,
}

impl<'a> Scored<'a> {
    /// Joins answers, predictions and weights.
    ///
    /// # Errors
    /// [`MetricError`] if there are no rows, lengths differ, a prediction or weight is not finite, a weight is negative,
    /// or all weights are zero.
    ///
    /// # Panics
    /// If target and predictions belong to different tasks, or the task has no target.
    pub fn new(
        target: &Target<'a>,
        predictions: &'a Predictions,
        weights: Option<&'a [f64]>,
    ) -> Result<Self, MetricError> {
        let width = match target {
            Target::Numbers(_) => 1,
            Target::Classes { count, .. } => *count as usize,
            Target::Unknown { .. } => panic!("a task without a target has no metric"),
        };
        assert_eq!(
            width,
            predictions.width(),
            "target and predictions belong to one task"
        );
        let rows = predictions.row_count();
        if rows == 0 {
            return Err(DataError::NoRows.into());
        }
        if target.len() != rows {
            return Err(DataError::Length {
                rows,
                answers: target.len(),
                what: "target",
            }
            .into());
        }
        if let Some(weights) = weights {
            check_weights(weights, rows)?;
        }
        if let Some(at) = predictions.values().iter().position(|v| !v.is_finite()) {
            return Err(MetricError::Prediction {
                row: at / width + 1,
                value: predictions.values()[at],
            });
        }
        Ok(Self {
            target: *target,
            predictions,
            weights,
        })
    }

    /// The kind of task these rows answer.
    pub fn task(&self) -> TaskKind {
        match self.target {
            Target::Numbers(_) => TaskKind::Regression,
            Target::Classes { count: 2, .. } => TaskKind::Binary,
            Target::Classes { .. } => TaskKind::Multiclass,
            Target::Unknown { .. } => unreachable!("checked rows have known answers"),
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.predictions.row_count()
    }

    /// Whether there is none; never true of a checked value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many classes the task has.
    pub fn class_count(&self) -> usize {
        self.predictions.width()
    }

    /// The known class of a row.
    ///
    /// # Panics
    /// If the task is a regression.
    pub fn class(&self, row: usize) -> usize {
        match self.target {
            Target::Classes { codes, .. } => codes[row] as usize,
            _ => panic!("only the target of a classification is a class"),
        }
    }

    /// The known numbers.
    ///
    /// # Panics
    /// If the task is a classification.
    pub fn numbers(&self) -> &'a [f64] {
        match self.target {
            Target::Numbers(values) => values,
            _ => panic!("only the target of a regression is a number"),
        }
    }

    /// The predictions.
    pub fn predictions(&self) -> &'a Predictions {
        self.predictions
    }

    /// The weight of a row.
    #[inline]
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// The sum of all weights; positive.
    pub fn weight_total(&self) -> f64 {
        match self.weights {
            None => self.len() as f64,
            Some(weights) => sum(weights.iter().copied()),
        }
    }

    /// The weighted mean of a value per row. Rows of weight zero do not count, whatever their value.
    pub fn mean(&self, value: impl Fn(usize) -> f64) -> f64 {
        let weighted = (0..self.len()).map(|row| match self.weight(row) {
            0.0 => 0.0,
            weight => weight * value(row),
        });
        sum(weighted) / self.weight_total()
    }

    /// The weighted mean of a value made of answer and prediction.
    pub fn mean_of_pairs(&self, value: impl Fn(f64, f64) -> f64) -> f64 {
        let (truth, answers) = (self.numbers(), self.predictions.values());
        self.mean(|row| value(truth[row], answers[row]))
    }
}

/// The sum in order, with the rounding error carried along (Neumaier 1974).
pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0);
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() {
            (total - next) + value
        } else {
            (value - next) + total
        };
        total = next;
    }
    // Where the sum overflows, the correction is not a number and the sum says more.
    if lost.is_finite() { total + lost } else { total }
}
