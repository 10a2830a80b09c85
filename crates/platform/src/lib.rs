//! The one door to the engines. Command line, server and Python bindings call a [`Platform`] and nothing below it.
//!
//! Requests and answers are plain data with public fields, so that each door can give them its own wire form. A
//! [`Platform`] owns what a job may use: worker threads, the memory ledger, the clock and the request to stop.
//!
//! ```
//! use kolosal_base::{Cancel, SystemClock};
//! use kolosal_platform::{Platform, Settings};
//!
//! let platform = Platform::new(&Settings { threads: Some(1), memory_bytes: None }, SystemClock::start(), Cancel::new())?;
//! assert!(platform.learners().iter().any(|learner| learner.name == "baseline"));
//! # Ok::<(), kolosal_platform::PlatformError>(())
//! ```

mod cluster;
mod doctor;
mod error;
mod evaluate;
mod explain;
mod export;
mod fit;
mod history;
mod inspect;
mod learners;
mod model;
mod model_registry;
mod platform;
mod predict;
mod rows;
mod table;
mod tracking;
mod train;
mod work_folder;

pub use cluster::{ClusterJob, ClusterSummary};
pub use doctor::{Check, Diagnosis};
pub use error::PlatformError;
pub use evaluate::{ClassReport, Coverage, Evaluation};
pub use explain::{ExplainJob, ExplainSummary};
pub use export::{ExportFormat, ExportSummary};
pub use fit::{FitJob, FitSummary};
pub use history::history;
pub use inspect::{Inspection, ModelInspection, TableInspection};
pub use learners::{LearnerInfo, ParamInfo};
pub use model::Model;
pub use model_registry::{CHAMPION, RegisterJob, find_version, retire};
pub use platform::{Platform, Settings};
pub use predict::PredictSummary;
pub use rows::{Cell, RowAnswer, RowAnswers, RowProblem, Rows};
pub use table::{ColumnTypes, Table};
pub use tracking::Tracking;
pub use train::{TrainJob, TrainSummary};

pub use kolosal_asht::protocol as asht_protocol;
pub use kolosal_base::{Cancel, Clock, ErrorKind, SystemClock, civil_date, unix_ms};
pub use kolosal_compute::{Machine, peak_rss_bytes};
pub use kolosal_explain::{Explanation, Method};
pub use kolosal_frame::profile::{Bin, ColumnProfile, NumberProfile, QUANTILES, TopValue};
pub use kolosal_learn_classic::cluster::{Agreement, Quality};
pub use kolosal_pipeline::{
    FORMAT_VERSION, FeatureEntry, GroupEntry, GuardEntry, LeaderboardEntry, Manifest, MemberEntry, TraitEntry,
};
pub use kolosal_store as store;
pub use kolosal_training::{
    Constraints, Event, Events, Experience, PastTrial, Preset, Stop, TaskChoice, Traits, TrialReport, Unheard,
};
