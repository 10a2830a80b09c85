//! Logistic regression: class probabilities from a linear score, for two classes and for many.
//!
//! Minimises, with row weights `s` (class weights included),
//!
//! ```text
//! C sum_i s_i loss(y_i, b + x_i' w) + l1_ratio ||w||_1 + (1 - l1_ratio)/2 ||w||^2
//! ```
//!
//! where the loss is `ln(1 + e^-m)` of the margin for two classes and the negative logarithm of the softmax
//! probability for more; intercepts are free of the penalty. `l2` is `l1_ratio = 0`, `l1` is `l1_ratio = 1`, `none`
//! drops the penalty. This is scikit-learn's objective, so `C` means the same.
//!
//! **Solvers.** Two classes, moderately many coefficients: Newton's method on the Gram matrix of the curvature, whose
//! passes cost one addition for each pair of categories and row; absolute penalties by coordinate descent on the same
//! matrix (proximal Newton: Lee, Sun, Saunders 2014). Otherwise: L-BFGS (Liu, Nocedal 1989) on coordinates in which the
//! curvature at the start is nearly round, or for absolute penalties accelerated proximal gradients with restarts
//! (Beck, Teboulle 2009; O'Donoghue, Candes 2015).
//!
//! **Stop.** When no entry of the gradient of the mean loss plus penalty, on standardised columns, exceeds `tol`;
//! scikit-learn's rule on columns that are standardised already. Newton's last step usually overshoots `tol` by far.
//!
//! **Wins** on few rows, on many sparse or categorical features, where probabilities must be calibrated and where an
//! answer must be explained; **loses** where classes are separated by bends and interactions.
//!
//! ```
//! use kolosal_learn_linear::{LogisticParams, Penalty};
//! use kolosal_learner::{ParamSet, Value, check_point};
//!
//! let point = [("C".to_owned(), Value::Float(0.5))].into();
//! let params = check_point::<LogisticParams>(&point)?;
//! assert_eq!((params.c, params.penalty), (0.5, Penalty::L2));
//! # Ok::<(), kolosal_learner::ParamError>(())
//! ```

mod fit;
mod gradients;
mod model;
mod newton;
mod params;
mod problem;
mod quasi;
#[cfg(test)]
mod tests;

pub(crate) use fit::class_weights;
pub use model::LogisticModel;
pub use params::{ClassWeight, LogisticParams, Penalty};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// The logistic regression learner.
#[derive(Debug, Clone, Copy)]
pub struct LogisticRegression;

impl Learn for LogisticRegression {
    type Params = LogisticParams;
    type Model = LogisticModel;
    const CARD: LearnerCard = LearnerCard {
        name: "logistic_regression",
        aliases: &["logistic", "logit", "lr"],
        title: "Logistic regression",
        doc: "Class probabilities from a linear score, with absolute, squared or no penalty. A handful of passes over \
              the data; calibrated and explainable, strong on sparse and categorical features, blind to bends and \
              interactions.",
        family: Family::Linear,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass],
        takes_missing: false,
        takes_categories: true,
        wants_scaling: true,
        weight_is_repetition: true,
        ignores_row_order: true,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<LogisticParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<LogisticModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<LogisticModel, ArtifactError> {
        LogisticModel::load(from)
    }
}
