//! The `lightgbm` preset: leaf-wise growth with LightGBM's names and defaults.
//!
//! A round adds the tree that lowers the second-order expansion of the loss most: with gradients `g` and hessians `h` of the
//! rows at the current scores, each split maximises `G_l^2/(H_l + lambda) + G_r^2/(H_r + lambda) - G^2/(H + lambda)`, and
//! the leaf of the highest gain is split next until there are `num_leaves`. A round costs `O(rows * columns)` additions for
//! the root and less below it, since only smaller children are added up.
//!
//! Wins on tables of more than a few thousand rows, with mixed columns and interactions; needs early stopping or few rounds to
//! stay calibrated. Loses to linear models where answers extrapolate, and to `catboost` untuned on small or mostly
//! categorical tables.
//!
//! Ke et al., LightGBM: A Highly Efficient Gradient Boosting Decision Tree, NIPS 2017; Shi et al., Quantized Training of
//! Gradient Boosting Decision Trees, NeurIPS 2022; Fisher, On Grouping for Maximum Homogeneity, JASA 1958 (categories).

mod params;

pub use params::{Boosting, LightGbmObjective, LightGbmParams, MonotoneMethodChoice, RowSampling};

use kolosal_frame::Schema;
use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, ParamError, Stopped,
    Task, TaskKind, TrainView,
};

use super::config::{
    BoostConfig, CategoryRule, ColumnShares, Dart, DartScale, Growth, MonotoneMethod, Precision, Sampling,
    Score, SplitLimits, Stopping,
};
use super::fit::train_view;
use super::model::BoostModel;
use super::objective::{
    Absolute, BinaryLogLoss, CrossEntropy, Fair, Gamma, Huber, Labels, Objective, OneVersusAll, Percentage,
    Poisson, Quantile, Softmax, Squared, Tweedie,
};
use super::reading::{Reading, metric};

/// The `lightgbm` preset.
#[derive(Debug, Clone, Copy, Default)]
pub struct LightGbm;

impl Learn for LightGbm {
    type Params = LightGbmParams;
    type Model = BoostModel;

