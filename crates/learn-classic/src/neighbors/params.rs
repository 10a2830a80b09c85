//! Parameters of nearest neighbours.

use kolosal_learner::{Domain, choices, params};

choices! {
    /// How far two rows are from each other.
    pub enum Metric {
        /// Gower's where the table has categories or gaps, else Euclid's.
        Auto = "auto",
        /// The root of the sum of squared differences; a category is a 0/1 column a level.
        Euclidean = "euclidean",
        /// The sum of absolute differences; a category is a 0/1 column a level.
        Manhattan = "manhattan",
        /// The mean over the columns both rows have of the difference as a share of the range; levels differ or not.
        Gower = "gower",
    }
}

choices! {
    /// How much a neighbour counts.
    pub enum Weights {
        /// All alike.
        Uniform = "uniform",
        /// By one over the distance; rows at no distance alone, if there are any.
        Distance = "distance",
    }
}

choices! {
    /// How neighbours are looked for. The answer is the same.
    pub enum Algorithm {
        /// A tree for few columns and many rows, else all rows.
        Auto = "auto",
        /// All rows, block after block.
        Brute = "brute",
        /// A tree of boxes.
        KdTree = "kd_tree",
    }
}

params! {
    /// Parameters of [`crate::neighbors::Neighbors`].
    pub struct NeighborsParams {
        /// How many neighbours answer; all rows where there are no more.
        n_neighbors: i64 = 5, legal: Domain::log_int(1, 10_000), search: Domain::log_int(1, 100), aliases: ["k"];
        /// How much a neighbour counts.
        weights: Weights = Weights::Uniform, legal: Domain::Choice(Weights::WORDS),
            search: Domain::Choice(Weights::WORDS);
        /// How far two rows are from each other.
        metric: Metric = Metric::Auto, legal: Domain::Choice(Metric::WORDS),
            search: Domain::Choice(&["euclidean", "manhattan", "gower"]);
        /// How neighbours are looked for; the answer is the same.
        algorithm: Algorithm = Algorithm::Auto, legal: Domain::Choice(Algorithm::WORDS);
    }
}
