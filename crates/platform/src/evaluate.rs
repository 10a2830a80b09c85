//! Judging a model by a table with known answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kolosal_base::Clock;
use kolosal_frame::{Field, FrozenSchema, Kind, Schema};
use kolosal_learner::{METRICS, Predictions, Target, Task};
use kolosal_pipeline::{CodedTarget, Conformal, TargetSpec};

use crate::{Model, Platform, PlatformError};

/// How good a model's answers are.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The table's rows.
    pub rows: usize,
    /// Rows without a known answer, left out.
    pub rows_left_out: usize,
    /// The metric the model was chosen by.
    pub metric: String,
    /// Every metric that is defined for these rows.
    pub scores: BTreeMap<String, f64>,
    /// Why metrics of the task are not among the scores.
    pub undefined: BTreeMap<String, String>,
    /// Answers by class; empty for a regression.
    pub classes: Vec<ClassReport>,
    /// How intervals or sets fared, if the model has them.
    pub coverage: Option<Coverage>,
    /// Time to predict.
    pub predict_time: Duration,
}

/// How intervals, or sets of classes, hold the known answers.
#[derive(Debug, Clone, Copy)]
pub struct Coverage {
    /// The share of rows that was asked for.
    pub asked: f64,
    /// The share of rows whose answer is inside.
    pub inside: f64,
    /// Mean width of an interval, or mean number of classes in a set.
    pub width: f64,
}

/// The coverage that intervals are judged at.
const COVERAGE: f64 = 0.9;

/// How one class fared.
#[derive(Debug, Clone)]
pub struct ClassReport {
    /// The label.
    pub label: String,
    /// Rows that have it.
    pub rows: usize,
    /// Rows that were given it.
    pub predicted: usize,
    /// Rows that have it and were given it.
    pub right: usize,
}

impl Platform {
    /// Judges a model by a table.
    ///
    /// # Errors
    /// [`PlatformError`] if the table lacks a feature or the target, or no row has a known answer.
    pub fn evaluate(&self, model: &Model, file: &Path) -> Result<Evaluation, PlatformError> {
        let spec = model.pipeline.target();
        if !spec.task.kind().has_target() {
            let task = spec.task.kind().name();
            return Err(kolosal_pipeline::TargetError::NoTarget { task }.into());
        }
        let table = self.read_frozen(file, &with_target(model.pipeline.schema(), spec))?;
        let at = table.frame.schema().require(&spec.name)?;
        let answers = spec.code(&table.frame.columns()[at])?;
        let known: Vec<u32> = (0..answers.len())
            .filter(|&row| answers.is_known(row))
            .map(|row| row as u32)
            .collect();
        if known.is_empty() {
            return Err(kolosal_pipeline::TargetError::AllMissing {
                name: spec.name.clone(),
            }
            .into());
        }
        let started = self.clock.now();
        let predictions = self.answers(model, &table)?;
        let predict_time = self.clock.now().saturating_sub(started);
        let (answers, predictions) = (answers.select(&known), predictions.select(&known));
        let (scores, undefined) = score_all(&answers.as_target(), &predictions);
        Ok(Evaluation {
            rows: known.len(),
            rows_left_out: table.rows - known.len(),
            metric: model.manifest.metric.clone(),
            scores,
            undefined,
            coverage: coverage(model, &answers, &predictions),
            classes: class_reports(&answers, &predictions, &model.manifest.classes),
            predict_time,
        })
    }
}

/// The features and, behind them, the target with the classes of training as its levels.
fn with_target(features: &FrozenSchema, spec: &TargetSpec) -> FrozenSchema {
    let positions = 0..features.schema().len();
    let mut levels: Vec<_> = positions.map(|at| features.levels(at).cloned()).collect();
    let mut fields = features.schema().fields().to_vec();
    let is_number = spec.task == Task::Regression;
    let kind = if is_number {
        Kind::Numeric
    } else {
        Kind::Categorical
    };
    fields.push(Field::new(
        spec.name.clone(),
        kind,
        "it is what the model predicts",
    ));
    levels.push((!is_number).then(|| Arc::clone(&spec.classes)));
    let schema = Schema::new(fields).expect("a model does not learn from its own target");
    FrozenSchema::new(schema, levels)
}

fn coverage(model: &Model, answers: &CodedTarget, predictions: &Predictions) -> Option<Coverage> {
    let conformal = model.pipeline.conformal().ok()?;
    let asked = COVERAGE.min(conformal.coverage_max());
    conformal.require(asked).ok()?;
    let (mut inside, mut width) = (0, 0.0);
    match (conformal, answers.as_target()) {
        (Conformal::Numbers(errors), Target::Numbers(truth)) => {
            for (answer, truth) in predictions.values().iter().zip(truth) {
                let (lower, upper) = errors.interval(*answer, asked);
                inside += usize::from((lower..=upper).contains(truth));
                width += upper - lower;
            }
        }
        (Conformal::Classes(errors), Target::Classes { codes, .. }) => {
            let most = errors.most(asked);
            for (row, &code) in codes.iter().enumerate() {
                let (shares, called) = (predictions.row(row), predictions.class(row) as usize);
                let is_inside = |class: usize| class == called || 1.0 - shares[class] <= most;
                inside += usize::from(is_inside(code as usize));
                width += (0..shares.len()).filter(|&class| is_inside(class)).count() as f64;
            }
        }
        _ => return None,
    }
    let rows = predictions.row_count() as f64;
    Some(Coverage {
        asked,
        inside: inside as f64 / rows,
        width: width / rows,
    })
}

type Scores = (BTreeMap<String, f64>, BTreeMap<String, String>);

fn score_all(target: &Target<'_>, predictions: &Predictions) -> Scores {
    let task = match target {
        Target::Numbers(_) => Task::Regression,
        Target::Classes { count, .. } => Task::classification(*count),
        Target::Unknown { .. } => return Scores::default(),
    };
    let (mut scores, mut undefined) = (BTreeMap::new(), BTreeMap::new());
    for metric in METRICS.iter().filter(|metric| metric.suits(task.kind())) {
        match metric.score(target, predictions, None) {
            Ok(score) => drop(scores.insert(metric.name().to_owned(), score)),
            Err(error) => drop(undefined.insert(metric.name().to_owned(), error.to_string())),
        }
    }
    (scores, undefined)
}

fn class_reports(answers: &CodedTarget, predictions: &Predictions, labels: &[String]) -> Vec<ClassReport> {
    let CodedTarget::Classes { codes, .. } = answers else {
        return Vec::new();
    };
    let report = |label: &String| ClassReport {
        label: label.clone(),
        rows: 0,
        predicted: 0,
        right: 0,
    };
    let mut reports: Vec<ClassReport> = labels.iter().map(report).collect();
    for (row, &code) in codes.iter().enumerate() {
        let given = predictions.class(row);
        reports[code as usize].rows += 1;
        reports[given as usize].predicted += 1;
        reports[code as usize].right += usize::from(code == given);
    }
    reports
}
