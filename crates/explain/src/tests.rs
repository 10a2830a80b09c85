//! Every learner's answers are what the values add up to, through pipelines as they are made.

use kolosal_base::{Cancel, Seed};
use kolosal_compute::Workers;
use kolosal_learner::Task;
use kolosal_pipeline::{MemberPlan, Pipeline, PipelineParts, SharedFeatures, TargetSpec, fit_member};
use kolosal_testkit::Room;
use kolosal_testkit::learner::LearnerCase;
use kolosal_testkit::tables::{Table, everything, mixed};

use super::{Effort, Explanation, Method, explain};

fn spec(task: Task) -> TargetSpec {
    match task {
        Task::Regression => TargetSpec::regression("y"),
        Task::Anomaly | Task::Clustering => TargetSpec::unlabelled(task),
        task => {
            let labels: Vec<String> = (0..task.width()).map(|class| format!("class {class}")).collect();
            TargetSpec::classification("y", &kolosal_frame::Column::categories(&labels)).unwrap()
        }
    }
}

fn pipeline(case: &LearnerCase, table: &Table, task: Task) -> Pipeline {
    let shared = SharedFeatures::new(&table.frame);
    let features = Table {
        frame: shared.frame.clone(),
        ..table.clone()
    };
    let plan = MemberPlan::plain(case.learner, case.point());
    let member = fit_member(&plan, &features.train(), &Room::new(1).cx()).unwrap();
    let (schema, shared) = shared.into_parts();
    Pipeline::new(PipelineParts {
        schema,
        target: spec(task),
        shared,
        members: vec![(1.0, member)],
        temperature: None,
        factors: None,
        conformal: None,
    })
}

fn explained(pipeline: &Pipeline, table: &Table, threads: usize) -> Explanation {
    let (workers, cancel) = (Workers::new(threads), Cancel::new());
    let effort = Effort {
        workers: &workers,
        cancel: &cancel,
        seed: Seed::new(3),
    };
    explain(pipeline, &table.frame, (&[2, 9, 40], &[1, 12, 25, 33]), effort).unwrap()
}

/// Values and base of each row add up to the answer, or to the score that it is made of.
fn check(case: &LearnerCase, table: &Table, task: Task) -> Method {
    let pipeline = pipeline(case, table, task);
    let found = explained(&pipeline, table, 1);
    assert_eq!(found, explained(&pipeline, table, 2), "threads change nothing");
    let answers = pipeline.predict(&table.frame, &Workers::new(1)).unwrap();
    let totals = found.totals();
    for (place, row) in [2_usize, 9, 40].into_iter().enumerate() {
        let total = &totals[place * found.outputs.len()..(place + 1) * found.outputs.len()];
        let answer = answers.row(row);
        let expected: Vec<f64> = match (found.method, task) {
            (Method::Scores, Task::Binary) => vec![(answer[1] / answer[0]).ln()],
            (Method::Scores, Task::Multiclass { .. }) => continue,
            (Method::Scores, _) if found.outputs[0].starts_with("logarithm") => vec![answer[0].ln()],
            (_, Task::Anomaly) => vec![answer[0]],
            (_, Task::Clustering) if answer[0] < 0.0 => vec![1.0],
            (_, Task::Clustering) => vec![answer[1]],
            _ => answer.to_vec(),
        };
        for (a, b) in total.iter().zip(&expected) {
            let name = case.learner.card().name;
            assert!(
                (a - b).abs() <= 1e-7 * (1.0 + b.abs()),
                "{name}: {total:?} and not {expected:?}"
            );
        }
    }
    found.method
}

#[test]
fn values_add_up_for_every_learner_and_task() {
    for learner in kolosal_learners::LEARNERS {
        for case in LearnerCase::of(*learner) {
            let task = case.task.unwrap();
            let method = check(&case, &mixed(task, learner.card(), 60, 1), task);
            let knows_scores = [
                "logistic_regression",
                "ridge",
                "lasso",
                "elastic_net",
                "linear_svm",
                "huber",
                "quantile",
                "glm",
                "lightgbm",
                "xgboost",
            ];
            if knows_scores.contains(&learner.card().name) {
                assert_eq!(method, Method::Scores, "{}", learner.card().name);
            }
        }
    }
}

#[test]
fn values_add_up_through_transforms_and_walks() {
    for name in ["ridge", "decision_tree", "logistic_regression", "neighbors"] {
        let learner = kolosal_learners::LEARNERS
            .iter()
            .find(|learner| learner.card().name == name)
            .unwrap();
        for case in LearnerCase::of(*learner) {
            let task = case.task.unwrap();
            let table = everything(task, 120, 1);
            check(&case, &table, task);
            let nine = table.with_column(
                "again",
                kolosal_frame::Kind::Numeric,
                kolosal_frame::Column::numbers((0..120).map(f64::from).collect()),
            );
            let method = check(&case, &nine, task);
            assert!(method == Method::Walks || method == Method::Scores, "{name}");
        }
    }
}

#[test]
fn a_column_that_does_not_count_gets_nothing() {
    let learner = kolosal_learners::LEARNERS
        .iter()
        .find(|learner| learner.card().name == "decision_tree")
        .unwrap();
    let case = LearnerCase::of(*learner)
        .into_iter()
        .find(|case| case.task == Some(Task::Regression))
        .unwrap();
    let size = kolosal_testkit::tables::PlainSize { rows: 60, columns: 3 };
    let table = kolosal_testkit::tables::plain(Task::Regression, size, 1);
    let table = table.replacing(2, kolosal_frame::Column::numbers(vec![1.0; 60]));
    let found = explained(&pipeline(&case, &table, Task::Regression), &table, 1);
    assert_eq!(found.method, Method::Subsets);
    assert!(
        found
            .values
            .iter()
            .skip(2)
            .step_by(3)
            .all(|value| value.abs() < 1e-12)
    );
    assert!(found.importances()[0] > found.importances()[2]);
}
