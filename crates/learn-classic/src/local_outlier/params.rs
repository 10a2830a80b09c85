//! Parameters of local outlier factors.

use kolosal_learner::{Domain, params};

params! {
    /// Parameters of [`crate::local_outlier::LocalOutlier`].
    pub struct LocalOutlierParams {
        /// Neighbours that a row's density is measured by; all other rows where there are no more.
        n_neighbors: i64 = 20, legal: Domain::log_int(1, 10_000), search: Domain::log_int(5, 100), aliases: ["k"];
        /// Share of training rows beyond the border; 0 draws the border at a score of 1.5.
        contamination: f64 = 0.0, legal: Domain::float(0.0, 0.5);
    }
}
