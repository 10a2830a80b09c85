//! Parameters of extremely randomised trees.

use kolosal_learner::{Domain, ParamError, params};

use crate::options::{ClassWeight, MaxFeatures, SplitCriterion};

params! {
    /// Parameters of extremely randomised trees.
    pub struct ExtraTreesParams {
        /// How many trees.
        n_estimators: i64 = 100, legal: Domain::int(1, 1_000_000), aliases: ["num_trees", "n_trees"];
        /// What a split of a classification should reduce; a regression reduces the squared error.
        criterion: SplitCriterion = SplitCriterion::Gini, legal: Domain::Choice(SplitCriterion::WORDS),
            search: Domain::Choice(&["gini", "entropy"]);
        /// Most splits between the root and a leaf; 0 means no limit.
        max_depth: i64 = 0, legal: Domain::int(0, 1_000_000);
        /// Fewest rows a node needs to be split.
        min_samples_split: i64 = 2, legal: Domain::int(2, 1_000_000_000);
        /// Fewest rows on either side of a split.
        min_samples_leaf: i64 = 1, legal: Domain::int(1, 1_000_000_000), search: Domain::log_int(1, 16);
        /// Least weight on either side of a split, as a share of the whole weight.
        min_weight_fraction_leaf: f64 = 0.0, legal: Domain::float(0.0, 0.5);
        /// How many columns each node looks at: `auto` is `sqrt` for classification and `all` for regression.
        max_features: MaxFeatures = MaxFeatures::Auto, legal: Domain::Choice(MaxFeatures::WORDS),
            search: Domain::Choice(&["sqrt", "fraction"]);
        /// The share of columns each node looks at, if `max_features` is `fraction`.
        max_features_fraction: f64 = 1.0, legal: Domain::float(0.0, 1.0),
            search: Domain::float(0.1, 1.0),
            only_if: ("max_features", ["fraction"]);
        /// Most leaves; the split of most gain is made first then. 0 means no limit and growth in depth.
        max_leaf_nodes: i64 = 0, legal: Domain::int(0, 1_000_000_000);
        /// Least fall of impurity, weighted by the share of rows, that a split must bring.
        min_impurity_decrease: f64 = 0.0, legal: Domain::float(0.0, 1e300);
        /// How much classes count: as often as they occur, or all the same.
        class_weight: ClassWeight = ClassWeight::Unchanged, legal: Domain::Choice(ClassWeight::WORDS);
        /// Most bins a column is cut into, the one for missing values not counted. Above 255 a bin takes two bytes a row;
        /// 255 and 1023 bins fit about equally fast, but trees of full depth lose accuracy with 255.
        max_bins: i64 = 1023, legal: Domain::int(2, 65_534);
        /// Whether each tree sees a sample of the rows, drawn with replacement, instead of all of them.
        bootstrap: bool = false, legal: Domain::Bool;
        /// Rows drawn for each tree, as a share of all; needs `bootstrap`.
        max_samples: f64 = 1.0, legal: Domain::float(1e-9, 1.0), only_if: ("bootstrap", ["true"]);
        /// Whether rows are answered by the trees that did not see them; needs `bootstrap`.
        oob_score: bool = true, legal: Domain::Bool, only_if: ("bootstrap", ["true"]);
    }
    check: |p| match (p.bootstrap, p.max_samples < 1.0) {
        (false, true) => Err(ParamError::Conflict {
            first: "bootstrap",
            second: "max_samples",
            rule: "without bootstrap every tree sees all rows, so max_samples must be 1",
        }),
        _ => Ok(()),
    };
}
