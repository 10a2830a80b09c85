//! The portfolio: which learners are tried, in which shapes, in which order.
//!
//! Order and shapes follow what wins across tables in published benchmarks (Salinas & Erickson 2024, arXiv 2311.02971;
//! Erickson et al. 2025, arXiv 2506.16791): a baseline and a linear model first, so that there is an answer within moments;
//! then a booster of each kind, then shapes that differ most from those before, for the diversity that blending lives on.

mod lines;

use kolosal_learner::{Family, Learner, Point, TaskKind, Value};
use kolosal_learners::LEARNERS;
use kolosal_pipeline::{Features, MemberPlan};

use crate::{Candidate, Preset, TrainError, TrainRequest};
use lines::LINES;

/// A line of the portfolio.
struct Line {
    name: &'static str,
    learner: &'static str,
    tasks: &'static [TaskKind],
    from: Preset,
    work_per_kilocell: f64,
    work_per_row: f64,
    params: Settings,
    features: Features,
    /// Most rows it is tried on: past them it costs more than it gives. A line with such a bound works on distances between
    /// rows, so it is not tried where those cost much either.
    rows_max: Option<usize>,
}

/// Most differences of two numbers that all distances between rows are made of: some seconds of a thread.
const DISTANCES_MAX: f64 = 2e10;

/// Parameters that differ from a learner's defaults.
type Settings = &'static [(&'static str, Setting)];

#[derive(Clone, Copy)]
enum Setting {
    Float(f64),
    Int(i64),
    Bool(bool),
    Word(&'static str),
}

impl Setting {
    fn value(self) -> Value {
        match self {
            Self::Float(v) => Value::Float(v),
            Self::Int(v) => Value::Int(v),
            Self::Bool(v) => Value::Bool(v),
            Self::Word(v) => Value::Choice(v.to_owned()),
        }
    }
}

/// What the portfolio is cut to.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Rows of a fit.
    pub rows: usize,
    /// Columns once categories and text are spread out into numbers.
    pub spread: usize,
    /// Whether combined features would differ from plain ones.
    pub can_combine: bool,
}

impl Size {
    /// Differences of two numbers that the distances between all rows are made of.
    fn distances(self) -> f64 {
        self.rows as f64 * self.rows as f64 * self.spread as f64
    }
}

/// The candidates for a task, in the order in which they are tried.
///
/// A learner that is asked for but has no line in the portfolio is tried with its defaults.
///
/// # Errors
/// [`TrainError::Learner`] for an unknown name, [`TrainError::NoCandidate`] if nothing asked for can learn the task.
pub fn portfolio(task: TaskKind, size: Size, request: &TrainRequest) -> Result<Vec<Candidate>, TrainError> {
    let asked: Vec<&'static dyn Learner> = request
        .learners
        .iter()
        .map(|name| kolosal_learners::find(name))
        .collect::<Result<_, _>>()?;
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|learner| learner.card().name == name);
    let fits = |line: &&Line| {
        line.tasks.contains(&task)
            && line.from <= request.preset
            && is_asked(line.learner)
            && line
                .rows_max
                .is_none_or(|max| size.rows <= max && size.distances() <= DISTANCES_MAX)
            && (size.can_combine || line.features == Features::Plain)
    };
    let bound = |candidate| request.constraints.bind(candidate);
    let mut candidates: Vec<Candidate> = LINES
        .iter()
        .filter(fits)
        .filter_map(|line| bound(candidate(line)))
        .collect();
    for learner in asked.iter().filter(|learner| learner.card().can_learn(task)) {
        if candidates
            .iter()
            .all(|candidate| candidate.plan.learner.card().name != learner.card().name)
        {
            candidates.extend(bound(Candidate {
                name: learner.card().name.to_owned(),
                plan: MemberPlan::plain(*learner, Point::new()),
                work_per_kilocell: 10.0,
                work_per_row: 0.0,
            }));
        }
    }
    if size.spread > size.rows {
        // With more columns than rows, linear models that drop columns are what wins, and trees cost most.
        candidates.sort_by_key(|candidate| rank_when_wide(candidate.plan.learner));
    }
    if candidates.is_empty() {
        let able = LEARNERS
            .iter()
            .filter(|learner| learner.card().can_learn(task) && request.constraints.suit(**learner));
        let names: Vec<&str> = able.map(|learner| learner.card().name).collect();
        return Err(TrainError::NoCandidate {
            task: task.name(),
            hint: format!("{} can", names.join(", ")),
        });
    }
    Ok(candidates)
}

