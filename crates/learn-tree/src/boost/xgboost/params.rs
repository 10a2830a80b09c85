//! The parameters of the `xgboost` preset: names, aliases and defaults of XGBoost 3's `hist` method.

use kolosal_learner::{Domain, ParamError, choices, params};

choices! {
    /// What is minimised.
    pub enum XgBoostObjective {
        /// Log-loss for classes, squared error for numbers.
        Auto = "auto",
        /// Log-loss of two classes.
        BinaryLogistic = "binary:logistic",
        /// Log-loss of several classes.
        MultiSoftprob = "multi:softprob",
        /// Squared error.
        SquaredError = "reg:squarederror",
        /// Absolute error.
        AbsoluteError = "reg:absoluteerror",
        /// Pseudo-Huber loss.
        PseudoHuber = "reg:pseudohubererror",
        /// Cross-entropy of numbers between 0 and 1.
        Logistic = "reg:logistic",
        /// Pinball loss at `quantile_alpha`.
        Quantile = "reg:quantileerror",
        /// Poisson deviance of counts.
        Poisson = "count:poisson",
        /// Gamma deviance of positive numbers.
        Gamma = "reg:gamma",
        /// Tweedie deviance.
        Tweedie = "reg:tweedie",
    }
}

choices! {
    /// Which node is split next.
    pub enum GrowPolicy {
        /// The one nearest the root.
        DepthWise = "depthwise",
        /// The one of highest gain.
        LossGuide = "lossguide",
    }
}

choices! {
    /// How trees are joined.
    pub enum Booster {
        /// A sum.
        GbTree = "gbtree",
        /// A sum from which some trees are dropped while the next is fitted.
        Dart = "dart",
    }
}

