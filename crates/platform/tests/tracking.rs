//! A training is a run, and what it has shown can be asked for.

use std::path::Path;

use kolosal_platform::store::{RunStatus, Store, StorePlace};
use kolosal_platform::{
    Cancel, Platform, Preset, Settings, SystemClock, TaskChoice, Tracking, TrainJob, Unheard, history,
    unix_ms,
};

fn job(folder: &Path) -> TrainJob {
    let data = folder.join("t.csv");
    let rows: String = (0..80)
        .map(|i| format!("{},{},{}\n", i % 40, ["u", "v"][i % 2], (i % 40) * 2))
        .collect();
    std::fs::write(&data, format!("x,c,y\n{rows}")).expect("writable");
    TrainJob {
        task: TaskChoice::Regression,
        preset: Preset::Fast,
        learners: vec!["ridge".into(), "baseline".into()],
        seed: 1,
        ..TrainJob::new(data, "y", folder.join("m.kolosal"))
    }
}

fn platform() -> Platform {
    let settings = Settings {
        threads: Some(1),
        memory_bytes: None,
    };
    Platform::new(&settings, SystemClock::start(), Cancel::new()).expect("one thread")
}

#[test]
fn earlier_trainings_tell_their_table_and_their_trials() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(
        &StorePlace::new(folder.path().join("s").display().to_string()),
        unix_ms,
    )
    .expect("new");
    let tracking = Tracking {
        store: &store,
        experiment: "tests".into(),
        person: "ada".into(),
        host: "here".into(),
    };
    let (summary, run) = platform()
        .train_tracked(&job(folder.path()), &Unheard, &tracking)
        .expect("a model");
    let run = run.expect("it was noted");
    assert_eq!(store.run(&run).expect("there").status, RunStatus::Finished);

    let past = history(&store, "regression", 10).expect("read");
    assert_eq!((past.len(), past[0].metric.as_str()), (1, "rmse"));
    let traits = &past[0].traits;
    assert_eq!((traits.rows, traits.columns), (80, 2));
    assert_eq!(traits.sha256, summary.manifest.data.sha256);
    let params = store.run(&run).expect("there").params;
    assert_eq!(
        ["data.columns", "data.classes"].map(|name| params[name].as_str()),
        ["3", "0"]
    );
    assert_eq!(past[0].trials.len(), summary.trials.len());
    for (trial, report) in past[0].trials.iter().zip(&summary.trials) {
        assert_eq!(
            (trial.learner.as_str(), trial.loss),
            (report.learner, report.score),
            "{}",
            report.name
        );
        let params: Vec<(String, String)> = report
            .point
            .iter()
            .map(|(name, value)| (name.clone(), value.to_string()))
            .collect();
        assert_eq!(trial.params.clone().into_iter().collect::<Vec<_>>(), params);
    }
    assert!(history(&store, "binary", 10).expect("read").is_empty());
    assert!(history(&store, "x' OR '1'='1", 10).is_err());
}

#[test]
fn a_training_whose_process_is_gone_has_failed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(
        &StorePlace::new(folder.path().join("s").display().to_string()),
        unix_ms,
    )
    .expect("new");
    let dead = kolosal_platform::store::NewRun {
        // Numbers of processes end far below.
        tags: [("kolosal.kind", "train"), ("kolosal.process", "here 4999999")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..Default::default()
    };
    let dead = store.create_run(dead).expect("a run");
    let tracking = Tracking {
        store: &store,
        experiment: "tests".into(),
        person: "ada".into(),
        host: "here".into(),
    };
    platform()
        .train_tracked(&job(folder.path()), &Unheard, &tracking)
        .expect("a model");
    assert_eq!(store.run(&dead).expect("there").status, RunStatus::Failed);
}
