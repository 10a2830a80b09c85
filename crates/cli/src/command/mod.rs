//! One file a command: ask the platform, show the answer.

pub(crate) mod asht;
pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fit;
pub(crate) mod inspect;
pub(crate) mod leaderboard;
pub(crate) mod learners;
pub(crate) mod models;
pub(crate) mod predict;
pub(crate) mod runs;
pub(crate) mod serve;
pub(crate) mod tokens;
pub(crate) mod train;

use crate::args::{PresetArg, TaskArg};
use kolosal_platform::{Preset, TaskChoice};

impl From<TaskArg> for TaskChoice {
    fn from(task: TaskArg) -> Self {
        match task {
            TaskArg::Auto => Self::Auto,
            TaskArg::Binary => Self::Binary,
            TaskArg::Multiclass => Self::Multiclass,
            TaskArg::Regression => Self::Regression,
        }
    }
}

impl From<PresetArg> for Preset {
    fn from(preset: PresetArg) -> Self {
        match preset {
            PresetArg::Fast => Self::Fast,
            PresetArg::Balanced => Self::Balanced,
            PresetArg::Best => Self::Best,
        }
    }
}
