//! Parameters of the elastic net.

use kolosal_learner::{Domain, params};

use crate::regression::Select;

params! {
    /// Parameters of [`crate::ElasticNet`].
    pub struct ElasticNetParams {
        /// Strength of the whole penalty, as in scikit-learn; used where select is fixed.
        alpha: f64 = 1.0, legal: Domain::log_float(0.0, 1e12), search: Domain::log_float(1e-6, 1e2),
            aliases: ["lambda"], only_if: ("select", ["fixed"]);
        /// Share of the penalty that is on absolute coefficients: one is the lasso, zero is ridge.
        l1_ratio: f64 = 0.5, legal: Domain::float(0.0, 1.0), search: Domain::float(0.05, 1.0);
        /// fixed uses alpha; cv takes the strength with the least error over the folds.
        select: Select = Select::Cv, legal: Domain::Choice(Select::WORDS);
        /// Strengths on the path where select is cv.
        n_alphas: i64 = 100, legal: Domain::int(2, 10_000), only_if: ("select", ["cv"]);
        /// The last strength of the path as a share of the first, which makes every coefficient zero.
        eps: f64 = 1e-3, legal: Domain::log_float(1e-8, 0.5), only_if: ("select", ["cv"]);
        /// Folds where select is cv.
        cv: i64 = 5, legal: Domain::int(2, 100), aliases: ["folds"], only_if: ("select", ["cv"]);
        /// Share of the target's variance that the duality gap may be at the end.
        tol: f64 = 1e-6, legal: Domain::log_float(1e-15, 0.1);
        /// Most sweeps over the coefficients.
        max_iter: i64 = 10_000, legal: Domain::log_int(1, 10_000_000);
    }
}
