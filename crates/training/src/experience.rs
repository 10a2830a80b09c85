//! What earlier trainings teach: which lines of the portfolio to try first, and what a search already knows.
//!
//! A past trial counts by how far its loss was above the best of its training, in units of the distance from the best to the
//! median; a past training counts by how alike its table is in rows, columns and share of categories. A line's place is what it
//! is expected to lose, its place in the portfolio weighing as much as two trainings of a table just like this one. The
//! first lines stay first: they give an answer within moments.

use std::collections::BTreeMap;

use kolosal_asht::{PastStudy, Point as AshtPoint};
use kolosal_learner::{Learner, Point, TaskKind};

use crate::Candidate;

/// A finished training of some table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Experience {
    /// `binary`, `multiclass` or `regression`.
    pub task: String,
    /// The metric it was after.
    pub metric: String,
    /// What its table is like.
    pub traits: Traits,
    /// Its trials.
    pub trials: Vec<PastTrial>,
}

/// What tables are compared by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Traits {
    /// Rows with a known target.
    pub rows: usize,
    /// Feature columns.
    pub columns: usize,
    /// Those of them that are categories.
    pub categorical: usize,
    /// What [`crate::table_hash`] gives for it.
    pub sha256: String,
}

/// A trial of a finished training.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PastTrial {
    /// The learner.
    pub learner: String,
    /// Its parameters as asked for, as text.
    pub params: BTreeMap<String, String>,
    /// Its loss, less being better; `None` if it failed.
    pub loss: Option<f64>,
}

/// Candidates at the head of the portfolio that stay there.
const HEAD: usize = 6;
/// Trials that a training must have for their losses to be compared.
const TRIALS_MIN: usize = 4;
/// What a trial loses at most, and what a failed one loses: twice the way from the best to the median.
const LOST_MAX: f64 = 2.0;
/// What the first line behind the head is thought to lose, and what the last one is thought to lose beyond that.
const LOST_FIRST: f64 = 0.4;
const LOST_BEHIND: f64 = 0.8;
/// How many trainings of a table just like this one the portfolio's own order weighs.
const ORDER_WEIGHT: f64 = 2.0;
/// How many others a training of this very table weighs.
const SAME_WEIGHT: f64 = 4.0;
/// Tables less alike than this teach nothing.
const ALIKE_MIN: f64 = 0.1;
/// Distances at which tables are alike to three fifths: in powers of ten of rows and of columns, and in shares of categories.
const ROWS_APART: f64 = 0.5;
const COLUMNS_APART: f64 = 0.5;
const CATEGORIES_APART: f64 = 0.3;
/// Parameters that haste changes: they do not make another line.
const HURRIED: [&str; 2] = ["learning_rate", "row_passes"];
/// Most trainings that a search is begun with.
const STUDIES_MAX: usize = 4;

/// The table at hand and the trainings that say something about it.
pub(crate) struct Memory<'a> {
    /// Trainings with how much each counts, in the order given.
    alike: Vec<(f64, &'a Experience)>,
}

impl<'a> Memory<'a> {
    pub(crate) fn new(past: &'a [Experience], now: &Traits, (task, metric): (TaskKind, &str)) -> Self {
        let is_same_question = |past: &&Experience| past.task == task.name() && past.metric == metric;
        let alike = past
            .iter()
            .filter(is_same_question)
            .map(|past| (likeness(now, &past.traits), past))
            .filter(|(weight, past)| *weight >= ALIKE_MIN && past.trials.len() >= TRIALS_MIN);
        Self {
            alike: alike.collect(),
        }
    }

    /// How many trainings say something.
    pub(crate) fn len(&self) -> usize {
        self.alike.len()
    }

