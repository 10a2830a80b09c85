//! Parameters of generalised linear regression.

use kolosal_learner::{Domain, choices, params};

choices! {
    /// How targets are spread around their mean.
    pub enum Spread {
        /// Poisson where no target is negative, else normal.
        Auto = "auto",
        /// Evenly: least squares on the score itself.
        Normal = "normal",
        /// Variance equal to the mean: counts and rates.
        Poisson = "poisson",
        /// Standard deviation in proportion to the mean: amounts above zero.
        Gamma = "gamma",
        /// Variance as a power of the mean: amounts that are often zero.
        Tweedie = "tweedie",
    }
}

params! {
    /// Parameters of [`crate::Glm`].
    pub struct GlmParams {
        /// How targets are spread around their mean.
        family: Spread = Spread::Auto, legal: Domain::Choice(Spread::WORDS);
        /// The power of the mean that the variance follows.
        power: f64 = 1.5, legal: Domain::float(1.0, 2.0), only_if: ("family", ["tweedie"]);
        /// Strength of the penalty on squared coefficients, beside the mean of half deviances, as in scikit-learn.
        alpha: f64 = 1e-3, legal: Domain::float(0.0, 1e12), search: Domain::log_float(1e-6, 1e2);
        /// Largest entry that the gradient may have at the end, for a target of mean one.
        tol: f64 = 1e-7, legal: Domain::log_float(1e-14, 1.0);
        /// Most steps of Newton's method.
        max_iter: i64 = 200, legal: Domain::log_int(1, 1_000_000);
    }
}
