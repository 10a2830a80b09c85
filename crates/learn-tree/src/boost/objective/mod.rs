//! Objectives: what a booster minimises.
//!
//! An [`Objective`] turns scores into first and second derivatives of a loss by the score, row by row, and says where scores
//! start and how they become answers. The engine knows nothing else of a task. Every loss stands in a file of its own with
//! its formulas; [`Objective`] is open, so callers may bring theirs:
//!
//! ```
//! use kolosal_learn_tree::boost::Link;
//! use kolosal_learn_tree::boost::objective::{Labels, LossSum, Objective};
//!
//! /// Squared error that counts answers below the truth `below` times.
//! struct Lopsided {
//!     below: f64,
//! }
//!
//! impl Lopsided {
//!     fn factor(&self, residual: f64) -> f64 {
//!         if residual < 0.0 { self.below } else { 1.0 }
//!     }
//! }
//!
//! impl Objective for Lopsided {
//!     fn name(&self) -> &'static str {
//!         "lopsided"
//!     }
//!     fn outputs(&self) -> usize {
//!         1
//!     }
//!     fn link(&self) -> Link {
//!         Link::Identity
//!     }
//!     fn base(&self, rows: &Labels<'_>) -> Vec<f64> {
//!         let highest = rows.numbers().iter().copied().fold(f64::NEG_INFINITY, f64::max);
//!         vec![highest]
//!     }
//!     fn derive(&self, rows: &Labels<'_>, scores: &[&[f64]], grad: &mut [&mut [f32]], hess: &mut [&mut [f32]]) {
//!         for (row, (score, target)) in scores[0].iter().zip(rows.numbers()).enumerate() {
//!             let factor = self.factor(score - target) * rows.weight(row);
//!             grad[0][row] = (factor * (score - target)) as f32;
//!             hess[0][row] = factor as f32;
//!         }
//!     }
//!     fn loss(&self, rows: &Labels<'_>, scores: &[&[f64]]) -> LossSum {
//!         let mut total = LossSum::default();
//!         for (row, (score, target)) in scores[0].iter().zip(rows.numbers()).enumerate() {
//!             total.sum += rows.weight(row) * self.factor(score - target) * (score - target).powi(2) / 2.0;
//!             total.weight += rows.weight(row);
//!         }
//!         total
//!     }
//! }
//!
//! use kolosal_learner::Target;
//! let rows = Labels::new(Target::Numbers(&[1.0, 2.0]), None)?;
//! let (mut grad, mut hess) = ([0.0; 2], [0.0; 2]);
//! Lopsided { below: 3.0 }.derive(&rows, &[&[2.0, 1.0]], &mut [&mut grad], &mut [&mut hess]);
//! assert_eq!((grad, hess), ([1.0, -3.0], [1.0, 3.0]));
//! # Ok::<(), kolosal_learner::DataError>(())
//! ```

mod absolute;
mod average;
mod binary;
mod cross_entropy;
mod fair;
mod gamma;
mod huber;
mod labels;
mod log_cosh;
mod one_vs_all;
mod percentage;
mod pointwise;
mod poisson;
mod quantile;
mod rank;
mod softmax;
mod squared;
#[cfg(test)]
mod tests;
mod tweedie;

use kolosal_learner::DataError;

pub use absolute::Absolute;
pub use binary::BinaryLogLoss;
pub use cross_entropy::CrossEntropy;
pub use fair::Fair;
pub use gamma::Gamma;
pub use huber::{Curvature, Huber, PseudoHuber};
pub use labels::{Labels, LeafRows, LossSum};
pub use log_cosh::LogCosh;
pub use one_vs_all::OneVersusAll;
pub use percentage::Percentage;
pub use poisson::Poisson;
pub use quantile::Quantile;
pub use rank::{LambdaRank, PairwiseRank};
pub use softmax::Softmax;
pub use squared::Squared;
pub use tweedie::Tweedie;

use super::link::Link;

/// A loss that a booster minimises.
///
/// Scores, gradients and hessians come as one slice an output, each with one number a row of `rows`. Engines call
/// [`Objective::derive`] and [`Objective::loss`] on blocks of rows in parallel (see [`Labels::blocks`]): what is written for
/// a row may depend on its own scores and answer only, or on those of its group where [`Objective::needs_groups`] says so.
pub trait Objective: Send + Sync {
    /// The name in messages and reports.
    fn name(&self) -> &'static str;

    /// How many scores a row has.
    fn outputs(&self) -> usize;

    /// How scores become answers.
    fn link(&self) -> Link;

    /// Whether every hessian is the row's weight, so that engines may count rows exactly instead of adding hessians.
    fn hessian_is_weight(&self) -> bool {
        false
    }

    /// Whether rows are compared within groups, which no block of rows may then cut.
    fn needs_groups(&self) -> bool {
        false
    }

    /// Refuses answers that the loss is not defined for.
    ///
    /// # Errors
    /// [`DataError`] that names the row and the range.
    fn check(&self, rows: &Labels<'_>) -> Result<(), DataError> {
        let _ = rows;
        Ok(())
    }

    /// The constant scores that boosting starts from, one an output: those of the lowest loss where there are such.
    fn base(&self, rows: &Labels<'_>) -> Vec<f64>;

    /// Writes first and second derivatives of the loss by the scores, times the row's weight; all finite for scores that are
    /// numbers, hessians not negative.
    ///
    /// # Panics
    /// If slices and rows differ in length, or the answers are not of the objective's kind.
    fn derive(&self, rows: &Labels<'_>, scores: &[&[f64]], grad: &mut [&mut [f32]], hess: &mut [&mut [f32]]);

    /// Whether [`Objective::add_cross`] gives second derivatives by two outputs; trees that answer all outputs together then
    /// invert the whole matrix.
    fn has_cross(&self) -> bool {
        false
    }

    /// Adds the second derivatives by two outputs `a < b` of each row, times its weight, to its leaf's sums: leaf after leaf,
    /// one number a pair, at `b (b - 1) / 2 + a`.
    fn add_cross(&self, rows: &Labels<'_>, scores: &[&[f64]], leaf_of: &[u16], sums: &mut [f64]) {
        let _ = (rows, scores, leaf_of, sums);
    }

    /// The weighted losses of the rows.
    ///
    /// # Panics
    /// As [`Objective::derive`].
    fn loss(&self, rows: &Labels<'_>, scores: &[&[f64]]) -> LossSum;

    /// Whether leaves are answered by [`Objective::renew`] instead of a Newton step.
    fn renews(&self) -> bool {
        false
    }

    /// What a leaf adds to a score instead of a Newton step, before the learning rate; `None` keeps the Newton step.
    fn renew(&self, output: usize, leaf: &LeafRows<'_>) -> Option<f64> {
        let _ = (output, leaf);
        None
    }
}
