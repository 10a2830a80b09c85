//! From rows, or clumps of them, to a cut tree of mergers.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::model::{HierarchicalModel, centres_of};
use super::params::HierarchicalParams;
use crate::cluster::{Cloud, Clustering, Ground, Hierarchical, clumps, hierarchical_of};
use crate::near::Near;
use crate::rows::pointed;

/// Most clumps that stand for the rows.
const CLUMPS_MAX: usize = 5000;

pub(super) fn fit(
    params: &Checked<HierarchicalParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<HierarchicalModel, FitError> {
    let (ground, cloud, _memory) = pointed(train, cx)?;
    let settings = Hierarchical {
        k: (params.n_clusters > 0).then_some(params.n_clusters as usize),
        linkage: params.linkage,
    };
    let rows = cloud.len();
    if rows <= params.max_rows as usize {
        let found = merged(&cloud, &vec![1.0; rows], &settings, cx)?;
        let near = Near::of(&cloud, cx)?;
        return Ok(model(ground, near, (&cloud, &vec![1.0; rows]), found));
    }
    let (places, sizes) = clumps(&cloud, CLUMPS_MAX.min(params.max_rows as usize), cx)?;
    cx.progress.warn(&format!(
        "{rows} rows are more than max_rows {}: they were gathered into {} clumps, and these were merged",
        params.max_rows,
        sizes.len()
    ));
    let mut found = merged(&places, &sizes, &settings, cx)?;
    let near = Near::of(&places, cx)?;
    // Groups are numbered as their rows come, not as the clumps do.
    let nearest = near.all_nearest(&cloud, 1, cx)?;
    let of_rows: Vec<u32> = nearest
        .iter()
        .map(|list| found.labels[list[0].1 as usize])
        .collect();
    let ordered = Clustering::in_order(&of_rows, None);
    let mut names = vec![None; found.count];
    for (old, new) in of_rows.iter().zip(&ordered.labels) {
        names[*old as usize] = Some(*new);
    }
    let unnamed = names.iter_mut().filter(|name| name.is_none());
    for (next, name) in (ordered.count as u32..).zip(unnamed) {
        *name = Some(next);
    }
    for label in &mut found.labels {
        *label = names[*label as usize].expect("every group is named above");
    }
    Ok(model(ground, near, (&places, &sizes), found))
}

fn merged(
    places: &Cloud,
    sizes: &[f64],
    settings: &Hierarchical,
    cx: &FitContext<'_>,
) -> Result<Clustering, FitError> {
    let found = hierarchical_of(places, sizes, settings, cx)?;
    if let Some(reason) = &found.reason {
        cx.progress.warn(reason);
    }
    Ok(found)
}

fn model(
    ground: Ground,
    near: Near,
    (places, sizes): (&Cloud, &[f64]),
    found: Clustering,
) -> HierarchicalModel {
    HierarchicalModel {
        ground,
        near,
        centres: centres_of(places, sizes, &found),
        labels: found.labels,
    }
}
