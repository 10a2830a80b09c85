//! Parameters of Gaussian mixtures.

use kolosal_learner::{Domain, choices, params};

choices! {
    /// What the bell curves may look like.
    pub enum Covariance {
        /// Each stretched its own way.
        Full = "full",
        /// All stretched the same way.
        Tied = "tied",
        /// Each stretched along the columns.
        Diag = "diag",
        /// Each round.
        Spherical = "spherical",
    }
}

params! {
    /// Parameters of [`crate::gaussian_mixture::GaussianMixture`].
    pub struct GaussianMixtureParams {
        /// How many bell curves; 0 tries 1 to 10 and takes the lowest Bayesian information criterion.
        n_components: i64 = 0, legal: Domain::int(0, 1000), search: Domain::log_int(1, 20), aliases: ["k", "n_clusters"];
        /// What they may look like.
        covariance_type: Covariance = Covariance::Full, legal: Domain::Choice(Covariance::WORDS),
            search: Domain::Choice(Covariance::WORDS);
        /// Starts of which the likeliest is taken.
        n_init: i64 = 1, legal: Domain::log_int(1, 100);
        /// Most turns of each start.
        max_iter: i64 = 100, legal: Domain::log_int(1, 10_000);
        /// Rise of the mean log likelihood that counts as none.
        tol: f64 = 1e-3, legal: Domain::log_float(1e-12, 1.0);
        /// What is added to the variances.
        reg_covar: f64 = 1e-6, legal: Domain::log_float(1e-12, 1e3);
    }
}
