//! Parameters of k-means.

use kolosal_learner::{Domain, params};

params! {
    /// Parameters of [`crate::kmeans::Kmeans`].
    pub struct KmeansParams {
        /// How many groups; 0 tries 2 to 10 and takes the best silhouette.
        n_clusters: i64 = 0, legal: Domain::int(0, 100_000), search: Domain::log_int(2, 20), aliases: ["k"];
        /// Starts of which the best is taken.
        n_init: i64 = 4, legal: Domain::log_int(1, 1000);
        /// Most turns of each start.
        max_iter: i64 = 300, legal: Domain::log_int(1, 100_000);
        /// Movement of the centres, as a share of the mean variance, that counts as none.
        tol: f64 = 1e-4, legal: Domain::float(0.0, 1.0);
        /// Rows of a batch drawn at random each turn; 0 walks all rows.
        batch_size: i64 = 0, legal: Domain::int(0, 10_000_000);
    }
}