    const CARD: LearnerCard = LearnerCard {
        name: "lightgbm",
        aliases: &["lgbm", "lgb", "gbm"],
        title: "Gradient boosting, leaf by leaf (LightGBM)",
        doc: "A sum of trees, each fitted to what the ones before it got wrong, grown leaf by leaf where the gain is \
              highest. Accurate and fast on most tables, takes missing values and categories as they are. Learns the \
              noise of small tables unless stopped early, does not extrapolate.",
        family: Family::Tree,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<LightGbmParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<BoostModel, FitError> {
        let objective = objective(params, train)?;
        let config = config(params, train)?;
        train_view(&config, objective.as_ref(), train, cx)
    }

    fn bins(params: &Checked<LightGbmParams>) -> Option<usize> {
        Some(bins(params))
    }

    fn load(from: &mut Decoder<'_>) -> Result<BoostModel, ArtifactError> {
        BoostModel::load(from)
    }

    fn settle(params: &Checked<LightGbmParams>, stopped: &Stopped) -> Option<LightGbmParams> {
        Some(LightGbmParams {
            n_estimators: stopped.rounds as i64,
            ..(**params).clone()
        })
    }
}

fn bins(params: &LightGbmParams) -> usize {
    params.max_bin as usize
}

fn objective(params: &LightGbmParams, train: &TrainView<'_>) -> Result<Box<dyn Objective>, FitError> {
    use LightGbmObjective as Name;
    let name = match (params.objective, train.task()) {
        (Name::Auto, Task::Binary) => Name::Binary,
        (Name::Auto, Task::Multiclass { .. }) => Name::Multiclass,
        (Name::Auto, Task::Regression) => Name::Regression,
        (name, _) => name,
    };
    let objective: Box<dyn Objective> = match (name, train.task()) {
        (Name::Binary, Task::Binary) => Box::new(if params.is_unbalance {
            BinaryLogLoss::balanced(&Labels::of(train))
        } else {
            BinaryLogLoss::with_positive_weight(params.scale_pos_weight)
        }),
        (Name::Multiclass, Task::Multiclass { classes }) => Box::new(Softmax::new(classes as usize)),
        (Name::MulticlassOva, Task::Multiclass { classes }) => Box::new(OneVersusAll {
            classes: classes as usize,
        }),
        (Name::Regression, Task::Regression) => Box::new(Squared),
        (Name::RegressionL1, Task::Regression) => Box::new(Absolute),
        (Name::Huber, Task::Regression) => Box::new(Huber { alpha: params.alpha }),
        (Name::Fair, Task::Regression) => Box::new(Fair {
            c: params.fair_c,
            ..Fair::default()
        }),
        (Name::Poisson, Task::Regression) => Box::new(Poisson {
            step_max: params.poisson_max_delta_step,
        }),
        (Name::Quantile, Task::Regression) => Box::new(Quantile::new(&[params.alpha])),
        (Name::Mape, Task::Regression) => Box::new(Percentage),
        (Name::Gamma, Task::Regression) => Box::new(Gamma),
        (Name::Tweedie, Task::Regression) => Box::new(Tweedie {
            power: params.tweedie_variance_power,
        }),
        (Name::CrossEntropy, Task::Regression) => Box::new(CrossEntropy),
        _ => return Err(unsuited(train.task())),
    };
    Ok(objective)
}

fn unsuited(task: Task) -> FitError {
    FitError::Unsupported {
        learner: LightGbm::CARD.name,
        what: format!("learn a {} target with this objective", task.kind().name()),
        remedy: "set objective=auto, or one that suits the target: binary for two classes, multiclass or multiclassova \
                 for more, the others for numbers",
    }
}

/// The engine's configuration for these parameters and columns.
fn config(params: &LightGbmParams, train: &TrainView<'_>) -> Result<BoostConfig, ParamError> {
    configure(params, train.features().frame().schema())
}

/// The engine's configuration for LightGBM's defaults.
pub fn defaults() -> BoostConfig {
    let schema = Schema::new(Vec::new()).expect("no names, no two alike");
    configure(&LightGbmParams::default(), &schema).expect("defaults are legal and name no column")
}

fn configure(params: &LightGbmParams, schema: &Schema) -> Result<BoostConfig, ParamError> {
    let reading = Reading { schema };
    let sampling = match params.data_sample_strategy {
        RowSampling::Goss => Sampling::OneSide {
            top: params.top_rate,
            other: params.other_rate,
        },
        RowSampling::Bagging if params.bagging_freq > 0 && params.bagging_fraction < 1.0 => {
            Sampling::Bernoulli {
                share: params.bagging_fraction,
                every: params.bagging_freq as usize,
            }
        }
        RowSampling::Bagging => Sampling::All,
    };
    Ok(BoostConfig {
        rounds: params.n_estimators as usize,
        learning_rate: params.learning_rate,
        growth: Growth::LeafWise,
        leaves_max: params.num_leaves as usize,
        depth_max: if params.max_depth > 0 {
            params.max_depth as usize
        } else {
            usize::MAX
        },
        limits: limits(params),
        columns: ColumnShares {
            tree: params.feature_fraction,
            level: 1.0,
            node: params.feature_fraction_bynode,
        },
        sampling,
        categories: categories(params),
        extra_trees: params.extra_trees,
        linear_lambda: params.linear_tree.then_some(params.linear_lambda),
        dart: (params.boosting == Boosting::Dart).then(|| Dart {
            drop_rate: params.drop_rate,
            skip_rate: params.skip_drop,
            drop_max: params.max_drop.max(0) as usize,
            scale: DartScale::ByCount,
        }),
        monotone: reading.directions("monotone_constraints", &params.monotone_constraints)?,
        monotone_method: match params.monotone_constraints_method {
            MonotoneMethodChoice::Basic => MonotoneMethod::Basic,
            MonotoneMethodChoice::Intermediate => MonotoneMethod::Intermediate,
        },
        interactions: reading.sets("interaction_constraints", &params.interaction_constraints)?,
        bins_max: bins(params),
        precision: if params.use_quantized_grad {
            Precision::Quantised
        } else {
            Precision::Exact
        },
        leaf_steps: 1,
        score: Score::L2,
        random_strength: 0.0,
        stopping: stopping(params)?,
        encode: None,
        start_from_average: params.boost_from_average,
    })
}

fn limits(params: &LightGbmParams) -> SplitLimits {
    SplitLimits {
        alpha: params.lambda_l1,
        lambda: params.lambda_l2,
        gain_min: params.min_gain_to_split,
        hessian_min: params.min_sum_hessian_in_leaf,
        rows_min: params.min_data_in_leaf as usize,
        step_max: params.max_delta_step,
        path_smooth: params.path_smooth,
    }
}

fn categories(params: &LightGbmParams) -> CategoryRule {
    CategoryRule {
        one_hot_max: params.max_cat_to_onehot as usize,
        smooth: params.cat_smooth,
        lambda: params.cat_l2,
        levels_max: params.max_cat_threshold as usize,
        group_min: params.min_data_per_group as usize,
    }
}

fn stopping(params: &LightGbmParams) -> Result<Option<Stopping>, ParamError> {
    let metric = metric("metric", &params.metric)?;
    Ok((params.early_stopping_round > 0).then_some(Stopping {
        patience: params.early_stopping_round as usize,
        adaptive: params.early_stopping_adaptive,
        metric,
    }))
}
