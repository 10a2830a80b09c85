//! What every store must do.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

use kolosal_base::ErrorKind;
use kolosal_store::{
    Batch, Input, Metric, NewRun, Owner, Query, Role, RunChange, RunStatus, Stage, Store, StoreError,
    StorePlace, View, Words,
};

use crate::places::now;
use crate::registry;

pub(crate) fn check_store(place: &StorePlace) {
    let store = Store::open(place, now).expect("a new store");
    assert_eq!(
        store.migration().map(|done| (done.from, done.backup.clone())),
        Some((0, None))
    );
    experiments(&store);
    runs(&store);
    metrics(&store);
    params_never_change(&store);
    search(&store);
    paging(&store);
    artifacts(&store);
    registry::check(&store);
    settings(&store);
    tokens(&store);
    writers_share_the_store(&store);
    bad_words_are_refused(&store);
    audit(&store);
    drop(store);
    reopened(place);
}

pub(crate) fn words(pairs: &[(&str, &str)]) -> Words {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

pub(crate) fn find(filter: &str) -> Query {
    Query {
        filter: filter.to_owned(),
        count_max: 1000,
        ..Query::default()
    }
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, StoreError>, kind: ErrorKind) -> StoreError {
    let error = result.expect_err("this must be refused");
    assert_eq!(error.kind(), kind, "{error}");
    error
}

pub(crate) fn new_run(store: &Store, experiment: i64, name: &str) -> String {
    let new = NewRun {
        experiment,
        name: name.to_owned(),
        person: "ada".to_owned(),
        ..NewRun::default()
    };
    store.create_run(new).expect("a run")
}

fn metric(key: &str, value: f64, step: i64, at: i64) -> Metric {
    Metric {
        key: key.to_owned(),
        value,
        at,
        step,
    }
}

fn experiments(store: &Store) {
    assert_eq!(store.experiment(0).expect("made at once").name, "Default");
    let id = store
        .create_experiment("churn", words(&[("team", "a")]), "ada")
        .expect("new");
    refused(
        store.create_experiment("churn", Words::new(), "ada"),
        ErrorKind::Conflict,
    );
    assert_eq!(store.experiment_by_name("churn").expect("there").id, id);
    store.set_experiment_tag(id, "team", "b").expect("a tag");
    assert_eq!(store.experiment(id).expect("there").tags, words(&[("team", "b")]));
    store.rename_experiment(id, "churn 2", "ada").expect("renamed");
    let run = new_run(store, id, "one");
    store
        .set_experiment_stage(id, Stage::Deleted, "ada")
        .expect("deleted");
    assert_eq!(store.run(&run).expect("there").stage, Stage::Deleted);
    let error = refused(
        store.create_experiment("churn 2", Words::new(), "ada"),
        ErrorKind::Conflict,
    );
    assert!(error.to_string().contains("restore"), "{error}");
    refused(
        store.create_run(NewRun {
            experiment: id,
            ..NewRun::default()
        }),
        ErrorKind::Conflict,
    );
    store
        .set_experiment_stage(id, Stage::Active, "ada")
        .expect("restored");
    let found = store
        .search_experiments(&find("name LIKE 'churn%' AND tags.team = 'b'"))
        .expect("found");
    assert_eq!(found.items.iter().map(|found| found.id).collect::<Vec<_>>(), [id]);
    refused(store.experiment(99), ErrorKind::NotFound);
    store.delete_experiment_tag(id, "team").expect("was there");
    refused(store.delete_experiment_tag(id, "team"), ErrorKind::NotFound);
}

fn runs(store: &Store) {
    let run = new_run(store, 0, "parent");
    let child = store
        .create_run(NewRun {
            name: "child".into(),
            tags: words(&[("mlflow.parentRunId", &run)]),
            ..NewRun::default()
        })
        .expect("a run");
    assert_eq!(store.child_runs(&run).expect("found")[0].id, child);
    let ended = RunChange {
        status: Some(RunStatus::Finished),
        ended: Some(7),
        name: Some("done".into()),
    };
    store.update_run(&run, ended, "ada").expect("changed");
    let found = store.run(&run).expect("there");
    assert_eq!(
        (found.status, found.ended, found.name.as_str()),
        (RunStatus::Finished, Some(7), "done")
    );
    store.set_run_stage(&run, Stage::Deleted, "ada").expect("deleted");
    refused(store.log_batch(&run, Batch::default()), ErrorKind::Conflict);
    store.set_run_stage(&run, Stage::Active, "ada").expect("restored");
    refused(store.run(&"0".repeat(32)), ErrorKind::NotFound);
    refused(store.run("../../etc/passwd"), ErrorKind::NotFound);
    let input = Input {
        name: "table".into(),
        digest: "abc".into(),
        source_type: "local".into(),
        source: "table.csv".into(),
        tags: words(&[("mlflow.data.context", "training")]),
        ..Input::default()
    };
    for _ in 0..2 {
        store
            .log_inputs(&run, vec![input.clone()], Vec::new())
            .expect("noted");
    }
    assert_eq!(store.run(&run).expect("there").datasets, [input]);
    let by_data = store.search_runs(
        &[],
        &find("datasets.name = 'table' AND datasets.context = 'training'"),
    );
    assert_eq!(by_data.expect("found").items[0].id, run);
}

fn metrics(store: &Store) {
    let run = new_run(store, 0, "metrics");
    let values = [
        metric("loss", 3.0, 0, 10),
        metric("loss", f64::NAN, 2, 30),
        metric("loss", 2.0, 1, 20),
        metric("edge", f64::INFINITY, 0, 1),
        metric("edge", f64::NEG_INFINITY, 0, 2),
    ];
    for _ in 0..2 {
        let batch = Batch {
            metrics: values.to_vec(),
            ..Batch::default()
        };
        store
            .log_batch(&run, batch)
            .expect("logged, and once more without harm");
    }
    let found = store.run(&run).expect("there");
    assert_eq!(found.metrics.len(), 2);
    assert_eq!(found.metrics[0], metric("edge", f64::NEG_INFINITY, 0, 2));
    assert!(
        found.metrics[1].value.is_nan() && found.metrics[1].step == 2,
        "the latest step counts"
    );
    let history = store.metric_history(&run, "loss", (2, None)).expect("a history");
    assert_eq!(history.items, [values[0].clone(), values[2].clone()]);
    let rest = store
        .metric_history(&run, "loss", (2, history.next.as_deref()))
        .expect("the rest");
    assert!(rest.next.is_none() && rest.items.len() == 1 && rest.items[0].value.is_nan());
    let late = vec![metric("loss", 9.0, 1, 99)];
    store
        .log_batch(
            &run,
            Batch {
                metrics: late,
                ..Batch::default()
            },
        )
        .expect("logged");
    assert!(
        store.run(&run).expect("there").metrics[1].value.is_nan(),
        "an earlier step is not the latest"
    );
    let many: Vec<Metric> = (0..2500)
        .map(|step| metric("many", f64::from(step), step.into(), 5))
        .collect();
    store
        .log_batch(
            &run,
            Batch {
                metrics: many,
                ..Batch::default()
            },
        )
        .expect("logged");
    assert_eq!(
        store
            .metric_history(&run, "many", (5000, None))
            .expect("all")
            .items
            .len(),
        2500
    );
}

fn params_never_change(store: &Store) {
    let run = new_run(store, 0, "params");
    let batch = |value: &str| Batch {
        params: vec![("depth".into(), value.into())],
        tags: vec![("note".into(), value.into())],
        metrics: vec![metric("m", 1.0, 0, 0)],
    };
    store.log_batch(&run, batch("3")).expect("logged");
    store.log_batch(&run, batch("3")).expect("the same once more");
    refused(store.log_batch(&run, batch("4")), ErrorKind::Conflict);
    let found = store.run(&run).expect("there");
    assert_eq!(found.params, words(&[("depth", "3")]));
    assert_eq!(
        found.tags,
        words(&[("note", "3")]),
        "a batch that fails does nothing"
    );
    store.delete_run_tag(&run, "note").expect("was there");
    refused(store.delete_run_tag(&run, "note"), ErrorKind::NotFound);
}

fn search(store: &Store) {
    let id = store
        .create_experiment("search", Words::new(), "ada")
        .expect("new");
    let mut ids = Vec::new();
    for at in 0..6_i64 {
        let run = new_run(store, id, &format!("run {at}"));
        let batch = Batch {
            metrics: vec![
                metric("rmse", at as f64 / 2.0, 0, 0),
                metric("nan", f64::NAN, 0, 0),
            ],
            params: vec![("kind".into(), if at % 2 == 0 { "Tree" } else { "linear" }.into())],
            tags: if at == 3 {
                vec![("odd key'\"`".into(), "100%".into())]
            } else {
                Vec::new()
            },
        };
        store.log_batch(&run, batch).expect("logged");
        ids.push(run);
    }
    let check = |filter: &str, expected: &[usize]| {
        let query = Query {
            order_by: vec!["metrics.rmse ASC".into()],
            ..find(filter)
        };
        let found = store.search_runs(&[id], &query).expect(filter);
        let expected: Vec<&String> = expected.iter().map(|at| &ids[*at]).collect();
        assert_eq!(
            found.items.iter().map(|run| &run.id).collect::<Vec<_>>(),
            expected,
            "{filter}"
        );
    };
    check("", &[0, 1, 2, 3, 4, 5]);
    check("metrics.rmse >= 1 AND params.kind = 'Tree'", &[2, 4]);
    check("params.kind LIKE 'tree'", &[]);
    check("params.kind ILIKE 't%'", &[0, 2, 4]);
    check("params.kind != 'Tree' and metrics.rmse < 2", &[1, 3]);
    check("tags.`odd key'\"` = '100%'", &[]);
    check("tags.\"odd key'\\\"`\" LIKE '100\\%'", &[3]);
    check("tags.nothing IS NULL AND metrics.rmse = 2.5", &[5]);
    check(&format!("run_id IN ('{}', '{}')", ids[1], ids[4]), &[1, 4]);
    check(
        &format!("attributes.run_id NOT IN ('{}') AND metrics.rmse <= 0.5", ids[0]),
        &[1],
    );
    check(
        "run_name = 'run 2' AND status = 'RUNNING' AND start_time > 0",
        &[2],
    );
    check("metrics.nan > 0", &[]);
    check("metrics.nan IS NOT NULL AND metrics.rmse > 2.1", &[5]);
    check("params.kind = 'x'' OR 1=1 --'", &[]);
    orders(store, id, &ids);
}

/// Runs in the orders asked for, and filters that are refused.
fn orders(store: &Store, id: i64, ids: &[String]) {
    let query = |order: &str| Query {
        order_by: vec![order.into()],
        ..find("")
    };
    let down = store
        .search_runs(&[id], &query("params.kind DESC"))
        .expect("ordered");
    assert_eq!(down.items[0].params["kind"], "linear");
    let by_tag = store
        .search_runs(&[id], &query("tags.`odd key'\"\\``"))
        .expect("ordered");
    assert_eq!(by_tag.items[0].id, ids[3], "runs without the tag come last");
    for bad in [
        "metrics.rmse = 'high'",
        "nothing = 1",
        "metrics.rmse LIKE '1'",
        "foo.bar = 1",
        "a = 1 OR b = 2",
    ] {
        refused(store.search_runs(&[id], &find(bad)), ErrorKind::Invalid);
    }
    refused(
        store.search_runs(&[id], &query("metrics.rmse; DROP TABLE runs")),
        ErrorKind::Invalid,
    );
}

fn paging(store: &Store) {
    let id = store
        .create_experiment("pages", Words::new(), "ada")
        .expect("new");
    let ids: Vec<String> = (0..7).map(|at| new_run(store, id, &format!("{at}"))).collect();
    store
        .set_run_stage(&ids[0], Stage::Deleted, "ada")
        .expect("deleted");
    let mut query = Query {
        count_max: 4,
        ..Query::default()
    };
    let first = store.search_runs(&[id], &query).expect("a page");
    query.page = first.next.clone();
    let last = store.search_runs(&[id], &query).expect("a page");
    let mut seen: Vec<String> = first
        .items
        .into_iter()
        .chain(last.items)
        .map(|run| run.id)
        .collect();
    seen.sort();
    let mut expected = ids[1..].to_vec();
    expected.sort();
    assert_eq!((seen, last.next), (expected, None));
    let deleted = Query {
        view: View::Deleted,
        ..find("")
    };
    assert_eq!(store.search_runs(&[id], &deleted).expect("found").items.len(), 1);
    for page in ["zz", "6f", "6f2d31", "é", "6f393939393939393939393939"] {
        let query = Query {
            page: Some(page.into()),
            ..find("")
        };
        refused(store.search_runs(&[id], &query), ErrorKind::Invalid);
    }
}

fn artifacts(store: &Store) {
    let owner = Owner::Run(new_run(store, 0, "artifacts"));
    for (path, bytes) in [
        ("a.txt", "one"),
        ("model/MLmodel", "two"),
        ("model/data/x", "three"),
        ("model.txt", "one"),
    ] {
        store
            .put_artifact_bytes(&owner, path, bytes.as_bytes())
            .expect("stored");
    }
    let list = |folder: &str| -> Vec<(String, u64)> {
        let found = store.list_artifacts(&owner, folder).expect("a list");
        found.into_iter().map(|found| (found.path, found.size)).collect()
    };
    let entry = |path: &str, size| (path.to_owned(), size);
    assert_eq!(
        list(""),
        [entry("a.txt", 3), entry("model.txt", 3), entry("model", 0)]
    );
    assert_eq!(
        list("model/"),
        [entry("model/MLmodel", 3), entry("model/data", 0)]
    );
    assert!(list("nothing").is_empty());
    let mut text = String::new();
    let (mut file, found) = store.open_artifact(&owner, "model/data/x").expect("there");
    file.read_to_string(&mut text).expect("readable");
    assert_eq!((text.as_str(), found.size), ("three", 5));
    refused(
        store.put_artifact_bytes(&owner, "model", b"x"),
        ErrorKind::Invalid,
    );
    refused(
        store.put_artifact_bytes(&owner, "a.txt/b", b"x"),
        ErrorKind::Invalid,
    );
    for path in [
        "../x", "/x", "a//b", "a/./b", "a/..", "", "a\\b", "C:x", "a\0b", "a/", "%2e%2e/x", "a#b", "a?b",
        " x",
    ] {
        refused(store.put_artifact_bytes(&owner, path, b"x"), ErrorKind::Invalid);
        refused(store.open_artifact(&owner, path).map(drop), ErrorKind::Invalid);
    }
    refused(
        store.put_artifact_bytes(&Owner::Run("f".repeat(32)), "a", b"x"),
        ErrorKind::NotFound,
    );
    let mut blob = store.begin_blob(2).expect("begun");
    refused(blob.add(b"123"), ErrorKind::Invalid);
    store.delete_artifact(&owner, "model").expect("there");
    assert_eq!(list(""), [entry("a.txt", 3), entry("model.txt", 3)]);
    refused(store.delete_artifact(&owner, "model"), ErrorKind::NotFound);
    assert!(store.scrub().expect("read").is_empty());
}

fn settings(store: &Store) {
    assert_eq!(
        store
            .set_setting("limit", Some("1"), Some(0), "ada")
            .expect("set"),
        1
    );
    refused(
        store.set_setting("limit", Some("2"), Some(0), "bob"),
        ErrorKind::Conflict,
    );
    assert_eq!(
        store
            .set_setting("limit", Some("2"), Some(1), "bob")
            .expect("set"),
        2
    );
    assert_eq!(store.settings().expect("read")[0].value.as_deref(), Some("2"));
    store.set_setting("limit", None, None, "ada").expect("taken away");
    assert!(store.settings().expect("read").is_empty());
    let history: Vec<Option<String>> = store
        .setting_history("limit")
        .expect("read")
        .into_iter()
        .map(|set| set.value)
        .collect();
    assert_eq!(history, [Some("1".into()), Some("2".into()), None]);
}

fn tokens(store: &Store) {
    let (secret, info) = store.create_token("ci", Role::Editor, None, "ada").expect("made");
    assert_eq!(store.check_token(&secret).expect("asked"), Some(info.clone()));
    assert_eq!(store.check_token("kolosal_0").expect("asked"), None);
    assert_eq!(
        store.check_token(&info.id).expect("asked"),
        None,
        "the identifier opens nothing"
    );
    store.revoke_token(&info.id, "ada").expect("revoked");
    assert_eq!(store.check_token(&secret).expect("asked"), None);
    refused(store.revoke_token(&info.id, "ada"), ErrorKind::NotFound);
    let (ended, _) = store
        .create_token("old", Role::Admin, Some(now() - 1), "ada")
        .expect("made");
    assert_eq!(store.check_token(&ended).expect("asked"), None);
    assert_eq!(store.tokens().expect("a list").len(), 2);
}

/// Writers at once: every acknowledged write is there once, numbers of versions have no gap and no double.
fn writers_share_the_store(store: &Store) {
    store.create_model("busy", "", Words::new(), "ada").expect("new");
    let run = new_run(store, 0, "busy");
    let failed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8_i64 {
            let (run, failed) = (&run, &failed);
            scope.spawn(move || {
                for step in 0..20 {
                    let batch = Batch {
                        metrics: vec![metric("shared", 1.0, thread * 100 + step, 0)],
                        ..Batch::default()
                    };
                    store.log_batch(run, batch).expect("logged");
                    // One that fails must not take its neighbours' work with it.
                    let bad = Batch {
                        params: vec![("p".into(), format!("{thread}"))],
                        ..Batch::default()
                    };
                    failed.fetch_add(usize::from(store.log_batch(run, bad).is_err()), Ordering::Relaxed);
                }
                registry::version_of(store, "busy", &thread.to_le_bytes());
            });
        }
    });
    assert_eq!(
        failed.load(Ordering::Relaxed),
        7 * 20,
        "one thread's parameter was the first"
    );
    assert_eq!(
        store
            .metric_history(&run, "shared", (1000, None))
            .expect("read")
            .items
            .len(),
        160
    );
    let versions = store
        .search_versions(&find("name = 'busy'"))
        .expect("found")
        .items;
    let numbers: BTreeMap<i64, String> = versions
        .into_iter()
        .map(|found| (found.version, found.digest))
        .collect();
    assert_eq!(
        numbers.keys().copied().collect::<Vec<_>>(),
        (1..=8).collect::<Vec<_>>()
    );
}

