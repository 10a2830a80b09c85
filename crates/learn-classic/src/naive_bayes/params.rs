//! Parameters of naive Bayes.

use kolosal_learner::{Domain, choices, params};

choices! {
    /// How the values of a column are spread within a class.
    pub enum Form {
        /// Each column by its kind: numbers are normal, categories have a probability a level.
        Mixed = "mixed",
        /// Every column is normal; a category is a 0/1 column a level.
        Gaussian = "gaussian",
        /// Every column is yes or no: a number by a threshold, a category as a 0/1 column a level.
        Bernoulli = "bernoulli",
        /// Columns are counts of one draw, such as words of a text.
        Multinomial = "multinomial",
        /// As multinomial, but each class is described by the rows of all others.
        Complement = "complement",
        /// Every column has a probability a level; numbers of many values are cut at quantiles.
        Categorical = "categorical",
    }
}

choices! {
    /// What a missing value says.
    pub enum Missing {
        /// That it is missing: how often a column is missing in a class counts, where training rows lack values.
        Level = "level",
        /// Nothing: the column is left out for that row.
        Skip = "skip",
    }
}

params! {
    /// Parameters of [`crate::naive_bayes::NaiveBayes`].
    pub struct NaiveBayesParams {
        /// How the values of a column are spread within a class; mixed follows the kind of each column.
        form: Form = Form::Mixed, legal: Domain::Choice(Form::WORDS),
            search: Domain::Choice(&["mixed", "bernoulli", "categorical"]);
        /// Rows that are added to every count before shares are taken, as in scikit-learn.
        alpha: f64 = 1.0, legal: Domain::log_float(1e-10, 1e9), search: Domain::log_float(1e-3, 1e2);
        /// Rows' worth of trust in a column's variance over all classes when that of a class is measured.
        prior_rows: f64 = 1.0, legal: Domain::float(0.0, 1e9), search: Domain::float(0.0, 50.0),
            only_if: ("form", ["mixed"]);
        /// Share of the largest variance of a column that is added to all variances, as in scikit-learn.
        var_smoothing: f64 = 1e-9, legal: Domain::log_float(1e-15, 1.0), only_if: ("form", ["gaussian"]);
        /// Numbers above it are yes.
        binarize: f64 = 0.0, legal: Domain::float(-1e300, 1e300), only_if: ("form", ["bernoulli"]);
        /// Most levels that a column of numbers is cut into; a column with no more distinct values keeps them all.
        bins: i64 = 16, legal: Domain::log_int(2, 10_000), search: Domain::log_int(4, 64),
            only_if: ("form", ["categorical"]);
        /// Whether the weights of each class are divided by their sum, against long texts and frequent words.
        norm: bool = false, legal: Domain::Bool, only_if: ("form", ["complement"]);
        /// Whether classes are expected as often as in training; if not, all alike.
        fit_prior: bool = true, legal: Domain::Bool;
        /// What a missing value says.
        missing: Missing = Missing::Level, legal: Domain::Choice(Missing::WORDS);
    }
}
