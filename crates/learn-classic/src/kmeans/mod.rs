//! k-means as a learner: groups around centres, and further rows join the nearest.
//!
//! The objective, the bounds that spare distances and the rule for groups that run empty are those of
//! [`crate::cluster::kmeans`]; `batch_size` draws batches instead of walking all rows, which takes a fraction of the time on
//! hundreds of thousands of rows and ends a little above the minimum. `strength` is one minus the distance to the row's
//! centre over that to the next: zero on the border between two groups, one on the centre.
//!
//! Numbers are standardised, a category counts as a number a level, a missing number as the column's mean; weights say which
//! rows count, not how much.
//!
//! ```
//! use kolosal_learn_classic::kmeans::Kmeans;
//! use kolosal_learner::Learner;
//! assert_eq!(Kmeans.card().name, "kmeans");
//! ```

mod fit;
mod model;
mod params;

pub use model::KmeansModel;
pub(crate) use model::firmness;
pub use params::KmeansParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// K-means clustering.
#[derive(Debug, Clone, Copy)]
pub struct Kmeans;

impl Learn for Kmeans {
    type Params = KmeansParams;
    type Model = KmeansModel;

    const CARD: LearnerCard = LearnerCard {
        name: "kmeans",
        aliases: &["k_means"],
        title: "k-means clustering",
        doc: "Groups rows around centres so that squared distances to them are small. Quick on any number of rows, and a new row joins \
              the nearest centre; loses where groups are not round or of unlike size.",
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
        params: &Checked<KmeansParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<KmeansModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<KmeansModel, ArtifactError> {
        KmeansModel::load(from)
    }
}
