//! Explanations of a booster's scores: importances, Shapley values and their interactions.
//!
//! All values explain raw scores (margins), output by output: for a row, the values of all columns and the expected score
//! add up to the score. What "a column is absent" means is the choice between two games:
//!
//! - [`TreeShap`]: an absent column follows both children of a split, weighted by their covers (path-dependent TreeSHAP:
//!   Lundberg, Erion and Lee 2018, arXiv:1802.03888). Interaction values belong to this game.
//! - [`BackgroundShap`]: an absent column takes the value it has in a background row, averaged over the background
//!   (interventional TreeSHAP: Lundberg et al. 2020; Janzing, Minorics and Blöbaum 2020).
//!
//! **How.** A tree is the sum of its leaves, and a leaf with value `v` is a product over the distinct columns of its path:
//! column `k` contributes `o_k` (1 if the row passes all its tests, else 0) when present and `z_k` (the product of the
//! cover ratios of its edges) when absent. With `d` columns on the path, the Shapley weight of a coalition of `m` others is
//! `m! (d-1-m)! / d!`, which is the integral of `t^m (1-t)^(d-1-m)` over `t` in 0..1. So
//!
//! ```text
//! phi_i = v (o_i - z_i) * integral of product over k != i of (t o_k + (1 - t) z_k) dt
//! ```
//!
//! whose integrand is a polynomial of degree `d - 1`: Gauss-Legendre quadrature with `ceil(d / 2)` points is exact, and sums
//! only positive terms, where the usual EXTEND and UNWIND steps subtract. Pairs work the same way with two factors left out
//! and one degree less. (The polynomial view is that of Linear TreeSHAP, Yu et al. 2022, arXiv:2209.08192.)
//!
//! **Cost.** A row takes `sum over leaves of d^2 / 2` steps for values and `d^3 / 2` for interactions, and no step depends on the
//! number of columns. Against a background, a leaf costs one step of `d` for each distinct way in which background rows
//! meet its tests, not for each background row.
//!
//! **Covers.** LightGBM explains with numbers of rows, XGBoost with sums of hessians; [`Cover`] chooses, and `Auto` takes rows
//! where the model knows them.
//!
//! **Derived columns** are players of their own; what falls to one is then split evenly between the raw columns it is made
//! of.
//!
//! ```
//! use kolosal_base::{Cancel, ManualClock, Seed};
//! use kolosal_compute::{Ledger, Workers};
//! use kolosal_frame::{Column, Field, Frame, Kind};
//! use kolosal_learn_tree::boost::shap::{Cover, Effort, TreeShap};
//! use kolosal_learn_tree::boost::{LightGbm, LightGbmParams};
//! use kolosal_learner::{FitContext, Learn, ParamSet, Silent, Target, Task, TrainView};
//!
//! let (workers, cancel) = (Workers::new(1), Cancel::new());
//! let (memory, clock) = (Ledger::unlimited(), ManualClock::default());
//! let column = |name, step: usize| {
//!     let values = (0..400).map(|row| (row * step % 20) as f64).collect();
//!     (Field::new(name, Kind::Numeric, "example"), Column::numbers(values))
//! };
//! let frame = Frame::new(vec![column("a", 1), column("b", 7)])?;
//! let y: Vec<f64> = (0..400).map(|row| f64::from(row % 20) / 10.0).collect();
//! let train = TrainView::new(frame.view(), Target::Numbers(&y), None, Task::Regression)?;
//! let cx = FitContext {
//!     seed: Seed::new(0), workers: &workers, memory: &memory, clock: &clock,
//!     deadline: None, cancel: &cancel, progress: &Silent, valid: None,
//! };
//! let model = LightGbm::fit(&LightGbmParams::default().check()?, &train, &cx)?;
//!
//! let shap = TreeShap::new(&model, Cover::Auto)?;
//! let row = frame.view().slice(5, 1);
//! let mut values = [0.0; 2];
//! shap.values_into(row, Effort { workers: &workers, cancel: &cancel }, &mut values)?;
//! let mut score = [0.0];
//! model.scores_into(row, usize::MAX, &mut score);
//! assert!((shap.expected()[0] + values[0] + values[1] - score[0]).abs() < 1e-12);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Limits.** Linear leaves are refused: a line in a leaf is no constant, and the games above are not defined for it without a
//! choice of how absent columns enter the line. A path may test at most 64 distinct columns.

mod background;
mod error;
mod importance;
mod paths;
mod quadrature;
mod rows;
mod sources;
mod tree_shap;

#[cfg(test)]
mod brute_force;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;

pub use background::BackgroundShap;
pub use error::ExplainError;
pub use importance::ImportanceKind;
pub use tree_shap::TreeShap;

use kolosal_base::Cancel;
use kolosal_compute::Workers;

/// What counts as the cover of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cover {
    /// Rows where every tree knows them, else weights.
    #[default]
    Auto,
    /// Training rows, as LightGBM counts.
    Rows,
    /// Sums of hessians, as XGBoost counts.
    Weights,
}

/// Who explains many rows, and whether they should stop.
#[derive(Debug, Clone, Copy)]
pub struct Effort<'a> {
    /// Threads; their number changes no value.
    pub workers: &'a Workers,
    /// Looked at before each chunk of rows.
    pub cancel: &'a Cancel,
}
