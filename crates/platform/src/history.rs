//! What earlier trainings have shown: facts of their tables and the results of their trials, as plain records.

use std::collections::BTreeMap;

use kolosal_learner::{Direction, find_metric};
use kolosal_pipeline::Manifest;
use kolosal_store::{Query, Run, Store};
use kolosal_training::{Experience, PastTrial as Trial, Traits};

use crate::PlatformError;
use crate::tracking::{KIND, LEARNER, METRIC, TASK, VALIDATION};

/// What a table is like, in a few numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DataTraits {
    /// Rows with a known target.
    pub rows: usize,
    /// Columns, the target included.
    pub columns: usize,
    /// Features that are numbers, whole numbers, times or yes and no.
    pub numeric: usize,
    /// Features that are categories.
    pub categorical: usize,
    /// Features that are texts.
    pub text: usize,
    /// Levels of the feature that has most.
    pub levels_max: usize,
    /// Classes of the target; zero for a number.
    pub classes: usize,
    /// SHA-256 of names, kinds and values.
    pub sha256: String,
}

/// A trial of an earlier training.
#[derive(Debug, Clone, PartialEq)]
pub struct PastTrial {
    /// The learner.
    pub learner: String,
    /// Its parameters as asked for, as text; those absent had their defaults.
    pub params: BTreeMap<String, String>,
    /// What the training wanted small: the metric, or its negative where large is good. `None` if the trial failed.
    pub loss: Option<f64>,
    /// Seconds it took.
    pub fit_s: f64,
    /// How rows were held out.
    pub validation: String,
}

/// An earlier training.
#[derive(Debug, Clone, PartialEq)]
pub struct PastStudy {
    /// Its run.
    pub run: String,
    /// `binary`, `multiclass` or `regression`.
    pub task: String,
    /// The metric it was after.
    pub metric: String,
    /// Its table.
    pub data: DataTraits,
    /// Its trials, in the order in which they ended.
    pub trials: Vec<PastTrial>,
}

impl DataTraits {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let count = |kinds: &[&str]| {
            let is_one = |kind: &String| kinds.contains(&kind.as_str());
            manifest
                .features
                .iter()
                .filter(|feature| is_one(&feature.kind))
                .count()
        };
        Self {
            rows: manifest.data.rows,
            columns: manifest.data.columns,
            numeric: count(&["numeric", "integer", "boolean", "datetime"]),
            categorical: count(&["categorical"]),
            text: count(&["text"]),
            levels_max: manifest
                .features
                .iter()
                .filter_map(|feature| feature.levels)
                .max()
                .unwrap_or(0),
            classes: manifest.classes.len(),
            sha256: manifest.data.sha256.clone(),
        }
    }

    /// The traits as parameters of a run.
    pub(crate) fn params(&self) -> Vec<(String, String)> {
        self.numbers()
            .into_iter()
            .map(|(name, number)| (name.to_owned(), number.to_string()))
            .chain([("data.sha256".to_owned(), self.sha256.clone())])
            .collect()
    }

    fn numbers(&self) -> [(&'static str, usize); 7] {
        [
            ("data.rows", self.rows),
            ("data.columns", self.columns),
            ("data.numeric", self.numeric),
            ("data.categorical", self.categorical),
            ("data.text", self.text),
            ("data.levels_max", self.levels_max),
            ("data.classes", self.classes),
        ]
    }

    fn from_run(run: &Run) -> Self {
        let number = |name: &str| {
            run.params
                .get(name)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        Self {
            rows: number("data.rows"),
            columns: number("data.columns"),
            numeric: number("data.numeric"),
            categorical: number("data.categorical"),
            text: number("data.text"),
            levels_max: number("data.levels_max"),
            classes: number("data.classes"),
            sha256: run.params.get("data.sha256").cloned().unwrap_or_default(),
        }
    }
}

/// The latest trainings of a task that ended with a model, the latest first, at most `count_max` of them.
///
/// # Errors
/// [`PlatformError::Store`].
pub fn history(store: &Store, task: &str, count_max: usize) -> Result<Vec<PastStudy>, PlatformError> {
    if !["binary", "multiclass", "regression"].contains(&task) {
        return Err(PlatformError::Setting {
            what: "the task",
            value: task.to_owned(),
            allowed: "binary, multiclass or regression".to_owned(),
        });
    }
    let query = Query {
        filter: format!("tags.`{KIND}` = 'train' AND tags.`{TASK}` = '{task}'"),
        count_max,
        ..Query::default()
    };
    let studies = store
        .search_runs(&[], &query)?
        .items
        .into_iter()
        .map(|run| study(store, &run));
    studies.collect()
}

/// Latest trainings of each task that a training looks at.
const REMEMBERED: usize = 12;

/// The latest trainings, as the training engine takes them.
pub(crate) fn experiences(store: &Store) -> Result<Vec<Experience>, PlatformError> {
    let mut all = Vec::new();
    for task in ["binary", "multiclass", "regression"] {
        all.extend(history(store, task, REMEMBERED)?.into_iter().map(experience));
    }
    Ok(all)
}

fn experience(study: PastStudy) -> Experience {
    let trial = |trial: PastTrial| Trial {
        learner: trial.learner,
        params: trial.params,
        loss: trial.loss,
    };
    Experience {
        task: study.task,
        metric: study.metric,
        traits: Traits {
            rows: study.data.rows,
            columns: study.data.numeric + study.data.categorical + study.data.text,
            categorical: study.data.categorical,
            sha256: study.data.sha256,
        },
        trials: study.trials.into_iter().map(trial).collect(),
    }
}

fn study(store: &Store, run: &Run) -> Result<PastStudy, PlatformError> {
    let tag = |run: &Run, key: &str| run.tags.get(key).cloned().unwrap_or_default();
    let metric = tag(run, METRIC);
    let sign = match find_metric(&metric).map(|metric| metric.direction()) {
        Ok(Direction::HigherIsBetter) => -1.0,
        _ => 1.0,
    };
    let children = store.child_runs(&run.id)?;
    let trial = |child: &Run| {
        let value = |name: &str| {
            child
                .metrics
                .iter()
                .find(|found| found.key == name)
                .map(|found| found.value)
        };
        PastTrial {
            learner: tag(child, LEARNER),
            params: child.params.clone(),
            loss: value(&metric)
                .filter(|score| score.is_finite())
                .map(|score| sign * score),
            fit_s: value("fit_s").unwrap_or(0.0),
            validation: tag(child, VALIDATION),
        }
    };
    let trials = children
        .iter()
        .filter(|child| tag(child, KIND) == "trial")
        .map(trial)
        .collect();
    Ok(PastStudy {
        run: run.id.clone(),
        task: tag(run, TASK),
        metric,
        data: DataTraits::from_run(run),
        trials,
    })
}
