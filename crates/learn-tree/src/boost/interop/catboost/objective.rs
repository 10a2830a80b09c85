//! Loss functions by CatBoost's names.

use kolosal_learner::Meaning;

use super::super::{InteropError, Library};
use crate::boost::link::Link;

/// Losses whose scores are answers.
const IDENTITY: [&str; 18] = [
    "RMSE",
    "MAE",
    "MAPE",
    "Quantile",
    "MultiQuantile",
    "MultiRMSE",
    "GroupQuantile",
    "Expectile",
    "Huber",
    "Lq",
    "LogLinQuantile",
    "LogCosh",
    "QueryRMSE",
    "QuerySoftMax",
    "PairLogit",
    "PairLogitPairwise",
    "YetiRank",
    "YetiRankPairwise",
];

/// How the answers of a loss function are made.
pub(super) fn answer_of(loss: &str) -> Result<(Link, Meaning), InteropError> {
    Ok(match loss {
        "Logloss" | "CrossEntropy" => (Link::Logistic, Meaning::ClassProbability),
        "MultiClass" => (Link::Softmax, Meaning::ClassProbability),
        "MultiClassOneVsAll" => (Link::OneVersusAll, Meaning::ClassProbability),
        "Poisson" | "Tweedie" => (Link::Exponential, Meaning::Number),
        other if IDENTITY.contains(&other) => (Link::Identity, Meaning::Number),
        other => {
            let what = format!(
                "its loss function '{other}' has no counterpart; train it with Logloss, MultiClass or RMSE"
            );
            return Err(InteropError::foreign(Library::Catboost, what));
        }
    })
}
