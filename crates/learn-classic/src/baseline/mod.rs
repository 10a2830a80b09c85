//! The baseline: the same answer for every row.
//!
//! For a classification that is the weighted share of each class, which minimises log-loss among constant answers; for
//! a regression the weighted mean, which minimises squared error, or the weighted median, which minimises absolute
//! error. Cost: one pass over the target. It never wins; a model that does not beat it has learned nothing.
//!
//! ```
//! use kolosal_learn_classic::baseline::Baseline;
//! use kolosal_learner::Learner;
//! assert_eq!(Baseline.card().name, "baseline");
//! ```

mod fit;
mod model;
mod params;
#[cfg(test)]
mod tests;

pub use model::BaselineModel;
pub use params::{BaselineParams, Statistic};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// Answers every row alike.
#[derive(Debug, Clone, Copy)]
pub struct Baseline;

impl Learn for Baseline {
    type Params = BaselineParams;
    type Model = BaselineModel;

    const CARD: LearnerCard = LearnerCard {
        name: "baseline",
        aliases: &["dummy", "constant"],
        title: "Baseline: one answer for all rows",
        doc: "Predicts the share of each class, or the mean or median of a number, whatever the features say. \
              Costs one pass over the target. Every other learner has to beat it.",
        family: Family::Classic,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: true,
        ignores_row_order: true,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<BaselineParams>,
        train: &TrainView<'_>,
        _: &FitContext<'_>,
    ) -> Result<BaselineModel, FitError> {
        Ok(fit::fit(params, train))
    }

    fn load(from: &mut Decoder<'_>) -> Result<BaselineModel, ArtifactError> {
        BaselineModel::load(from)
    }
}
