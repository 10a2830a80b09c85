//! Ridge regression: least squares with a penalty on the squares of the coefficients.
//!
//! Minimises, with row weights `s`,
//!
//! ```text
//! sum_i s_i (y_i - b - x_i' w)^2 + alpha ||w||^2
//! ```
//!
//! with the intercept `b` free of the penalty: scikit-learn's objective, so `alpha` means the same.
//!
//! **Cost.** With `d` coefficients and `n` rows, one pass for the Gram matrix (`n d^2 / 2`, but one addition a pair of
//! categories and row) and a Cholesky factorisation (`d^3 / 3`); where there are more coefficients than rows, the same
//! in the space of rows; where both are many, conjugate gradients. **Choice of alpha.** With `select = cv`, the
//! strength with the least generalised cross-validation error, which needs no second pass (Golub, Heath, Wahba 1979).
//! **Wins** on few rows, many weak and correlated features, and as the first model of any table; **loses** where the
//! answer bends or jumps, or where few of many features matter (lasso).
//!
//! Papers: Hoerl, Kennard 1970; Golub, Heath, Wahba 1979; Hutchinson 1990 (trace for the largest problems).
//!
//! The example of the crate fits one.

mod dual;
mod fit;
mod gcv;
mod gradients;
mod params;
#[cfg(test)]
mod tests;

pub(crate) use fit::solve_at;
pub use params::RidgeParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

use crate::regression::RegressionModel;

/// The ridge learner.
#[derive(Debug, Clone, Copy)]
pub struct Ridge;

impl Learn for Ridge {
    type Params = RidgeParams;
    type Model = RegressionModel;
    const CARD: LearnerCard = LearnerCard {
        name: "ridge",
        aliases: &["ridge_regression", "l2_regression"],
        title: "Ridge regression",
        doc: "Least squares with a penalty on squared coefficients, the strength chosen by generalised \
              cross-validation. One pass over the data; strong on few rows and many weak features, blind to bends \
              and interactions.",
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
        params: &Checked<RidgeParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<RegressionModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<RegressionModel, ArtifactError> {
        RegressionModel::load(from)
    }
}
