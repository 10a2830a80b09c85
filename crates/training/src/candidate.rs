//! The portfolio: which learners are tried, in which shapes, in which order.
//!
//! Order and shapes follow what wins across tables in published benchmarks: a baseline and a linear model first, so
//! that there is an answer within moments; then averages of many trees, which need no tuning; then other shapes of
//! both, for the diversity that blending lives on.

use kolosal_learner::{Learner, Point, TaskKind, Value};
use kolosal_learners::LEARNERS;
use kolosal_pipeline::MemberPlan;

use crate::{Preset, TrainError, TrainRequest};

/// One thing to try.
#[derive(Clone)]
pub struct Candidate {
    /// A name for people: the learner, and what sets it apart.
    pub name: String,
    /// Learner and parameters.
    pub plan: MemberPlan,
    /// Work of one fit per thousand cells (rows times columns), in work units.
    work_per_kilocell: f64,
}

impl Candidate {
    /// Work units of one fit on this many rows and columns, at least one; the same on every machine.
    pub fn work(&self, rows: usize, columns: usize) -> u64 {
        let cells = rows as f64 * columns.max(1) as f64;
        (cells / 1e3 * self.work_per_kilocell).ceil().max(1.0) as u64
    }
}

/// A line of the portfolio.
struct Line {
    name: &'static str,
    learner: &'static str,
    tasks: &'static [TaskKind],
    from: Preset,
    work_per_kilocell: f64,
    params: Settings,
}

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

const CLASSES: &[TaskKind] = &[TaskKind::Binary, TaskKind::Multiclass];
const NUMBERS: &[TaskKind] = &[TaskKind::Regression];
const ALL: &[TaskKind] = &[TaskKind::Binary, TaskKind::Multiclass, TaskKind::Regression];

use Setting::{Bool, Float, Int, Word};

const LINES: &[Line] = &[
    line("baseline", "baseline", &[]).costing(0.1),
    line("logistic_regression", "logistic_regression", &[]).on(CLASSES),
    line("ridge", "ridge", &[]).on(NUMBERS),
    line(
        "decision_tree",
        "decision_tree",
        &[("max_depth", Int(6)), ("min_samples_leaf", Int(5))],
    ),
    line("lightgbm", "lightgbm", QUICK).costing(30.0),
    line("catboost", "catboost", STOPPING)
        .from(Preset::Balanced)
        .costing(150.0),
    line("lightgbm, random cuts", "lightgbm", RANDOM_CUTS)
        .from(Preset::Balanced)
        .costing(120.0),
    line("lightgbm, shallow", "lightgbm", SHALLOW)
        .from(Preset::Balanced)
        .costing(80.0),
    line("xgboost", "xgboost", LEVEL_WISE)
        .from(Preset::Balanced)
        .costing(80.0),
    line("random_forest", "random_forest", &[]).costing(60.0),
    line("extra_trees", "extra_trees", &[])
        .from(Preset::Balanced)
        .costing(60.0),
    line("random_forest, larger leaves", "random_forest", LARGER_LEAVES)
        .from(Preset::Balanced)
        .costing(100.0),
    line("extra_trees, larger leaves", "extra_trees", LARGER_LEAVES)
        .from(Preset::Balanced)
        .costing(100.0),
    line("logistic_regression, sparse", "logistic_regression", SPARSE)
        .on(CLASSES)
        .from(Preset::Balanced)
        .costing(5.0),
    line(
        "logistic_regression, C=0.1",
        "logistic_regression",
        &[("c", Float(0.1))],
    )
    .on(CLASSES)
    .from(Preset::Balanced),
    line("lasso", "lasso", &[])
        .on(NUMBERS)
        .from(Preset::Balanced)
        .costing(2.0),
    line("elastic_net", "elastic_net", &[])
        .on(NUMBERS)
        .from(Preset::Balanced)
        .costing(2.0),
    line("lightgbm, large", "lightgbm", LARGE)
        .from(Preset::Best)
        .costing(300.0),
    line("catboost, depth 8", "catboost", DEEP)
        .from(Preset::Best)
        .costing(500.0),
    line("random_forest, entropy", "random_forest", ENTROPY)
        .on(CLASSES)
        .from(Preset::Best)
        .costing(200.0),
    line("extra_trees, entropy", "extra_trees", ENTROPY)
        .on(CLASSES)
        .from(Preset::Best)
        .costing(200.0),
    line("random_forest, few features", "random_forest", FEW_FEATURES)
        .on(NUMBERS)
        .from(Preset::Best)
        .costing(100.0),
    line("extra_trees, few features", "extra_trees", FEW_FEATURES)
        .on(NUMBERS)
        .from(Preset::Best)
        .costing(100.0),
];

