//! Support vector machines with the RBF kernel, for classes and for numbers.
//!
//! With the kernel `k(x, z) = exp(-gamma ||x - z||^2)` and row weights `s` (class weights included), solves
//!
//! ```text
//! min over beta   1/2 beta' K beta - y' beta + epsilon ||beta||_1,   sum beta = 0
//! classes:  0 <= y_i beta_i <= C s_i, epsilon = 0      numbers:  |beta_i| <= C s_i
//! ```
//!
//! the duals of the hinge loss and of the absolute error beyond a tube: libsvm's, so `C`, `gamma` and `tol` mean the same
//! (for a number, on the standardised target). Several classes are told apart pair by pair, as libsvm does.
//!
//! **Solver.** Sequential minimal optimisation (Platt 1998), pairs chosen by second-order gain (Fan, Chen, Lin 2005). Both
//! duals are written in one signed multiplier a row, so that one step changes all scores by a difference of two kernel
//! rows. Rows that cannot take part any more are taken out of the problem in steps, kernel rows shrinking with them, and
//! their scores are made again before the end is believed. Kernel rows are computed in vector registers, kept in single
//! precision, the least recently used going first when their room is full.
//!
//! **Probabilities** by a logistic curve over scores of left-out rows for each pair (Platt 1999), joined by the second
//! method of Wu, Lin, Weng 2004.
//!
//! **Cost.** Between `n^2` and `n^3` in rows. Above `max_rows` rows the kernel is guessed from `n_components` landmarks (Nyström:
//! Williams, Seeger 2001) and the same dual is solved on the features that this gives, at rows times landmarks a pass, or so many
//! rows are drawn; the fit says so. On 60,000 rows of eight columns and two overlapping classes, 500 landmarks, one run on a busy
//! machine: 82 s, accuracy 0.907, 145 MiB, beside 82 s, 0.902, 912 MiB of scikit-learn's `Nystroem` and `LinearSVC`, whose plain hinge
//! did not converge; at 200,000 rows the fit was not done after five minutes. An answer costs one kernel value a support vector. **Wins** on small and middling tables of scaled numbers with
//! smooth borders; **loses** on many rows, many useless columns, and to boosters on tables of mixed kinds.
//!
//! ```
//! use kolosal_learn_classic::rbf_svm::RbfSvm;
//! use kolosal_learner::Learner;
//! assert_eq!(RbfSvm.card().name, "rbf_svm");
//! ```

mod coupling;
mod fit;
mod kernel;
mod model;
mod params;
mod reduced;
mod smo;
#[cfg(test)]
mod tests;

pub use model::RbfSvmModel;
pub use params::{Calibration, ClassWeight, RbfSvmParams};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// The support vector machine with the RBF kernel.
#[derive(Debug, Clone, Copy)]
pub struct RbfSvm;

impl Learn for RbfSvm {
    type Params = RbfSvmParams;
    type Model = RbfSvmModel;

    const CARD: LearnerCard = LearnerCard {
        name: "rbf_svm",
        aliases: &["svm", "svc", "svr", "kernel_svm"],
        title: "Support vector machine with the RBF kernel",
        doc: "The widest margin, or the flattest curve within a tube, in the space of the RBF kernel. Costs between the \
              square and the cube of the rows, so above 50,000 rows the kernel is guessed from landmarks (Nyström), which is \
              said; strong on smaller \
              tables of scaled numbers with smooth borders, weak with many useless columns.",
        family: Family::Classic,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression],
        takes_missing: false,
        takes_categories: false,
        wants_scaling: true,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<RbfSvmParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<RbfSvmModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<RbfSvmModel, ArtifactError> {
        RbfSvmModel::load(from)
    }
}
