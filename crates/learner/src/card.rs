//! What a learner says of itself.

use crate::TaskKind;

/// Groups of learners that share an idea.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// A weighted sum of the features.
    Linear,
    /// Trees and sums of trees.
    Tree,
    /// Layers of units trained by gradients.
    Neural,
    /// Probabilities by Bayes' rule, kernels and neighbours.
    Classic,
}

impl Family {
    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Tree => "tree",
            Self::Neural => "neural",
            Self::Classic => "classic",
        }
    }
}

/// A learner's name, abilities and promises; engines plan by it, documents are made from it.
#[derive(Debug)]
pub struct LearnerCard {
    /// The name in options and artifacts: lower case, words joined by `_`.
    pub name: &'static str,
    /// Other names people use.
    pub aliases: &'static [&'static str],
    /// One line for lists.
    pub title: &'static str,
    /// A few sentences: objective, cost, when it wins and where it loses.
    pub doc: &'static str,
    /// The group it belongs to.
    pub family: Family,
    /// Tasks it can learn.
    pub tasks: &'static [TaskKind],
    /// Whether it takes missing values as they are.
    pub takes_missing: bool,
    /// Whether it takes categorical columns as they are.
    pub takes_categories: bool,
    /// Whether columns should be brought to a common scale first.
    pub wants_scaling: bool,
    /// Whether a row of weight two gives the same model as that row twice (up to rounding).
    pub weight_is_repetition: bool,
    /// Whether the order of rows does not change the model (up to rounding).
    pub ignores_row_order: bool,
    /// Whether the fitted model offers out-of-bag predictions.
    pub has_out_of_bag: bool,
}

impl LearnerCard {
    /// Whether it learns from answers; learners of tasks without a target do not.
    pub fn needs_target(&self) -> bool {
        self.tasks.iter().any(|task| task.has_target())
    }

    /// Whether it can learn tasks of this kind.
    pub fn can_learn(&self, task: TaskKind) -> bool {
        self.tasks.contains(&task)
    }
}
