//! Scoring a table into a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kolosal_base::Clock;
use kolosal_frame::write::{Format, write};
use kolosal_frame::{Categories, Column, Field, Frame, Kind};
use kolosal_learner::{Meaning, Predictions};
use kolosal_pipeline::Conformal;

use crate::train::require_writable;
use crate::{Model, Platform, PlatformError, Table};

/// What was scored.
#[derive(Debug, Clone)]
pub struct PredictSummary {
    /// Rows answered.
    pub rows: usize,
    /// Where the answers are.
    pub output: PathBuf,
    /// Columns of the answers.
    pub columns: Vec<String>,
    /// Time to predict, without reading and writing.
    pub predict_time: Duration,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Platform {
    /// Answers every row of a table and writes the answers: the column `prediction`, for a classification the column
    /// `proba_<class>` of each class, for anomalies the column `score` beside `usual` or `strange`, for a clustering the column
    /// `strength` beside the group's number or `noise`. With a coverage, numbers have the columns `lower` and `upper` between which the
    /// truth lies in that share of rows, and classes the column `set` with the labels among which it is, joined by `|`.
    ///
    /// # Errors
    /// [`PlatformError`]; the file at the output is then as it was.
    pub fn predict(
        &self,
        model: &Model,
        (data, output): (&Path, &Path),
        coverage: Option<f64>,
    ) -> Result<PredictSummary, PlatformError> {
        require_writable(output)?;
        if let Some(coverage) = coverage {
            model.pipeline.conformal()?.require(coverage)?;
        }
        Format::of(output)?;
        let table = self.read_frozen(data, model.pipeline.schema())?;
        let started = self.clock.now();
        let predictions = self.answers(model, &table)?;
        let predict_time = self.clock.now().saturating_sub(started);
        let answers = answer_frame(model, &predictions, coverage)?;
        write(&answers, output, &self.workers, &self.cancel)?;
        Ok(PredictSummary {
            rows: table.rows,
            output: output.to_owned(),
            columns: answers
                .schema()
                .fields()
                .iter()
                .map(|field| field.name.clone())
                .collect(),
            predict_time,
            notes: table.notes,
        })
    }

    pub(crate) fn answers(&self, model: &Model, table: &Table) -> Result<Predictions, PlatformError> {
        let answered = model.pipeline.predict(&table.frame, &self.workers);
        answered.map_err(|source| PlatformError::Unfit {
            file: table.file.clone(),
            source,
        })
    }
}

fn answer_frame(
    model: &Model,
    predictions: &Predictions,
    coverage: Option<f64>,
) -> Result<Frame, PlatformError> {
    let field = |name: String, kind| Field::new(name, kind, "made by the model");
    let rows = predictions.row_count();
    if predictions.meaning() == Meaning::Number {
        let column = Column::numbers(predictions.values().to_vec());
        let mut columns = vec![(field("prediction".to_owned(), Kind::Numeric), column)];
        if let Some((coverage, Conformal::Numbers(errors))) = coverage.zip(model.pipeline.conformal().ok()) {
            let interval = |answer: &f64| errors.interval(*answer, coverage);
            let (lower, upper): (Vec<f64>, Vec<f64>) = predictions.values().iter().map(interval).unzip();
            columns.push((field("lower".to_owned(), Kind::Numeric), Column::numbers(lower)));
            columns.push((field("upper".to_owned(), Kind::Numeric), Column::numbers(upper)));
        }
        return Ok(Frame::new(columns)?);
    }
    match predictions.meaning() {
        Meaning::Anomaly => return score_frame(predictions),
        Meaning::Group => return group_frame(predictions),
        Meaning::Number | Meaning::ClassProbability => {}
    }
    let classes = &model.pipeline.target().classes;
    let codes = (0..rows).map(|row| predictions.class(row)).collect();
    let labels = Column::Categories(Categories::new(codes, std::sync::Arc::clone(classes)));
    let mut columns = vec![(field("prediction".to_owned(), Kind::Categorical), labels)];
    for (class, label) in classes.iter().enumerate() {
        let shares = (0..rows).map(|row| predictions.row(row)[class]).collect();
        columns.push((
            field(format!("proba_{label}"), Kind::Numeric),
            Column::numbers(shares),
        ));
    }
    if let Some((coverage, Conformal::Classes(errors))) = coverage.zip(model.pipeline.conformal().ok()) {
        let most = errors.most(coverage);
        let set = |row: usize| {
            let labels = classes.iter().enumerate();
            let called = predictions.class(row) as usize;
            let inside =
                labels.filter(|(class, _)| *class == called || 1.0 - predictions.row(row)[*class] <= most);
            inside.map(|(_, label)| label).collect::<Vec<_>>().join("|")
        };
        let sets: Vec<String> = (0..rows).map(set).collect();
        columns.push((
            field("set".to_owned(), Kind::Categorical),
            Column::categories(&sets),
        ));
    }
    Ok(Frame::new(columns)?)
}

fn score_frame(predictions: &Predictions) -> Result<Frame, PlatformError> {
    let field = |name: &str, kind| Field::new(name, kind, "made by the model");
    let rows = || (0..predictions.row_count()).map(|row| predictions.row(row));
    let words: Vec<&str> = rows()
        .map(|answer| if answer[1] > 0.0 { "strange" } else { "usual" })
        .collect();
    let scores = rows().map(|answer| answer[0]).collect();
    Ok(Frame::new(vec![
        (field("prediction", Kind::Categorical), Column::categories(&words)),
        (field("score", Kind::Numeric), Column::numbers(scores)),
    ])?)
}

fn group_frame(predictions: &Predictions) -> Result<Frame, PlatformError> {
    let field = |name: &str, kind| Field::new(name, kind, "made by the model");
    let strengths = (0..predictions.row_count())
        .map(|row| predictions.row(row)[1])
        .collect();
    Ok(Frame::new(vec![
        (
            field("prediction", Kind::Categorical),
            Column::categories(&group_words(&predictions.groups())),
        ),
        (field("strength", Kind::Numeric), Column::numbers(strengths)),
    ])?)
}

/// Groups as people read them.
pub(crate) fn group_words(groups: &[Option<u32>]) -> Vec<String> {
    let word = |group: &Option<u32>| group.map_or_else(|| "noise".to_owned(), |group| group.to_string());
    groups.iter().map(word).collect()
}
