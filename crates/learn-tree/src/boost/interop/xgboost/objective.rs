//! Objectives by XGBoost's names, and how its `base_score` becomes a score.

use kolosal_learner::Meaning;

use crate::boost::link::Link;

/// How an objective's answers are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) link: Link,
    pub(super) meaning: Meaning,
    scale: Scale,
}

/// In what terms `base_score` is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Score,
    Probability,
    Mean,
}

/// What answers of an objective are; `None` for those that are not known.
pub(super) fn answer_of(objective: &str) -> Option<Answer> {
    let (link, meaning, scale) = match objective {
        "binary:logistic" => (Link::Logistic, Meaning::ClassProbability, Scale::Probability),
        "reg:logistic" => (Link::Logistic, Meaning::Number, Scale::Probability),
        "multi:softprob" | "multi:softmax" => (Link::Softmax, Meaning::ClassProbability, Scale::Score),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
            (Link::Exponential, Meaning::Number, Scale::Mean)
        }
        "reg:squarederror"
        | "reg:linear"
        | "reg:absoluteerror"
        | "reg:pseudohubererror"
        | "reg:quantileerror"
        | "reg:expectileerror"
        | "reg:squaredlogerror"
        | "binary:logitraw"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map" => (Link::Identity, Meaning::Number, Scale::Score),
        _ => return None,
    };
    Some(Answer { link, meaning, scale })
}

/// The objective under which XGBoost answers as this link does; `None` where it has none.
pub(super) fn objective_of(link: Link, meaning: Meaning) -> Option<&'static str> {
    match (link, meaning) {
        (Link::Identity, _) => Some("reg:squarederror"),
        (Link::Exponential, _) => Some("count:poisson"),
        (Link::Logistic, Meaning::ClassProbability) => Some("binary:logistic"),
        (Link::Logistic, _) => Some("reg:logistic"),
        (Link::Softmax, _) => Some("multi:softprob"),
        (Link::OneVersusAll, _) => None,
    }
}

impl Answer {
    /// The score that `base_score` stands for, in XGBoost's own precision.
    pub(super) fn score(self, base: f32) -> f32 {
        match self.scale {
            Scale::Score => base,
            Scale::Probability => -(1.0 / base - 1.0).ln(),
            Scale::Mean => base.ln(),
        }
    }

    /// The `base_score` that stands for a score, as nearly as single precision can.
    pub(super) fn base(self, score: f64) -> f32 {
        match self.scale {
            Scale::Score => score as f32,
            Scale::Probability => (1.0 / (1.0 + (-score).exp())) as f32,
            Scale::Mean => score.exp() as f32,
        }
    }

    /// A `base_score` whose score is zero.
    pub(super) fn neutral(self) -> f32 {
        match self.scale {
            Scale::Score => 0.0,
            Scale::Probability => 0.5,
            Scale::Mean => 1.0,
        }
    }
}
