//! Gaussian processes: a prior over functions by a kernel, and what the training rows leave of it.
//!
//! **Regression.** With a kernel `k`, noise `t` and row weights `s`, the answer at `x` is `k(x, X) (K + t / s)^-1 y`. The
//! kernel's parameters maximise the marginal likelihood
//!
//! ```text
//! ln p(y) = -1/2 y' (K + t/s)^-1 y - 1/2 ln |K + t/s| - n/2 ln 2 pi
//! ```
//!
//! by quasi-Newton steps on its exact gradient. Columns and target are standardised inside. The gradient needs no tensor of
//! derivatives: all lengths of a kernel come from one product of a matrix with the columns (see `kernel.rs`).
//!
//! **Classification** by Laplace's approximation with the logistic likelihood (Williams, Barber 1998; Rasmussen, Williams
//! 2006, chapters 3 and 5), its likelihood maximised by its gradient too, the mode's own change included; probabilities are
//! averaged over the latent normal (MacKay 1992). Several classes are told apart one against the rest.
//!
//! **Size.** The exact solution costs `n^3 / 3` a likelihood and as much again twice for its gradient. The parameters are
//! searched on up to `optimize_rows` rows; a regression of more than `max_rows` rows is then answered by inducing points
//! that are fitted to all rows: the mean and variance of Titsias's (2009) variational approximation, `n m^2` to fit. A classification of
//! more rows is that of a sample. Both say so.
//!
//! **Wins** on small tables of scaled numbers with smooth answers, and where the uncertainty of an answer is asked for;
//! **loses** on many rows, on many columns without ARD, on jumps and categories.
//!
//! ```
//! use kolosal_learn_classic::gaussian_process::GaussianProcess;
//! use kolosal_learner::{Learner, Point, Value};
//!
//! let point = Point::from([("kernel".to_owned(), Value::Choice("rbf*linear+periodic".to_owned()))]);
//! assert!(GaussianProcess.check(&point).is_err_and(|e| e.to_string().contains("'periodic' is no kernel")));
//! ```

mod ascent;
mod expression;
mod fit;
mod kernel;
mod laplace;
mod model;
mod params;
mod regression;
#[cfg(test)]
mod tests;

pub use model::GaussianProcessModel;
pub use params::GaussianProcessParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// The Gaussian process learner.
#[derive(Debug, Clone, Copy)]
pub struct GaussianProcess;

impl Learn for GaussianProcess {
    type Params = GaussianProcessParams;
    type Model = GaussianProcessModel;

    const CARD: LearnerCard = LearnerCard {
        name: "gaussian_process",
        aliases: &["gp", "gpr", "gpc", "kriging"],
        title: "Gaussian process",
        doc: "A prior over functions by a kernel, its lengths and noise found by the marginal likelihood; classes by \
              Laplace's approximation. Exact up to 5,000 rows of a regression, inducing points above; strong on small \
              tables of scaled numbers with smooth answers, costly on many rows.",
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
        params: &Checked<GaussianProcessParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<GaussianProcessModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<GaussianProcessModel, ArtifactError> {
        GaussianProcessModel::load(from)
    }
}
