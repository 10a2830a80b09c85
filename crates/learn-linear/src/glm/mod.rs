//! Generalised linear regression: Poisson, gamma and Tweedie targets with a logarithmic link.
//!
//! Minimises, with row weights `s` and means `m_i = exp(b + x_i' w)`,
//!
//! ```text
//! sum_i s_i d(y_i, m_i) / (2 sum_i s_i) + alpha/2 ||w||^2
//! ```
//!
//! where `d` is the deviance of the family whose variance is `m^p`: `p = 1` Poisson, `p = 2` gamma, between them Tweedie's
//! compound of both, with a lump at zero. This is scikit-learn's objective, so `alpha` means the same. All of these are
//! convex in the score. `normal` is least squares on the score itself; `auto` takes it where a target is negative.
//!
//! **Solver.** Newton's method with the true curvature, started from the mean: a handful of passes, each a weighted Gram
//! matrix; beyond 1,500 coefficients products with the rows.
//!
//! **Wins** on counts, rates and amounts whose spread grows with their size, where effects multiply (insurance, demand),
//! and where the answer must not be negative; **loses** where effects add, and on bends and interactions.
//!
//! Papers: Nelder, Wedderburn 1972; Jorgensen 1987 (Tweedie's family).
//!
//! ```
//! use kolosal_learn_linear::Glm;
//! use kolosal_learner::Learner;
//! assert_eq!(Glm.card().name, "glm");
//! ```

mod fit;
mod params;
#[cfg(test)]
mod tests;

pub use params::{GlmParams, Spread};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

use crate::score_model::ScoreModel;

/// The generalised linear regression.
#[derive(Debug, Clone, Copy)]
pub struct Glm;

impl Learn for Glm {
    type Params = GlmParams;
    type Model = ScoreModel;
    const CARD: LearnerCard = LearnerCard {
        name: "glm",
        aliases: &["poisson_regression", "gamma_regression", "tweedie_regression"],
        title: "Generalised linear regression",
        doc: "Poisson, gamma or Tweedie regression with a logarithmic link and a penalty on squared coefficients. A \
              handful of passes; right for counts, rates and amounts whose effects multiply, blind to bends and \
              interactions.",
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
        params: &Checked<GlmParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<ScoreModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<ScoreModel, ArtifactError> {
        ScoreModel::load(from)
    }
}
