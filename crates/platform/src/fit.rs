//! Single fits: one learner, given parameters.

use std::path::PathBuf;
use std::time::Duration;

use kolosal_base::{Clock, Seed};
use kolosal_frame::FrozenSchema;
use kolosal_learner::{LearnerCard, ParamDef, Point, Task};
use kolosal_pipeline::Manifest;
use kolosal_training::{
    Budget, FitTables, Preset, TaskChoice, TrainRequest, UnlabelledRequest, fit, fit_unlabelled,
};

use crate::cluster::profiles;
use crate::model::save;
use crate::train::require_writable;
use crate::{ColumnTypes, Evaluation, Model, Platform, PlatformError, Table};

/// What to fit.
#[derive(Debug, Clone)]
pub struct FitJob {
    /// The learner's name or alias.
    pub learner: String,
    /// Parameters as the user wrote them.
    pub settings: Vec<(String, String)>,
    /// The training table.
    pub data: PathBuf,
    /// Rows to judge the model by.
    pub valid: Option<PathBuf>,
    /// Rows that the learner may stop early by; they have the columns of `data`.
    pub holdout: Option<PathBuf>,
    /// The column to predict; `None` for learners of tasks without a target.
    pub target: Option<String>,
    /// Columns that must not count, for learners of tasks without a target.
    pub ignore: Vec<String>,
    /// The question.
    pub task: TaskChoice,
    /// The seed.
    pub seed: u64,
    /// Column of weights.
    pub weight: Option<String>,
    /// Types of columns.
    pub column_types: ColumnTypes,
    /// Where the model goes, if anywhere.
    pub output: Option<PathBuf>,
}

/// What came of it.
pub struct FitSummary {
    /// What the model says of itself.
    pub manifest: Manifest,
    /// Time to read the table.
    pub load_time: Duration,
    /// Time to bin its columns.
    pub bin_time: Duration,
    /// Time of the fit.
    pub fit_time: Duration,
    /// The model on the validation rows.
    pub valid: Option<Evaluation>,
    /// What the learner said.
    pub warnings: Vec<String>,
    /// Size of the model, if it was written.
    pub model_bytes: Option<u64>,
}

impl Platform {
    /// Fits one learner.
    ///
    /// # Errors
    /// [`PlatformError`]; the file at the output is then as it was.
    pub fn fit(&self, job: &FitJob) -> Result<FitSummary, PlatformError> {
        let learner = kolosal_learners::find(&job.learner)?;
        let point = point_of(&job.settings, learner.params())?;
        if job.holdout.is_some() {
            require_patience(learner.card().name, learner.params(), &point)?;
        }
        if let Some(output) = &job.output {
            require_writable(output)?;
        }
        require_target(learner.card(), job)?;
        let table = self.read(&job.data, &job.column_types)?;
        let Some(target) = &job.target else {
            return self.fit_without_target(&table, (learner.card().name, &point), job);
        };
        let request = TrainRequest {
            task: job.task,
            preset: Preset::Fast,
            seed: Seed::new(job.seed),
            weight: job.weight.clone(),
            ..TrainRequest::new(target.clone())
        };
        let budget = self.free_budget();
        let holdout = job
            .holdout
            .as_ref()
            .map(|file| self.read_frozen(file, &FrozenSchema::of(&table.frame)))
            .transpose()?;
        let tables = FitTables {
            train: &table.frame,
            held_out: holdout.as_ref().map(|table| &table.frame),
        };
        let fitted = fit(tables, (learner.card().name, &point), &request, &budget)?;
        let model_bytes = match &job.output {
            Some(output) => Some(save(output, &fitted.manifest, &fitted.pipeline)?),
            None => None,
        };
        let file = job
            .output
            .clone()
            .unwrap_or_else(|| PathBuf::from("(not written)"));
        let model = Model {
            file,
            manifest: fitted.manifest,
            pipeline: fitted.pipeline,
        };
        let valid = job
            .valid
            .as_ref()
            .map(|file| self.evaluate(&model, file))
            .transpose()?;
        Ok(FitSummary {
            manifest: model.manifest,
            load_time: table.load_time,
            bin_time: fitted.bin_time,
            fit_time: fitted.fit_time,
            valid,
            warnings: fitted.warnings,
            model_bytes,
        })
    }
}

