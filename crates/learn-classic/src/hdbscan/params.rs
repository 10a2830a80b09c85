//! Parameters of HDBSCAN.

use kolosal_learner::{Domain, choices, params};

choices! {
    /// Which groups of the tree are taken.
    pub enum Selection {
        /// Those that hold together over the widest range of densities.
        Eom = "eom",
        /// Those that part no further.
        Leaf = "leaf",
    }
}

params! {
    /// Parameters of [`crate::hdbscan::Hdbscan`].
    pub struct HdbscanParams {
        /// Fewest rows of a group.
        min_cluster_size: i64 = 5, legal: Domain::log_int(2, 1_000_000), search: Domain::log_int(5, 100);
        /// Rows, itself included, whose reach makes a row's density; 0 takes min_cluster_size.
        min_samples: i64 = 0, legal: Domain::int(0, 1_000_000), search: Domain::int(0, 50);
        /// Which groups of the tree are taken.
        cluster_selection_method: Selection = Selection::Eom, legal: Domain::Choice(Selection::WORDS),
            search: Domain::Choice(Selection::WORDS);
        /// Whether all rows may be one group.
        allow_single_cluster: bool = false, legal: Domain::Bool;
    }
}
