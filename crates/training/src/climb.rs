//! Climbing: larger models of what does best, as long as larger is better.
//!
//! The portfolio's shapes suit most tables; on some, deep interactions want trees several times as large, or networks passes
//! several times as many. Such a table shows it: of a learner's candidates the largest does best. Then the next size is tried,
//! and the next, until one is no better.

use std::collections::BTreeSet;

use kolosal_learner::{Metric, Value};
use kolosal_pipeline::Features;

use crate::Candidate;
use crate::trial::Finished;

/// How the models of a learner grow.
struct Ladder {
    learner: &'static str,
    param: &'static str,
    /// What the parameter is where a candidate does not say.
    default: i64,
    most: i64,
    step: Step,
    /// How many times longer a fit takes one step up.
    cost: f64,
}

#[derive(Clone, Copy)]
enum Step {
    Times(i64),
    Plus(i64),
}

impl Step {
    fn up(self, from: i64) -> i64 {
        match self {
            Self::Times(factor) => from.saturating_mul(factor),
            Self::Plus(more) => from.saturating_add(more),
        }
    }
}

const LADDERS: &[Ladder] = &[
    Ladder {
        learner: "lightgbm",
        param: "num_leaves",
        default: 31,
        most: 512,
        step: Step::Times(2),
        cost: 1.6,
    },
    Ladder {
        learner: "xgboost",
        param: "max_depth",
        default: 6,
        most: 12,
        step: Step::Plus(2),
        cost: 2.0,
    },
    Ladder {
        learner: "catboost",
        param: "depth",
        default: 6,
        most: 10,
        step: Step::Plus(2),
        cost: 2.0,
    },
    // A network's work follows from its passes.
    Ladder {
        learner: "mlp",
        param: "row_passes",
        default: 0,
        most: 20_000_000,
        step: Step::Times(3),
        cost: 1.0,
    },
];

/// A learner whose best candidate closes less than this share of the gap between the worst and the best of all is not worth a
/// larger model.
const SHARE_MIN: f64 = 0.8;

/// Part of the gap between the worst and the best that a step must close for another to follow.
const GAIN_MIN: f64 = 0.003;

/// What marks the name of a candidate that was climbed to.
const MARK: &str = ", climbed to ";

/// Candidates that are larger than the best of their learners.
#[derive(Debug, Default)]
pub(crate) struct Climb {
    proposed: BTreeSet<String>,
}

impl Climb {
    /// The next size of the best candidate of a learner whose largest candidate is its best, best learner first; `None` if no
    /// learner has one that was not proposed yet. With it, whether that learner's best is the best of all.
    pub(crate) fn next(&self, metric: &dyn Metric, finished: &[Finished]) -> Option<(Candidate, bool)> {
        let tried: Vec<Tried<'_>> = finished
            .iter()
            .map(|done| Tried {
                candidate: &done.candidate,
                loss: metric.loss(done.score),
            })
            .collect();
        self.next_of(&tried)
    }

    /// Takes note that a candidate is tried, or cannot be.
    pub(crate) fn take(&mut self, candidate: &Candidate) {
        self.proposed.insert(candidate.name.clone());
    }

    fn next_of(&self, tried: &[Tried<'_>]) -> Option<(Candidate, bool)> {
        let losses = || tried.iter().map(|one| one.loss);
        let (lowest, highest) = (
            losses().fold(f64::INFINITY, f64::min),
            losses().fold(f64::NEG_INFINITY, f64::max),
        );
        let bar = highest - SHARE_MIN * (highest - lowest);
        let mut ups: Vec<(f64, Candidate)> = LADDERS
            .iter()
            .filter_map(|ladder| ladder.up(tried, GAIN_MIN * (highest - lowest)))
            .filter(|(loss, up)| *loss <= bar && !self.proposed.contains(&up.name))
            .collect();
        ups.sort_by(|a, b| a.0.total_cmp(&b.0));
        ups.into_iter().next().map(|(loss, up)| (up, loss <= lowest))
    }
}

/// A candidate and how it did.
struct Tried<'a> {
    candidate: &'a Candidate,
    loss: f64,
}

impl Ladder {
    fn height(&self, candidate: &Candidate) -> i64 {
        match candidate.plan.point.get(self.param) {
            Some(Value::Int(value)) => *value,
            _ => self.default,
        }
    }

