//! Rows that come one request at a time: answered where they are, without a file.

use std::collections::BTreeMap;

use kolosal_frame::{Column, Field, Frame, FrameError, Kind};
use kolosal_learner::{Meaning, Predictions};
use kolosal_pipeline::PipelineError;

use crate::{Model, Platform, PlatformError};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// It is not known.
    Missing,
    /// A number; NaN counts as missing.
    Number(f64),
    /// A text.
    Text(String),
}

/// Rows by column; every column has a cell a row.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// The number of rows.
    pub count: usize,
    /// Columns by name.
    pub columns: BTreeMap<String, Vec<Cell>>,
}

/// What a model answers to one row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowAnswer {
    /// A number.
    Number(f64),
    /// A class, and the probability of each class in the order of [`RowAnswers::classes`].
    Class(usize, Vec<f64>),
    /// Whether the row is strange, and its score.
    Anomaly(bool, f64),
    /// The row's group, if it has one, and how strongly it belongs to it.
    Group(Option<u32>, f64),
}

/// A row that could not be answered.
#[derive(Debug, Clone, PartialEq)]
pub struct RowProblem {
    /// Its place among the rows, from zero.
    pub row: usize,
    /// The column whose value does not fit.
    pub column: String,
    /// What is wrong with it, and how to mend it.
    pub message: String,
}

/// Answers to rows.
#[derive(Debug, Clone)]
pub struct RowAnswers {
    /// Labels of the classes; empty where the answer is no class.
    pub classes: Vec<String>,
    /// An answer a row; `None` for the rows of `problems`.
    pub answers: Vec<Option<RowAnswer>>,
    /// Rows that could not be answered.
    pub problems: Vec<RowProblem>,
}

/// Bad rows that are looked for one by one; with more, the request as a whole is refused.
const PROBLEMS_MAX: usize = 100;

impl Platform {
    /// Answers rows. A row with a value that does not fit is left out and named; it does not touch the others.
    ///
    /// # Errors
    /// [`PlatformError::Frame`] if a column is missing from all rows, or more than a hundred rows do not fit.
    pub fn answer(&self, model: &Model, rows: &Rows) -> Result<RowAnswers, PlatformError> {
        let mut kept: Vec<usize> = (0..rows.count).collect();
        let mut problems = Vec::new();
        let predictions = loop {
            let table = frame(model, rows, &kept)?;
            match model.pipeline.predict(&table, &self.workers) {
                Ok(predictions) => break predictions,
                Err(PipelineError::Frame(error @ FrameError::Unfit { .. })) => {
                    let FrameError::Unfit { row, column, .. } = &error else {
                        unreachable!("matched above")
                    };
                    let at = kept.remove(row - 1);
                    let problem = RowProblem {
                        row: at,
                        column: column.clone(),
                        message: error.to_string(),
                    };
                    if kept.is_empty() || problems.len() == PROBLEMS_MAX {
                        return Err(error.into());
                    }
                    problems.push(problem);
                }
                Err(PipelineError::Frame(error)) => return Err(error.into()),
                Err(error) => {
                    return Err(PlatformError::Unfit {
                        file: "the rows".into(),
                        source: error,
                    });
                }
            }
        };
        let mut answers = vec![None; rows.count];
        let found = read(&predictions);
        for (at, answer) in kept.iter().zip(found) {
            answers[*at] = Some(answer);
        }
        problems.sort_by_key(|problem: &RowProblem| problem.row);
        Ok(RowAnswers {
            classes: model.manifest.classes.clone(),
            answers,
            problems,
        })
    }
}

/// The columns that a model needs, of some rows: as numbers where all are, else as texts, which the schema converts.
fn frame(model: &Model, rows: &Rows, kept: &[usize]) -> Result<Frame, PlatformError> {
    let mut columns = Vec::new();
    for feature in &model.manifest.features {
        let Some(cells) = rows.columns.get(&feature.name) else {
            continue;
        };
        let cells = || kept.iter().map(|row| &cells[*row]);
        let is_text = cells().any(|cell| matches!(cell, Cell::Text(_)));
        let (kind, column) = if is_text {
            let text = |cell: &Cell| match cell {
                Cell::Missing => String::new(),
                Cell::Number(number) if number.is_nan() => String::new(),
                Cell::Number(number) => number.to_string(),
                Cell::Text(text) => text.clone(),
            };
            (Kind::Text, Column::text(&cells().map(text).collect::<Vec<_>>()))
        } else {
            let number = |cell: &Cell| match cell {
                Cell::Number(number) => *number,
                Cell::Missing | Cell::Text(_) => f64::NAN,
            };
            (Kind::Numeric, Column::numbers(cells().map(number).collect()))
        };
        columns.push((
            Field::new(feature.name.clone(), kind, "sent in a request"),
            column,
        ));
    }
    if columns.is_empty() {
        // No column at all: the schema says which ones it needs.
        let nothing = Column::numbers(vec![f64::NAN; kept.len()]);
        columns.push((
            Field::new(String::from("-"), Kind::Numeric, "nothing was sent"),
            nothing,
        ));
    }
    Ok(Frame::new(columns)?)
}

fn read(predictions: &Predictions) -> Vec<RowAnswer> {
    let rows = 0..predictions.row_count();
    match predictions.meaning() {
        Meaning::Number => predictions
            .values()
            .iter()
            .map(|value| RowAnswer::Number(*value))
            .collect(),
        Meaning::ClassProbability => rows
            .map(|row| RowAnswer::Class(predictions.class(row) as usize, predictions.row(row).to_vec()))
            .collect(),
        Meaning::Anomaly => rows
            .map(|row| RowAnswer::Anomaly(predictions.row(row)[1] > 0.0, predictions.row(row)[0]))
            .collect(),
        Meaning::Group => predictions
            .groups()
            .iter()
            .zip(rows)
            .map(|(group, row)| RowAnswer::Group(*group, predictions.row(row)[1]))
            .collect(),
    }
}
