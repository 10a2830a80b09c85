//! Quantile regression: the linear score below which a given share of targets falls.
//!
//! Minimises, with row weights `s` and on the standardised target,
//!
//! ```text
//! sum_i s_i max(q e_i, (q - 1) e_i) / sum_i s_i + alpha/2 ||w||^2,   e_i = y_i - b - x_i' w
//! ```
//!
//! The corner of the loss is replaced by a parabola, ever narrower, each problem started from the last minimum and solved by
//! Newton's method (Chen 2007; He et al. 2023); the loss reached exceeds the least by no more than an eighth of the last
//! width. scikit-learn solves the same as a linear program, with a penalty on absolute coefficients.
//!
//! **Wins** where the middle or the edge of what may happen is asked for, and targets have heavy tails; **loses** on bends
//! and interactions, and at extreme quantiles of few rows.
//!
//! Papers: Koenker, Bassett 1978; Chen 2007 (finite smoothing).
//!
//! ```
//! use kolosal_learn_linear::Quantile;
//! use kolosal_learner::Learner;
//! assert_eq!(Quantile.card().name, "quantile");
//! ```

mod fit;
mod params;
#[cfg(test)]
mod tests;

pub use params::QuantileParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

use crate::score_model::ScoreModel;

/// Quantile regression.
#[derive(Debug, Clone, Copy)]
pub struct Quantile;

impl Learn for Quantile {
    type Params = QuantileParams;
    type Model = ScoreModel;
    const CARD: LearnerCard = LearnerCard {
        name: "quantile",
        aliases: &["quantile_regression", "median_regression"],
        title: "Quantile regression",
        doc: "The linear score below which a given share of targets falls, one half by default. For medians and edges of \
              what may happen, and heavy tails; blind to bends and interactions.",
        family: Family::Linear,
        tasks: &[TaskKind::Regression],
        takes_missing: false,
        takes_categories: true,
        wants_scaling: true,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<QuantileParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<ScoreModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<ScoreModel, ArtifactError> {
        ScoreModel::load(from)
    }
}
