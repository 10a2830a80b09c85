//! Parameters of ridge regression.

use kolosal_learner::{Domain, params};

use crate::regression::Select;

params! {
    /// Parameters of [`crate::Ridge`].
    pub struct RidgeParams {
        /// Strength of the penalty on the sum of squared coefficients, as in scikit-learn; used where select is fixed.
        alpha: f64 = 1.0, legal: Domain::log_float(0.0, 1e12), search: Domain::log_float(1e-4, 1e5),
            aliases: ["l2", "lambda", "reg_lambda"], only_if: ("select", ["fixed"]);
        /// fixed uses alpha; cv takes the strength with the least generalised cross-validation error.
        select: Select = Select::Cv, legal: Domain::Choice(Select::WORDS);
        /// Strengths tried where select is cv, in equal factors over nine powers of ten around the size of the data.
        n_alphas: i64 = 19, legal: Domain::int(2, 1000), only_if: ("select", ["cv"]);
        /// Precision of the iterative solver, used only where rows and coefficients both number thousands.
        tol: f64 = 1e-8, legal: Domain::log_float(1e-15, 0.1);
        /// Most steps of the iterative solver.
        max_iter: i64 = 1000, legal: Domain::log_int(1, 1_000_000);
    }
}
