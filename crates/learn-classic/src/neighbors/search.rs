//! Which way neighbours are looked for.

use kolosal_learner::{ArtifactError, Decoder, Encoder, FitContext, FitError};

use super::graph::{BREADTH_MAX, Graph, Judge};
use super::index::Index;
use super::nearest::Nearest;
use super::params::{Algorithm, NeighborsParams};
use super::space::Space;

/// With more axes than this, nearly every leaf of a tree would be searched.
const TREE_AXES_MAX: usize = 12;
/// Fewer rows are searched faster one after the other.
const TREE_ROWS_MIN: usize = 1000;
/// Fewer rows are always searched as a whole.
const GRAPH_ROWS_MIN: usize = 50_000;
/// With fewer numbers, the exact search answers a row in less than a millisecond: 0.2 ns a number on one thread.
const GRAPH_NUMBERS_MIN: usize = 5_000_000;
/// Rows that a graph is judged by.
const JUDGED: usize = 256;
/// The share of true neighbours that is enough.
const RECALL: f64 = 0.99;
/// A graph that finds less is not taken unless it was asked for.
const RECALL_MIN: f64 = 0.98;
/// Rows that are searched as a whole in the time that a walk takes for each point in view: 500 to 720 on four tables of 50,000 to
/// 250,000 rows.
const ROWS_A_POINT: usize = 700;
/// Points that a walk keeps in view, at least and at most, where the number is chosen.
const BREADTHS: (usize, usize) = (32, 1024);

/// The training rows, ready to be searched.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Search {
    /// Finds the nearest.
    Exact(Index),
    /// Finds most of them.
    Graph {
        graph: Graph,
        /// The share found for a sample of the training rows.
        recall: f64,
    },
}

impl Search {
    /// As the parameters and the points ask for.
    ///
    /// # Errors
    /// If the fit is stopped or there is too little memory.
    pub(super) fn of(
        (points, rows): (&[f64], usize),
        space: &Space,
        params: &NeighborsParams,
        cx: &FitContext<'_>,
    ) -> Result<Self, FitError> {
        let (axes, width) = (space.axis_count(), space.width());
        let has_gaps = points.iter().any(|number| number.is_nan());
        let wants_tree = match params.algorithm {
            Algorithm::Auto => axes <= TREE_AXES_MAX && rows >= TREE_ROWS_MIN && axes == width,
            Algorithm::Brute | Algorithm::Hnsw => false,
            Algorithm::KdTree => true,
        };
        // Missing numbers are in every box, and a box around none is everywhere.
        if wants_tree && !has_gaps && axes > 0 {
            return Ok(Self::Exact(Index::tree(points, width, axes, cx)?));
        }
        let is_graph = match params.algorithm {
            Algorithm::Auto => wants_graph(rows, width),
            algorithm => algorithm == Algorithm::Hnsw,
        };
        if is_graph
            && width > 0
            && let Some(found) = Self::graph(points, space, params, cx)?
        {
            return Ok(found);
        }
        Ok(Self::Exact(Index::blocks(points, width, rows)))
    }

    /// A graph, and what it finds; `None` if that is too little and nobody asked for it.
    fn graph(
        points: &[f64],
        space: &Space,
        params: &NeighborsParams,
        cx: &FitContext<'_>,
    ) -> Result<Option<Self>, FitError> {
        let rows = points.len() / space.width();
        let _memory = cx.reserve((rows * (space.width() * 8 + 500)) as u64)?;
        let mut graph = Graph::of(points, space, cx)?;
        let judge = Judge::of(points, space, (JUDGED, params.n_neighbors as usize), cx)?;
        graph.breadth = if params.ef == 0 {
            BREADTHS.0
        } else {
            params.ef as usize
        };
        let mut recall = judge.recall(&graph);
        let widest = if params.algorithm == Algorithm::Auto {
            breadth_worth_it(rows)
        } else {
            BREADTHS.1
        };
        while params.ef == 0 && recall < RECALL && graph.breadth * 2 <= widest {
            cx.checkpoint()?;
            graph.breadth *= 2;
            recall = judge.recall(&graph);
        }
        let found = format!(
            "a graph of {rows} rows finds {:.1} % of the true neighbours of {} training rows",
            recall * 100.0,
            judge.row_count(),
        );
        if recall < RECALL_MIN && params.algorithm == Algorithm::Auto {
            cx.progress
                .warn(&format!("neighbors: {found}, too few: all rows are searched"));
            return Ok(None);
        }
        cx.progress.warn(&format!(
            "neighbors: {found}, with {} in view; algorithm=brute finds all of them, more slowly",
            graph.breadth.max(params.n_neighbors as usize)
        ));
        Ok(Some(Self::Graph { graph, recall }))
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Exact(index) => index.len(),
            Self::Graph { graph, .. } => graph.len(),
        }
    }

    /// Finds close rows of each query; as many lists as queries are filled. Distances are powers or sums, as the metric makes
    /// them before the last step.
    pub(super) fn search(&self, space: &Space, queries: &[f64], lists: &mut [Nearest]) {
        match self {
            Self::Exact(index) => index.search(space, queries, lists),
            Self::Graph { graph, .. } => graph.search(space, queries, lists),
        }
    }

    pub(super) fn save(&self, to: &mut Encoder) {
        match self {
            Self::Exact(index) => index.save(to),
            Self::Graph { graph, recall } => {
                // What stands here for other searches is never empty.
                to.u32s(&[]);
                to.f64(*recall);
                graph.save(to);
            }
        }
    }

    pub(super) fn load(from: &mut Decoder<'_>, space: &Space) -> Result<Self, ArtifactError> {
        let starts = from.u32s()?;
        if !starts.is_empty() {
            return Ok(Self::Exact(Index::load_after(starts, from, space)?));
        }
        let recall = from.finite()?;
        if !(0.0..=1.0).contains(&recall) || space.width() == 0 {
            return Err(ArtifactError::damaged(format!(
                "a graph that finds {recall} of the rows"
            )));
        }
        let graph = Graph::load(from, space)?;
        Ok(Self::Graph { graph, recall })
    }
}

const _: () = assert!(BREADTHS.1 <= BREADTH_MAX, "what is chosen can be read back");

/// Whether searching all rows takes too long.
fn wants_graph(rows: usize, width: usize) -> bool {
    rows >= GRAPH_ROWS_MIN && rows.saturating_mul(width) >= GRAPH_NUMBERS_MIN
}

/// The widest view with which a walk takes no more than half as long as searching all rows.
fn breadth_worth_it(rows: usize) -> usize {
    (rows / (2 * ROWS_A_POINT)).min(BREADTHS.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_tables_want_a_graph_and_wide_ones_of_few_rows_do_not() {
        assert!(wants_graph(250_000, 20));
        assert!(wants_graph(50_000, 100));
        assert!(!wants_graph(100_000, 20));
        assert!(!wants_graph(49_999, 10_000));
        assert_eq!(breadth_worth_it(50_000), 35);
        assert_eq!(breadth_worth_it(10_000_000), BREADTHS.1);
    }
}
