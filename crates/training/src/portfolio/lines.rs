//! The lines of the portfolio.
//!
//! Boosters' shapes are those of published portfolios that were learned over many tables; names say what sets a line apart
//! from its learner's defaults.

use kolosal_learner::TaskKind;
use kolosal_pipeline::Features;

use super::Setting::{Bool, Float, Int, Word};
use super::{Line, Settings};
use crate::Preset;

const CLASSES: &[TaskKind] = &[TaskKind::Binary, TaskKind::Multiclass];
const NUMBERS: &[TaskKind] = &[TaskKind::Regression];
const ALL: &[TaskKind] = &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression];

pub(super) const LINES: &[Line] = &[
    line("baseline", "baseline", &[]).costing(0.1),
    line("logistic_regression", "logistic_regression", &[]).on(CLASSES),
    line("ridge", "ridge", &[]).on(NUMBERS),
    line("decision_tree", "decision_tree", TREE),
    line("lightgbm", "lightgbm", QUICK).costing(30.0),
    line("random_forest", "random_forest", &[]).costing(60.0),
    line("catboost", "catboost", STOPPING).balanced(150.0),
    line("lightgbm, random cuts", "lightgbm", RANDOM_CUTS).balanced(120.0),
    line("lightgbm, combined features", "lightgbm", COMBINED)
        .balanced(120.0)
        .combined(),
    line("lightgbm, 5 leaves", "lightgbm", STUMPY).balanced(80.0),
    line("lightgbm, shallow combined", "lightgbm", SHALLOW_COMBINED)
        .balanced(80.0)
        .combined(),
    line("gaussian_process, matern", "gaussian_process", MATERN)
        .on(NUMBERS)
        .balanced(400.0)
        .comparing(0.3)
        .up_to(4_000),
    line("rbf_svm, C=10", "rbf_svm", WIDE_MARGIN)
        .balanced(10.0)
        .comparing(0.06)
        .up_to(20_000),
    line("xgboost", "xgboost", LEVEL_WISE).balanced(80.0),
    line("mlp", "mlp", NETWORK_OF_NUMBERS).on(NUMBERS).balanced(600.0),
    line("mlp", "mlp", NETWORK_OF_CLASSES).on(CLASSES).balanced(600.0),
    line("extra_trees", "extra_trees", SPREAD).balanced(100.0),
    line("neighbors, by distance", "neighbors", NEAR)
        .balanced(1.0)
        .comparing(0.005)
        .up_to(50_000),
    line("catboost, depth 8", "catboost", DEEP).balanced(400.0),
    line("lightgbm, 84 leaves", "lightgbm", MANY_LEAVES).balanced(200.0),
    line("lightgbm, 180 leaves, random cuts", "lightgbm", DEEP_RANDOM).balanced(300.0),
    line("rbf_svm", "rbf_svm", CALIBRATED)
        .balanced(10.0)
        .comparing(0.06)
        .up_to(20_000),
    line("random_forest, larger leaves", "random_forest", LARGER_LEAVES).balanced(60.0),
    line("extra_trees, larger leaves", "extra_trees", LARGER_LEAVES).balanced(60.0),
    line("logistic_regression, sparse", "logistic_regression", SPARSE)
        .on(CLASSES)
        .balanced(5.0),
    line("logistic_regression, C=0.1", "logistic_regression", STRICT)
        .on(CLASSES)
        .balanced(1.0),
    line("lasso", "lasso", &[]).on(NUMBERS).balanced(2.0),
    line("elastic_net", "elastic_net", &[]).on(NUMBERS).balanced(2.0),
    line("catboost, depth 4", "catboost", FLAT).balanced(150.0),
    line("lightgbm, 16 leaves combined", "lightgbm", SIXTEEN_COMBINED)
        .balanced(100.0)
        .combined(),
    line("mlp, long", "mlp", LONG_NETWORK).at_best(600.0),
    line("xgboost, deep", "xgboost", LEVEL_DEEP).at_best(200.0),
    line("lightgbm, 252 leaves", "lightgbm", LARGE).at_best(400.0),
    line("catboost, depthwise", "catboost", DEPTHWISE).at_best(300.0),
    line("lightgbm, stumps", "lightgbm", STUMPS).at_best(60.0),
    line("extra_trees, few features", "extra_trees", FEW_FEATURES).at_best(60.0),
    line("random_forest, few features", "random_forest", FEW_FEATURES).at_best(60.0),
];