/// Baseline, then linear models, then the rest.
fn rank_when_wide(learner: &dyn Learner) -> u8 {
    match learner.card().family {
        _ if learner.card().name == "baseline" => 0,
        Family::Linear => 1,
        _ => 2,
    }
}

fn candidate(line: &Line) -> Candidate {
    let learner = kolosal_learners::find(line.learner).expect("the portfolio names learners of the list");
    let point = line
        .params
        .iter()
        .map(|(name, setting)| ((*name).to_owned(), setting.value()))
        .collect();
    Candidate {
        name: line.name.to_owned(),
        plan: MemberPlan {
            learner,
            point,
            features: line.features,
        },
        work_per_kilocell: line.work_per_kilocell,
        work_per_row: line.work_per_row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        rows: 1000,
        spread: 10,
        can_combine: true,
    };

    #[test]
    fn every_line_is_legal_and_its_name_is_its_own() {
        for (i, line) in LINES.iter().enumerate() {
            let candidate = candidate(line);
            let learner = candidate.plan.learner;
            assert!(learner.check(&candidate.plan.point).is_ok(), "{}", line.name);
            assert!(
                line.tasks.iter().all(|&task| learner.card().can_learn(task)),
                "{}",
                line.name
            );
            let clash = LINES[..i]
                .iter()
                .any(|o| o.name == line.name && o.tasks.iter().any(|t| line.tasks.contains(t)));
            assert!(!clash, "{}", line.name);
        }
    }

    #[test]
    fn large_tables_are_spared_what_they_cannot_afford() {
        let names = |rows| {
            let size = Size { rows, ..SIZE };
            let lines =
                portfolio(TaskKind::Regression, size, &TrainRequest::new("y")).expect("many learners");
            lines.iter().map(|c| c.name.clone()).collect::<Vec<_>>()
        };
        assert!(
            names(1000)
                .iter()
                .any(|name| name.starts_with("gaussian_process"))
        );
        assert!(
            !names(1_000_000)
                .iter()
                .any(|name| name.starts_with("gaussian_process"))
        );
        assert!(names(1_000_000).iter().any(|name| name == "lightgbm"));
    }

    #[test]
    fn sparse_linear_models_come_early_where_columns_outnumber_rows() {
        let place = |spread| {
            let size = Size {
                rows: 100,
                spread,
                can_combine: true,
            };
            let lines =
                portfolio(TaskKind::Regression, size, &TrainRequest::new("y")).expect("many learners");
            assert_eq!(lines[0].name, "baseline");
            lines
                .iter()
                .position(|c| c.name == "lasso")
                .expect("a linear model")
        };
        assert!(place(10_000) < 4 && place(10) > 4);
    }

    #[test]
    fn an_unknown_learner_is_refused_and_a_known_one_is_alone() {
        let asking = |name: &str| TrainRequest {
            learners: vec![name.to_owned()],
            ..TrainRequest::new("y")
        };
        assert!(matches!(
            portfolio(TaskKind::Binary, SIZE, &asking("nothing")),
            Err(TrainError::Learner(_))
        ));
        let only = portfolio(TaskKind::Binary, SIZE, &asking("dummy")).expect("an alias");
        assert_eq!(
            only.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            ["baseline"]
        );
    }
}
