//! What is to be learned, from which rows.

use kolosal_base::ErrorKind;
use kolosal_frame::FrameView;

/// The question a model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// One of two classes.
    Binary,
    /// One of several classes.
    Multiclass {
        /// How many classes, at least three.
        classes: u32,
    },
    /// A number.
    Regression,
    /// How strange a row is among the others; nothing is known beforehand.
    Anomaly,
    /// Which group a row belongs to; nothing is known beforehand.
    Clustering,
}

/// A [`Task`] without its size, as listed on a learner's card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskKind {
    /// One of two classes.
    Binary,
    /// One of several classes.
    Multiclass,
    /// A number.
    Regression,
    /// How strange a row is among the others.
    Anomaly,
    /// Which group a row belongs to.
    Clustering,
}

impl Task {
    /// The task for a number of classes.
    ///
    /// # Panics
    /// If there are fewer than two classes.
    pub fn classification(classes: u32) -> Self {
        assert!(classes >= 2, "classification needs two classes");
        if classes == 2 {
            Self::Binary
        } else {
            Self::Multiclass { classes }
        }
    }

    /// The kind of the task.
    pub fn kind(self) -> TaskKind {
        match self {
            Self::Binary => TaskKind::Binary,
            Self::Multiclass { .. } => TaskKind::Multiclass,
            Self::Regression => TaskKind::Regression,
            Self::Anomaly => TaskKind::Anomaly,
            Self::Clustering => TaskKind::Clustering,
        }
    }

    /// Numbers a model gives for one row: one a class, or one; of tasks without a target a place and how sure it is.
    pub fn width(self) -> usize {
        match self {
            Self::Binary | Self::Anomaly | Self::Clustering => 2,
            Self::Multiclass { classes } => classes as usize,
            Self::Regression => 1,
        }
    }
}

impl TaskKind {
    /// Whether there is an answer to learn from.
    pub const fn has_target(self) -> bool {
        !matches!(self, Self::Anomaly | Self::Clustering)
    }

    /// The name used in options and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Multiclass => "multiclass",
            Self::Regression => "regression",
            Self::Anomaly => "anomaly",
            Self::Clustering => "clustering",
        }
    }
}

/// The known answers, one a row of the view they belong to.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// Numbers to predict; all finite.
    Numbers(&'a [f64]),
    /// Class codes `0 .. count`.
    Classes {
        /// One code a row.
        codes: &'a [u32],
        /// How many classes the task has; some may be absent from these rows.
        count: u32,
    },
    /// No answer is known: the task has no target.
    Unknown {
        /// How many rows there are.
        rows: usize,
    },
}

impl Target<'_> {
    /// How many rows have an answer.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Classes { codes, .. } => codes.len(),
            Self::Unknown { rows } => *rows,
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Training data that a learner must refuse; the message names the row and the value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Nothing to learn from.
    #[error("there are no rows to learn from")]
    NoRows,
    /// Features and target differ in length.
    #[error("there are {rows} rows of features and {answers} of {what}: one a row is needed")]
    Length {
        /// Rows of features.
        rows: usize,
        /// Rows of the other.
        answers: usize,
        /// Target or weights.
        what: &'static str,
    },
    /// A target that is missing or infinite.
    #[error("the target of row {row} is {value}: every training row needs a finite target")]
    Target {
        /// Row in the view, from one.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// A weight that is negative, missing or infinite.
    #[error("the weight of row {row} is {value}: weights are finite and not negative")]
    Weight {
        /// Row in the view, from one.
        row: usize,
        /// What stands there.
        value: f64,
    },
    /// All weights are zero.
    #[error("every row has weight zero: at least one row must count")]
    NoWeight,
    /// A target that the objective is not defined for.
    #[error("the target of row {row} is {value}: objective '{objective}' needs {range}")]
    Unfit {
        /// The objective's name.
        objective: &'static str,
        /// Row, from one.
        row: usize,
        /// What stands there.
        value: f64,
        /// Which targets it takes.
        range: &'static str,
    },
    /// Groups that do not follow one another.
    #[error(
        "group {group} starts at row {start} of {rows}: the first starts at row 0, each other one behind the one before it"
    )]
    Groups {
        /// Which group, from one.
        group: usize,
        /// The row it is said to start at, from zero.
        start: usize,
        /// How many rows there are.
        rows: usize,
    },
    /// An objective that compares rows of one group, and no groups.
    #[error("objective '{objective}' compares the rows of one group: say which rows belong together")]
    NoGroups {
        /// The objective's name.
        objective: &'static str,
    },
}

impl DataError {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Data
    }
}

/// Rows to learn from. Making one checks it, so learners trust lengths, targets and weights.
#[derive(Debug, Clone, Copy)]
pub struct TrainView<'a> {
    features: FrameView<'a>,
    target: Target<'a>,
    weights: Option<&'a [f64]>,
    task: Task,
}

impl<'a> TrainView<'a> {
    /// Joins features with their answers and optional weights, one a row of the view.
    ///
    /// # Errors
    /// [`DataError`] if there are no rows, lengths differ, a target is not finite, a weight is negative or not finite,
    /// or all weights are zero.
    ///
    /// # Panics
    /// If target and task do not belong together, or a class code is out of range: callers code the target.
    pub fn new(
        features: FrameView<'a>,
        target: Target<'a>,
        weights: Option<&'a [f64]>,
        task: Task,
    ) -> Result<Self, DataError> {
        let rows = features.row_count();
        if rows == 0 {
            return Err(DataError::NoRows);
        }
        check_target(&target, rows, task)?;
        if let Some(weights) = weights {
            check_weights(weights, rows)?;
        }
        Ok(Self {
            features,
            target,
            weights,
            task,
        })
    }

