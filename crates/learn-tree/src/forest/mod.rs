//! Random forest: the mean of many deep trees, each grown on a bootstrap sample of the rows, each node looking at a
//! random few of the columns.
//!
//! **Objective.** Each tree greedily reduces the Gini impurity or entropy (classification) or the squared error
//! (regression) until its leaves are pure. A single such tree has little bias and much variance; averaging trees that
//! differ keeps the first and reduces the second. Probabilities are the mean of the class shares in the leaves.
//!
//! **Cost.** `O(trees * columns looked at * rows * depth)` to fit, `O(trees * depth)` to answer a row. Bins of one or two
//! bytes and a histogram that costs only the rows of a node replace sorting.
//!
//! **Wins** with no tuning at all, on noisy or small tables, and where an honest estimate is wanted for free: a row is
//! answered by the third of the trees that did not see it ([`kolosal_learner::FittedModel::out_of_bag`]). **Loses** to
//! boosting on large tables with fine structure, cannot extrapolate, and its models are large: leaves are many.
//!
//! Numbers are cut at no more than `max_bins` places. Missing values go to the better side. Categories are split into
//! two sets by the order of their mean target. Weights are the odds of being drawn, so trees see whole counts only.
//!
//! Papers: L. Breiman, *Random Forests*, Machine Learning 45, 2001. G. Louppe, *Understanding Random Forests*, 2014.

mod fit;
mod params;
#[cfg(test)]
mod tests;

pub use params::RandomForestParams;

/// The random forest learner.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomForest;
