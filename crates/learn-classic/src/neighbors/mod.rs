//! k nearest neighbours: the answer of the training rows that lie closest.
//!
//! A row is answered by the mean (of a number) or the shares (of classes) of its `k` closest training rows, each counting
//! its weight, or its weight over the distance. Nothing is optimised; the estimate tends to the best possible one as rows
//! and `k` grow and `k / n` falls (Stone 1977), at a rate that falls with every column.
//!
//! **Distance.** Euclid's or Manhattan's on numbers as they come (scale them first), a category being a 0/1 column a level
//! and a missing value the column's mean; or Gower's (1971), made for mixed tables: the mean, over the columns that both
//! rows have, of `|a - b| / range` for numbers and `a != b` for categories. Values beyond the range of training count as
//! its end, which moves all distances alike. Ties go to the earlier row.
//!
//! **Search** is exact where that is quick. Up to a dozen columns a tree of boxes (Friedman, Bentley, Finkel 1977) whose leaves
//! hold some dozens of rows column by column; above that, or where training rows lack values, all rows block after block,
//! several questions at once. Where 50,000 rows or more hold five million numbers or more, which takes that search a
//! millisecond a row, a graph of near rows (HNSW: Malkov, Yashunin 2018) is walked instead and **may miss neighbours**: the fit
//! measures on 256 training rows how many of their true neighbours it finds, widens the walk until that is 99 %, says the
//! figure and keeps it in the model. It goes back to the exact search where the graph finds less than 98 % with a walk that takes half as
//! long. `algorithm=brute` is exact at any size, `algorithm=hnsw` walks at any size.
//!
//! **Cost.** To fit: a copy of the rows and `O(n log n)` for the tree or, with some thousands of distances a row, the graph. To
//! answer a row: `O(n d)`, with the tree about `O(k log n)` while columns are few, with the graph `O(d log n)`. Building the
//! graph takes as long as answering a fifth to a half as many rows exactly; after that an answer is four to seven times as quick
//! on 100,000 rows whose columns hang together, and no quicker where they are independent (`benches/learners/report-neighbors.md`). **Wins** where close rows are alike and columns few and scaled; **loses** with many
//! or useless columns, and always in answering time and size: the model holds the table.
//!
//! ```
//! use kolosal_learn_classic::neighbors::Neighbors;
//! use kolosal_learner::Learner;
//! assert_eq!(Neighbors.card().name, "neighbors");
//! ```

mod fit;
mod graph;
mod index;
mod model;
mod nearest;
mod params;
mod search;
mod space;
#[cfg(test)]
mod tests;

pub(crate) use index::Index;
pub use model::NeighborsModel;
pub(crate) use nearest::Nearest;
pub use params::{Algorithm, Metric, NeighborsParams, Weights};
pub(crate) use space::Space;

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// The nearest-neighbours learner.
#[derive(Debug, Clone, Copy)]
pub struct Neighbors;

impl Learn for Neighbors {
    type Params = NeighborsParams;
    type Model = NeighborsModel;

    const CARD: LearnerCard = LearnerCard {
        name: "neighbors",
        aliases: &["knn", "k_neighbors", "nearest_neighbors", "k_nearest_neighbors"],
        title: "k nearest neighbours",
        doc: "Answers with the closest training rows, by Euclid's, Manhattan's or for mixed tables Gower's distance. \
              Nothing to fit but a search tree, or for large tables a graph that finds 99 % of the neighbours; wins where close rows are alike and columns few, loses with many columns \
              and in answering time, since the model holds the table.",
        family: Family::Classic,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: true,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<NeighborsParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<NeighborsModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<NeighborsModel, ArtifactError> {
        NeighborsModel::load(from)
    }
}
