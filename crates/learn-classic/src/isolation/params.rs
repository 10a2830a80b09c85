//! Parameters of isolation forests.

use kolosal_learner::{Domain, params};

params! {
    /// Parameters of [`crate::isolation::Isolation`].
    pub struct IsolationParams {
        /// How many trees.
        n_estimators: i64 = 100, legal: Domain::log_int(1, 10_000), search: Domain::log_int(50, 500);
        /// Rows that each tree is grown on, drawn without repetition; all rows where there are no more.
        max_samples: i64 = 256, legal: Domain::log_int(2, 1_000_000), search: Domain::log_int(64, 2048);
        /// Share of training rows beyond the border; 0 draws the border at a score of one half, as the paper does.
        contamination: f64 = 0.0, legal: Domain::float(0.0, 0.5);
    }
}
