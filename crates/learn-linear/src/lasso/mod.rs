//! The lasso: least squares with a penalty on the absolute size of the coefficients, which sets most of them to zero.
//!
//! Minimises, with row weights `s` of total `W`,
//!
//! ```text
//! 1/(2W) sum_i s_i (y_i - b - x_i' w)^2 + alpha ||w||_1
//! ```
//!
//! with the intercept `b` free of the penalty: scikit-learn's objective, so `alpha` means the same.
//!
//! **Cost.** One pass for the Gram matrix, then coordinate descent on it, independent of the number of rows; tables too
//! wide for that are descended on column by column, with columns that provably stay zero dropped. **Choice of alpha.**
//! With `select = cv`, the strength with the least error over folds along the whole path, from one pass over the data.
//! **Wins** where few of many features matter and a short formula is wanted; **loses** to ridge where many weak
//! features matter, and it picks arbitrarily among features that say the same (elastic net).
//!
//! The default `tol` is tighter than scikit-learn's (1e-6 to 1e-4 of the variance), because it costs next to nothing.
//!
//! Papers: Tibshirani 1996; Friedman, Hastie, Tibshirani 2010; Ndiaye, Fercoq, Gramfort, Salmon 2017.
//!
//! ```
//! use kolosal_learn_linear::{LassoParams, Select};
//! use kolosal_learner::ParamSet;
//!
//! let params = LassoParams { alpha: 0.1, select: Select::Fixed, ..LassoParams::default() };
//! assert!(params.check().is_ok());
//! ```

mod fit;
mod params;
#[cfg(test)]
mod tests;

pub use params::LassoParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

use crate::regression::RegressionModel;

/// The lasso learner.
#[derive(Debug, Clone, Copy)]
pub struct Lasso;

impl Learn for Lasso {
    type Params = LassoParams;
    type Model = RegressionModel;
    const CARD: LearnerCard = LearnerCard {
        name: "lasso",
        aliases: &["l1_regression"],
        title: "Lasso",
        doc: "Least squares with a penalty on absolute coefficients, the strength chosen along a path by \
              cross-validation. Keeps few features; strong where few of many matter, unstable among features that \
              say the same.",
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
        params: &Checked<LassoParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<RegressionModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<RegressionModel, ArtifactError> {
        RegressionModel::load(from)
    }
}
