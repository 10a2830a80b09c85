//! The `xgboost` preset: level by level growth with XGBoost's names and defaults.
//!
//! The same engine and gain as [`super::lightgbm`], with L2 penalty 1, depth 6 instead of a number of leaves, a least
//! hessian of 1 a leaf, and learning rate 0.3. `grow_policy=lossguide` grows leaf by leaf. A missing value goes to the side that
//! lowers the loss more.
//!
//! Balanced trees of limited depth are a little more regular than leaf-wise ones of as many leaves; where one region of the
//! table needs many more leaves than others, leaf-wise growth wins.
//!
//! Chen, Guestrin, XGBoost: A Scalable Tree Boosting System, KDD 2016.

mod params;

pub use params::{Booster, GrowPolicy, SamplingMethod, XgBoostObjective, XgBoostParams};

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
    Absolute, BinaryLogLoss, CrossEntropy, Gamma, Objective, Poisson, PseudoHuber, Quantile, Softmax,
    Squared, Tweedie,
};
use super::reading::{Reading, metric};

/// The `xgboost` preset.
#[derive(Debug, Clone, Copy, Default)]
pub struct XgBoost;

/// XGBoost's least gain of a split.
const GAIN_MIN: f64 = 1e-6;

impl Learn for XgBoost {
    type Params = XgBoostParams;
    type Model = BoostModel;

    const CARD: LearnerCard = LearnerCard {
        name: "xgboost",
        aliases: &["xgb"],
        title: "Gradient boosting, level by level (XGBoost)",
        doc: "A sum of trees, each fitted to what the ones before it got wrong, grown level by level to a limited depth \
              with an L2 penalty on answers. Accurate and fast on most tables, takes missing values and categories as \
              they are. Learns the noise of small tables unless stopped early, does not extrapolate.",
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
        params: &Checked<XgBoostParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<BoostModel, FitError> {
        let objective = objective(params, train.task())?;
        let config = config(params, train)?;
        train_view(&config, objective.as_ref(), train, cx)
    }

    fn bins(params: &Checked<XgBoostParams>) -> Option<usize> {
        Some(bins(params))
    }

    fn load(from: &mut Decoder<'_>) -> Result<BoostModel, ArtifactError> {
        BoostModel::load(from)
    }

    fn settle(params: &Checked<XgBoostParams>, stopped: &Stopped) -> Option<XgBoostParams> {
        Some(XgBoostParams {
            n_estimators: stopped.rounds as i64,
            ..(**params).clone()
        })
    }
}

fn bins(params: &XgBoostParams) -> usize {
    if params.max_bin == 256 {
        255
    } else {
        params.max_bin as usize
    }
}

fn objective(params: &XgBoostParams, task: Task) -> Result<Box<dyn Objective>, FitError> {
    use XgBoostObjective as Name;
    let name = match (params.objective, task) {
        (Name::Auto, Task::Binary) => Name::BinaryLogistic,
        (Name::Auto, Task::Multiclass { .. }) => Name::MultiSoftprob,
        (Name::Auto, Task::Regression) => Name::SquaredError,
        (name, _) => name,
    };
    let objective: Box<dyn Objective> = match (name, task) {
        (Name::BinaryLogistic, Task::Binary) => {
            Box::new(BinaryLogLoss::with_positive_weight(params.scale_pos_weight))
        }
        (Name::MultiSoftprob, Task::Multiclass { classes }) => Box::new(Softmax::doubled(classes as usize)),
        (Name::SquaredError, Task::Regression) => Box::new(Squared),
        (Name::AbsoluteError, Task::Regression) => Box::new(Absolute),
        (Name::PseudoHuber, Task::Regression) => Box::new(PseudoHuber {
            slope: params.huber_slope,
            ..PseudoHuber::default()
        }),
        (Name::Logistic, Task::Regression) => Box::new(CrossEntropy),
        (Name::Quantile, Task::Regression) => Box::new(Quantile::new(&[params.quantile_alpha])),
        (Name::Poisson, Task::Regression) => Box::new(Poisson {
            step_max: if params.max_delta_step > 0.0 {
                params.max_delta_step
            } else {
                0.7
            },
        }),
        (Name::Gamma, Task::Regression) => Box::new(Gamma),
        (Name::Tweedie, Task::Regression) => Box::new(Tweedie {
            power: params.tweedie_variance_power,
        }),
        _ => {
            return Err(FitError::Unsupported {
                learner: XgBoost::CARD.name,
                what: format!("learn a {} target with this objective", task.kind().name()),
                remedy: "set objective=auto, or one that suits the target: binary:logistic for two classes, \
                         multi:softprob for more, the others for numbers",
            });
        }
    };
    Ok(objective)
}

fn config(params: &XgBoostParams, train: &TrainView<'_>) -> Result<BoostConfig, ParamError> {
    let reading = Reading {
        schema: train.features().frame().schema(),
    };
    Ok(BoostConfig {
        rounds: params.n_estimators as usize,
        learning_rate: params.learning_rate,
        growth: match params.grow_policy {
            GrowPolicy::DepthWise => Growth::DepthWise,
            GrowPolicy::LossGuide => Growth::LeafWise,
        },
        leaves_max: params.max_leaves as usize,
        depth_max: if params.max_depth > 0 {
            params.max_depth as usize
        } else {
            usize::MAX
        },
        limits: SplitLimits {
            alpha: params.alpha,
            lambda: params.lambda,
            gain_min: params.gamma.max(GAIN_MIN),
            hessian_min: params.min_child_weight,
            rows_min: 1,
            step_max: params.max_delta_step,
            path_smooth: 0.0,
        },
        columns: ColumnShares {
            tree: params.colsample_bytree,
            level: params.colsample_bylevel,
            node: params.colsample_bynode,
        },
        sampling: sampling(params),
        categories: CategoryRule {
            one_hot_max: params.max_cat_to_onehot as usize,
            smooth: 0.0,
            lambda: 0.0,
            levels_max: params.max_cat_threshold as usize,
            group_min: 1,
        },
        extra_trees: false,
        linear_lambda: None,
        dart: (params.booster == Booster::Dart).then_some(Dart {
            drop_rate: params.rate_drop,
            skip_rate: params.skip_drop,
            drop_max: 0,
            scale: DartScale::ByRate,
        }),
        monotone: reading.directions("monotone_constraints", &params.monotone_constraints)?,
        monotone_method: MonotoneMethod::Basic,
        interactions: reading.sets("interaction_constraints", &params.interaction_constraints)?,
        bins_max: bins(params),
        precision: if params.quantized_gradients {
            Precision::Quantised
        } else {
            Precision::Exact
        },
        leaf_steps: 1,
        score: Score::L2,
        random_strength: 0.0,
        stopping: stopping(params)?,
        encode: None,
        start_from_average: true,
    })
}

fn sampling(params: &XgBoostParams) -> Sampling {
    match params.sampling_method {
        _ if params.subsample >= 1.0 => Sampling::All,
        SamplingMethod::Uniform => Sampling::Bernoulli {
            share: params.subsample,
            every: 1,
        },
        SamplingMethod::GradientBased => Sampling::MinimalVariance {
            share: params.subsample,
        },
    }
}

fn stopping(params: &XgBoostParams) -> Result<Option<Stopping>, ParamError> {
    let metric = metric("eval_metric", &params.eval_metric)?;
    Ok((params.early_stopping_rounds > 0).then_some(Stopping {
        patience: params.early_stopping_rounds as usize,
        adaptive: params.early_stopping_adaptive,
        metric,
    }))
}
