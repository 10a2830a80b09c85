//! A single decision tree: questions about one column each, asked until a leaf answers.
//!
//! **Objective.** Each split greedily reduces the Gini impurity or entropy (classification) or the squared error
//! (regression) most; `ccp_alpha` then keeps the smallest subtree that minimises impurity plus `ccp_alpha` a leaf.
//!
//! **Cost.** `O(columns * rows * depth)` to fit, spread over threads by column in large nodes; `O(depth)` to answer.
//!
//! **Wins** where the model must be read by people, or fit into a few microseconds. **Loses** in accuracy to any
//! ensemble of trees, and is unstable: other rows may give another root.
//!
//! Numbers are cut at no more than `max_bins` places. Missing values go to the better side. Categories are split into
//! two sets by the order of their mean target, which is optimal for two classes and for numbers.
//!
//! Book: L. Breiman, J. Friedman, R. Olshen, C. Stone, *Classification and Regression Trees*, 1984.

mod fit;
mod params;
#[cfg(test)]
mod tests;

pub use params::{DecisionTreeParams, Splitter};

/// The decision tree learner.
#[derive(Debug, Clone, Copy, Default)]
pub struct DecisionTree;
