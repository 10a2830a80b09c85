//! Parameters of a single decision tree.

use kolosal_learner::{Domain, choices, params};

use crate::options::{ClassWeight, MaxFeatures, SplitCriterion};

params! {
    /// Parameters of a single decision tree.
    pub struct DecisionTreeParams {
        /// What a split of a classification should reduce; a regression reduces the squared error.
        criterion: SplitCriterion = SplitCriterion::Gini, legal: Domain::Choice(SplitCriterion::WORDS),
            search: Domain::Choice(&["gini", "entropy"]);
        /// Most splits between the root and a leaf; 0 means no limit.
        max_depth: i64 = 0, legal: Domain::int(0, 1_000_000), search: Domain::log_int(2, 32);
        /// Fewest rows a node needs to be split.
        min_samples_split: i64 = 2, legal: Domain::int(2, 1_000_000_000);
        /// Fewest rows on either side of a split.
        min_samples_leaf: i64 = 1, legal: Domain::int(1, 1_000_000_000), search: Domain::log_int(1, 64);
        /// Least weight on either side of a split, as a share of the whole weight.
        min_weight_fraction_leaf: f64 = 0.0, legal: Domain::float(0.0, 0.5);
        /// How many columns each node looks at: `auto` is `all`.
        max_features: MaxFeatures = MaxFeatures::Auto, legal: Domain::Choice(MaxFeatures::WORDS);
        /// The share of columns each node looks at, if `max_features` is `fraction`.
        max_features_fraction: f64 = 1.0, legal: Domain::float(0.0, 1.0),
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
        /// Price of a leaf: branches whose splits reduce the impurity by no more than this for each leaf are cut off.
        ccp_alpha: f64 = 0.0, legal: Domain::float(0.0, 1e300), search: Domain::log_float(1e-6, 1e-1);
        /// Whether a column is cut at its best place or at a random one.
        splitter: Splitter = Splitter::Best, legal: Domain::Choice(Splitter::WORDS);
    }
}

choices! {
    /// Where a column is cut.
    pub enum Splitter {
        /// At the place of most gain.
        Best = "best",
        /// At a random place.
        Random = "random",
    }
}
