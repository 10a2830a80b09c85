//! The `catboost` preset: oblivious trees with CatBoost's names and defaults.
//!
//! All nodes of a level are split by one test, so that a tree of depth `d` is a table of `2^d` answers: a strong
//! regulariser, and scoring without branches. A level's test maximises the cosine between the rows' gradients and the answers of
//! the leaves it makes, over a sample of rows drawn by the size of their gradients (minimal variance sampling), with noise that
//! fades as the model grows. Answers are then found by Newton steps over all rows. Categories of very many levels (`one_hot_max_size`) become
//! numbers: the mean target of the level's earlier rows in random orders (ordered target statistics), so that no row sees its own
//! answer. The learning rate follows from rows, rounds and objective.
//!
//! Costs a scan of all cuts for every leaf of a level, `O(2^depth * bins)` a column on top of `O(rows * depth)`. Strong
//! without tuning where columns are numbers; where answers hang on combinations of categories, the original is ahead, and
//! with a large table and time to tune, leaf-wise trees fit finer.
//!
//! Prokhorenkova et al., CatBoost: unbiased boosting with categorical features, NeurIPS 2018; Ibragimov, Gusev, Minimal Variance
//! Sampling in Stochastic Gradient Boosting, NeurIPS 2019.

mod params;
mod rate;

pub use params::{BootstrapType, CatBoostGrowPolicy, CatBoostObjective, CatBoostParams, ScoreFunction};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, ParamError, Stopped,
    Task, TaskKind, TrainView,
};

use super::config::{
    BoostConfig, CategoryRule, ColumnShares, EncodeRule, Growth, MonotoneMethod, Precision, Sampling, Score,
    SplitLimits, Stopping,
};
use super::fit::train_view;
use super::model::BoostModel;
use super::objective::{
    Absolute, BinaryLogLoss, CrossEntropy, Huber, LogCosh, Objective, OneVersusAll, Percentage, Poisson,
    Quantile, Softmax, Squared, Tweedie,
};
use super::reading::metric;

/// Fewer rounds than this, with fewer columns than [`SHORT_COLUMNS`], take one Newton step a tree.
const SHORT_ROUNDS: i64 = 200;
const SHORT_COLUMNS: usize = 20;

/// The `catboost` preset.
#[derive(Debug, Clone, Copy, Default)]
pub struct CatBoost;

impl Learn for CatBoost {
    type Params = CatBoostParams;
    type Model = BoostModel;