    /// The step up from the learner's best, with the loss of the best; `None` where a larger one was no better.
    fn up(&self, tried: &[Tried<'_>], gain_min: f64) -> Option<(f64, Candidate)> {
        let of_learner = || {
            tried
                .iter()
                .filter(|one| one.candidate.plan.learner.card().name == self.learner)
        };
        let best = of_learner().min_by(|a, b| a.loss.total_cmp(&b.loss))?;
        let height = self.height(best.candidate);
        let features: Features = best.candidate.plan.features;
        let second = of_learner()
            .map(|one| one.loss)
            .filter(|loss| *loss > best.loss)
            .fold(f64::INFINITY, f64::min);
        // The last step must have brought something: each makes the model twice as large.
        let is_worthwhile = !best.candidate.name.contains(MARK) || second - best.loss >= gain_min;
        let was_higher = of_learner()
            .any(|one| self.height(one.candidate) > height && (one.candidate.plan.features == features));
        let target = self.step.up(height).min(self.most);
        if !is_worthwhile || was_higher || height == 0 || target <= height {
            return None;
        }
        let mut up = best.candidate.clone();
        up.plan.point.insert(self.param.to_owned(), Value::Int(target));
        up.work_per_kilocell *= self.cost;
        let root = up.name.split(MARK).next().unwrap_or_default();
        let root = root.split(", hastened").next().unwrap_or_default();
        up.name = format!("{root}{MARK}{target} {}", self.param.replace('_', " "));
        Some((best.loss, up))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kolosal_learner::Point;
    use kolosal_pipeline::MemberPlan;

    fn candidate(name: &str, param: Option<(&str, i64)>) -> Candidate {
        let learner = name.split(',').next().expect("a name starts with its learner");
        let learner = kolosal_learners::find(learner).expect("on the list");
        let point: Point = param
            .map(|(name, value)| (name.to_owned(), Value::Int(value)))
            .into_iter()
            .collect();
        Candidate {
            name: name.to_owned(),
            plan: MemberPlan::plain(learner, point),
            work_per_kilocell: 10.0,
            work_per_row: 0.0,
        }
    }

    fn next(climb: &Climb, tried: &[(Candidate, f64)]) -> Option<(Candidate, bool)> {
        let tried: Vec<Tried<'_>> = tried
            .iter()
            .map(|(candidate, loss)| Tried {
                candidate,
                loss: *loss,
            })
            .collect();
        climb.next_of(&tried)
    }

    #[test]
    fn the_largest_is_outgrown_while_larger_is_better() {
        let mut climb = Climb::default();
        let mut tried = vec![
            (candidate("baseline", None), 9.0),
            (candidate("lightgbm, few", Some(("num_leaves", 15))), 4.0),
            (candidate("lightgbm, hastened", None), 3.0),
        ];
        let mut sizes = Vec::new();
        for loss in [2.0, 1.5, 1.7] {
            let (up, is_of_best) = next(&climb, &tried).expect("the largest is the best");
            assert!(is_of_best);
            assert!(up.work_per_kilocell > 10.0 && up.plan.learner.check(&up.plan.point).is_ok());
            climb.take(&up);
            sizes.push(up.name.clone());
            tried.push((up, loss));
        }
        assert_eq!(
            sizes,
            [62, 124, 248].map(|leaves| format!("lightgbm, climbed to {leaves} num leaves"))
        );
        assert!(next(&climb, &tried).is_none(), "the last step was one too many");
    }

    #[test]
    fn nothing_is_climbed_where_smaller_is_better_or_the_learner_is_far_behind() {
        let climb = Climb::default();
        let small = [
            (candidate("baseline", None), 9.0),
            (candidate("lightgbm, few", Some(("num_leaves", 8))), 2.0),
            (candidate("lightgbm", None), 3.0),
        ];
        assert!(next(&climb, &small).is_none());
        let behind = [
            (candidate("baseline", None), 9.0),
            (candidate("ridge", None), 1.0),
            (candidate("xgboost", None), 5.0),
        ];
        assert!(next(&climb, &behind).is_none());
    }

    #[test]
    fn a_step_that_brought_little_is_the_last_and_a_top_is_an_end() {
        let climb = Climb::default();
        let little = [
            (candidate("baseline", None), 9.0),
            (candidate("catboost", None), 2.0),
            (
                candidate("catboost, climbed to 8 depth", Some(("depth", 8))),
                1.99,
            ),
        ];
        assert!(next(&climb, &little).is_none());
        let top = [
            (candidate("baseline", None), 9.0),
            (candidate("catboost, deep", Some(("depth", 10))), 2.0),
        ];
        assert!(next(&climb, &top).is_none());
        let endless = [(candidate("baseline", None), 9.0), (candidate("mlp", None), 2.0)];
        assert!(
            next(&climb, &endless).is_none(),
            "its schedule has no bound to raise"
        );
    }
}
