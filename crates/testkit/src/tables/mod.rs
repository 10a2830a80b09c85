//! Tables for contracts: small, made by formula and seed, of every storage that a learner can meet; and three real
//! ones. Made-up tables say whether a contract is kept, never how good a learner is.

mod made;
mod real;

pub use made::{PlainSize, everything, mixed, plain};
pub use real::{RealTables, real_tables};

use kolosal_frame::{Column, Field, Frame, FrameView, Kind};
use kolosal_learner::{Target, Task, TrainView};

/// A frame with its answers.
#[derive(Debug, Clone)]
pub struct Table {
    /// The features.
    pub frame: Frame,
    /// One answer a row.
    pub answers: Answers,
    /// One weight a row, if rows count differently.
    pub weights: Option<Vec<f64>>,
}

/// Known answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Answers {
    /// Of a regression.
    Numbers(Vec<f64>),
    /// Of a classification.
    Classes {
        /// One code a row.
        codes: Vec<u32>,
        /// How many classes the task has.
        count: u32,
    },
    /// None: the task has no target.
    Unknown {
        /// The task.
        task: Task,
        /// How many rows there are.
        rows: usize,
    },
}

/// Some rows of a table, as a fold sees them: the frame is the whole one, the answers are those of the rows.
#[derive(Debug, Clone)]
pub struct Fold<'a> {
    frame: &'a Frame,
    rows: &'a [u32],
    answers: Answers,
    weights: Option<Vec<f64>>,
}

impl Answers {
    /// The question.
    pub fn task(&self) -> Task {
        match self {
            Self::Numbers(_) => Task::Regression,
            Self::Classes { count, .. } => Task::classification(*count),
            Self::Unknown { task, .. } => *task,
        }
    }

    /// As learners take them.
    pub fn target(&self) -> Target<'_> {
        match self {
            Self::Numbers(values) => Target::Numbers(values),
            Self::Classes { codes, count } => Target::Classes { codes, count: *count },
            Self::Unknown { rows, .. } => Target::Unknown { rows: *rows },
        }
    }

    /// Those of the given rows.
    pub fn select(&self, rows: &[u32]) -> Self {
        match self {
            Self::Numbers(values) => Self::Numbers(pick(values, rows)),
            Self::Classes { codes, count } => Self::Classes {
                codes: pick(codes, rows),
                count: *count,
            },
            Self::Unknown { task, .. } => Self::Unknown {
                task: *task,
                rows: rows.len(),
            },
        }
    }
}

fn pick<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| values[row as usize]).collect()
}

impl Table {
    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.frame.row_count()
    }

    /// The features of all rows.
    pub fn view(&self) -> FrameView<'_> {
        self.frame.view()
    }

    /// All rows, to learn from.
    ///
    /// # Panics
    /// If the answers or weights are unfit: tables here are made fit.
    pub fn train(&self) -> TrainView<'_> {
        let weights = self.weights.as_deref();
        TrainView::new(self.view(), self.answers.target(), weights, self.answers.task())
            .expect("tables for contracts are fit to learn from")
    }

    /// A table of its own with just these rows; a row may occur more than once.
    pub fn gather(&self, rows: &[u32]) -> Self {
        Self {
            frame: self.frame.select(rows).to_frame(),
            answers: self.answers.select(rows),
            weights: self.weights.as_ref().map(|weights| pick(weights, rows)),
        }
    }

    /// These rows as a view into the whole table.
    pub fn fold<'a>(&'a self, rows: &'a [u32]) -> Fold<'a> {
        Fold {
            frame: &self.frame,
            rows,
            answers: self.answers.select(rows),
            weights: self.weights.as_ref().map(|weights| pick(weights, rows)),
        }
    }

    /// The same rows with other weights.
    pub fn weighted(&self, weights: Vec<f64>) -> Self {
        Self {
            weights: Some(weights),
            ..self.clone()
        }
    }

    /// The same rows with one more column.
    ///
    /// # Panics
    /// If the name is taken or the length differs.
    pub fn with_column(&self, name: &str, kind: Kind, column: Column) -> Self {
        let fields = self.frame.schema().fields().iter().cloned();
        let mut columns: Vec<(Field, Column)> = fields.zip(self.frame.columns().iter().cloned()).collect();
        columns.push((Field::new(name, kind, "made by formula"), column));
        Self {
            frame: Frame::new(columns).expect("a new name and the length of the others"),
            ..self.clone()
        }
    }

    /// The same rows with a column replaced.
    pub fn replacing(&self, position: usize, column: Column) -> Self {
        let mut columns = self.frame.columns().to_vec();
        columns[position] = column;
        Self {
            frame: Frame::with_schema(self.frame.schema(), columns),
            ..self.clone()
        }
    }
}

impl Fold<'_> {
    /// The rows, to learn from.
    ///
    /// # Panics
    /// If the answers or weights are unfit: tables here are made fit.
    pub fn train(&self) -> TrainView<'_> {
        let features = self.frame.select(self.rows);
        TrainView::new(
            features,
            self.answers.target(),
            self.weights.as_deref(),
            self.answers.task(),
        )
        .expect("tables for contracts are fit to learn from")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_learner::DataError;

    #[test]
    fn a_frame_without_columns_has_no_rows_and_is_refused_before_any_learner() {
        let frame = Frame::new(Vec::new()).expect("no columns");
        let refused = TrainView::new(frame.view(), Target::Numbers(&[]), None, Task::Regression);
        assert_eq!(refused.err(), Some(DataError::NoRows));
    }

    #[test]
    fn a_fold_reads_like_its_gathered_table() {
        let table = plain(Task::Binary, PlainSize { rows: 20, columns: 3 }, 1);
        let rows = [7, 3, 3, 11];
        let (fold, own) = (table.fold(&rows), table.gather(&rows));
        assert_eq!(fold.train().classes(), own.train().classes());
        assert_eq!(fold.train().features().numbers(1), own.view().numbers(1));
    }
}
