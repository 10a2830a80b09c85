//! The parameters of the `lightgbm` preset: names, aliases and defaults of LightGBM 4.

use kolosal_learner::{Domain, ParamError, choices, params};

choices! {
    /// What is minimised.
    pub enum LightGbmObjective {
        /// Log-loss for classes, squared error for numbers.
        Auto = "auto",
        /// Log-loss of two classes.
        Binary = "binary",
        /// Log-loss of several classes, by the softmax of one score each.
        Multiclass = "multiclass",
        /// A two-class problem for each class.
        MulticlassOva = "multiclassova",
        /// Squared error.
        Regression = "regression",
        /// Absolute error.
        RegressionL1 = "regression_l1",
        /// Squared error for small residuals, absolute for large ones.
        Huber = "huber",
        /// Fair's loss.
        Fair = "fair",
        /// Poisson deviance of counts.
        Poisson = "poisson",
        /// Pinball loss at `alpha`.
        Quantile = "quantile",
        /// Mean absolute percentage error.
        Mape = "mape",
        /// Gamma deviance of positive numbers.
        Gamma = "gamma",
        /// Tweedie deviance.
        Tweedie = "tweedie",
        /// Cross-entropy of numbers between 0 and 1.
        CrossEntropy = "cross_entropy",
    }
}

choices! {
    /// How trees are joined.
    pub enum Boosting {
        /// A sum.
        Gbdt = "gbdt",
        /// A sum from which some trees are dropped while the next is fitted.
        Dart = "dart",
    }
}

choices! {
    /// Which rows a tree sees.
    pub enum RowSampling {
        /// Any, each with the same chance.
        Bagging = "bagging",
        /// Those of large gradients, and some of the others.
        Goss = "goss",
    }
}

choices! {
    /// How monotone columns bound the leaves.
    pub enum MonotoneMethodChoice {
        /// By the middle of both children.
        Basic = "basic",
        /// By the leaves they border on.
        Intermediate = "intermediate",
    }
}

