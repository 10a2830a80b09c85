//! From rows to centres.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::model::KmeansModel;
use super::params::KmeansParams;
use crate::cluster::{KMeans, kmeans};
use crate::rows::pointed;

pub(super) fn fit(
    params: &Checked<KmeansParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<KmeansModel, FitError> {
    let (ground, cloud, _memory) = pointed(train, cx)?;
    let settings = KMeans {
        k: (params.n_clusters > 0).then_some(params.n_clusters as usize),
        starts: params.n_init as usize,
        turns: params.max_iter as usize,
        tol: params.tol,
        batch: params.batch_size as usize,
    };
    let found = kmeans(&cloud, &settings, cx)?;
    if let Some(reason) = &found.clustering.reason {
        cx.progress.warn(reason);
    }
    Ok(KmeansModel {
        ground,
        centres: found.centres,
        inertia: found.inertia,
    })
}
