//! Linear models: [`Ridge`], [`Lasso`], [`ElasticNet`], [`LogisticRegression`], [`LinearSvm`], [`Huber`],
//! [`Quantile`] and [`Glm`].
//!
//! Every learner minimises exactly the objective that scikit-learn states for the model of that name, so the same
//! parameters mean the same model, and parity is a matter of tolerance. Inside, columns are brought to a common scale
//! (and penalties with them, so the minimiser does not move), a category is a block of one-hot columns that is never
//! written out, and every sum runs in an order that the number of threads cannot change.
//!
//! Called by the list of learners; it knows of no table format and no search.
//!
//! ```
//! use kolosal_base::{Cancel, Seed, SystemClock};
//! use kolosal_compute::{Ledger, Workers};
//! use kolosal_frame::{Column, Field, Frame, Kind};
//! use kolosal_learn_linear::{Ridge, RidgeParams, Select};
//! use kolosal_learner::{FitContext, FittedModel, Learn, ParamSet, Silent, Target, Task, TrainView};
//!
//! let frame = Frame::new(vec![(
//!     Field::new("x", Kind::Numeric, "numbers"),
//!     Column::numbers(vec![0.0, 1.0, 2.0, 3.0]),
//! )])?;
//! let train = TrainView::new(frame.view(), Target::Numbers(&[1.0, 3.0, 5.0, 7.0]), None, Task::Regression)?;
//! let (workers, memory, clock, cancel) = (Workers::new(1), Ledger::unlimited(), SystemClock::start(), Cancel::new());
//! let cx = FitContext {
//!     seed: Seed::new(0), workers: &workers, memory: &memory, clock: &clock, deadline: None,
//!     cancel: &cancel, progress: &Silent, valid: None,
//! };
//! let params = RidgeParams { alpha: 0.0, select: Select::Fixed, ..RidgeParams::default() };
//! let model = Ridge::fit(&params.check()?, &train, &cx)?;
//! let mut answers = [0.0; 4];
//! model.predict_into(frame.view(), &mut answers);
//! assert!((answers[3] - 7.0).abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod contributions;
mod convex;
mod curvature;
mod descent;
mod design;
mod elastic_net;
mod folds;
mod glm;
mod huber;
mod lasso;
mod linear_svm;
mod logistic;
mod model;
mod moments;
mod path;
mod quantile;
mod regression;
mod ridge;
mod score_model;
mod slots;
#[cfg(test)]
mod sparse_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use elastic_net::{ElasticNet, ElasticNetParams};
pub use glm::{Glm, GlmParams, Spread};
pub use huber::{Huber, HuberParams};
pub use lasso::{Lasso, LassoParams};
pub use linear_svm::{Calibration, LinearSvm, LinearSvmModel, LinearSvmParams};
pub use logistic::{ClassWeight, LogisticModel, LogisticParams, LogisticRegression, Penalty};
pub use path::PathPoint;
pub use quantile::{Quantile, QuantileParams};
pub use regression::{RegressionModel, Select};
pub use ridge::{Ridge, RidgeParams};
pub use score_model::ScoreModel;
