//! The learning contract: what an algorithm is given, what it gives back, and how it says what it can do.
//!
//! An author writes [`Learn`]: typed parameters (the [`params!`] table), a [`LearnerCard`], `fit` and `load`. Engines
//! hold the erased twin [`Learner`] and know nothing else. Data arrives as a [`TrainView`], budgets and threads as a
//! [`FitContext`], and a [`FittedModel`] answers with rows of numbers or class probabilities.
//!
//! ```
//! use kolosal_base::{Cancel, Seed, SystemClock};
//! use kolosal_compute::{Ledger, Workers};
//! use kolosal_learner::{FitContext, Silent};
//!
//! let (workers, memory, clock, cancel) = (Workers::new(1), Ledger::unlimited(), SystemClock::start(), Cancel::new());
//! let cx = FitContext {
//!     seed: Seed::new(0), workers: &workers, memory: &memory, clock: &clock, deadline: None,
//!     cancel: &cancel, progress: &Silent, valid: None,
//! };
//! assert!(cx.checkpoint().is_ok());
//! cancel.request();
//! assert!(cx.checkpoint().is_err());
//! ```

mod card;
mod context;
mod contract;
mod contributions;
mod encode;
pub mod metric;
mod params;
mod platt;
mod predictions;
mod task;
mod transform;

pub use card::{Family, LearnerCard};
pub use context::{FitContext, FitError, Progress, Silent};
pub use contract::{FittedModel, Learn, Learner, Stopped};
pub use contributions::{Contributions, ScoreLink};
pub use encode::{ArtifactError, Decoder, Encoder};
pub use metric::{
    Confusion, Direction, LabelMetric, METRICS, Metric, MetricError, default_metric, find_metric,
};
pub use params::{
    Checked, Domain, ParamDef, ParamError, ParamSet, ParamValue, Point, Scale, Value, check_point, trim_doc,
};
pub use platt::PlattCurve;
pub use predictions::{Meaning, Predictions, called};
pub use task::{DataError, Target, Task, TaskKind, TrainView};
pub use transform::{Fitted, FittedTransform, Transform};
