//! Parameters of Gaussian processes.

use kolosal_learner::{Domain, ParamError, params};

use super::expression::Expression;

params! {
    /// Parameters of [`crate::gaussian_process::GaussianProcess`].
    pub struct GaussianProcessParams {
        /// How alike two rows are: rbf, matern12, matern32, matern52, rational_quadratic, linear, joined by * and +.
        kernel: String = "rbf".to_owned(),
            legal: Domain::Text("kernels joined by * and +: rbf, matern12, matern32, matern52, rational_quadratic, linear");
        /// Whether every column has a length of its own, so that useless ones are found out.
        ard: bool = true, legal: Domain::Bool, search: Domain::Bool;
        /// Most steps of the search for the kernel's parameters; 0 keeps the first guess.
        max_iter: i64 = 50, legal: Domain::int(0, 10_000);
        /// Rise of the likelihood that counts as none.
        tol: f64 = 1e-3, legal: Domain::log_float(1e-10, 1.0);
        /// Further searches from guesses drawn at random; the highest likelihood is taken.
        n_restarts: i64 = 0, legal: Domain::int(0, 100);
        /// Most rows that the kernel's parameters are searched on, of a classification at most 300; of more, so many are drawn.
        optimize_rows: i64 = 500, legal: Domain::log_int(10, 5000);
        /// Most rows of an exact regression; of more, inducing points answer for all.
        max_rows: i64 = 5000, legal: Domain::log_int(10, 20_000);
        /// Most rows of a classification; of more, so many are drawn, and the fit says so.
        max_rows_classification: i64 = 1000, legal: Domain::log_int(10, 5000);
        /// Points that answer for all rows where a regression has more than max_rows.
        n_inducing: i64 = 500, legal: Domain::log_int(10, 5000);
    }
    check: |params: &GaussianProcessParams| -> Result<(), ParamError> {
        Expression::parse(&params.kernel).map(|_| ())
    };
}