    /// Features alone, for a task without a target.
    ///
    /// # Errors
    /// As [`TrainView::new`].
    ///
    /// # Panics
    /// If the task has a target.
    pub fn unlabelled(
        features: FrameView<'a>,
        weights: Option<&'a [f64]>,
        task: Task,
    ) -> Result<Self, DataError> {
        let rows = features.row_count();
        Self::new(features, Target::Unknown { rows }, weights, task)
    }

    /// The features.
    pub fn features(&self) -> FrameView<'a> {
        self.features
    }

    /// The answers.
    pub fn target(&self) -> Target<'a> {
        self.target
    }

    /// The answers of a regression.
    ///
    /// # Panics
    /// If the task is no regression.
    pub fn numbers(&self) -> &'a [f64] {
        match self.target {
            Target::Numbers(values) => values,
            _ => panic!("only the target of a regression is a number"),
        }
    }

    /// The class codes of a classification.
    ///
    /// # Panics
    /// If the task is no classification.
    pub fn classes(&self) -> &'a [u32] {
        match self.target {
            Target::Classes { codes, .. } => codes,
            _ => panic!("only the target of a classification is a class"),
        }
    }

    /// Row weights; `None` means that every row counts one.
    pub fn weights(&self) -> Option<&'a [f64]> {
        self.weights
    }

    /// The weight of a row.
    #[inline]
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[row])
    }

    /// What is to be learned.
    pub fn task(&self) -> Task {
        self.task
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.features.row_count()
    }

    /// The same answers over other features of the same rows, as after a transform.
    ///
    /// # Panics
    /// If the number of rows differs.
    pub fn with_features(&self, features: FrameView<'a>) -> Self {
        assert_eq!(
            features.row_count(),
            self.row_count(),
            "a transform keeps the rows"
        );
        Self { features, ..*self }
    }
}

fn check_target(target: &Target<'_>, rows: usize, task: Task) -> Result<(), DataError> {
    if target.len() != rows {
        return Err(DataError::Length {
            rows,
            answers: target.len(),
            what: "target",
        });
    }
    match (target, task) {
        (Target::Numbers(values), Task::Regression) => match values.iter().position(|v| !v.is_finite()) {
            Some(row) => Err(DataError::Target {
                row: row + 1,
                value: values[row],
            }),
            None => Ok(()),
        },
        (Target::Unknown { .. }, task) if !task.kind().has_target() => Ok(()),
        (Target::Classes { codes, count }, Task::Binary | Task::Multiclass { .. })
            if task.width() == *count as usize =>
        {
            assert!(
                codes.iter().all(|code| code < count),
                "class codes are below the class count"
            );
            Ok(())
        }
        _ => panic!("target and task belong together"),
    }
}

pub(crate) fn check_weights(weights: &[f64], rows: usize) -> Result<(), DataError> {
    if weights.len() != rows {
        return Err(DataError::Length {
            rows,
            answers: weights.len(),
            what: "weights",
        });
    }
    if let Some(row) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
        return Err(DataError::Weight {
            row: row + 1,
            value: weights[row],
        });
    }
    if weights.iter().all(|&w| w == 0.0) {
        return Err(DataError::NoWeight);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_frame::{Column, Field, Frame, Kind};

    #[test]
    fn unfit_rows_are_refused_by_name() {
        let frame = Frame::new(vec![(
            Field::new("x", Kind::Numeric, "test"),
            Column::numbers(vec![1.0, 2.0]),
        )])
        .expect("one column");
        let train = |target: &[f64], weights: Option<&[f64]>| {
            TrainView::new(frame.view(), Target::Numbers(target), weights, Task::Regression).err()
        };
        assert_eq!(train(&[1.0, 2.0], None), None);
        assert_eq!(
            train(&[1.0], None),
            Some(DataError::Length {
                rows: 2,
                answers: 1,
                what: "target"
            })
        );
        assert!(matches!(
            train(&[1.0, f64::NAN], None),
            Some(DataError::Target { row: 2, .. })
        ));
        assert_eq!(
            train(&[1.0, 2.0], Some(&[0.0, -1.0])),
            Some(DataError::Weight { row: 2, value: -1.0 })
        );
        assert_eq!(train(&[1.0, 2.0], Some(&[0.0, 0.0])), Some(DataError::NoWeight));
    }

    #[test]
    fn tasks_without_a_target_take_features_alone() {
        let frame = Frame::new(vec![(
            Field::new("x", Kind::Numeric, "test"),
            Column::numbers(vec![1.0, 2.0]),
        )])
        .expect("one column");
        for task in [Task::Anomaly, Task::Clustering] {
            let train = TrainView::unlabelled(frame.view(), None, task).expect("two rows");
            assert_eq!((train.target().len(), train.task()), (2, task));
            let refused = TrainView::unlabelled(frame.view(), Some(&[0.0, 0.0]), task).err();
            assert_eq!(refused, Some(DataError::NoWeight));
        }
    }
}
