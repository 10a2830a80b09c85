//! Parameters of the linear support vector machine.

use kolosal_learner::{Domain, choices, params};

use crate::logistic::ClassWeight;

choices! {
    /// Where probabilities come from.
    pub enum Calibration {
        /// A logistic curve over scores of rows that the machine did not see (Platt).
        Platt = "platt",
        /// The logistic function of the score itself: cheap, the classes the same, the probabilities rough.
        None = "none",
    }
}

choices! {
    /// What an error costs.
    pub enum Loss {
        /// Its square.
        Squared = "squared",
        /// Its size: the plain hinge, or the plain error beyond the tube.
        Plain = "plain",
    }
}

params! {
    /// Parameters of [`crate::LinearSvm`].
    pub struct LinearSvmParams {
        /// What the sum of losses counts beside the penalty, as in scikit-learn.
        c: f64 = 1.0, legal: Domain::log_float(1e-9, 1e9), search: Domain::log_float(1e-4, 1e2), aliases: ["C"];
        /// What an error costs; squared ones are quicker, plain ones mind rows far off less.
        loss: Loss = Loss::Squared, legal: Domain::Choice(Loss::WORDS), search: Domain::Choice(Loss::WORDS);
        /// Errors of a regression up to this size cost nothing; in units of the target.
        epsilon: f64 = 0.0, legal: Domain::float(0.0, 1e300);
        /// balanced gives every class the same total weight.
        class_weight: ClassWeight = ClassWeight::None, legal: Domain::Choice(ClassWeight::WORDS);
        /// Where probabilities come from.
        calibration: Calibration = Calibration::Platt, legal: Domain::Choice(Calibration::WORDS);
        /// Folds whose rows are left out for calibration.
        folds: i64 = 3, legal: Domain::int(2, 20), only_if: ("calibration", ["platt"]);
        /// Largest entry that the gradient of the mean loss may have at the end; for plain losses the dual may be off by a thousand times that share.
        tol: f64 = 1e-6, legal: Domain::log_float(1e-14, 1.0);
        /// Most steps of Newton's method, a fifth of the passes over the rows for plain losses.
        max_iter: i64 = 200, legal: Domain::log_int(1, 1_000_000);
    }
}
