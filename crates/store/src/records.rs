//! What is stored, as plain data.

use std::collections::BTreeMap;

use crate::StoreError;

/// Names with their values, in the order of the names.
pub type Words = BTreeMap<String, String>;

/// Whether a thing is there or was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is there.
    Active,
    /// It was deleted and can be restored.
    Deleted,
}

impl Stage {
    /// The word in which it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleted => "deleted",
        }
    }

    /// What brings something to it, as the audit log says it.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::Active => "restore",
            Self::Deleted => "delete",
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        if text == "active" {
            Self::Active
        } else {
            Self::Deleted
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// It goes on.
    Running,
    /// It waits for its time.
    Scheduled,
    /// It ended as it should.
    Finished,
    /// It ended with an error.
    Failed,
    /// It was stopped.
    Killed,
}

impl RunStatus {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Running, "RUNNING"),
        (Self::Scheduled, "SCHEDULED"),
        (Self::Finished, "FINISHED"),
        (Self::Failed, "FAILED"),
        (Self::Killed, "KILLED"),
    ];

    /// The word in which it is stored.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(status, _)| *status == self)
            .expect("every status is in ALL")
            .1
    }

    /// Takes a status from words.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] if it is none.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(status, _)| *status).ok_or_else(|| {
            let problem = "is none of RUNNING, SCHEDULED, FINISHED, FAILED, KILLED";
            StoreError::invalid(format!("the status {text:?}"), problem)
        })
    }
}

/// A place for runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether it was deleted.
    pub stage: Stage,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it was changed.
    pub updated: i64,
    /// Its tags.
    pub tags: Words,
}

/// A run to be begun.
#[derive(Debug, Clone, Default)]
pub struct NewRun {
    /// The experiment.
    pub experiment: i64,
    /// Its name; empty for one made of its identifier.
    pub name: String,
    /// Who begins it.
    pub person: String,
    /// When it began; `None` for now.
    pub started: Option<i64>,
    /// Its tags.
    pub tags: Words,
}

/// A change of a run.
#[derive(Debug, Clone, Default)]
pub struct RunChange {
    /// A new name.
    pub name: Option<String>,
    /// A new status.
    pub status: Option<RunStatus>,
    /// When it ended; for an ended status without a time, now.
    pub ended: Option<i64>,
}

/// A run with what was logged in it.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its identifier: 32 hexadecimal digits.
    pub id: String,
    /// The experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// Who began it.
    pub person: String,
    /// How far it is.
    pub status: RunStatus,
    /// Whether it was deleted.
    pub stage: Stage,
    /// When it began.
    pub started: i64,
    /// When it ended.
    pub ended: Option<i64>,
    /// Parameters.
    pub params: Words,
    /// The latest value of each metric, by name.
    pub metrics: Vec<Metric>,
    /// Tags.
    pub tags: Words,
    /// Data sets that went in.
    pub datasets: Vec<Input>,
    /// Logged models that went in.
    pub model_inputs: Vec<String>,
    /// Logged models that came out, each with its step.
    pub model_outputs: Vec<(String, i64)>,
}

/// A value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The metric's name.
    pub key: String,
    /// The value; may be NaN or infinite.
    pub value: f64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// At which step.
    pub step: i64,
}

/// Values to be logged in a run together.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Values of metrics.
    pub metrics: Vec<Metric>,
    /// Parameters.
    pub params: Vec<(String, String)>,
    /// Tags.
    pub tags: Vec<(String, String)>,
}

/// A data set that went into a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What tells it from others of its name.
    pub digest: String,
    /// The kind of its source.
    pub source_type: String,
    /// Its source; words that are kept and never opened.
    pub source: String,
    /// Its columns, in words of the client.
    pub columns: Option<String>,
    /// Facts about it, in words of the client.
    pub profile: Option<String>,
    /// What it was used for.
    pub tags: Words,
}

/// An artifact's name and what is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its path: names between slashes.
    pub path: String,
    /// The SHA-256 of its bytes; `None` for a folder.
    pub digest: Option<String>,
    /// The number of its bytes.
    pub size: u64,
}

/// Whose artifacts are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Those of a run.
    Run(String),
    /// Those of a logged model.
    LoggedModel(String),
    /// Those of a version, by its unique identifier. They never change.
    Version(String),
}

impl Owner {
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Run(id) => format!("run/{id}"),
            Self::LoggedModel(id) => format!("model/{id}"),
            Self::Version(id) => format!("version/{id}"),
        }
    }
}

/// A model that a run has logged.
#[derive(Debug, Clone)]
pub struct LoggedModel {
    /// Its identifier: `m-` and 32 hexadecimal digits.
    pub id: String,
    /// The experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// Its kind, in words of the client.
    pub kind: String,
    /// The run; empty if there is none.
    pub run: String,
    /// PENDING, READY or FAILED.
    pub status: String,
    /// What there is to say about the status.
    pub message: String,
    /// When it was made.
    pub created: i64,
    /// When it was changed.
    pub updated: i64,
    /// Tags.
    pub tags: Words,
    /// Parameters.
    pub params: Words,
    /// Metrics that were logged with it.
    pub metrics: Vec<ModelMetric>,
}

/// A metric of a logged model.
#[derive(Debug, Clone)]
pub struct ModelMetric {
    /// The run in which it was logged.
    pub run: String,
    /// The value.
    pub metric: Metric,
    /// The data set it was found on; empty if none was named.
    pub dataset_name: String,
    /// That data set's digest.
    pub dataset_digest: String,
}

/// A model in the registry.
#[derive(Debug, Clone)]
pub struct RegisteredModel {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created: i64,
    /// When it was changed.
    pub updated: i64,
    /// Tags.
    pub tags: Words,
    /// Aliases with their versions.
    pub aliases: BTreeMap<String, i64>,
}

/// A version to be registered.
#[derive(Debug, Clone, Default)]
pub struct NewVersion {
    /// The model.
    pub model: String,
    /// Where it came from, in words.
    pub source: String,
    /// The run it came from; empty if none.
    pub run: String,
    /// The logged model it came from; empty if none.
    pub logged_model: String,
    /// What goes in and comes out, as JSON.
    pub signature: Option<String>,
    /// What it is.
    pub description: String,
    /// Who registers it.
    pub person: String,
    /// Tags.
    pub tags: Words,
}

/// A version of a registered model. Its bytes never change.
#[derive(Debug, Clone)]
pub struct Version {
    /// The model.
    pub model: String,
    /// Its number, from one; never given twice.
    pub version: i64,
    /// Its unique identifier: 32 hexadecimal digits.
    pub uid: String,
    /// The SHA-256 of the list of its artifacts.
    pub digest: String,
    /// Bytes of all its artifacts.
    pub size: u64,
    /// Where it came from.
    pub source: String,
    /// The run it came from.
    pub run: String,
    /// The logged model it came from.
    pub logged_model: String,
    /// What goes in and comes out.
    pub signature: Option<String>,
    /// What it is.
    pub description: String,
    /// READY, once all its bytes are on the disk.
    pub status: String,
    /// None, Staging, Production or Archived.
    pub stage: String,
    /// Who registered it.
    pub person: String,
    /// When it was registered.
    pub created: i64,
    /// When it was changed.
    pub updated: i64,
    /// Tags.
    pub tags: Words,
    /// Aliases that point at it.
    pub aliases: Vec<String>,
}

/// A move of an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasMove {
    /// Its number among the moves of this alias.
    pub seq: i64,
    /// Where it has pointed since; `None` if it was taken away.
    pub version: Option<i64>,
    /// When.
    pub at: i64,
    /// By whom.
    pub person: String,
}
