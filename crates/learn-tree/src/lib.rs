//! Trees: a single decision tree, random forests and extremely randomised trees, all grown on the shared binned matrix.
//!
//! Principal types: [`DecisionTree`], [`RandomForest`] and [`ExtraTrees`] (each a [`kolosal_learner::Learn`]). Under
//! them lie parts that know nothing of a particular learner: `histogram` (statistics by bin), `split` (the best or a
//! random cut of one column), `grow` (which node is split next), `tree` (what a grown tree is, and how it answers).
//!
//! Missing values and categories are taken as they are. Missing values go to the side that fits them best; where a node
//! saw none, to its heavier side; a level a node never saw goes where missing values go.
//!
//! ```
//! use kolosal_base::{Cancel, Seed, SystemClock};
//! use kolosal_compute::{Ledger, Workers};
//! use kolosal_frame::{Column, Field, Frame, Kind};
//! use kolosal_learn_tree::RandomForest;
//! use kolosal_learner::{FitContext, Learner, Point, Silent, Target, Task, TrainView};
//!
//! let x: Vec<f64> = (0..200).map(f64::from).collect();
//! let y: Vec<u32> = (0..200).map(|i| u32::from(i >= 120)).collect();
//! let frame = Frame::new(vec![(Field::new("x", Kind::Numeric, "example"), Column::numbers(x))])?;
//! let train = TrainView::new(frame.view(), Target::Classes { codes: &y, count: 2 }, None, Task::Binary)?;
//! # let (workers, memory, clock, cancel) = (Workers::new(1), Ledger::unlimited(), SystemClock::start(), Cancel::new());
//! # let cx = FitContext { seed: Seed::new(0), workers: &workers, memory: &memory, clock: &clock, deadline: None,
//! #     cancel: &cancel, progress: &Silent, valid: None };
//! let model = RandomForest.fit(&Point::new(), &train, &cx)?;
//! let mut answers = vec![0.0; 400];
//! model.predict_into(frame.view(), &mut answers);
//! assert!(answers[1] < 0.1 && answers[399] > 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bag;
mod class_split;
mod ensemble;
mod grow;
mod histogram;
mod job;
mod options;
mod outcome;
mod problem;
mod prune;
mod rows;
mod sample;
mod split;
#[cfg(test)]
mod testing;
mod tree;

pub mod boost;
pub mod decision_tree;
pub mod extra_trees;
pub mod forest;

pub use boost::{BoostModel, CatBoost, CatBoostParams, LightGbm, LightGbmParams, XgBoost, XgBoostParams};
pub use decision_tree::{DecisionTree, DecisionTreeParams};
pub use ensemble::TreeEnsemble;
pub use extra_trees::{ExtraTrees, ExtraTreesParams};
pub use forest::{RandomForest, RandomForestParams};