impl Platform {
    /// All of the machine that was taken, without an end.
    pub(crate) fn free_budget(&self) -> Budget<'_> {
        Budget {
            workers: &self.workers,
            memory: &self.memory,
            clock: &self.clock as &dyn Clock,
            deadline: None,
            work_max: None,
            cancel: &self.cancel,
        }
    }

    fn fit_without_target(
        &self,
        table: &Table,
        plan: (&str, &Point),
        job: &FitJob,
    ) -> Result<FitSummary, PlatformError> {
        let request = UnlabelledRequest {
            ignore: job.ignore.clone(),
            weight: job.weight.clone(),
            seed: Seed::new(job.seed),
        };
        let mut fitted = fit_unlabelled(&table.frame, plan, &request, &self.free_budget())?.fitted;
        if fitted.pipeline.target().task == Task::Clustering {
            let (features, groups) = self.groups_of(&fitted.pipeline, table)?;
            fitted.manifest.groups = profiles(&features, &groups);
        }
        let model_bytes = match &job.output {
            Some(output) => Some(save(output, &fitted.manifest, &fitted.pipeline)?),
            None => None,
        };
        Ok(FitSummary {
            manifest: fitted.manifest,
            load_time: table.load_time,
            bin_time: fitted.bin_time,
            fit_time: fitted.fit_time,
            valid: None,
            warnings: Vec::new(),
            model_bytes,
        })
    }
}

/// Refuses a target where none is looked at, its absence where one is needed, and what belongs to the other kind of task.
fn require_target(card: &LearnerCard, job: &FitJob) -> Result<(), PlatformError> {
    let refused = |what, value: &str, allowed: &str| {
        Err(PlatformError::Setting {
            what,
            value: format!("{value} for {}", card.name),
            allowed: allowed.to_owned(),
        })
    };
    match (card.needs_target(), &job.target) {
        (true, None) => refused("--target", "missing", "the column to predict"),
        (false, Some(_)) => refused(
            "--target",
            "given",
            "left out: this learner looks at no target; --ignore leaves a column out",
        ),
        (true, Some(_)) if !job.ignore.is_empty() => refused(
            "--ignore",
            "given",
            "left out: only learners without a target take it",
        ),
        (false, None) if job.valid.is_some() || job.holdout.is_some() => refused(
            "--valid or --holdout",
            "given",
            "left out: without a target there is nothing to judge by",
        ),
        _ => Ok(()),
    }
}

/// Refuses rows to stop early by where the learner would not look at them.
fn require_patience(learner: &str, defs: &[ParamDef], point: &Point) -> Result<(), PlatformError> {
    let refused = |value: String, allowed| {
        Err(PlatformError::Setting {
            what: "--holdout",
            value,
            allowed,
        })
    };
    let Some(def) = defs
        .iter()
        .find(|def| def.name.starts_with("early_stopping_round"))
    else {
        let allowed =
            "left out: this learner does not stop early; --valid judges a model by other rows".to_owned();
        return refused(format!("for {learner}"), allowed);
    };
    let names = || std::iter::once(def.name).chain(def.aliases.iter().copied());
    let given = names().find_map(|name| point.get(name));
    if given.is_none_or(|value| *value == kolosal_learner::Value::Int(0)) {
        let name = def.name;
        return refused(
            format!("with {name}=0"),
            format!("used with a patience, such as --set {name}=50"),
        );
    }
    Ok(())
}

/// Reads `name=value` settings by the learner's table; names the table does not have are left for its own check.
pub(crate) fn point_of(settings: &[(String, String)], defs: &[ParamDef]) -> Result<Point, PlatformError> {
    let mut point = Point::new();
    for (name, text) in settings {
        let def = defs
            .iter()
            .find(|def| def.name == name || def.aliases.contains(&name.as_str()));
        let value = match def {
            None => kolosal_learner::Value::Choice(text.clone()),
            Some(def) => def.legal.parse(text).ok_or_else(|| PlatformError::Setting {
                what: def.name,
                value: format!("'{text}'"),
                allowed: def.legal.to_string(),
            })?,
        };
        if point.insert(name.clone(), value).is_some() {
            let value = format!("'{text}' again");
            return Err(PlatformError::Setting {
                what: "a parameter",
                value,
                allowed: format!("given once; {name} is given twice"),
            });
        }
    }
    Ok(point)
}
