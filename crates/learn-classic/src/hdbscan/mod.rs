//! HDBSCAN: groups that live longest as the wanted density rises (Campello, Moulavi, Sander 2013).
//!
//! The reach between two rows is their distance, but no less than either's distance to its `min_samples`th neighbour. Cutting
//! the least spanning tree of reaches at a falling height parts the rows into ever denser groups; parts of fewer than
//! `min_cluster_size` rows fall off. A group's stability is the sum over its rows of how much denser they hold together than
//! the group at its birth, and those groups are taken that have the most of it (`eom`), or those that part no further (`leaf`).
//!
//! **Cost.** `n^2 d / 2` for the spanning tree (Prim) in `O(n)` memory. **Wins** where densities differ, without a distance to
//! set; **loses** in time on many rows, and where groups touch. `strength` is how dense a row holds to its group beside the
//! densest. A further row joins the row it reaches first, unless its reach is wider than the group was at its birth.
//!
//! Numbers are standardised, a category counts as a number a level, a missing number as the column's mean; weights say which
//! rows count, not how much.
//!
//! ```
//! use kolosal_learn_classic::hdbscan::Hdbscan;
//! use kolosal_learner::Learner;
//! assert_eq!(Hdbscan.card().name, "hdbscan");
//! ```

mod condensed;
mod fit;
mod model;
mod params;
mod spanning;

pub use model::HdbscanModel;
pub use params::{HdbscanParams, Selection};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// Hierarchical density-based clustering (HDBSCAN).
#[derive(Debug, Clone, Copy)]
pub struct Hdbscan;

impl Learn for Hdbscan {
    type Params = HdbscanParams;
    type Model = HdbscanModel;

    const CARD: LearnerCard = LearnerCard {
        name: "hdbscan",
        aliases: &[],
        title: "hierarchical density-based clustering (HDBSCAN)",
        doc: "Groups rows in places that are dense for their surroundings, in any shape and at unlike densities; rows elsewhere are \
              noise. The number of groups follows from the least size of one. Its time grows with the square of the rows.",
        family: Family::Classic,
        tasks: &[TaskKind::Clustering],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<HdbscanParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<HdbscanModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<HdbscanModel, ArtifactError> {
        HdbscanModel::load(from)
    }
}