fn bad_words_are_refused(store: &Store) {
    let run = new_run(store, 0, "words");
    let tag = |key: &str, value: String| {
        let tags = vec![(key.to_owned(), value)];
        store.log_batch(
            &run,
            Batch {
                tags,
                ..Batch::default()
            },
        )
    };
    tag("é 雪", "x".repeat(8000)).expect("allowed");
    refused(tag("k", "x".repeat(8001)), ErrorKind::Invalid);
    refused(tag("k", "a\0b".into()), ErrorKind::Invalid);
    refused(tag("", "v".into()), ErrorKind::Invalid);
    refused(tag("../../x", "v".into()), ErrorKind::Invalid);
    refused(tag("/x", "v".into()), ErrorKind::Invalid);
    refused(tag(&"k".repeat(251), "v".into()), ErrorKind::Invalid);
    let long = vec![("p".to_owned(), "x".repeat(6001))];
    refused(
        store.log_batch(
            &run,
            Batch {
                params: long,
                ..Batch::default()
            },
        ),
        ErrorKind::Invalid,
    );
    refused(
        store.search_runs(&[], &find("tags.k = 'a\0b'")),
        ErrorKind::Invalid,
    );
}

fn audit(store: &Store) {
    let check = store.audit_verify().expect("read");
    assert!(check.problem.is_none() && check.entries > 50, "{check:?}");
    let last = store.audit(1, None).expect("read").items.remove(0);
    assert_eq!((last.seq, last.hash), (check.entries, check.head));
}

fn reopened(place: &StorePlace) {
    let store = Store::open(place, now).expect("the same store");
    assert!(store.migration().is_none());
    assert_eq!(
        store
            .version_by_alias("price", "champion")
            .expect("there")
            .version,
        2
    );
    assert!(store.audit_verify().expect("read").problem.is_none());
    store.probe().expect("it takes writes");
}
