//! Objectives by LightGBM's names and parameters.

use kolosal_learner::Meaning;

use super::super::{InteropError, Library};
use crate::boost::link::Link;

/// How an objective's answers are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answer {
    pub(super) link: Link,
    pub(super) meaning: Meaning,
    /// What scores are multiplied by.
    pub(super) factor: f64,
}

/// Reads a line such as `binary sigmoid:1`; no line stands for scores that are answers.
pub(super) fn answer_of(line: Option<&str>) -> Result<Answer, InteropError> {
    let mut words = line
        .unwrap_or("custom")
        .split(' ')
        .filter(|word| !word.is_empty());
    let name = words.next().unwrap_or("custom");
    let mut factor = 1.0;
    for word in words {
        match word.split_once(':') {
            Some(("sigmoid", text)) => {
                let sigmoid = text
                    .parse()
                    .ok()
                    .filter(|factor: &f64| *factor > 0.0 && factor.is_finite());
                factor = sigmoid.ok_or_else(|| {
                    refuse(&format!(
                        "its sigmoid is '{text}'; a positive number belongs there"
                    ))
                })?;
            }
            None if word == "sqrt" => {
                return Err(refuse(
                    "its target was trained by square root (reg_sqrt); train it on the target itself",
                ));
            }
            _ => {}
        }
    }
    let (link, meaning) = match name {
        "binary" => (Link::Logistic, Meaning::ClassProbability),
        "multiclass" => (Link::Softmax, Meaning::ClassProbability),
        "multiclassova" => (Link::OneVersusAll, Meaning::ClassProbability),
        "cross_entropy" => (Link::Logistic, Meaning::Number),
        "poisson" | "gamma" | "tweedie" => (Link::Exponential, Meaning::Number),
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank"
        | "rank_xendcg" | "custom" => (Link::Identity, Meaning::Number),
        other => {
            return Err(refuse(&format!(
                "its objective '{other}' is not known; train it with one of LightGBM's own"
            )));
        }
    };
    Ok(Answer {
        link,
        meaning,
        factor,
    })
}

fn refuse(what: &str) -> InteropError {
    InteropError::foreign(Library::Lightgbm, what)
}

/// The objective line under which LightGBM answers as this link does.
pub(super) fn objective_of(link: Link, meaning: Meaning, outputs: usize) -> String {
    match (link, meaning) {
        (Link::Identity, _) => "regression".to_owned(),
        (Link::Exponential, _) => "poisson".to_owned(),
        (Link::Logistic, Meaning::ClassProbability) => "binary sigmoid:1".to_owned(),
        (Link::Logistic, _) => "cross_entropy".to_owned(),
        (Link::Softmax, _) => format!("multiclass num_class:{outputs}"),
        (Link::OneVersusAll, _) => format!("multiclassova num_class:{outputs} sigmoid:1"),
    }
}