const QUICK: Settings = &[
    ("n_estimators", Int(300)),
    ("learning_rate", Float(0.08)),
    ("early_stopping_round", Int(30)),
];
const STOPPING: Settings = &[("early_stopping_rounds", Int(60))];
const RANDOM_CUTS: Settings = &[
    ("n_estimators", Int(1500)),
    ("learning_rate", Float(0.04)),
    ("num_leaves", Int(39)),
    ("min_data_in_leaf", Int(3)),
    ("feature_fraction", Float(0.5)),
    ("bagging_fraction", Float(0.88)),
    ("bagging_freq", Int(1)),
    ("extra_trees", Bool(true)),
    ("early_stopping_round", Int(60)),
];
const SHALLOW: Settings = &[
    ("n_estimators", Int(1500)),
    ("learning_rate", Float(0.05)),
    ("num_leaves", Int(8)),
    ("min_data_in_leaf", Int(10)),
    ("feature_fraction", Float(0.7)),
    ("early_stopping_round", Int(60)),
];
const LEVEL_WISE: Settings = &[
    ("n_estimators", Int(1000)),
    ("learning_rate", Float(0.07)),
    ("min_child_weight", Float(0.6)),
    ("colsample_bynode", Float(0.7)),
    ("early_stopping_rounds", Int(50)),
];
const LARGE: Settings = &[
    ("n_estimators", Int(2000)),
    ("learning_rate", Float(0.03)),
    ("num_leaves", Int(128)),
    ("min_data_in_leaf", Int(3)),
    ("feature_fraction", Float(0.9)),
    ("early_stopping_round", Int(60)),
];
const DEEP: Settings = &[
    ("iterations", Int(1500)),
    ("depth", Int(8)),
    ("early_stopping_rounds", Int(60)),
];
const SPARSE: Settings = &[("penalty", Word("l1")), ("c", Float(0.3))];
const LARGER_LEAVES: Settings = &[
    ("n_estimators", Int(200)),
    ("min_samples_leaf", Int(3)),
    ("max_features", Word("fraction")),
    ("max_features_fraction", Float(0.5)),
];
const ENTROPY: Settings = &[
    ("n_estimators", Int(500)),
    ("criterion", Word("entropy")),
    ("min_samples_leaf", Int(2)),
];
const FEW_FEATURES: Settings = &[("n_estimators", Int(500)), ("max_features", Word("sqrt"))];

/// A line for every task and preset, as cheap as a linear model.
const fn line(name: &'static str, learner: &'static str, params: Settings) -> Line {
    Line {
        name,
        learner,
        tasks: ALL,
        from: Preset::Fast,
        work_per_kilocell: 1.0,
        params,
    }
}

impl Line {
    const fn on(mut self, tasks: &'static [TaskKind]) -> Self {
        self.tasks = tasks;
        self
    }

    const fn from(mut self, preset: Preset) -> Self {
        self.from = preset;
        self
    }

    const fn costing(mut self, work_per_kilocell: f64) -> Self {
        self.work_per_kilocell = work_per_kilocell;
        self
    }
}

/// The candidates for a task, in the order in which they are tried.
///
/// A learner that is asked for but has no line in the portfolio is tried with its defaults.
///
/// # Errors
/// [`TrainError::Learner`] for an unknown name, [`TrainError::NoCandidate`] if nothing asked for can learn the task.
pub fn portfolio(task: TaskKind, request: &TrainRequest) -> Result<Vec<Candidate>, TrainError> {
    let asked: Vec<&'static dyn Learner> = request
        .learners
        .iter()
        .map(|name| kolosal_learners::find(name))
        .collect::<Result<_, _>>()?;
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|learner| learner.card().name == name);
    let fits =
        |line: &&Line| line.tasks.contains(&task) && line.from <= request.preset && is_asked(line.learner);
    let mut candidates: Vec<Candidate> = LINES.iter().filter(fits).map(candidate).collect();
    for learner in asked.iter().filter(|learner| learner.card().can_learn(task)) {
        if candidates
            .iter()
            .all(|candidate| candidate.plan.learner.card().name != learner.card().name)
        {
            let plan = MemberPlan {
                learner: *learner,
                point: Point::new(),
            };
            candidates.push(Candidate {
                name: learner.card().name.to_owned(),
                plan,
                work_per_kilocell: 10.0,
            });
        }
    }
    if candidates.is_empty() {
        let able = LEARNERS.iter().filter(|learner| learner.card().can_learn(task));
        let names: Vec<&str> = able.map(|learner| learner.card().name).collect();
        return Err(TrainError::NoCandidate {
            task: task.name(),
            hint: format!("{} can", names.join(", ")),
        });
    }
    Ok(candidates)
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
        plan: MemberPlan { learner, point },
        work_per_kilocell: line.work_per_kilocell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn an_unknown_learner_is_refused_and_a_known_one_is_alone() {
        let asking = |name: &str| TrainRequest {
            learners: vec![name.to_owned()],
            ..TrainRequest::new("y")
        };
        assert!(matches!(
            portfolio(TaskKind::Binary, &asking("nothing")),
            Err(TrainError::Learner(_))
        ));
        let only = portfolio(TaskKind::Binary, &asking("dummy")).expect("an alias");
        assert_eq!(
            only.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            ["baseline"]
        );
    }
}
