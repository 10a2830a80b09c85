//! From rows, or clumps of them, to a cut tree of mergers.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::model::{HierarchicalModel, centres_of};
use super::params::HierarchicalParams;
use crate::cluster::{Cloud, Clustering, Hierarchical, clumps, hierarchical_of};
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
    let (places, sizes) = if rows > params.max_rows as usize {
        let (places, sizes) = clumps(&cloud, CLUMPS_MAX.min(params.max_rows as usize), cx)?;
        cx.progress.warn(&format!(
            "{rows} rows are more than max_rows {}: they were gathered into {} clumps, and these were merged",
            params.max_rows,
            sizes.len()
        ));
        (places, sizes)
    } else {
        (cloud, vec![1.0; rows])
    };
    let found = hierarchical_of(&places, &sizes, &settings, cx)?;
    if let Some(reason) = &found.reason {
        cx.progress.warn(reason);
    }
    model(ground, &places, &sizes, found, cx)
}

fn model(
    ground: crate::cluster::Ground,
    places: &Cloud,
    sizes: &[f64],
    found: Clustering,
    cx: &FitContext<'_>,
) -> Result<HierarchicalModel, FitError> {
    Ok(HierarchicalModel {
        ground,
        near: Near::of(places, cx)?,
        centres: centres_of(places, sizes, &found),
        labels: found.labels,
    })
}
