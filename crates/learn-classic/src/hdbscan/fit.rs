//! From rows to groups that hold.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::condensed::{Choice, choose};
use super::model::HdbscanModel;
use super::params::HdbscanParams;
use super::spanning::spanning_tree;
use crate::near::Near;
use crate::rows::pointed;

pub(super) fn fit(
    params: &Checked<HdbscanParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<HdbscanModel, FitError> {
    let (ground, cloud, _memory) = pointed(train, cx)?;
    let rows = cloud.len();
    let _work = cx.reserve((rows * (cloud.width * 8 + 128)) as u64)?;
    let size_min = params.min_cluster_size as usize;
    let wanted = match params.min_samples {
        0 => size_min,
        given => given as usize,
    };
    let samples = wanted.min(rows);
    let near = Near::of(&cloud, cx)?;
    let lists = near.all_nearest(&cloud, samples, cx)?;
    let cores: Vec<f64> = lists.iter().map(|list| list[samples - 1].0).collect();
    let edges = spanning_tree(&cloud, &cores, cx)?;
    let choice = Choice {
        size_min,
        selection: params.cluster_selection_method,
        allows_one: params.allow_single_cluster,
    };
    let chosen = choose(edges, rows, choice);
    if chosen.births.is_empty() {
        cx.progress.warn(&format!(
            "no structure was found: no place holds {size_min} rows more densely than its surroundings; lower \
             min_cluster_size, or set allow_single_cluster"
        ));
    } else {
        cx.progress.warn(&format!(
            "{} groups of at least {size_min} rows hold together at more than the density around them",
            chosen.births.len()
        ));
    }
    Ok(HdbscanModel {
        ground,
        near,
        samples,
        cores: cores.into_iter().map(f64::sqrt).collect(),
        chosen,
    })
}