    /// The candidates, those that did well on tables like this one first.
    pub(crate) fn ordered(&self, mut candidates: Vec<Candidate>) -> Vec<Candidate> {
        if self.alike.is_empty() || candidates.len() <= HEAD {
            return candidates;
        }
        let tail = candidates.split_off(HEAD);
        let count = tail.len() as f64;
        let mut ranked: Vec<(f64, Candidate)> = tail
            .into_iter()
            .enumerate()
            .map(|(at, candidate)| {
                let own = LOST_FIRST + LOST_BEHIND * at as f64 / count;
                (self.expected_loss(&candidate, own), candidate)
            })
            .collect();
        // The sort is stable: lines that nothing is known of keep their order.
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
        candidates.extend(ranked.into_iter().map(|(_, candidate)| candidate));
        candidates
    }

    fn expected_loss(&self, candidate: &Candidate, own: f64) -> f64 {
        let learner = candidate.plan.learner.card().name;
        let wanted = line_of(
            candidate
                .plan
                .point
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_string())),
        );
        let (mut sum, mut weight) = (ORDER_WEIGHT * own, ORDER_WEIGHT);
        for (alike, past) in &self.alike {
            let Some(scale) = Scale::of(past) else { continue };
            let same = past.trials.iter().find(|trial| {
                let line = line_of(
                    trial
                        .params
                        .iter()
                        .map(|(name, text)| (name.as_str(), text.clone())),
                );
                trial.learner == learner && line == wanted
            });
            if let Some(trial) = same {
                sum += alike * scale.lost(trial.loss);
                weight += alike;
            }
        }
        sum / weight
    }

    /// Past trials as points of a search's space; `write` makes them from a learner's complete parameters.
    pub(crate) fn studies(
        &self,
        write: impl Fn(&Point, &'static dyn Learner) -> Option<AshtPoint>,
    ) -> Vec<PastStudy> {
        let mut by_weight: Vec<&(f64, &Experience)> = self.alike.iter().collect();
        by_weight.sort_by(|a, b| b.0.total_cmp(&a.0));
        let study = |(_, past): &&(f64, &Experience)| PastStudy {
            trials: past
                .trials
                .iter()
                .filter_map(|trial| {
                    let learner = kolosal_learners::find(&trial.learner).ok()?;
                    let complete = learner.check(&parsed(trial, learner)?).ok()?;
                    Some((
                        write(&complete, learner)?,
                        trial.loss.filter(|loss| loss.is_finite())?,
                    ))
                })
                .collect(),
        };
        by_weight.iter().take(STUDIES_MAX).map(study).collect()
    }
}

/// Parameters of a trial; `None` if the learner does not know them any more.
fn parsed(trial: &PastTrial, learner: &dyn Learner) -> Option<Point> {
    let parse = |(name, text): (&String, &String)| {
        let def = learner.params().iter().find(|def| def.name == name)?;
        let value = def.legal.parse(text).filter(|value| def.legal.contains(value))?;
        Some((name.clone(), value))
    };
    trial.params.iter().map(parse).collect()
}

/// What makes a line of the portfolio, whatever haste it was tried in.
fn line_of<'a>(params: impl Iterator<Item = (&'a str, String)>) -> BTreeMap<&'a str, String> {
    params.filter(|(name, _)| !HURRIED.contains(name)).collect()
}

/// Losses of a training: from the best to the median.
struct Scale {
    best: f64,
    width: f64,
}

impl Scale {
    fn of(past: &Experience) -> Option<Self> {
        let mut losses: Vec<f64> = past
            .trials
            .iter()
            .filter_map(|trial| trial.loss.filter(|loss| loss.is_finite()))
            .collect();
        losses.sort_unstable_by(f64::total_cmp);
        let (best, median) = (*losses.first()?, losses[losses.len() / 2]);
        (losses.len() >= TRIALS_MIN && median > best).then_some(Self {
            best,
            width: median - best,
        })
    }

    fn lost(&self, loss: Option<f64>) -> f64 {
        let lost = loss.map_or(LOST_MAX, |loss| (loss - self.best) / self.width);
        if lost.is_finite() {
            lost.clamp(0.0, LOST_MAX)
        } else {
            LOST_MAX
        }
    }
}

