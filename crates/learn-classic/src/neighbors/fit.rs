//! A copy of the rows, their answers, and what finds them.

use kolosal_learner::{Checked, FitContext, FitError, Target, TrainView};

use super::model::{Answers, NeighborsModel};
use super::params::NeighborsParams;
use super::search::Search;
use super::space::Space;
use crate::rows::counted;

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
    cx.checkpoint()?;
    let search = Search::of((&points, rows), &space, params, cx)?;
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
        search,
        answers,
        row_weights: if is_even { Vec::new() } else { weights },
        k: asked.min(rows),
        weights: params.weights,
    })
}
