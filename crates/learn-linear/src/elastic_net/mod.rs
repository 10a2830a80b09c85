//! The elastic net: least squares with a penalty on absolute and on squared coefficients.
//!
//! Minimises, with row weights `s` of total `W`,
//!
//! ```text
//! 1/(2W) sum_i s_i (y_i - b - x_i' w)^2 + alpha l1_ratio ||w||_1 + alpha (1 - l1_ratio)/2 ||w||^2
//! ```
//!
//! with the intercept `b` free of the penalty: scikit-learn's objective, so `alpha` and `l1_ratio` mean the same. One
//! is the lasso, zero is ridge with `alpha W`.
//!
//! **Cost.** As the lasso's: one pass for the Gram matrix, then coordinate descent on it. **Choice of alpha.** With
//! `select = cv`, by folds along the path, from one pass over the data. **Wins** where features come in groups that say
//! the same, of which the lasso would keep one at random; **loses** where the answer bends or jumps.
//!
//! Papers: Zou, Hastie 2005; Friedman, Hastie, Tibshirani 2010.
//!
//! ```
//! use kolosal_learn_linear::ElasticNetParams;
//! use kolosal_learner::ParamSet;
//!
//! let wrong = ElasticNetParams { l1_ratio: 1.5, ..ElasticNetParams::default() };
//! assert_eq!(
//!     wrong.check().unwrap_err().to_string(),
//!     "parameter l1_ratio is 1.5: it must be a number from 0.0 to 1.0",
//! );
//! ```

mod fit;
mod params;
#[cfg(test)]
mod tests;

pub(crate) use fit::fit_net;
pub use params::ElasticNetParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

use crate::regression::RegressionModel;

/// The elastic net learner.
#[derive(Debug, Clone, Copy)]
pub struct ElasticNet;

impl Learn for ElasticNet {
    type Params = ElasticNetParams;
    type Model = RegressionModel;
    const CARD: LearnerCard = LearnerCard {
        name: "elastic_net",
        aliases: &["enet", "elasticnet"],
        title: "Elastic net",
        doc: "Least squares with penalties on absolute and squared coefficients, the strength chosen along a path by \
              cross-validation. Keeps few groups of features; strong where correlated features matter together.",
        family: Family::Linear,
        tasks: &[TaskKind::Regression],
        takes_missing: false,
        takes_categories: true,
        wants_scaling: true,
        weight_is_repetition: true,
        ignores_row_order: true,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<ElasticNetParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<RegressionModel, FitError> {
        fit_net(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<RegressionModel, ArtifactError> {
        RegressionModel::load(from)
    }
}
