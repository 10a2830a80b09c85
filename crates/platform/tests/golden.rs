//! Models written by released formats load for ever after and answer as they did.
//!
//! `golden/v<format>/` holds a model for each learner and one that goes through every transform, each with the answers
//! it gave when it was written; `golden/README.md` says how they were made. A new format gets a folder of its own; the
//! files of the old ones never change.

use std::path::{Path, PathBuf};

use kolosal_platform::{Cancel, Platform, Settings, SystemClock};

fn platform() -> Platform {
    let settings = Settings {
        threads: Some(1),
        memory_bytes: None,
    };
    Platform::new(&settings, SystemClock::start(), Cancel::new()).expect("one thread is always there")
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Every model of every format, with the table it answers.
fn models() -> Vec<PathBuf> {
    let mut models = Vec::new();
    for format in std::fs::read_dir(golden())
        .expect("the folder exists")
        .map(|entry| entry.expect("readable").path())
    {
        if format.is_dir() {
            let files = std::fs::read_dir(&format)
                .expect("readable")
                .map(|entry| entry.expect("readable").path());
            models.extend(files.filter(|file| file.extension().is_some_and(|e| e == "kolosal")));
        }
    }
    models.sort();
    models
}

fn numbers(cells: &str) -> Vec<Result<f64, String>> {
    cells
        .split(',')
        .map(|cell| cell.parse().map_err(|_| cell.to_owned()))
        .collect()
}

#[test]
fn every_golden_model_loads_and_answers_as_it_did() {
    let platform = platform();
    let models = models();
    assert!(
        models.len() >= 9,
        "a model for each learner and one for the transforms: {models:?}"
    );
    for file in models {
        let model = platform.load(&file).unwrap_or_else(|error| panic!("{error}"));
        let out = std::env::temp_dir().join(format!("kolosal-golden-{}.csv", std::process::id()));
        let table = golden().join("table.csv");
        platform
            .predict(&model, (&table, &out), None)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let found = std::fs::read_to_string(&out).expect("answers were written");
        std::fs::remove_file(&out).expect("answers were written");
        let expected =
            std::fs::read_to_string(file.with_extension("csv")).expect("answers lie beside the model");
        assert_eq!(
            found.lines().next(),
            expected.lines().next(),
            "{}",
            file.display()
        );
        assert_eq!(
            found.lines().count(),
            expected.lines().count(),
            "{}",
            file.display()
        );
        for (row, (found, expected)) in found.lines().zip(expected.lines()).enumerate().skip(1) {
            for pair in numbers(found).into_iter().zip(numbers(expected)) {
                let is_same = match &pair {
                    (Ok(a), Ok(b)) => (a - b).abs() <= 1e-12 * b.abs().max(1.0),
                    (a, b) => a == b,
                };
                assert!(is_same, "{}, row {row}: {pair:?}", file.display());
            }
        }
    }
}

#[test]
fn there_is_a_golden_model_for_every_learner() {
    let platform = platform();
    let names: Vec<String> = models()
        .iter()
        .filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    for learner in platform.learners() {
        assert!(
            names.iter().any(|name| name == learner.name),
            "{} has no golden model",
            learner.name
        );
    }
}

#[test]
fn a_damaged_model_is_refused_wherever_the_damage_is() {
    let platform = platform();
    let file = golden().join("v1/decision_tree.kolosal");
    let bytes = std::fs::read(&file).expect("a golden model");
    let damaged = std::env::temp_dir().join(format!("kolosal-damaged-{}.kolosal", std::process::id()));
    for at in 0..bytes.len() {
        let mut copy = bytes.clone();
        copy[at] ^= 1 << (at % 8);
        std::fs::write(&damaged, &copy).expect("the temporary folder is writable");
        assert!(
            platform.load(&damaged).is_err(),
            "a flipped bit in byte {at} was not noticed"
        );
        if at % 16 == 0 {
            std::fs::write(&damaged, &bytes[..at]).expect("the temporary folder is writable");
            assert!(
                platform.load(&damaged).is_err(),
                "a file cut at byte {at} was not noticed"
            );
        }
    }
    std::fs::remove_file(&damaged).expect("it was written");
}