params! {
    /// Parameters of the `lightgbm` preset.
    pub struct LightGbmParams {
        /// Most rounds of boosting; one tree a round, or one a class and round.
        n_estimators: i64 = 100, legal: Domain::int(0, 1_000_000), search: Domain::log_int(16, 2000),
            aliases: ["num_iterations", "num_iteration", "n_iter", "num_tree", "num_trees", "num_round", "num_rounds", "nrounds", "num_boost_round", "max_iter", "iterations"];
        /// Factor on every tree's answers.
        learning_rate: f64 = 0.1, legal: Domain::log_float(1e-6, 10.0), search: Domain::log_float(0.005, 0.3), aliases: ["eta", "shrinkage_rate"];
        /// Most leaves of a tree.
        num_leaves: i64 = 31, legal: Domain::int(2, 131_072), search: Domain::log_int(2, 255), aliases: ["num_leaf", "max_leaves", "max_leaf", "max_leaf_nodes"];
        /// Most splits between root and leaf; 0 or less for no limit.
        max_depth: i64 = -1, legal: Domain::int(-1, 100_000);
        /// Least rows of a leaf; where hessians differ, rows are estimated from them.
        min_data_in_leaf: i64 = 20, legal: Domain::int(0, 1_000_000_000), search: Domain::log_int(1, 64), aliases: ["min_data_per_leaf", "min_data", "min_child_samples", "min_samples_leaf"];
        /// Least sum of hessians of a leaf.
        min_sum_hessian_in_leaf: f64 = 1e-3, legal: Domain::float(0.0, 1e12), aliases: ["min_sum_hessian_per_leaf", "min_sum_hessian", "min_hessian", "min_child_weight"];
        /// Share of the rows that a tree sees; counts only with `bagging_freq`.
        bagging_fraction: f64 = 1.0, legal: Domain::log_float(1e-6, 1.0), search: Domain::float(0.5, 1.0), aliases: ["sub_row", "subsample", "bagging"];
        /// Rounds after which other rows are drawn; 0 for never drawing.
        bagging_freq: i64 = 0, legal: Domain::int(0, 1_000_000), search: Domain::int(0, 1), aliases: ["subsample_freq"];
        /// Share of the columns that a tree looks at.
        feature_fraction: f64 = 1.0, legal: Domain::log_float(1e-6, 1.0), search: Domain::float(0.4, 1.0), aliases: ["sub_feature", "colsample_bytree"];
        /// Share of the tree's columns that a node looks at.
        feature_fraction_bynode: f64 = 1.0, legal: Domain::log_float(1e-6, 1.0), aliases: ["sub_feature_bynode", "colsample_bynode"];
        /// Whether each column is cut at one random place instead of the best.
        extra_trees: bool = false, legal: Domain::Bool, search: Domain::Bool, aliases: ["extra_tree"];
        /// L1 penalty on leaf answers.
        lambda_l1: f64 = 0.0, legal: Domain::float(0.0, 1e12), search: Domain::float(0.0, 1.0), aliases: ["reg_alpha", "l1_regularization"];
        /// L2 penalty on leaf answers.
        lambda_l2: f64 = 0.0, legal: Domain::float(0.0, 1e12), search: Domain::float(0.0, 2.0), aliases: ["reg_lambda", "lambda", "l2_regularization"];
        /// A split must gain more than this.
        min_gain_to_split: f64 = 0.0, legal: Domain::float(0.0, 1e12), aliases: ["min_split_gain"];
        /// Largest answer of a leaf before the learning rate; 0 for no limit.
        max_delta_step: f64 = 0.0, legal: Domain::float(0.0, 1e12), aliases: ["max_tree_output", "max_leaf_output"];
        /// Rows by which a leaf's answer is drawn to its parent's; 0 for not at all.
        path_smooth: f64 = 0.0, legal: Domain::float(0.0, 1e12);
        /// Most bins of a column.
        max_bin: i64 = 255, legal: Domain::int(2, 65_534), aliases: ["max_bins"];
        /// Added to a level's hessian when levels are put in order, and fewest rows of a level that takes part.
        cat_smooth: f64 = 10.0, legal: Domain::float(0.0, 1e12), search: Domain::log_float(0.001, 100.0);
        /// L2 penalty on top for splits of ordered levels.
        cat_l2: f64 = 10.0, legal: Domain::float(0.0, 1e12), search: Domain::log_float(0.005, 20.0);
        /// Most levels on one side of a split of ordered levels.
        max_cat_threshold: i64 = 32, legal: Domain::int(1, 65_534);
        /// Up to so many levels, each is tried against all others.
        max_cat_to_onehot: i64 = 4, legal: Domain::int(1, 65_534), search: Domain::log_int(4, 100);
        /// Fewest rows that are moved at a time when ordered levels are split.
        min_data_per_group: i64 = 100, legal: Domain::int(1, 1_000_000_000), search: Domain::log_int(2, 100);
        /// How trees are joined.
        boosting: Boosting = Boosting::Gbdt, legal: Domain::Choice(Boosting::WORDS), aliases: ["boosting_type", "boost"];
        /// Which rows a tree sees.
        data_sample_strategy: RowSampling = RowSampling::Bagging, legal: Domain::Choice(RowSampling::WORDS);
        /// Share of rows that are kept for their large gradients.
        top_rate: f64 = 0.2, legal: Domain::float(0.0, 1.0), only_if: ("data_sample_strategy", ["goss"]);
        /// Share of rows that are drawn from the others.
        other_rate: f64 = 0.1, legal: Domain::float(0.0, 1.0), only_if: ("data_sample_strategy", ["goss"]);
        /// Chance of each tree to be dropped.
        drop_rate: f64 = 0.1, legal: Domain::float(0.0, 1.0), aliases: ["rate_drop"], only_if: ("boosting", ["dart"]);
        /// Chance that a round drops no tree.
        skip_drop: f64 = 0.5, legal: Domain::float(0.0, 1.0), only_if: ("boosting", ["dart"]);
        /// Most trees dropped in a round; 0 or less for no limit.
        max_drop: i64 = 50, legal: Domain::int(-1, 1_000_000), only_if: ("boosting", ["dart"]);
        /// Whether leaves answer with a straight line over the numbers tested above them.
        linear_tree: bool = false, legal: Domain::Bool, aliases: ["linear_trees"];
        /// L2 penalty on the slopes of those lines.
        linear_lambda: f64 = 0.0, legal: Domain::float(0.0, 1e12), only_if: ("linear_tree", ["true"]);
        /// What is minimised.
        objective: LightGbmObjective = LightGbmObjective::Auto, legal: Domain::Choice(LightGbmObjective::WORDS), aliases: ["objective_type", "app", "application", "loss"];
        /// Where Huber's loss turns straight, or the level of the quantile.
        alpha: f64 = 0.9, legal: Domain::log_float(1e-9, 1e9), only_if: ("objective", ["huber", "quantile"]);
        /// Scale of Fair's loss.
        fair_c: f64 = 1.0, legal: Domain::log_float(1e-9, 1e9), only_if: ("objective", ["fair"]);
        /// Added to the score when Poisson's hessian is computed, which bounds the steps.
        poisson_max_delta_step: f64 = 0.7, legal: Domain::log_float(1e-9, 1e3), only_if: ("objective", ["poisson"]);
        /// Power of the mean that Tweedie's variance grows with.
        tweedie_variance_power: f64 = 1.5, legal: Domain::float(1.0, 1.999), only_if: ("objective", ["tweedie"]);
        /// Factor on the weights of the second of two classes.
        scale_pos_weight: f64 = 1.0, legal: Domain::log_float(1e-9, 1e9);
        /// Whether both of two classes get the same total weight.
        is_unbalance: bool = false, legal: Domain::Bool, aliases: ["unbalance", "unbalanced_sets"];
        /// Whether scores start from the average answer.
        boost_from_average: bool = true, legal: Domain::Bool;
        /// Direction in which answers may move with each column: `1,0,-1`, or `age:1,height:-1`.
        monotone_constraints: String = String::new(), legal: Domain::Text("directions such as 1,0,-1 or age:1,height:-1"), aliases: ["mc", "monotone_constraint"];
        /// How monotone columns bound the leaves.
        monotone_constraints_method: MonotoneMethodChoice = MonotoneMethodChoice::Basic, legal: Domain::Choice(MonotoneMethodChoice::WORDS), aliases: ["monotone_constraining_method", "mc_method"];
        /// Columns that may meet between root and leaf: `[[0,1],[2,3]]`, numbers or names.
        interaction_constraints: String = String::new(), legal: Domain::Text("sets of columns such as [[0,1],[2,3]]");
        /// Rounds without a better score on held-out rows after which to stop; 0 for never.
        early_stopping_round: i64 = 0, legal: Domain::int(0, 1_000_000), aliases: ["early_stopping_rounds", "early_stopping", "n_iter_no_change"];
        /// Whether patience grows with the best round and shrinks with the rows.
        early_stopping_adaptive: bool = false, legal: Domain::Bool;
        /// What early stopping judges by: a metric's name, or nothing for the objective's loss.
        metric: String = String::new(), legal: Domain::Text("the name of a metric"), aliases: ["metrics", "metric_types"];
        /// Whether gradients are added up as whole numbers that fit 32 bits (rounded at random) instead of 64 bits.
        use_quantized_grad: bool = true, legal: Domain::Bool;
    }
    check: check;
}

