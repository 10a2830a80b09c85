//! Linear support vector machines, for classes and for numbers.
//!
//! For two classes `y = -1, 1`, with row weights `s` (class weights included), minimises the squared hinge
//!
//! ```text
//! 1/2 ||w||^2 + C sum_i s_i max(0, 1 - y_i (b + x_i' w))^2
//! ```
//!
//! and for a number the squared error beyond a tube, `max(0, |y_i - b - x_i' w| - epsilon)^2`. These are the objectives of
//! scikit-learn's `LinearSVC` and `LinearSVR` with their squared losses, except that the intercept is free of the
//! penalty, as in its `SVC`. Several classes are told apart one against the rest.
//!
//! **Solver.** Both losses have a Lipschitz slope, so Newton's method on them ends after a handful of passes (Mangasarian
//! 2002; Keerthi, DeCoste 2005), each a Gram matrix of the rows within the margin; beyond 1,500 coefficients its steps
//! come from products with the rows. The plain hinge and the plain error beyond the tube (`loss=plain`), which mind rows far off
//! less, have kinks: they are minimised by coordinate descent in the dual (Hsieh et al. 2008), in dozens of passes.
//!
//! **Probabilities.** Scores of rows that were left out, in folds by content started from the fit of all rows, are put
//! through a logistic curve each class (Platt 1999; Lin, Lin, Weng 2007); for several classes the shares are divided by
//! their sum. The machine itself is that of all rows.
//!
//! **Wins** where classes are nearly separable and columns many, as in texts; outliers deep in the wrong class weigh
//! quadratically. **Loses** to logistic regression where probabilities count, and to bent models on bends.
//!
//! ```
//! use kolosal_learn_linear::LinearSvm;
//! use kolosal_learner::Learner;
//! assert_eq!(LinearSvm.card().name, "linear_svm");
//! ```

mod dual;
mod fit;
mod losses;
mod model;
mod params;
#[cfg(test)]
mod tests;

pub use model::LinearSvmModel;
pub use params::{Calibration, LinearSvmParams};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// The linear support vector machine.
#[derive(Debug, Clone, Copy)]
pub struct LinearSvm;

impl Learn for LinearSvm {
    type Params = LinearSvmParams;
    type Model = LinearSvmModel;
    const CARD: LearnerCard = LearnerCard {
        name: "linear_svm",
        aliases: &["linear_svc", "linear_svr", "svm_linear"],
        title: "Linear support vector machine",
        doc: "The widest margin between classes, or the flattest line within a tube, by a penalty on squared \
              coefficients and squared errors beyond the margin. A handful of passes; strong on many columns and texts, \
              blind to bends and interactions; probabilities by Platt's curve over left-out rows.",
        family: Family::Linear,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression],
        takes_missing: false,
        takes_categories: true,
        wants_scaling: true,
        weight_is_repetition: true,
        ignores_row_order: true,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<LinearSvmParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<LinearSvmModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<LinearSvmModel, ArtifactError> {
        LinearSvmModel::load(from)
    }
}
