//! The parameters of the `catboost` preset: names, aliases and, but for three, defaults of CatBoost 1.2 on a CPU.
//!
//! `random_strength` falls with the fourth root of rows above a thousand, where it is 1 in CatBoost: there, noise cost
//! up to 0.5 % of the loss at 200 rounds (california_housing, beijing_pm25, adult, lecture ratings), while on tables of a few hundred
//! rows all of it was worth having.
//! `one_hot_max_size` and `max_ctr_complexity` differ: with CatBoost's values, log loss on the tables at hand was higher (adult 0.283
//! against 0.279, german_credit 0.508 against 0.502, titanic 0.487 against 0.477, kr_vs_kp 0.042 against 0.031).

use kolosal_learner::{Domain, choices, params};

choices! {
    /// What is minimised.
    pub enum CatBoostObjective {
        /// Log-loss for classes, squared error for numbers.
        Auto = "auto",
        /// Log-loss of two classes.
        Logloss = "Logloss",
        /// Log-loss of several classes.
        MultiClass = "MultiClass",
        /// A two-class problem for each class.
        MultiClassOneVsAll = "MultiClassOneVsAll",
        /// Root mean squared error.
        Rmse = "RMSE",
        /// Absolute error.
        Mae = "MAE",
        /// Pinball loss at `quantile_alpha`.
        Quantile = "Quantile",
        /// Mean absolute percentage error.
        Mape = "MAPE",
        /// Poisson deviance of counts.
        Poisson = "Poisson",
        /// Tweedie deviance.
        Tweedie = "Tweedie",
        /// Huber's loss.
        Huber = "Huber",
        /// Logarithm of the hyperbolic cosine.
        LogCosh = "LogCosh",
        /// Cross-entropy of numbers between 0 and 1.
        CrossEntropy = "CrossEntropy",
    }
}

choices! {
    /// Which rows a tree sees.
    pub enum BootstrapType {
        /// By size of the gradient for one output, random weights for several.
        Auto = "auto",
        /// Random weights.
        Bayesian = "Bayesian",
        /// Each with the same chance.
        Bernoulli = "Bernoulli",
        /// By size of the gradient, with inverse weights.
        Mvs = "MVS",
        /// All.
        No = "No",
    }
}

choices! {
    /// How a cut is scored.
    pub enum ScoreFunction {
        /// Cosine between gradients and answers.
        Cosine = "Cosine",
        /// Fall of the squared error.
        L2 = "L2",
    }
}

choices! {
    /// How a tree grows.
    pub enum CatBoostGrowPolicy {
        /// One test a level.
        SymmetricTree = "SymmetricTree",
        /// Level by level, each node by a test of its own.
        Depthwise = "Depthwise",
        /// The leaf of highest gain first.
        Lossguide = "Lossguide",
    }
}

