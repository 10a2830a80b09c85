//! Local outlier factor: rows in thinner places than their neighbours are strange (Breunig, Kriegel, Ng, Sander 2000).
//!
//! The density of a row is one over the mean reach to its `k` nearest neighbours, the reach to a neighbour being the distance
//! but no less than that of the neighbour's own `k`th; its score is the mean density of its neighbours over its own. About one
//! is usual; the border lies at one and a half, or where it leaves the asked share of the training rows beyond it.
//!
//! A row that coincides with a training row is taken for it, so that training rows are scored without themselves as in their
//! own table, and rows elsewhere as newcomers.
//!
//! **Cost.** To fit: the nearest neighbours of every row, `O(n log n)` by a tree up to two dozen numbers a row, else `O(n^2 d)`
//! in blocks; a row later costs one search. The model holds the table. **Wins** where densities differ from place to place;
//! **loses** with many columns, where all distances are alike, and in time on many rows ([`crate::isolation`]).
//!
//! Numbers are standardised, a category counts as a number a level, a missing number as the column's mean; weights say which
//! rows count, not how much.
//!
//! ```
//! use kolosal_learn_classic::local_outlier::LocalOutlier;
//! use kolosal_learner::Learner;
//! assert!(!LocalOutlier.card().needs_target());
//! ```

mod fit;
mod model;
mod params;
#[cfg(test)]
mod tests;

pub use model::LocalOutlierModel;
pub use params::LocalOutlierParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// The local outlier factor.
#[derive(Debug, Clone, Copy)]
pub struct LocalOutlier;

impl Learn for LocalOutlier {
    type Params = LocalOutlierParams;
    type Model = LocalOutlierModel;

    const CARD: LearnerCard = LearnerCard {
        name: "local_outlier",
        aliases: &["lof", "local_outlier_factor"],
        title: "local outlier factor",
        doc: "Finds strange rows: those in thinner places than their nearest neighbours. A score of one is usual. Wins where \
              densities differ from place to place; loses with many columns and in time on many rows, and the model holds \
              the table.",
        family: Family::Classic,
        tasks: &[TaskKind::Anomaly],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<LocalOutlierParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<LocalOutlierModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<LocalOutlierModel, ArtifactError> {
        LocalOutlierModel::load(from)
    }
}
