//! Parameters of logistic regression.

use kolosal_learner::{Domain, choices, params};

choices! {
    /// Which size of the coefficients is penalised.
    pub enum Penalty {
        /// The squares.
        L2 = "l2",
        /// The absolute values, which sets many coefficients to zero.
        L1 = "l1",
        /// Both, shared out by `l1_ratio`.
        ElasticNet = "elastic_net",
        /// None.
        None = "none",
    }
}

choices! {
    /// How much the rows of a class count.
    pub enum ClassWeight {
        /// Every row as its weight says.
        None = "none",
        /// Every class the same in total.
        Balanced = "balanced",
    }
}

params! {
    /// Parameters of [`crate::LogisticRegression`].
    pub struct LogisticParams {
        /// Inverse strength of the penalty, as in scikit-learn: the sum of losses counts this much.
        c: f64 = 1.0, legal: Domain::log_float(1e-12, 1e12), search: Domain::log_float(1e-4, 1e4), aliases: ["C"],
            only_if: ("penalty", ["l2", "l1", "elastic_net"]);
        /// Which size of the coefficients is penalised.
        penalty: Penalty = Penalty::L2, legal: Domain::Choice(Penalty::WORDS),
            search: Domain::Choice(&["l2", "l1"]);
        /// Share of the penalty that is on absolute values.
        l1_ratio: f64 = 0.5, legal: Domain::float(0.0, 1.0), search: Domain::float(0.0, 1.0),
            only_if: ("penalty", ["elastic_net"]);
        /// balanced gives every class the same total weight.
        class_weight: ClassWeight = ClassWeight::None, legal: Domain::Choice(ClassWeight::WORDS);
        /// Largest entry that the gradient of the mean loss may have at the end.
        tol: f64 = 1e-4, legal: Domain::log_float(1e-14, 1.0);
        /// Most iterations.
        max_iter: i64 = 1000, legal: Domain::log_int(1, 1_000_000);
    }
}

impl LogisticParams {
    /// The share of the penalty on absolute values and on squares, in `[0, 1]` each.
    pub(super) fn shares(&self) -> (f64, f64) {
        match self.penalty {
            Penalty::L2 => (0.0, 1.0),
            Penalty::L1 => (1.0, 0.0),
            Penalty::ElasticNet => (self.l1_ratio, 1.0 - self.l1_ratio),
            Penalty::None => (0.0, 0.0),
        }
    }
}