fn check(params: &LightGbmParams) -> Result<(), ParamError> {
    let conflict = |first, second, rule| Err(ParamError::Conflict { first, second, rule });
    if params.is_unbalance && params.scale_pos_weight != 1.0 {
        return conflict("is_unbalance", "scale_pos_weight", "set one of them");
    }
    if params.data_sample_strategy == RowSampling::Goss
        && params.bagging_fraction < 1.0
        && params.bagging_freq > 0
    {
        return conflict(
            "data_sample_strategy",
            "bagging_fraction",
            "goss chooses the rows by itself",
        );
    }
    if params.data_sample_strategy == RowSampling::Goss && params.top_rate + params.other_rate > 1.0 {
        return conflict("top_rate", "other_rate", "together they are at most 1");
    }
    if params.objective == LightGbmObjective::Quantile && params.alpha >= 1.0 {
        return conflict("objective", "alpha", "a quantile's level lies between 0 and 1");
    }
    if params.boosting == Boosting::Dart && params.early_stopping_round > 0 {
        return conflict(
            "boosting",
            "early_stopping_round",
            "dart changes earlier trees, so rounds cannot be taken back",
        );
    }
    if params.linear_tree && params.lambda_l1 > 0.0 {
        return conflict("linear_tree", "lambda_l1", "lines have an L2 penalty only");
    }
    if params.linear_tree && !params.monotone_constraints.trim().is_empty() {
        return conflict(
            "linear_tree",
            "monotone_constraints",
            "a line in a leaf may run against the direction",
        );
    }
    Ok(())
}
