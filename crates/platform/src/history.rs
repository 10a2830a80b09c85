//! What earlier trainings have shown: what their tables are like and how their trials fared, as the training engine takes it.

use kolosal_learner::{Direction, find_metric};
use kolosal_pipeline::Manifest;
use kolosal_store::{Query, Run, Store};
use kolosal_training::{Experience, PastTrial, Traits};

use crate::PlatformError;
use crate::tracking::{KIND, LEARNER, METRIC, TASK};

/// Tasks that a training can have had.
const TASKS: [&str; 3] = ["binary", "multiclass", "regression"];

/// Latest trainings of each task that a training looks at.
const REMEMBERED: usize = 12;

/// Names of the parameters that tables are compared by.
const ROWS: &str = "data.rows";
const NUMERIC: &str = "data.numeric";
const CATEGORICAL: &str = "data.categorical";
const TEXT: &str = "data.text";
const SHA256: &str = "data.sha256";

/// What a table is like, as parameters of the run that learned from it.
pub(crate) fn traits_of(manifest: &Manifest) -> Vec<(String, String)> {
    let features = &manifest.features;
    let count = |kinds: &[&str]| {
        features
            .iter()
            .filter(|f| kinds.contains(&f.kind.as_str()))
            .count()
    };
    let levels_max = features.iter().filter_map(|feature| feature.levels).max();
    let numbers = [
        (ROWS, manifest.data.rows),
        ("data.columns", manifest.data.columns),
        (NUMERIC, count(&["numeric", "integer", "boolean", "datetime"])),
        (CATEGORICAL, count(&["categorical"])),
        (TEXT, count(&["text"])),
        ("data.levels_max", levels_max.unwrap_or(0)),
        ("data.classes", manifest.classes.len()),
    ];
    let numbers = numbers.map(|(name, number)| (name.to_owned(), number.to_string()));
    let sha256 = (SHA256.to_owned(), manifest.data.sha256.clone());
    numbers.into_iter().chain([sha256]).collect()
}

/// The latest trainings of a task that ended with a model, the latest first, at most `count_max` of them.
///
/// # Errors
/// [`PlatformError::Store`].
pub fn history(store: &Store, task: &str, count_max: usize) -> Result<Vec<Experience>, PlatformError> {
    if !TASKS.contains(&task) {
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
    let found = store.search_runs(&[], &query)?;
    found.items.iter().map(|run| experience(store, run)).collect()
}

/// The latest trainings of every task.
pub(crate) fn experiences(store: &Store) -> Result<Vec<Experience>, PlatformError> {
    let mut all = Vec::new();
    for task in TASKS {
        all.extend(history(store, task, REMEMBERED)?);
    }
    Ok(all)
}

fn experience(store: &Store, run: &Run) -> Result<Experience, PlatformError> {
    let metric = tag(run, METRIC);
    let sign = match find_metric(&metric).map(|metric| metric.direction()) {
        Ok(Direction::HigherIsBetter) => -1.0,
        _ => 1.0,
    };
    let trial = |child: &Run| {
        let score = child.metrics.iter().find(|found| found.key == metric);
        PastTrial {
            learner: tag(child, LEARNER),
            params: child.params.clone(),
            loss: score
                .map(|score| sign * score.value)
                .filter(|loss| loss.is_finite()),
        }
    };
    let children = store.child_runs(&run.id)?;
    let trials = children.iter().filter(|child| tag(child, KIND) == "trial");
    Ok(Experience {
        task: tag(run, TASK),
        traits: traits_from(run),
        trials: trials.map(trial).collect(),
        metric,
    })
}

fn tag(run: &Run, key: &str) -> String {
    run.tags.get(key).cloned().unwrap_or_default()
}

fn traits_from(run: &Run) -> Traits {
    let number = |name: &str| {
        let text = run.params.get(name);
        text.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0)
    };
    let categorical = number(CATEGORICAL);
    Traits {
        rows: number(ROWS),
        // Anyone may log parameters of a run: they are no counts that must fit together.
        columns: number(NUMERIC)
            .saturating_add(categorical)
            .saturating_add(number(TEXT)),
        categorical,
        sha256: run.params.get(SHA256).cloned().unwrap_or_default(),
    }
}
