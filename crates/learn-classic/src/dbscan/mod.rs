//! DBSCAN as a learner: dense places, and further rows join the group whose cores they are within `eps` of.
//!
//! The definition is that of [`crate::cluster::dbscan`]. The model holds the cores; a row within `eps` of cores of several
//! groups belongs to the one whose first core came first, as training rows do, and `strength` is one minus the distance to the
//! nearest core over `eps`. Where nothing or everything is dense, the fit says in words that it found no structure.
//!
//! Numbers are standardised, a category counts as a number a level, a missing number as the column's mean; weights say which
//! rows count, not how much.
//!
//! ```
//! use kolosal_learn_classic::dbscan::Dbscan;
//! use kolosal_learner::Learner;
//! assert_eq!(Dbscan.card().name, "dbscan");
//! ```

mod fit;
mod model;
mod params;

pub use model::DbscanModel;
pub use params::DbscanParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// Density-based clustering (DBSCAN).
#[derive(Debug, Clone, Copy)]
pub struct Dbscan;

impl Learn for Dbscan {
    type Params = DbscanParams;
    type Model = DbscanModel;

    const CARD: LearnerCard = LearnerCard {
        name: "dbscan",
        aliases: &[],
        title: "density-based clustering (DBSCAN)",
        doc: "Groups rows where they lie dense, in any shape; rows elsewhere are noise. A new row joins a group if one of its dense rows \
              is within eps. Loses where densities differ from group to group, and the model holds the dense rows.",
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
        params: &Checked<DbscanParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<DbscanModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<DbscanModel, ArtifactError> {
        DbscanModel::load(from)
    }
}
