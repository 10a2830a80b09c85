//! The list of learners. Adding an algorithm to the product means adding one line here.
//!
//! ```
//! let baseline = kolosal_learners::find("dummy")?;
//! assert_eq!(baseline.card().name, "baseline");
//! assert!(kolosal_learners::find("baselin").is_err_and(|e| e.to_string().contains("baseline")));
//! # Ok::<(), kolosal_learners::UnknownLearner>(())
//! ```

use kolosal_base::ErrorKind;
use kolosal_frame::closest;
use kolosal_learn_classic::baseline::Baseline;
use kolosal_learn_classic::dbscan::Dbscan;
use kolosal_learn_classic::gaussian_mixture::GaussianMixture;
use kolosal_learn_classic::gaussian_process::GaussianProcess;
use kolosal_learn_classic::hdbscan::Hdbscan;
use kolosal_learn_classic::hierarchical::Hierarchical;
use kolosal_learn_classic::isolation::Isolation;
use kolosal_learn_classic::kmeans::Kmeans;
use kolosal_learn_classic::local_outlier::LocalOutlier;
use kolosal_learn_classic::naive_bayes::NaiveBayes;
use kolosal_learn_classic::neighbors::Neighbors;
use kolosal_learn_classic::rbf_svm::RbfSvm;
use kolosal_learn_linear::{ElasticNet, Glm, Huber, Lasso, LinearSvm, LogisticRegression, Quantile, Ridge};
use kolosal_learn_neural::Mlp;
use kolosal_learn_tree::{CatBoost, DecisionTree, ExtraTrees, LightGbm, RandomForest, XgBoost};
use kolosal_learner::Learner;

/// Every learner, in the order of the documentation.
pub const LEARNERS: &[&dyn Learner] = &[
    &Baseline,
    &NaiveBayes,
    &Neighbors,
    &RbfSvm,
    &GaussianProcess,
    &LogisticRegression,
    &Ridge,
    &Lasso,
    &ElasticNet,
    &LinearSvm,
    &Huber,
    &Quantile,
    &Glm,
    &DecisionTree,
    &RandomForest,
    &ExtraTrees,
    &LightGbm,
    &XgBoost,
    &CatBoost,
    &Mlp,
    &Isolation,
    &LocalOutlier,
    &Kmeans,
    &Dbscan,
    &Hdbscan,
    &Hierarchical,
    &GaussianMixture,
];

/// No learner has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no learner '{name}'; {hint}")]
pub struct UnknownLearner {
    /// The name asked for.
    pub name: String,
    hint: String,
}

impl UnknownLearner {
    /// The public kind.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// The learner with this name or alias, in any case, `-` and `_` alike.
///
/// # Errors
/// [`UnknownLearner`] with the names that look most alike, or all of them.
pub fn find(name: &str) -> Result<&'static dyn Learner, UnknownLearner> {
    let wanted = name.trim().to_lowercase().replace(['-', ' '], "_");
    let is_it = |learner: &&&dyn Learner| {
        learner.card().name == wanted || learner.card().aliases.contains(&wanted.as_str())
    };
    LEARNERS
        .iter()
        .find(is_it)
        .copied()
        .ok_or_else(|| UnknownLearner {
            name: name.to_owned(),
            hint: hint(&wanted),
        })
}

fn hint(wanted: &str) -> String {
    let names = || LEARNERS.iter().map(|learner| learner.card().name);
    match closest(wanted, names()) {
        close if close.is_empty() => format!("the learners are {}", names().collect::<Vec<_>>().join(", ")),
        close => format!("did you mean {}?", close.join(" or ")),
    }
}
