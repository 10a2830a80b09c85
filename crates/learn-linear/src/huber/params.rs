//! Parameters of Huber's regression.

use kolosal_learner::{Domain, params};

params! {
    /// Parameters of [`crate::Huber`].
    pub struct HuberParams {
        /// Errors beyond so many scales count by their size instead of their square.
        epsilon: f64 = 1.35, legal: Domain::float(1.0, 1e6), search: Domain::float(1.05, 3.0);
        /// Strength of the penalty on squared coefficients, beside the sum of losses, as in scikit-learn.
        alpha: f64 = 1e-4, legal: Domain::float(0.0, 1e12), search: Domain::log_float(1e-6, 1e2);
        /// Largest relative change of the scale, and largest entry of the gradient, at the end.
        tol: f64 = 1e-7, legal: Domain::log_float(1e-12, 1.0);
        /// Most rounds of a new scale and new coefficients.
        max_iter: i64 = 200, legal: Domain::log_int(1, 1_000_000);
    }
}