    const CARD: LearnerCard = LearnerCard {
        name: "catboost",
        aliases: &["cat", "cb"],
        title: "Gradient boosting with oblivious trees (CatBoost)",
        doc: "A sum of symmetric trees, each level split by one test, with ordered target statistics for categories. \
              Strong without tuning where columns are numbers, takes missing values and categories as they are, \
              and predicts fast. Slower to train than the leaf-wise preset on wide tables, does not extrapolate.",
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
        params: &Checked<CatBoostParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<BoostModel, FitError> {
        let loss = loss(params, train.task())?;
        let objective = objective(params, (loss, train.task()))?;
        let config = config(params, (loss, train), cx)?;
        train_view(&config, objective.as_ref(), train, cx)
    }

    fn bins(params: &Checked<CatBoostParams>) -> Option<usize> {
        Some(bins(params))
    }

    fn load(from: &mut Decoder<'_>) -> Result<BoostModel, ArtifactError> {
        BoostModel::load(from)
    }

    fn settle(params: &Checked<CatBoostParams>, stopped: &Stopped) -> Option<CatBoostParams> {
        // What follows from the most rounds there could have been, and from the rows, is settled together with the rounds.
        let loss = loss(params, stopped.task).ok()?;
        let is_short = params.iterations < SHORT_ROUNDS;
        Some(CatBoostParams {
            iterations: stopped.rounds as i64,
            learning_rate: rate::choose(params, loss, (stopped.rows, true)),
            random_strength: noise(params, stopped.rows),
            // Few rounds that were few from the start keep the rule; columns decide then, as they did.
            leaf_estimation_iterations: if is_short {
                params.leaf_estimation_iterations
            } else {
                steps(params, loss, usize::MAX) as i64
            },
            ..(**params).clone()
        })
    }
}

/// The objective that `auto` stands for; an error if the one asked for does not suit the task.
fn loss(params: &CatBoostParams, task: Task) -> Result<CatBoostObjective, FitError> {
    use CatBoostObjective as Name;
    let loss = match (params.loss_function, task) {
        (Name::Auto, Task::Binary) => Name::Logloss,
        (Name::Auto, Task::Multiclass { .. }) => Name::MultiClass,
        (Name::Auto, Task::Regression) => Name::Rmse,
        (name, _) => name,
    };
    let suits = match loss {
        Name::Auto => false,
        Name::Logloss => task == Task::Binary,
        Name::MultiClass | Name::MultiClassOneVsAll => matches!(task, Task::Multiclass { .. }),
        _ => task == Task::Regression,
    };
    if suits {
        return Ok(loss);
    }
    Err(FitError::Unsupported {
        learner: CatBoost::CARD.name,
        what: format!("learn a {} target with this objective", task.kind().name()),
        remedy: "set loss_function=auto, or one that suits the target: Logloss for two classes, MultiClass or \
                 MultiClassOneVsAll for more, the others for numbers",
    })
}

fn objective(
    params: &CatBoostParams,
    (loss, task): (CatBoostObjective, Task),
) -> Result<Box<dyn Objective>, FitError> {
    use CatBoostObjective as Name;
    let classes = task.width();
    Ok(match loss {
        Name::Auto | Name::Rmse => Box::new(Squared),
        Name::Logloss => Box::new(BinaryLogLoss::with_positive_weight(params.scale_pos_weight)),
        Name::MultiClass => Box::new(Softmax::whole(classes)),
        Name::MultiClassOneVsAll => Box::new(OneVersusAll { classes }),
        Name::Mae => Box::new(Absolute),
        Name::Quantile => Box::new(Quantile::new(&[params.quantile_alpha])),
        Name::Mape => Box::new(Percentage),
        Name::Poisson => Box::new(Poisson { step_max: 0.0 }),
        Name::Tweedie => Box::new(Tweedie {
            power: params.tweedie_variance_power,
        }),
        Name::Huber => Box::new(Huber {
            alpha: params.huber_delta,
        }),
        Name::LogCosh => Box::new(LogCosh::default()),
        Name::CrossEntropy => Box::new(CrossEntropy),
    })
}

fn config(
    params: &CatBoostParams,
    (loss, train): (CatBoostObjective, &TrainView<'_>),
    cx: &FitContext<'_>,
) -> Result<BoostConfig, ParamError> {
    let stops = params.early_stopping_rounds > 0 && cx.valid.is_some();
    let is_symmetric = params.grow_policy == CatBoostGrowPolicy::SymmetricTree;
    Ok(BoostConfig {
        rounds: params.iterations as usize,
        learning_rate: rate::choose(params, loss, (train.row_count(), stops)),
        growth: growth(params),
        leaves_max: match params.grow_policy {
            CatBoostGrowPolicy::Lossguide => params.max_leaves as usize,
            _ => 0,
        },
        depth_max: params.depth as usize,
        limits: SplitLimits {
            alpha: 0.0,
            lambda: params.l2_leaf_reg,
            gain_min: 0.0,
            hessian_min: 0.0,
            rows_min: params.min_data_in_leaf as usize,
            step_max: 0.0,
            path_smooth: 0.0,
        },
        columns: ColumnShares {
            tree: 1.0,
            level: params.rsm,
            node: 1.0,
        },
        sampling: sampling(params, train),
        categories: CategoryRule {
            one_hot_max: if is_symmetric {
                usize::MAX
            } else {
                params.one_hot_max_size as usize
            },
            smooth: 0.0,
            lambda: 0.0,
            levels_max: usize::MAX,
            group_min: 1,
        },
        extra_trees: false,
        linear_lambda: None,
        dart: None,
        monotone: Vec::new(),
        monotone_method: MonotoneMethod::Basic,
        interactions: Vec::new(),
        bins_max: bins(params),
        precision: Precision::Quantised,
        leaf_steps: steps(params, loss, train.features().column_count()),
        score: match params.score_function {
            ScoreFunction::Cosine => Score::Cosine,
            ScoreFunction::L2 => Score::L2,
        },
        random_strength: noise(params, train.row_count()),
        stopping: stopping(params)?,
        encode: Some(EncodeRule {
            one_hot_max: params.one_hot_max_size as usize,
            complexity_max: params.max_ctr_complexity as usize,
            permutations: params.permutation_count as usize,
        }),
        start_from_average: !matches!(
            loss,
            CatBoostObjective::Logloss | CatBoostObjective::CrossEntropy | CatBoostObjective::MultiClass
        ),
    })
}

fn growth(params: &CatBoostParams) -> Growth {
    match params.grow_policy {
        CatBoostGrowPolicy::SymmetricTree => Growth::Oblivious,
        CatBoostGrowPolicy::Depthwise => Growth::DepthWise,
        CatBoostGrowPolicy::Lossguide => Growth::LeafWise,
    }
}

fn stopping(params: &CatBoostParams) -> Result<Option<Stopping>, ParamError> {
    let metric = metric("eval_metric", &params.eval_metric)?;
    Ok((params.early_stopping_rounds > 0).then_some(Stopping {
        patience: params.early_stopping_rounds as usize,
        adaptive: params.early_stopping_adaptive,
        metric,
    }))
}

/// Strength of the noise on scores. Scores grow faster with rows than the noise does, so that it is left to small tables.
fn noise(params: &CatBoostParams, rows: usize) -> f64 {
    if params.random_strength >= 0.0 {
        return params.random_strength;
    }
    (1000.0 / rows.max(1) as f64).powf(0.25).min(1.0)
}

fn bins(params: &CatBoostParams) -> usize {
    params.border_count as usize + 1
}

/// Newton steps of a tree's answers; CatBoost takes one where few rounds meet few columns.
fn steps(params: &CatBoostParams, loss: CatBoostObjective, columns: usize) -> usize {
    use CatBoostObjective as Name;
    let is_short = params.iterations < SHORT_ROUNDS && columns < SHORT_COLUMNS;
    match (params.leaf_estimation_iterations, loss) {
        (0, Name::Logloss | Name::CrossEntropy | Name::Poisson) if !is_short => 10,
        (0, _) => 1,
        (steps, _) => steps as usize,
    }
}

fn sampling(params: &CatBoostParams, train: &TrainView<'_>) -> Sampling {
    let is_single = !matches!(train.task(), Task::Multiclass { .. });
    let bootstrap = match params.bootstrap_type {
        BootstrapType::Auto if is_single => BootstrapType::Mvs,
        BootstrapType::Auto => BootstrapType::Bayesian,
        other => other,
    };
    let share = |usual: f64| {
        if params.subsample > 0.0 {
            params.subsample
        } else {
            usual
        }
    };
    match bootstrap {
        BootstrapType::Mvs if params.subsample == 0.0 && train.row_count() < 100 => Sampling::All,
        BootstrapType::Mvs => Sampling::MinimalVariance { share: share(0.8) },
        BootstrapType::Bernoulli => Sampling::Bernoulli {
            share: share(0.66),
            every: 1,
        },
        BootstrapType::Bayesian => Sampling::Bayesian {
            temperature: params.bagging_temperature,
        },
        BootstrapType::No | BootstrapType::Auto => Sampling::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_learner::{Point, Value, check_point};

    #[test]
    fn a_settled_fit_has_the_steps_rate_and_noise_of_the_one_that_stopped() {
        for (rounds, steps_wanted) in [(1000, 10), (150, 1)] {
            let point = Point::from([("iterations".to_owned(), Value::Int(rounds))]);
            let params = check_point::<CatBoostParams>(&point).expect("legal");
            let stopped = Stopped {
                task: Task::Binary,
                rows: 16_000,
                rounds: 60,
            };
            let settled = CatBoost::settle(&params, &stopped).expect("suits the task");
            assert_eq!(settled.iterations, 60);
            assert_eq!(steps(&settled, CatBoostObjective::Logloss, 5), steps_wanted);
            assert_eq!(
                steps(&settled, CatBoostObjective::Logloss, 5),
                steps(&params, CatBoostObjective::Logloss, 5)
            );
            assert_eq!(noise(&settled, 20_000), 0.5);
            assert_eq!(
                rate::choose(&settled, CatBoostObjective::Logloss, (20_000, true)),
                rate::choose(&params, CatBoostObjective::Logloss, (16_000, true))
            );
        }
    }
}
