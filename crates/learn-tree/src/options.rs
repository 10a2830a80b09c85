//! Words that the parameter tables of several learners share.

use kolosal_learner::{TaskKind, choices};

use crate::ensemble::{Balance, Features};
use crate::split::Criterion;

choices! {
    /// How a classification measures what a split gains.
    pub enum SplitCriterion {
        /// Gini impurity.
        Gini = "gini",
        /// Entropy.
        Entropy = "entropy",
        /// Another name of entropy.
        LogLoss = "log_loss",
    }
}

choices! {
    /// How many columns each node looks at.
    pub enum MaxFeatures {
        /// The square root for classification, all for regression and single trees.
        Auto = "auto",
        /// The square root of their number.
        Sqrt = "sqrt",
        /// The binary logarithm of their number.
        Log2 = "log2",
        /// All of them.
        All = "all",
        /// The share given by `max_features_fraction`.
        Fraction = "fraction",
    }
}

choices! {
    /// How much classes count.
    pub enum ClassWeight {
        /// As often as they occur.
        Unchanged = "none",
        /// All the same.
        Balanced = "balanced",
    }
}

impl SplitCriterion {
    pub(crate) fn for_task(self, task: TaskKind) -> Criterion {
        match (task, self) {
            (TaskKind::Regression, _) => Criterion::SquaredError,
            (_, Self::Gini) => Criterion::Gini,
            (_, Self::Entropy | Self::LogLoss) => Criterion::Entropy,
        }
    }
}

impl MaxFeatures {
    /// Columns a node looks at; `auto` says what [`MaxFeatures::Auto`] means.
    pub(crate) fn resolve(self, fraction: f64, auto: Features) -> Features {
        match self {
            Self::Auto => auto,
            Self::Sqrt => Features::Sqrt,
            Self::Log2 => Features::Log2,
            Self::All => Features::Fraction(1.0),
            Self::Fraction => Features::Fraction(fraction),
        }
    }
}

/// What `auto` means for a forest.
pub(crate) fn forest_features(task: TaskKind) -> Features {
    match task {
        TaskKind::Regression => Features::Fraction(1.0),
        _ => Features::Sqrt,
    }
}

impl ClassWeight {
    pub(crate) fn balance(self) -> Balance {
        match self {
            Self::Unchanged => Balance::AsGiven,
            Self::Balanced => Balance::Equal,
        }
    }
}
