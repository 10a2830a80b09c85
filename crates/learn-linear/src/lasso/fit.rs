//! The lasso is the elastic net whose penalty is all absolute.

use kolosal_learner::{Checked, FitContext, FitError, TrainView};

use super::params::LassoParams;
use crate::elastic_net::{ElasticNetParams, fit_net};
use crate::regression::RegressionModel;

pub(super) fn fit(
    params: &Checked<LassoParams>,
    train: &TrainView<'_>,
    cx: &FitContext<'_>,
) -> Result<RegressionModel, FitError> {
    let net = ElasticNetParams {
        alpha: params.alpha,
        l1_ratio: 1.0,
        select: params.select,
        n_alphas: params.n_alphas,
        eps: params.eps,
        cv: params.cv,
        tol: params.tol,
        max_iter: params.max_iter,
    };
    fit_net(&net, train, cx)
}
