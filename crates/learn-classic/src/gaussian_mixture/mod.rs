//! Gaussian mixtures: the likelihood of the rows is raised by expectation maximisation (Dempster, Laird, Rubin 1977).
//!
//! Maximises `sum_i log sum_k w_k N(x_i; m_k, S_k)` to a local maximum from k-means groups: shares of each curve in each row,
//! then weights, means and covariances by these shares, `reg_covar` being added to the variances so that no curve collapses.
//! Covariances are full, one for all curves, diagonal, or one number each. Without a number of components those of 1 to 10 are
//! taken whose Bayesian information criterion is lowest (Schwarz 1978), and the fit says so.
//!
//! **Cost.** `n k d^2` a turn, `d^3 k` for the factors. **Wins** where groups overlap or are stretched; **loses** where they are
//! not bell-shaped, and with many columns for the rows (take `diag`).
//!
//! Numbers are standardised, a category counts as a number a level, a missing number as the column's mean; weights say which
//! rows count, not how much.
//!
//! ```
//! use kolosal_learn_classic::gaussian_mixture::GaussianMixture;
//! use kolosal_learner::Learner;
//! assert_eq!(GaussianMixture.card().name, "gaussian_mixture");
//! ```

mod curves;
mod fit;
mod model;
mod params;

pub use model::GaussianMixtureModel;
pub use params::{Covariance, GaussianMixtureParams};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// Gaussian mixture.
#[derive(Debug, Clone, Copy)]
pub struct GaussianMixture;

impl Learn for GaussianMixture {
    type Params = GaussianMixtureParams;
    type Model = GaussianMixtureModel;

    const CARD: LearnerCard = LearnerCard {
        name: "gaussian_mixture",
        aliases: &["gmm", "gaussian_mixtures"],
        title: "Gaussian mixture",
        doc: "Explains the rows as drawn from a few bell curves, found by expectation maximisation; the number of them by the Bayesian \
              information criterion where none is given. Groups may be stretched and overlap, and the strength is a \
              probability; loses where groups are not bell-shaped or columns are many for the rows.",
        family: Family::Classic,
        tasks: &[TaskKind::Clustering],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: false,
        ignores_row_order: false,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<GaussianMixtureParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<GaussianMixtureModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<GaussianMixtureModel, ArtifactError> {
        GaussianMixtureModel::load(from)
    }
}
