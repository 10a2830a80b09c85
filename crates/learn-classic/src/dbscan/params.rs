//! Parameters of DBSCAN.

use kolosal_learner::{Domain, ParamError, params};

params! {
    /// Parameters of [`crate::dbscan::Dbscan`].
    pub struct DbscanParams {
        /// How near rows are near; -1 takes the bend in the curve of distances.
        eps: f64 = -1.0, legal: Domain::float(-1.0, 1e300);
        /// Rows within eps, itself included, that make a row a core.
        min_samples: i64 = 5, legal: Domain::log_int(1, 1_000_000), search: Domain::log_int(3, 50);
    }
    check: |params: &DbscanParams| -> Result<(), ParamError> {
        if params.eps < 0.0 && params.eps != -1.0 {
            return Err(ParamError::Range {
                name: "eps",
                value: params.eps.to_string(),
                legal: "a distance, which is not negative, or -1 to have it chosen".to_owned(),
            });
        }
        Ok(())
    };
}
