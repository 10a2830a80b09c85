//! ASHT, Adaptive Stochastic Hyperparameter Tuning: ask for a point, tell what it was worth, ask again.
//!
//! A [`Study`] searches a [`Space`] of floats, integers and categories, with conditions of any depth. It knows no learner,
//! no data, no clock and does no input or output: whoever calls it runs the trials and tells their values, in any order,
//! several at once if need be. The same seed and the same calls give the same points, bit for bit.
//!
//! Inside, a [bandit for the maximum](Arm) divides the trials among a Gaussian process over the whole tree of parameters,
//! the same process in a trust region, Parzen densities, covariance adaptation and chance; all share every
//! observation. `docs/asht.md` has the equations, the sources, and where it loses.
//!
//! ```
//! use kolosal_asht::{Param, Settings, Space, Study, Told, Value};
//!
//! # fn main() -> Result<(), kolosal_asht::AshtError> {
//! let space = Space::new(vec![
//!     Param::categorical("model", &["ridge", "svm"]),
//!     Param::log_float("alpha", 1e-3, 1e3).when("model", &["ridge"]),
//!     Param::log_float("c", 1e-3, 1e3).when("model", &["svm"]),
//! ])?;
//! let mut study = Study::new(space, Settings { seed: 7, budget: Some(30), ..Settings::default() })?;
//! for _ in 0..30 {
//!     let trial = study.ask();
//!     let loss = match (trial.point.get("alpha"), trial.point.get("c")) {
//!         (Some(Value::Float(alpha)), _) => alpha.log10().abs(),
//!         (_, Some(Value::Float(c))) => 0.5 + (c.log10() - 1.0).abs(),
//!         _ => unreachable!("one of them exists"),
//!     };
//!     study.tell(trial.id, Told::value(loss))?;
//! }
//! let best = study.best().expect("thirty trials");
//! assert!(best.values[0] < 0.2);
//! # Ok(())
//! # }
//! ```

mod acquire;
mod bandit;
mod cma;
mod error;
mod evolve;
mod fidelity;
mod goal;
mod gp;
mod history;
mod lbfgs;
mod linalg;
mod log;
mod models;
mod pareto;
mod propose;
pub mod protocol;
mod resources;
mod sobol;
mod space;
mod special;
mod status;
mod stop;
mod study;
mod surrogate;
mod tpe;
mod trial;
mod trust;
mod warp;

pub use bandit::{Arm, ArmState, FamilyState};
pub use error::AshtError;
pub use history::PastStudy;
pub use log::StudyLog;
pub use pareto::{front, hypervolume};
pub use space::{Condition, Domain, PARAMETERS_MAX, Param, Point, Space, Value};
pub use status::Status;
pub use stop::{HORIZON, Outlook};
pub use study::{Asked, Best, Event, Settings, Study};
pub use trial::Told;
pub use warp::Warp;