params! {
    /// Parameters of the `xgboost` preset.
    pub struct XgBoostParams {
        /// Most rounds of boosting; one tree a round, or one a class and round.
        n_estimators: i64 = 100, legal: Domain::int(0, 1_000_000), search: Domain::log_int(16, 2000),
            aliases: ["num_boost_round", "num_round", "num_rounds", "nrounds", "iterations"];
        /// Factor on every tree's answers.
        learning_rate: f64 = 0.3, legal: Domain::log_float(1e-6, 10.0), search: Domain::log_float(0.005, 0.3), aliases: ["eta"];
        /// Most splits between root and leaf; 0 for no limit.
        max_depth: i64 = 6, legal: Domain::int(0, 64), search: Domain::int(3, 10);
        /// Most leaves of a tree; 0 for no limit.
        max_leaves: i64 = 0, legal: Domain::int(0, 131_072);
        /// Which node is split next.
        grow_policy: GrowPolicy = GrowPolicy::DepthWise, legal: Domain::Choice(GrowPolicy::WORDS);
        /// Least sum of hessians of a leaf.
        min_child_weight: f64 = 1.0, legal: Domain::float(0.0, 1e12), search: Domain::log_float(0.001, 10.0);
        /// A split must gain more than this.
        gamma: f64 = 0.0, legal: Domain::float(0.0, 1e12), aliases: ["min_split_loss"];
        /// L2 penalty on leaf answers.
        lambda: f64 = 1.0, legal: Domain::float(0.0, 1e12), search: Domain::log_float(1e-3, 10.0), aliases: ["reg_lambda"];
        /// L1 penalty on leaf answers.
        alpha: f64 = 0.0, legal: Domain::float(0.0, 1e12), search: Domain::float(0.0, 5.0), aliases: ["reg_alpha"];
        /// Largest answer of a leaf before the learning rate; 0 for no limit.
        max_delta_step: f64 = 0.0, legal: Domain::float(0.0, 1e12);
        /// Share of the rows that a tree sees.
        subsample: f64 = 1.0, legal: Domain::log_float(1e-6, 1.0), search: Domain::float(0.5, 1.0);
        /// How rows are drawn: alike, or by the size of their gradients.
        sampling_method: SamplingMethod = SamplingMethod::Uniform, legal: Domain::Choice(SamplingMethod::WORDS);
        /// Share of the columns that a tree looks at.
        colsample_bytree: f64 = 1.0, legal: Domain::log_float(1e-6, 1.0), search: Domain::float(0.5, 1.0);
        /// Share of the tree's columns that a level looks at.
        colsample_bylevel: f64 = 1.0, legal: Domain::log_float(1e-6, 1.0);
        /// Share of the level's columns that a node looks at.
        colsample_bynode: f64 = 1.0, legal: Domain::log_float(1e-6, 1.0), search: Domain::float(0.5, 1.0);
        /// Most bins of a column; 256 counts as 255, so that a bin fits a byte together with that of missing values.
        max_bin: i64 = 256, legal: Domain::int(2, 65_534), aliases: ["max_bins"];
        /// Up to so many levels, each is tried against all others.
        max_cat_to_onehot: i64 = 4, legal: Domain::int(1, 65_534);
        /// Most levels on one side of a split of ordered levels.
        max_cat_threshold: i64 = 64, legal: Domain::int(1, 65_534);
        /// How trees are joined.
        booster: Booster = Booster::GbTree, legal: Domain::Choice(Booster::WORDS);
        /// Chance of each tree to be dropped.
        rate_drop: f64 = 0.0, legal: Domain::float(0.0, 1.0), only_if: ("booster", ["dart"]);
        /// Chance that a round drops no tree.
        skip_drop: f64 = 0.0, legal: Domain::float(0.0, 1.0), only_if: ("booster", ["dart"]);
        /// What is minimised.
        objective: XgBoostObjective = XgBoostObjective::Auto, legal: Domain::Choice(XgBoostObjective::WORDS);
        /// Where the pseudo-Huber loss turns straight.
        huber_slope: f64 = 1.0, legal: Domain::log_float(1e-9, 1e9), only_if: ("objective", ["reg:pseudohubererror"]);
        /// Level of the quantile.
        quantile_alpha: f64 = 0.5, legal: Domain::float(1e-6, 0.999_999), only_if: ("objective", ["reg:quantileerror"]);
        /// Power of the mean that Tweedie's variance grows with.
        tweedie_variance_power: f64 = 1.5, legal: Domain::float(1.0, 1.999), only_if: ("objective", ["reg:tweedie"]);
        /// Factor on the weights of the second of two classes.
        scale_pos_weight: f64 = 1.0, legal: Domain::log_float(1e-9, 1e9);
        /// Direction in which answers may move with each column: `1,0,-1`, or `age:1,height:-1`.
        monotone_constraints: String = String::new(), legal: Domain::Text("directions such as 1,0,-1 or age:1,height:-1");
        /// Columns that may meet between root and leaf: `[[0,1],[2,3]]`, numbers or names.
        interaction_constraints: String = String::new(), legal: Domain::Text("sets of columns such as [[0,1],[2,3]]");
        /// Rounds without a better score on held-out rows after which to stop; 0 for never.
        early_stopping_rounds: i64 = 0, legal: Domain::int(0, 1_000_000), aliases: ["early_stopping_round"];
        /// Whether patience grows with the best round and shrinks with the rows.
        early_stopping_adaptive: bool = false, legal: Domain::Bool;
        /// What early stopping judges by: a metric's name, or nothing for the objective's loss.
        eval_metric: String = String::new(), legal: Domain::Text("the name of a metric"), aliases: ["metric"];
        /// Whether gradients are added up as whole numbers that fit 32 bits (rounded at random) instead of 64 bits.
        quantized_gradients: bool = true, legal: Domain::Bool;
    }
    check: check;
}

choices! {
    /// How rows are drawn.
    pub enum SamplingMethod {
        /// Each with the same chance.
        Uniform = "uniform",
        /// By the size of their gradients, with inverse weights.
        GradientBased = "gradient_based",
    }
}

fn check(params: &XgBoostParams) -> Result<(), ParamError> {
    let conflict = |first, second, rule| Err(ParamError::Conflict { first, second, rule });
    if params.max_depth == 0 && params.max_leaves == 0 && params.grow_policy == GrowPolicy::LossGuide {
        return conflict(
            "max_depth",
            "max_leaves",
            "one of them must limit the tree: set max_leaves or max_depth",
        );
    }
    if params.booster == Booster::Dart && params.early_stopping_rounds > 0 {
        return conflict(
            "booster",
            "early_stopping_rounds",
            "dart changes earlier trees, so rounds cannot be taken back",
        );
    }
    Ok(())
}
