//! What a user asks the training engine for.

use std::time::Duration;

use kolosal_base::Seed;
use kolosal_learner::Metric;

use crate::Constraints;

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// A few candidates: an answer in seconds.
    Fast,
    /// Each family in several shapes.
    Balanced,
    /// The whole portfolio, with larger models.
    Best,
}

impl Preset {
    /// Every preset with its name.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Fast, "fast"),
        (Self::Balanced, "balanced"),
        (Self::Best, "best"),
    ];

    /// The name used in options and manifests.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(preset, _)| *preset == self)
            .expect("every preset is in ALL")
            .1
    }
}

/// The task a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskChoice {
    /// Whatever fits the target.
    Auto,
    /// Two classes.
    Binary,
    /// Several classes.
    Multiclass,
    /// A number.
    Regression,
}

impl TaskChoice {
    /// The name used in options and manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Binary => "binary",
            Self::Multiclass => "multiclass",
            Self::Regression => "regression",
        }
    }
}

/// A training to be done.
#[derive(Debug, Clone)]
pub struct TrainRequest {
    /// The column to predict.
    pub target: String,
    /// The question.
    pub task: TaskChoice,
    /// What is improved; `None` takes the task's default.
    pub metric: Option<&'static dyn Metric>,
    /// How much is tried.
    pub preset: Preset,
    /// Learners to choose from; empty for all.
    pub learners: Vec<String>,
    /// The only source of randomness.
    pub seed: Seed,
    /// A column whose equal values must not be split between training and held-out rows.
    pub group: Option<String>,
    /// A column by which held-out rows come after training rows.
    pub time_column: Option<String>,
    /// A column with the weight of each row.
    pub weight: Option<String>,
    /// Columns that are not learned from.
    pub ignore: Vec<String>,
    /// What the model must keep to.
    pub constraints: Constraints,
    /// Whether warnings are errors.
    pub is_strict: bool,
    /// Most bytes of the model.
    pub size_max: Option<u64>,
    /// Most time that one row may take through the finished pipeline, in process, on one thread.
    pub latency_max: Option<Duration>,
}

impl TrainRequest {
    /// A training with all defaults.
    pub fn new(target: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            task: TaskChoice::Auto,
            metric: None,
            preset: Preset::Balanced,
            learners: Vec::new(),
            seed: Seed::new(0),
            group: None,
            time_column: None,
            weight: None,
            ignore: Vec::new(),
            constraints: Constraints::default(),
            is_strict: false,
            size_max: None,
            latency_max: None,
        }
    }
}
