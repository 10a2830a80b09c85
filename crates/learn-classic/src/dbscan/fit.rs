//! From rows to cores.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::model::DbscanModel;
use super::params::DbscanParams;
use crate::cluster::{Cloud, Clustering, Dbscan, dbscan};
use crate::near::Near;
use crate::rows::pointed;

pub(super) fn fit(
    params: &Checked<DbscanParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<DbscanModel, FitError> {
    let (ground, cloud, _memory) = pointed(train, cx)?;
    let settings = Dbscan {
        eps: (params.eps >= 0.0).then_some(params.eps),
        min_samples: params.min_samples as usize,
    };
    let found = dbscan(&cloud, &settings, cx)?;
    if let Some(reason) = &found.clustering.reason {
        cx.progress.warn(reason);
    }
    if let Some(lack) = lack_of_structure(&found.clustering, found.eps, settings.min_samples) {
        cx.progress.warn(&lack);
    }
    let cores: Vec<usize> = (0..cloud.len()).filter(|&row| found.is_core[row]).collect();
    let numbers: Vec<f64> = cores.iter().flat_map(|&row| cloud.point(row)).copied().collect();
    let near = if cores.is_empty() {
        None
    } else {
        Some(Near::of(&Cloud::from_points(numbers, cloud.width), cx)?)
    };
    Ok(DbscanModel {
        ground,
        near,
        labels: cores.iter().map(|&row| found.clustering.labels[row]).collect(),
        eps: found.eps,
    })
}

/// In words, where nothing or everything is one.
fn lack_of_structure(found: &Clustering, eps: f64, min_samples: usize) -> Option<String> {
    let rows = found.labels.len();
    match found.count {
        0 => Some(format!(
            "no structure was found: no row has {min_samples} rows within {eps:.4}; raise eps or lower min_samples"
        )),
        1 => Some(format!(
            "no structure was found: {} of {rows} rows are one group and the rest is noise; lower eps to part it",
            found.sizes()[0]
        )),
        _ => None,
    }
}