params! {
    /// Parameters of the `catboost` preset.
    pub struct CatBoostParams {
        /// Most rounds of boosting; one tree a round.
        iterations: i64 = 1000, legal: Domain::int(0, 1_000_000), search: Domain::log_int(50, 4000),
            aliases: ["n_estimators", "num_boost_round", "num_trees", "num_rounds", "nrounds"];
        /// Factor on every tree's answers; 0 chooses one by rows, rounds and objective.
        learning_rate: f64 = 0.0, legal: Domain::float(0.0, 10.0), search: Domain::float(0.01, 0.3), aliases: ["eta"];
        /// Levels of a tree.
        depth: i64 = 6, legal: Domain::int(1, 16), search: Domain::int(4, 8), aliases: ["max_depth"];
        /// How a tree grows.
        grow_policy: CatBoostGrowPolicy = CatBoostGrowPolicy::SymmetricTree, legal: Domain::Choice(CatBoostGrowPolicy::WORDS);
        /// Most leaves of a tree that grows leaf by leaf.
        max_leaves: i64 = 31, legal: Domain::int(2, 65_536), aliases: ["num_leaves"], only_if: ("grow_policy", ["Lossguide"]);
        /// Least rows of a leaf, for trees that are not symmetric.
        min_data_in_leaf: i64 = 1, legal: Domain::int(1, 1_000_000_000), aliases: ["min_child_samples"], only_if: ("grow_policy", ["Depthwise", "Lossguide"]);
        /// L2 penalty on leaf answers.
        l2_leaf_reg: f64 = 3.0, legal: Domain::float(0.0, 1e12), search: Domain::log_float(1e-2, 10.0), aliases: ["reg_lambda"];
        /// Noise on the scores of cuts, as a multiple of the gradients' spread; it fades as the model grows. -1 chooses 1 up to a
        /// thousand rows and less for more.
        random_strength: f64 = -1.0, legal: Domain::float(-1.0, 1e6), search: Domain::float(0.0, 2.0);
        /// Which rows a tree's structure is found on.
        bootstrap_type: BootstrapType = BootstrapType::Auto, legal: Domain::Choice(BootstrapType::WORDS);
        /// Share of the rows; 0 for 0.8 by gradient and 0.66 alike.
        subsample: f64 = 0.0, legal: Domain::float(0.0, 1.0), only_if: ("bootstrap_type", ["auto", "Bernoulli", "MVS"]);
        /// Spread of random weights; 0 gives every row weight one.
        bagging_temperature: f64 = 1.0, legal: Domain::float(0.0, 100.0), only_if: ("bootstrap_type", ["auto", "Bayesian"]);
        /// Share of the columns that a level looks at.
        rsm: f64 = 1.0, legal: Domain::log_float(1e-6, 1.0), search: Domain::float(0.5, 1.0), aliases: ["colsample_bylevel"];
        /// Most borders between the bins of a column.
        border_count: i64 = 254, legal: Domain::int(1, 65_533), aliases: ["max_bin", "max_bins"];
        /// Newton steps by which a leaf's answer is found; 0 for 10 where the hessian varies much and 1 elsewhere.
        leaf_estimation_iterations: i64 = 0, legal: Domain::int(0, 100), search: Domain::log_int(1, 20);
        /// How a cut is scored.
        score_function: ScoreFunction = ScoreFunction::Cosine, legal: Domain::Choice(ScoreFunction::WORDS);
        /// Categories of at most so many levels are split by level; others by statistics of the target (CatBoost: 2).
        one_hot_max_size: i64 = 255, legal: Domain::int(1, 255), search: Domain::log_int(2, 255);
        /// Most columns in a combination of categories (CatBoost: 4); above 1, the best pairs are combined.
        max_ctr_complexity: i64 = 1, legal: Domain::int(1, 8);
        /// Orders of the rows in which statistics of the target are gathered.
        permutation_count: i64 = 4, legal: Domain::int(1, 16);
        /// What is minimised.
        loss_function: CatBoostObjective = CatBoostObjective::Auto, legal: Domain::Choice(CatBoostObjective::WORDS), aliases: ["objective", "loss"];
        /// Level of the quantile.
        quantile_alpha: f64 = 0.5, legal: Domain::float(1e-6, 0.999_999), only_if: ("loss_function", ["Quantile"]);
        /// Where Huber's loss turns straight.
        huber_delta: f64 = 1.0, legal: Domain::log_float(1e-9, 1e9), only_if: ("loss_function", ["Huber"]);
        /// Power of the mean that Tweedie's variance grows with.
        tweedie_variance_power: f64 = 1.5, legal: Domain::float(1.0, 1.999), only_if: ("loss_function", ["Tweedie"]);
        /// Factor on the weights of the second of two classes.
        scale_pos_weight: f64 = 1.0, legal: Domain::log_float(1e-9, 1e9);
        /// Rounds without a better score on held-out rows after which to stop; 0 for never.
        early_stopping_rounds: i64 = 0, legal: Domain::int(0, 1_000_000), aliases: ["early_stopping_round", "od_wait"];
        /// Whether patience grows with the best round and shrinks with the rows.
        early_stopping_adaptive: bool = false, legal: Domain::Bool;
        /// What early stopping judges by: a metric's name, or nothing for the objective's loss.
        eval_metric: String = String::new(), legal: Domain::Text("the name of a metric"), aliases: ["metric"];
    }
}
