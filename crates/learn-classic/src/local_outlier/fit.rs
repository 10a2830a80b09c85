//! Reach and density of every row.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::model::LocalOutlierModel;
use super::params::LocalOutlierParams;
use crate::border::border;
use crate::cluster::Ground;
use crate::near::Near;
use crate::rows::counted;

/// Beyond it a row is strange where no share is asked for.
const BORDER: f64 = 1.5;

pub(super) fn fit(
    params: &Checked<LocalOutlierParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<LocalOutlierModel, FitError> {
    let counted = counted(train);
    let view = train.features().frame().select(&counted.rows);
    let (ground, _) = Ground::of(view);
    let rows = view.row_count();
    let asked = params.n_neighbors as usize;
    let k = asked.min(rows - 1);
    let _memory = cx.reserve((rows * (ground.width() * 16 + (k + 1) * 16 + 24)) as u64)?;
    if asked > k {
        cx.progress.warn(&format!(
            "local_outlier: n_neighbors is {asked}, but each row has only {k} others: all of them are its neighbours"
        ));
    }
    let cloud = ground.apply(view);
    let near = Near::of(&cloud, cx)?;
    let mut lists = near.all_nearest(&cloud, k + 1, cx)?;
    lists.iter_mut().for_each(|list| without_itself(list, k));
    let reaches: Vec<f64> = lists
        .iter()
        .map(|list| list.last().map_or(0.0, |last| last.0.sqrt()))
        .collect();
    let mut model = LocalOutlierModel {
        ground,
        near,
        k,
        reaches,
        densities: Vec::new(),
        border: BORDER,
    };
    model.densities = lists.iter().map(|list| model.density(list)).collect();
    cx.checkpoint()?;
    if params.contamination > 0.0 {
        let scores: Vec<f64> = lists.iter().map(|list| model.score(list)).collect();
        model.border = border(&scores, params.contamination).unwrap_or(model.border);
    }
    Ok(model)
}

/// Of `k + 1` neighbours leaves `k`: not the row itself, if it is one of the training rows.
pub(super) fn without_itself(list: &mut Vec<(f64, u32)>, k: usize) {
    if list.first().is_some_and(|(far, _)| *far == 0.0) {
        list.remove(0);
    }
    list.truncate(k);
}
