//! Expectation maximisation from k-means groups.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::curves::Curves;
use super::model::GaussianMixtureModel;
use super::params::{Covariance, GaussianMixtureParams};
use crate::cluster::{Cloud, KMeans, kmeans};
use crate::rows::pointed;

/// Most curves that are tried where none are asked for.
const AUTO_MAX: usize = 10;

/// Where the turns ended.
struct Run {
    curves: Curves,
    likelihood: f64,
    has_settled: bool,
}

pub(super) fn fit(
    params: &Checked<GaussianMixtureParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<GaussianMixtureModel, FitError> {
    let (ground, cloud, _memory) = pointed(train, cx)?;
    let (rows, asked) = (cloud.len(), params.n_components as usize);
    if asked > rows {
        return Err(FitError::Unsupported {
            learner: "gaussian_mixture",
            what: format!("draw {asked} bell curves for {rows} rows"),
            remedy: "ask for no more than there are rows",
        });
    }
    let counts = if asked > 0 {
        asked..=asked
    } else {
        1..=AUTO_MAX.min(rows)
    };
    let mut best: Option<(f64, usize, Run)> = None;
    for count in counts {
        let Some(run) = best_of(&cloud, count, params, cx)? else {
            continue;
        };
        let criterion = criterion(&run, &cloud, params.covariance_type);
        if best.as_ref().is_none_or(|best| criterion < best.0) {
            best = Some((criterion, count, run));
        }
    }
    let Some((criterion, count, run)) = best else {
        return Err(FitError::Unsupported {
            learner: "gaussian_mixture",
            what: "factor the covariances of the rows".to_owned(),
            remedy: "set covariance_type=diag, or a larger reg_covar",
        });
    };
    if asked == 0 {
        cx.progress.warn(&format!(
            "of 1 to {AUTO_MAX} bell curves, {count} have the lowest Bayesian information criterion: {criterion:.2}"
        ));
    }
    if !run.has_settled {
        cx.progress
            .warn("gaussian_mixture: max_iter turns were not enough; raise max_iter or tol");
    }
    GaussianMixtureModel::new(ground, run.curves, &cloud, (run.likelihood, criterion))
}

/// The Bayesian information criterion.
fn criterion(run: &Run, cloud: &Cloud, kind: Covariance) -> f64 {
    let (k, d, n) = (
        run.curves.weights.len() as f64,
        cloud.width as f64,
        cloud.len() as f64,
    );
    let of_covariances = match kind {
        Covariance::Full => k * d * (d + 1.0) / 2.0,
        Covariance::Tied => d * (d + 1.0) / 2.0,
        Covariance::Diag => k * d,
        Covariance::Spherical => k,
    };
    (of_covariances + d * k + k - 1.0) * n.ln() - 2.0 * n * run.likelihood
}

fn best_of(
    cloud: &Cloud,
    count: usize,
    params: &GaussianMixtureParams,
    cx: &FitContext<'_>,
) -> Result<Option<Run>, FitError> {
    let mut best: Option<Run> = None;
    for start in 0..params.n_init as u64 {
        let seeded = cx.with_seed(cx.seed.fork("mixture").fork_index(start));
        let run = climb(cloud, count, params, &seeded)?;
        let is_better = run
            .as_ref()
            .is_some_and(|run| best.as_ref().is_none_or(|best| run.likelihood > best.likelihood));
        if is_better {
            best = run;
        }
    }
    Ok(best)
}

fn climb(
    cloud: &Cloud,
    count: usize,
    params: &GaussianMixtureParams,
    cx: &FitContext<'_>,
) -> Result<Option<Run>, FitError> {
    let settings = KMeans {
        k: Some(count),
        starts: 1,
        ..KMeans::default()
    };
    let groups = kmeans(cloud, &settings, cx)?.clustering;
    let shape = (params.covariance_type, params.reg_covar);
    let Some(mut curves) = Curves::of_labels(cloud, (&groups.labels, groups.count), shape, cx) else {
        return Ok(None);
    };
    let (mut before, mut has_settled) = (f64::NEG_INFINITY, false);
    for _ in 0..params.max_iter {
        let (next, likelihood) = curves.turn(cloud, shape, cx)?;
        let Some(next) = next else {
            return Ok(None);
        };
        curves = next;
        if (likelihood - before).abs() < params.tol {
            has_settled = true;
            break;
        }
        before = likelihood;
    }
    let likelihood = curves.likelihood(cloud, cx);
    Ok(likelihood.is_finite().then_some(Run {
        curves,
        likelihood,
        has_settled,
    }))
}
