//! Parameters of quantile regression.

use kolosal_learner::{Domain, params};

params! {
    /// Parameters of [`crate::Quantile`].
    pub struct QuantileParams {
        /// Which quantile of the target is answered.
        quantile: f64 = 0.5, legal: Domain::float(1e-6, 0.999_999), aliases: ["q"];
        /// Strength of the penalty on squared coefficients, beside the mean loss of a target of deviation one.
        alpha: f64 = 1e-6, legal: Domain::float(0.0, 1e12), search: Domain::log_float(1e-8, 1e1);
        /// Width of the bend that replaces the corner of the loss at the end, in standard deviations of the target.
        tol: f64 = 1e-6, legal: Domain::log_float(1e-7, 1.0);
        /// Most steps of Newton's method at each width.
        max_iter: i64 = 100, legal: Domain::log_int(1, 1_000_000);
    }
}
