//! Damage, and processes that die.

use std::fs;
use std::process::{Command, Stdio};

use kolosal_base::ErrorKind;
use kolosal_store::{Batch, Metric, NewRun, Owner, Store, StorePlace};

use crate::places::{in_folder, now};

fn open(place: &StorePlace) -> Store {
    Store::open(place, now).expect("a store")
}

#[test]
fn a_blob_that_rots_is_found_and_never_given_out() {
    let (_folder, place) = in_folder();
    let store = open(&place);
    let run = Owner::Run(store.create_run(NewRun::default()).expect("a run"));
    store
        .put_artifact_bytes(&run, "a", b"some bytes")
        .expect("stored");
    let file = store.artifact_file(&run, "a").expect("there");
    fs::write(&file, b"Some bytes").expect("our own file");
    let error = store.open_artifact(&run, "a").map(drop).expect_err("damaged");
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    assert_eq!(store.scrub().expect("read").len(), 1);
    store
        .put_artifact_bytes(&run, "b", b"some bytes")
        .expect("stored");
    assert!(store.open_artifact(&run, "a").is_ok(), "equal bytes mend it");
    fs::remove_file(&file).expect("our own file");
    assert_eq!(
        store.open_artifact(&run, "a").map(drop).expect_err("gone").kind(),
        ErrorKind::Data
    );
}

#[test]
fn an_unfinished_blob_leaves_nothing() {
    let (_folder, place) = in_folder();
    let store = open(&place);
    let mut blob = store.begin_blob(100).expect("begun");
    blob.add(b"half").expect("written");
    let unfinished = || {
        fs::read_dir(std::path::Path::new(&place.rows).join("blobs/unfinished"))
            .expect("there")
            .count()
    };
    assert_eq!(unfinished(), 1);
    drop(blob);
    assert_eq!(unfinished(), 0);
}

#[test]
fn a_file_that_is_no_store_is_refused() {
    let (_folder, place) = in_folder();
    fs::create_dir_all(&place.rows).expect("our own folder");
    fs::write(
        std::path::Path::new(&place.rows).join("kolosal.db"),
        "x".repeat(5000),
    )
    .expect("our own file");
    let error = Store::open(&place, now).map(drop).expect_err("no store");
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    for bad in ["mysql://x", "http://x/y"] {
        let error = Store::open(&StorePlace::new(bad), now)
            .map(drop)
            .expect_err("no place");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
    let shown = StorePlace::new("postgres://ada:secret@host/db").shown();
    assert!(!shown.contains("secret") && shown.contains("host/db"), "{shown}");
}

/// Writes until it is killed, and says what was acknowledged. Run by the test below in a process of its own.
#[test]
#[ignore = "run by another test, in a process that is killed"]
#[expect(
    clippy::disallowed_methods,
    reason = "a test that is told its folder by the environment"
)]
fn writes_until_killed() {
    let Ok(folder) = std::env::var("KOLOSAL_TEST_STORE") else {
        return;
    };
    let store = open(&StorePlace::new(folder.clone()));
    let run = store.create_run(NewRun::default()).expect("a run");
    fs::write(format!("{folder}.run"), &run).expect("writable");
    std::thread::scope(|scope| {
        for thread in 0..4_i64 {
            let (store, run, folder) = (&store, &run, &folder);
            scope.spawn(move || {
                let mut acknowledged = fs::File::create(format!("{folder}.{thread}")).expect("writable");
                for step in 0.. {
                    let step = thread * 1_000_000 + step;
                    let metric = Metric {
                        key: "m".into(),
                        value: 1.0,
                        at: 0,
                        step,
                    };
                    store
                        .log_batch(
                            run,
                            Batch {
                                metrics: vec![metric],
                                ..Batch::default()
                            },
                        )
                        .expect("logged");
                    use std::io::Write;
                    writeln!(acknowledged, "{step}").expect("writable");
                }
            });
        }
    });
}

#[test]
fn what_was_acknowledged_outlives_a_kill() {
    let (_folder, place) = in_folder();
    for _ in 0..3 {
        let mut writer = Command::new(std::env::current_exe().expect("this test"))
            .args(["--ignored", "--exact", "faults::writes_until_killed"])
            .env("KOLOSAL_TEST_STORE", &place.rows)
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let lines = |thread: i64| -> Vec<i64> {
            let text = fs::read_to_string(format!("{}.{thread}", place.rows)).unwrap_or_default();
            // The last line may be cut; what was said in full counts.
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            whole.lines().map(|line| line.parse().expect("a step")).collect()
        };
        while lines(3).len() < 50 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        writer.kill().expect("a signal that cannot be caught");
        writer.wait().expect("it was started here");
        let store = open(&place);
        let run = fs::read_to_string(format!("{}.run", place.rows)).expect("written");
        let kept = store
            .metric_history(&run, "m", (1_000_000, None))
            .expect("read")
            .items;
        let mut kept: Vec<i64> = kept.iter().map(|metric| metric.step).collect();
        kept.sort_unstable();
        for thread in 0..4 {
            let told = lines(thread);
            assert!(
                told.iter().all(|step| kept.binary_search(step).is_ok()),
                "a write was lost"
            );
            let _ = fs::remove_file(format!("{}.{thread}", place.rows));
        }
        assert!(
            kept.windows(2).all(|pair| pair[0] < pair[1]),
            "a write is there twice"
        );
        assert!(store.audit_verify().expect("read").problem.is_none());
    }
}
