//! Hierarchical clustering as a learner: a tree of mergers, cut; further rows join the group of the nearest training row.
//!
//! The mergers are those of [`crate::cluster::hierarchical`]. Above `max_rows`, rows are first gathered into a few thousand
//! clumps by a tree of sums (BIRCH: Zhang, Ramakrishnan, Livny 1996), the clumps are merged by their sizes and centres, and a row
//! belongs to the group of the nearest clump; the fit says so. `strength` is one minus the distance to the row's group centre
//! over that to the nearest other, or zero where another is nearer.
//!
//! Numbers are standardised, a category counts as a number a level, a missing number as the column's mean; weights say which
//! rows count, not how much.
//!
//! ```
//! use kolosal_learn_classic::hierarchical::Hierarchical;
//! use kolosal_learner::Learner;
//! assert_eq!(Hierarchical.card().name, "hierarchical");
//! ```

mod fit;
mod model;
mod params;

pub use model::HierarchicalModel;
pub use params::HierarchicalParams;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// Hierarchical clustering.
#[derive(Debug, Clone, Copy)]
pub struct Hierarchical;

impl Learn for Hierarchical {
    type Params = HierarchicalParams;
    type Model = HierarchicalModel;

    const CARD: LearnerCard = LearnerCard {
        name: "hierarchical",
        aliases: &["agglomerative", "agglomerative_clustering"],
        title: "hierarchical clustering",
        doc: "Joins the two nearest groups again and again, by Ward, complete, average or single linkage, until as many are left as \
              wanted. Its time and memory grow with the square of the rows; above max_rows a summary of them is clustered, and \
              the fit says so.",
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
        params: &Checked<HierarchicalParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<HierarchicalModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<HierarchicalModel, ArtifactError> {
        HierarchicalModel::load(from)
    }
}