/// How much a training of another table counts, from zero to one; more for this very table.
fn likeness(a: &Traits, b: &Traits) -> f64 {
    if !a.sha256.is_empty() && a.sha256 == b.sha256 {
        return SAME_WEIGHT;
    }
    let power = |count: usize| (count.max(1) as f64).log10();
    let share = |traits: &Traits| traits.categorical as f64 / traits.columns.max(1) as f64;
    let apart = [
        (power(a.rows) - power(b.rows)) / ROWS_APART,
        (power(a.columns) - power(b.columns)) / COLUMNS_APART,
        (share(a) - share(b)) / CATEGORIES_APART,
    ];
    (-0.5 * apart.iter().map(|d| d * d).sum::<f64>()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Size, TrainRequest, portfolio};

    const SIZE: Size = Size {
        rows: 2000,
        spread: 12,
        can_combine: true,
    };

    fn traits(rows: usize) -> Traits {
        Traits {
            rows,
            columns: 12,
            categorical: 2,
            sha256: String::new(),
        }
    }

    fn lines() -> Vec<Candidate> {
        portfolio(TaskKind::Regression, SIZE, &TrainRequest::new("y")).expect("many learners")
    }

    /// A training in which each line lost as much as `loss` says of its name.
    fn training(rows: usize, loss: impl Fn(&str) -> Option<f64>) -> Experience {
        let trial = |candidate: &Candidate| PastTrial {
            learner: candidate.plan.learner.card().name.to_owned(),
            params: candidate
                .plan
                .point
                .iter()
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect(),
            loss: loss(&candidate.name),
        };
        Experience {
            task: "regression".to_owned(),
            metric: "rmse".to_owned(),
            traits: traits(rows),
            trials: lines().iter().map(trial).collect(),
        }
    }

    fn order(past: &[Experience]) -> Vec<String> {
        let memory = Memory::new(past, &traits(2000), (TaskKind::Regression, "rmse"));
        let lines = memory.ordered(lines());
        lines.into_iter().map(|candidate| candidate.name).collect()
    }

    #[test]
    fn what_won_on_tables_like_this_one_comes_right_behind_the_head() {
        let plain = order(&[]);
        let last = plain.last().expect("lines").clone();
        let won = |name: &str| {
            Some(if name == last {
                1.0
            } else {
                2.0 + name.len() as f64 / 100.0
            })
        };
        let past = vec![training(1500, won), training(3000, won), training(2000, won)];
        let ordered = order(&past);
        assert_eq!(ordered[..HEAD], plain[..HEAD]);
        assert_eq!(ordered[HEAD], last);
        let names = |order: Vec<String>| order.into_iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names(ordered), names(plain), "no line is lost");
    }

    #[test]
    fn other_tables_questions_and_trials_that_failed_promote_nothing() {
        let plain = order(&[]);
        let last = plain.last().expect("lines").clone();
        let won = |name: &str| Some(if name == last { 1.0 } else { 2.0 });
        assert_eq!(
            order(&[training(2_000_000, won)]),
            plain,
            "a table of another size"
        );
        let mut other = training(2000, won);
        other.metric = "mae".to_owned();
        assert_eq!(order(&[other]), plain, "another metric");
        assert_eq!(order(&[training(2000, |_| None)]), plain, "nothing finished");
        let failed = |name: &str| (name != last).then(|| 1.0 + name.len() as f64 / 100.0);
        let ordered = order(&[training(2000, failed), training(2000, failed)]);
        assert_eq!(ordered.last(), Some(&last), "what failed is tried last");
    }

    #[test]
    fn trials_become_points_and_those_that_no_learner_knows_are_left_out() {
        let mut past = training(2000, |name| Some(name.len() as f64));
        past.trials[0].learner = "no such learner".to_owned();
        past.trials[1]
            .params
            .insert("no_such_parameter".to_owned(), "1".to_owned());
        past.trials[2].loss = Some(f64::NAN);
        let count = past.trials.len();
        let all = [past];
        let memory = Memory::new(&all, &traits(2000), (TaskKind::Regression, "rmse"));
        let studies = memory.studies(|_, _| Some(AshtPoint::new()));
        assert_eq!((studies.len(), studies[0].trials.len()), (1, count - 3));
    }
}
