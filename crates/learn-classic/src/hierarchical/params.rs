//! Parameters of hierarchical clustering.

use kolosal_learner::{Domain, params};

use crate::cluster::Linkage;

params! {
    /// Parameters of [`crate::hierarchical::Hierarchical`].
    pub struct HierarchicalParams {
        /// How many groups; 0 tries 2 to 10 and takes the best silhouette.
        n_clusters: i64 = 0, legal: Domain::int(0, 100_000), search: Domain::log_int(2, 20), aliases: ["k"];
        /// How far groups are from each other.
        linkage: Linkage = Linkage::Ward, legal: Domain::Choice(Linkage::WORDS), search: Domain::Choice(Linkage::WORDS);
        /// Most rows that are merged themselves; of more, clumps of them are, and the fit says so.
        max_rows: i64 = 20_000, legal: Domain::log_int(100, 30_000);
    }
}
