//! Parameters of the baseline.

use kolosal_learner::{Domain, choices, params};

choices! {
    /// Which constant a regression answers.
    pub enum Statistic {
        /// The mean, best for squared error.
        Mean = "mean",
        /// The median, best for absolute error.
        Median = "median",
    }
}

params! {
    /// Parameters of the baseline.
    pub struct BaselineParams {
        /// Which constant a regression answers; classifications always answer the share of each class.
        statistic: Statistic = Statistic::Mean, legal: Domain::Choice(Statistic::WORDS);
    }
}