const TREE: Settings = &[("max_depth", Int(6)), ("min_samples_leaf", Int(5))];
const QUICK: Settings = &[
    ("n_estimators", Int(300)),
    ("learning_rate", Float(0.08)),
    ("early_stopping_round", Int(30)),
];
const STOPPING: Settings = &[
    ("early_stopping_rounds", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
// The whole schedule for tables of up to two thousand rows, a shorter one for larger tables. What the learner would choose by
// the task is said, so that a search can go on from it.
const NETWORK_OF_NUMBERS: Settings = &[
    ("row_passes", Int(500_000)),
    ("early_stopping", Bool(true)),
    ("learning_rate", Float(0.2)),
    ("activation", Word("mish")),
];
const NETWORK_OF_CLASSES: Settings = &[
    ("row_passes", Int(500_000)),
    ("early_stopping", Bool(true)),
    ("learning_rate", Float(0.04)),
    ("activation", Word("selu")),
];
const LONG_NETWORK: Settings = &[("row_passes", Int(10_000_000)), ("early_stopping", Bool(true))];
const RANDOM_CUTS: Settings = &[
    ("n_estimators", Int(3000)),
    ("learning_rate", Float(0.05)),
    ("num_leaves", Int(39)),
    ("min_data_in_leaf", Int(3)),
    ("feature_fraction", Float(0.5)),
    ("bagging_fraction", Float(0.88)),
    ("bagging_freq", Int(1)),
    ("extra_trees", Bool(true)),
    ("early_stopping_round", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const COMBINED: Settings = &[
    ("n_estimators", Int(3000)),
    ("learning_rate", Float(0.05)),
    ("num_leaves", Int(64)),
    ("min_data_in_leaf", Int(28)),
    ("feature_fraction", Float(0.55)),
    ("lambda_l1", Float(0.9)),
    ("lambda_l2", Float(1.9)),
    ("extra_trees", Bool(true)),
    ("early_stopping_round", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const SHALLOW_COMBINED: Settings = &[
    ("n_estimators", Int(3000)),
    ("learning_rate", Float(0.05)),
    ("num_leaves", Int(8)),
    ("min_data_in_leaf", Int(15)),
    ("feature_fraction", Float(0.42)),
    ("bagging_fraction", Float(0.72)),
    ("bagging_freq", Int(1)),
    ("extra_trees", Bool(true)),
    ("early_stopping_round", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const SIXTEEN_COMBINED: Settings = &[
    ("n_estimators", Int(3000)),
    ("learning_rate", Float(0.05)),
    ("num_leaves", Int(16)),
    ("min_data_in_leaf", Int(1)),
    ("feature_fraction", Float(0.58)),
    ("early_stopping_round", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const MANY_LEAVES: Settings = &[
    ("n_estimators", Int(3000)),
    ("learning_rate", Float(0.03)),
    ("num_leaves", Int(84)),
    ("min_data_in_leaf", Int(3)),
    ("feature_fraction", Float(0.53)),
    ("early_stopping_round", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const DEEP_RANDOM: Settings = &[
    ("n_estimators", Int(3000)),
    ("learning_rate", Float(0.05)),
    ("num_leaves", Int(180)),
    ("min_data_in_leaf", Int(12)),
    ("feature_fraction", Float(0.4)),
    ("extra_trees", Bool(true)),
    ("early_stopping_round", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const STUMPY: Settings = &[
    ("n_estimators", Int(3000)),
    ("learning_rate", Float(0.07)),
    ("num_leaves", Int(5)),
    ("min_data_in_leaf", Int(10)),
    ("feature_fraction", Float(0.73)),
    ("extra_trees", Bool(true)),
    ("early_stopping_round", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const STUMPS: Settings = &[
    ("n_estimators", Int(4000)),
    ("learning_rate", Float(0.05)),
    ("num_leaves", Int(2)),
    ("early_stopping_round", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const LARGE: Settings = &[
    ("n_estimators", Int(3000)),
    ("learning_rate", Float(0.02)),
    ("num_leaves", Int(252)),
    ("min_data_in_leaf", Int(10)),
    ("feature_fraction", Float(0.6)),
    ("early_stopping_round", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const LEVEL_WISE: Settings = &[
    ("n_estimators", Int(2000)),
    ("learning_rate", Float(0.07)),
    ("min_child_weight", Float(0.6)),
    ("colsample_bynode", Float(0.7)),
    ("early_stopping_rounds", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const LEVEL_DEEP: Settings = &[
    ("n_estimators", Int(3000)),
    ("learning_rate", Float(0.03)),
    ("max_depth", Int(10)),
    ("min_child_weight", Float(0.6)),
    ("colsample_bytree", Float(0.7)),
    ("early_stopping_rounds", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const DEEP: Settings = &[
    ("iterations", Int(1500)),
    ("depth", Int(8)),
    ("early_stopping_rounds", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const FLAT: Settings = &[
    ("iterations", Int(2000)),
    ("depth", Int(4)),
    ("learning_rate", Float(0.05)),
    ("l2_leaf_reg", Float(4.5)),
    ("early_stopping_rounds", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const DEPTHWISE: Settings = &[
    ("iterations", Int(2000)),
    ("depth", Int(6)),
    ("grow_policy", Word("Depthwise")),
    ("early_stopping_rounds", Int(100)),
    ("early_stopping_adaptive", Bool(true)),
];
const MATERN: Settings = &[("kernel", Word("matern32"))];
// Folds of its own calibration: each costs a fit more, and the bag calibrates too.
const WIDE_MARGIN: Settings = &[("c", Float(10.0)), ("folds", Int(3))];
const CALIBRATED: Settings = &[("folds", Int(3))];
const NEAR: Settings = &[("n_neighbors", Int(10)), ("weights", Word("distance"))];
const SPARSE: Settings = &[("penalty", Word("l1")), ("c", Float(0.3))];
const STRICT: Settings = &[("c", Float(0.1))];
const SPREAD: Settings = &[
    ("n_estimators", Int(200)),
    ("max_features", Word("fraction")),
    ("max_features_fraction", Float(0.75)),
    ("bootstrap", Bool(true)),
];
const LARGER_LEAVES: Settings = &[
    ("n_estimators", Int(200)),
    ("min_samples_leaf", Int(3)),
    ("max_features", Word("fraction")),
    ("max_features_fraction", Float(0.5)),
    ("bootstrap", Bool(true)),
];
const FEW_FEATURES: Settings = &[
    ("n_estimators", Int(300)),
    ("max_features", Word("sqrt")),
    ("bootstrap", Bool(true)),
];

/// A line for every task, preset and size, as cheap as a linear model.
const fn line(name: &'static str, learner: &'static str, params: Settings) -> Line {
    Line {
        name,
        learner,
        tasks: ALL,
        from: Preset::Fast,
        work_per_kilocell: 1.0,
        work_per_row: 0.0,
        params,
        features: Features::Plain,
        rows_max: None,
    }
}

impl Line {
    const fn on(mut self, tasks: &'static [TaskKind]) -> Self {
        self.tasks = tasks;
        self
    }

    const fn balanced(mut self, work_per_kilocell: f64) -> Self {
        self.from = Preset::Balanced;
        self.work_per_kilocell = work_per_kilocell;
        self
    }

    const fn at_best(mut self, work_per_kilocell: f64) -> Self {
        self.from = Preset::Best;
        self.work_per_kilocell = work_per_kilocell;
        self
    }

    const fn costing(mut self, work_per_kilocell: f64) -> Self {
        self.work_per_kilocell = work_per_kilocell;
        self
    }

    /// Work that comes on top for each row, since rows are compared with each other.
    const fn comparing(mut self, work_per_row: f64) -> Self {
        self.work_per_row = work_per_row;
        self
    }

    const fn combined(mut self) -> Self {
        self.features = Features::Combined;
        self
    }

    /// At most so many rows.
    const fn up_to(mut self, rows: usize) -> Self {
        self.rows_max = Some(rows);
        self
    }
}
