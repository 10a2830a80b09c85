//! Naive Bayes: classes by Bayes' rule, as if columns were independent within a class.
//!
//! With class shares `pi_c` and one distribution a column and class,
//!
//! ```text
//! P(c | x)  is proportional to  pi_c  prod_j p_j(x_j | c)
//! ```
//!
//! which maximises the joint likelihood of rows and classes under that independence; every `p_j` is a closed form of
//! counts or moments, so the fit is one pass over each column. The forms are scikit-learn's (`gaussian`, `bernoulli`,
//! `multinomial`, `complement`, `categorical`, with the same smoothing), and `mixed`, which takes a table as it is:
//!
//! * a number is normal within a class; its variance is that of the class's `n` rows and of `prior_rows` rows spread as
//!   the whole column, so that a class which has shown one value only is not taken to show it always;
//! * a category has probability `(n_lc + alpha) / (n_c + alpha L)` for each of its `L` levels;
//! * where training rows lack values, being missing is a yes/no column of its own; otherwise a missing value says
//!   nothing.
//!
//! Stored entries of sparse columns are walked alone, zeros are counted by subtraction.
//!
//! **Cost.** `O(rows x columns)` to fit, `O(columns x classes)` a row to answer. **Wins** on few rows, many classes,
//! texts, and as a first look; it is the cheapest learner there is. **Loses** where columns say the same thing twice:
//! evidence is then counted twice, the order of classes stays useful but probabilities are too sure of themselves.
//!
//! Papers: Domingos, Pazzani 1997 (why it works although columns depend); Chan, Golub, LeVeque 1979 (moments); McCallum,
//! Nigam 1998 (Bernoulli and multinomial); Rennie et al. 2003 (complement); Dougherty, Kohavi, Sahami 1995 (cut numbers).
//!
//! ```
//! use kolosal_learn_classic::naive_bayes::{Form, NaiveBayesParams};
//! use kolosal_learner::{Value, check_point};
//!
//! let point = [("form".to_owned(), Value::Choice("complement".to_owned()))].into();
//! assert_eq!(check_point::<NaiveBayesParams>(&point)?.form, Form::Complement);
//! # Ok::<(), kolosal_learner::ParamError>(())
//! ```

mod fit;
mod model;
mod params;
mod spread;
mod term;
#[cfg(test)]
mod tests;
mod values;

pub use model::NaiveBayesModel;
pub use params::{Form, Missing, NaiveBayesParams};

use kolosal_learner::{
    ArtifactError, Checked, Decoder, Family, FitContext, FitError, Learn, LearnerCard, TaskKind, TrainView,
};

/// The naive Bayes learner.
#[derive(Debug, Clone, Copy)]
pub struct NaiveBayes;

impl Learn for NaiveBayes {
    type Params = NaiveBayesParams;
    type Model = NaiveBayesModel;

    const CARD: LearnerCard = LearnerCard {
        name: "naive_bayes",
        aliases: &["nb", "bayes", "gaussian_nb"],
        title: "Naive Bayes",
        doc: "Class probabilities by Bayes' rule, columns taken as independent within a class: Gaussian, Bernoulli, \
              multinomial, complement, categorical, or each column by its kind. One pass over the data; strong on few \
              rows, many classes and texts, too sure of itself where columns repeat each other.",
        family: Family::Classic,
        tasks: &[TaskKind::Binary, TaskKind::Multiclass],
        takes_missing: true,
        takes_categories: true,
        wants_scaling: false,
        weight_is_repetition: true,
        ignores_row_order: true,
        has_out_of_bag: false,
    };

    fn fit(
        params: &Checked<NaiveBayesParams>,
        train: &TrainView<'_>,
        cx: &FitContext<'_>,
    ) -> Result<NaiveBayesModel, FitError> {
        fit::fit(params, train, cx)
    }

    fn load(from: &mut Decoder<'_>) -> Result<NaiveBayesModel, ArtifactError> {
        NaiveBayesModel::load(from)
    }
}
