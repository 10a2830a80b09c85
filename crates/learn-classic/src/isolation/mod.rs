//! Isolation forest: rows that random cuts part from the others early are strange (Liu, Ting, Zhou 2008).
//!
//! Each tree halves a small random sample at random: a column, then a number between its lowest and its highest value in the
//! node, until a row stands alone or the tree is as deep as the logarithm of the sample. A row's score is
//! `2^(-E[h] / c(m))`: `h` is the depth at which it ends, lengthened by `c(s)` in a leaf of `s` rows, and `c(m)` the mean depth
//! of a search for an absent key among `m`. Scores lie in zero to one: near one is strange, one half is what rows without any
//! structure get, below is usual.
//!
//! **Cost.** To grow: `O(t m log m)` for `t` trees, whatever the number of rows; to score a row `O(t log m)`. **Wins** with
//! many rows and many columns of which a few are telling, and needs no distance. **Loses** where strange rows lie between
//! groups, in the shadow that cuts along the axes leave, and where a row is strange only among its neighbours
//! ([`crate::local_outlier`]).
//!
//! A category counts as a number a level, a missing number as the column's mean; weights say which rows count, not how much.
//!
//! ```
//! use kolosal_learn_classic::isolation::Isolation;
//! use kolosal_learner::Learner;
//! assert!(!Isolation.card().needs_target());
//! ```

mod fit;
mod model;
mod params;
#[cfg(test)]
mod tests;

pub use model::IsolationModel;
pub use params::IsolationParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// The isolation forest.
#[derive(Debug, Clone, Copy)]
pub struct Isolation;

impl Learn for Isolation {
    type Params = IsolationParams;
    type Model = IsolationModel;

    const CARD: LearnerCard = LearnerCard {
        name: "isolation",
        aliases: &["isolation_forest", "iforest"],
        title: "isolation forest",
        doc: "Finds strange rows: those that random cuts part from the others early. Scores lie in zero to one, one half being \
              usual. Grows small trees on samples, so it is quick on any number of rows; loses where a row is strange only \
              among its neighbours.",
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
        params: &Checked<IsolationParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<IsolationModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<IsolationModel, ArtifactError> {
        IsolationModel::load(from)
    }
}
