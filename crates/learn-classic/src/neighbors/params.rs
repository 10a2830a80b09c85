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
    /// How neighbours are looked for. The answer is the same, but for the graph, which may miss some.
    pub enum Algorithm {
        /// A tree for few columns and many rows; else all rows, or the graph where they hold five million numbers.
        Auto = "auto",
        /// All rows, block after block: exact.
        Brute = "brute",
        /// A tree of boxes: exact.
        KdTree = "kd_tree",
        /// A graph of near rows that is walked: not exact; the share that it finds is told.
        Hnsw = "hnsw",
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
        /// How neighbours are looked for; the answer is the same, but for `hnsw`, which may miss some. `auto` takes it where no
        /// tree helps and 50,000 rows or more hold five million numbers or more; `brute` is always exact.
        algorithm: Algorithm = Algorithm::Auto, legal: Domain::Choice(Algorithm::WORDS);
        /// For `hnsw`: how many rows a search keeps in view, at least as many as answer; 0 takes as many as find 99 % of the
        /// true neighbours of a sample of the training rows, up to 1,024.
        ef: i64 = 0, legal: Domain::int(0, 10_000), aliases: ["ef_search"];
    }
}
