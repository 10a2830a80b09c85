//! A fold's member knows nothing of the rows outside the fold.

use kolosal_frame::Column;
use kolosal_learner::Task;
use kolosal_learners::LEARNERS;
use kolosal_pipeline::{
    DataFacts, Manifest, MemberPlan, Pipeline, PipelineParts, SharedFeatures, TargetSpec, fit_member,
    read_artifact, write_artifact,
};
use kolosal_testkit::learner::{LearnerCase, outside_changed};
use kolosal_testkit::tables::{Answers, Table, everything};
use kolosal_testkit::{Room, Subject};

/// Rows of the fold; all others are held out.
fn inside() -> Vec<u32> {
    (0..150).filter(|row| row % 5 != 2).collect()
}

fn spec(task: Task) -> TargetSpec {
    match task {
        Task::Regression => TargetSpec::regression("y"),
        Task::Anomaly | Task::Clustering => TargetSpec::unlabelled(task),
        task => {
            let labels: Vec<String> = (0..task.width()).map(|class| format!("class {class}")).collect();
            TargetSpec::classification("y", &Column::categories(&labels)).expect("some classes")
        }
    }
}

/// The artifact of a pipeline whose one member was fitted on the fold alone.
fn bytes_of_fold(case: &LearnerCase, table: &Table, task: Task) -> Vec<u8> {
    let shared = SharedFeatures::new(&table.frame);
    let features = Table {
        frame: shared.frame.clone(),
        ..table.clone()
    };
    let plan = MemberPlan::plain(case.learner, case.point());
    let rows = inside();
    let fold = features.fold(&rows);
    let member = fit_member(&plan, &fold.train(), &Room::new(1).cx()).expect("a healthy fold");
    let (schema, transforms) = shared.into_parts();
    let parts = PipelineParts {
        schema,
        target: spec(task),
        shared: transforms,
        members: vec![(1.0, member)],
        temperature: None,
        factors: None,
        conformal: None,
    };
    let pipeline = Pipeline::new(parts);
    written(&manifest(&pipeline), &pipeline)
}

fn written(manifest: &Manifest, pipeline: &Pipeline) -> Vec<u8> {
    let mut bytes = Vec::new();
    let count = write_artifact(manifest, pipeline, &mut bytes).expect("memory takes every byte");
    assert_eq!(count, bytes.len() as u64);
    bytes
}

fn manifest(pipeline: &Pipeline) -> Manifest {
    Manifest {
        version: "0".to_owned(),
        task: pipeline.target().task.kind().name().to_owned(),
        target: pipeline.target().name.clone(),
        classes: pipeline.target().classes.iter().map(str::to_owned).collect(),
        features: Vec::new(),
        data: DataFacts::default(),
        seed: 0,
        options: [].into(),
        metric: String::new(),
        scores: [].into(),
        leaderboard: Vec::new(),
        members: pipeline.member_entries(),
        importances: pipeline.importances(),
        notes: Vec::new(),
        guards: Vec::new(),
        facts: [].into(),
        groups: Vec::new(),
    }
}

/// Features and answers of every row outside the fold changed. Levels stay: they are those of the whole table.
fn with_other_held_out_rows(table: &Table) -> Table {
    let rows = inside();
    let is_outside = |row: &usize| rows.binary_search(&(*row as u32)).is_err();
    let mut other = outside_changed(table, &rows);
    match &mut other.answers {
        Answers::Numbers(values) => (0..values.len())
            .filter(is_outside)
            .for_each(|row| values[row] = 1e6),
        Answers::Classes { codes, .. } => (0..codes.len()).filter(is_outside).for_each(|row| codes[row] = 0),
        Answers::Unknown { .. } => {}
    }
    other
}

fn cases() -> Vec<LearnerCase> {
    LEARNERS
        .iter()
        .flat_map(|learner| LearnerCase::of(*learner))
        .collect()
}

#[test]
fn held_out_rows_leave_no_trace_in_the_bytes_of_a_member() {
    let mut found = Vec::new();
    for case in cases() {
        let task = case.task.expect("cases of tasks");
        let table = everything(task, 150, 1);
        let bytes = bytes_of_fold(&case, &table, task);
        if bytes != bytes_of_fold(&case, &with_other_held_out_rows(&table), task) {
            found.push(case.whom());
        }
    }
    assert!(
        found.is_empty(),
        "held-out rows show in the bytes of: {}",
        found.join("; ")
    );
}

#[test]
fn a_trace_of_a_held_out_row_would_show() {
    // The same comparison with one row of the fold itself changed: it must differ for learners that look at features.
    let case = cases()
        .into_iter()
        .find(|case| case.learner.card().name == "decision_tree");
    let case = case.expect("a learner that looks at features");
    let task = case.task.expect("cases of tasks");
    let table = everything(task, 150, 1);
    let all_but_few: Vec<u32> = (20..150).collect();
    let other = outside_changed(&table, &all_but_few);
    assert_ne!(
        bytes_of_fold(&case, &table, task),
        bytes_of_fold(&case, &other, task)
    );
}

#[test]
fn any_member_answers_the_same_after_its_artifact_was_read() {
    for case in cases() {
        let task = case.task.expect("cases of tasks");
        let table = everything(task, 150, 1);
        let bytes = bytes_of_fold(&case, &table, task);
        let read = read_artifact(&bytes).expect("what was written is readable");
        assert_eq!(read.manifest, manifest(&read.pipeline), "{}", case.whom());
        let again = written(&read.manifest, &read.pipeline);
        assert!(again == bytes, "written again, {} differs", case.whom());
        let room = Room::new(2);
        let answers = read
            .pipeline
            .predict(&table.frame, &room.workers)
            .expect("the columns of training");
        assert!(
            answers.values().iter().all(|value| value.is_finite()),
            "{}",
            case.whom()
        );
        let unknown = everything(task, 60, 5);
        let answers = read
            .pipeline
            .predict(&unknown.frame, &room.workers)
            .expect("the columns of training");
        assert!(
            answers.values().iter().all(|value| value.is_finite()),
            "{}",
            case.whom()
        );
    }
}
