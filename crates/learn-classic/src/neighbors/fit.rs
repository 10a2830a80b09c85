//! A copy of the rows, and the tree above them.

use kolosal_learner::{Checked, FitContext, FitError, Target, TrainView};

use super::index::Index;
use super::model::{Answers, NeighborsModel};
use super::params::{Algorithm, NeighborsParams};
use super::space::Space;
use crate::rows::counted;

/// With more axes than this, nearly every leaf of a tree would be searched.
const TREE_AXES_MAX: usize = 12;
/// Fewer rows are searched faster one after the other.
const TREE_ROWS_MIN: usize = 1000;

pub(super) fn fit(
    params: &Checked<NeighborsParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<NeighborsModel, FitError> {
    cx.checkpoint()?;
    let counted = counted(train);
    let view = train.features().frame().select(&counted.rows);
    let rows = view.row_count();
    let _memory = cx.reserve((rows * (view.column_count() * 16 + 32)) as u64)?;
    let space = Space::of(view, params.metric);
    let points = space.embed(view);
    let has_gaps = points.iter().any(|number| number.is_nan());
    let axes = space.axis_count();
    let wants_tree = match params.algorithm {
        Algorithm::Auto => axes <= TREE_AXES_MAX && rows >= TREE_ROWS_MIN && axes == space.width(),
        Algorithm::Brute => false,
        Algorithm::KdTree => true,
    };
    cx.checkpoint()?;
    // Missing numbers are in every box, and a box around none is everywhere.
    let index = if wants_tree && !has_gaps && axes > 0 {
        Index::tree(&points, space.width(), axes, cx)?
    } else {
        Index::blocks(&points, space.width(), rows)
    };
    let asked = params.n_neighbors as usize;
    if asked > rows {
        cx.progress.warn(&format!(
            "neighbors: n_neighbors is {asked}, but only {rows} rows count: all of them answer"
        ));
    }
    let answers = match train.target() {
        Target::Numbers(values) => Answers::Numbers(counted.positions.iter().map(|&at| values[at]).collect()),
        Target::Classes { codes, count } => Answers::Classes {
            codes: counted.positions.iter().map(|&at| codes[at]).collect(),
            count: count as usize,
        },
        Target::Unknown { .. } => {
            unreachable!("learners of answers are not on the card of tasks without any")
        }
    };
    let weights: Vec<f64> = counted.positions.iter().map(|&at| train.weight(at)).collect();
    let is_even = weights.iter().all(|weight| *weight == weights[0]);
    Ok(NeighborsModel {
        space,
        index,
        answers,
        row_weights: if is_even { Vec::new() } else { weights },
        k: asked.min(rows),
        weights: params.weights,
    })
}
