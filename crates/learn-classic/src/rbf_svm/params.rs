//! Parameters of the RBF support vector machine.

use kolosal_learner::{Domain, choices, params};

choices! {
    /// How much the rows of a class count.
    pub enum ClassWeight {
        /// Every row as its weight says.
        None = "none",
        /// Every class the same in total.
        Balanced = "balanced",
    }
}

choices! {
    /// Where probabilities come from.
    pub enum Calibration {
        /// A logistic curve over scores of rows that the machine did not see (Platt).
        Platt = "platt",
        /// The logistic function of the score itself, or the votes of the pairs: cheap, the probabilities rough.
        None = "none",
    }
}

choices! {
    /// What is done with more rows than have all their kernels worked with.
    pub enum Above {
        /// All rows are learned from, their kernels being guessed from those with some landmarks (Nyström).
        Nystroem = "nystroem",
        /// As many as allowed are drawn.
        Sample = "sample",
    }
}

params! {
    /// Parameters of [`crate::rbf_svm::RbfSvm`].
    pub struct RbfSvmParams {
        /// What the sum of errors counts beside the width of the margin; of a regression, for a target of deviation one.
        c: f64 = 1.0, legal: Domain::log_float(1e-9, 1e9), search: Domain::log_float(1e-2, 1e3), aliases: ["C"];
        /// How fast likeness falls with squared distance; 0 takes one over columns times their mean variance.
        gamma: f64 = 0.0, legal: Domain::float(0.0, 1e12), search: Domain::log_float(1e-4, 1e1);
        /// Errors of a regression up to this size cost nothing, in standard deviations of the target.
        epsilon: f64 = 0.1, legal: Domain::float(0.0, 1e6), search: Domain::log_float(1e-3, 1.0);
        /// balanced gives every class the same total weight.
        class_weight: ClassWeight = ClassWeight::None, legal: Domain::Choice(ClassWeight::WORDS);
        /// Where probabilities come from.
        calibration: Calibration = Calibration::Platt, legal: Domain::Choice(Calibration::WORDS);
        /// Folds whose rows are left out for calibration.
        folds: i64 = 5, legal: Domain::int(2, 20), only_if: ("calibration", ["platt"]);
        /// Largest violation of the optimality conditions at the end.
        tol: f64 = 1e-3, legal: Domain::log_float(1e-12, 1.0);
        /// Most megabytes of kernel rows that each machine keeps.
        cache_mb: i64 = 200, legal: Domain::log_int(1, 1_000_000);
        /// Most rows whose kernels are all worked with; of more, the fit goes another way and says so.
        max_rows: i64 = 50_000, legal: Domain::log_int(100, 10_000_000);
        /// What is done with more than max_rows rows.
        above_max_rows: Above = Above::Nystroem, legal: Domain::Choice(Above::WORDS);
        /// Landmarks that the kernel is guessed from.
        n_components: i64 = 500, legal: Domain::log_int(10, 10_000), only_if: ("above_max_rows", ["nystroem"]);
    }
}
