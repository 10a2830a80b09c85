//! What a user does wrong is answered: what, where, how to mend it; a code that is not zero; and nothing written.

use crate::shell::{Shell, example};

/// A good table of sixty rows.
fn good() -> String {
    let rows: String = (0..60)
        .map(|i| format!("{}.25,{},{}\n", i, ["u", "v"][i % 2], ["no", "yes"][i % 2]))
        .collect();
    format!("x,c,y\n{rows}")
}

/// Trains on the bytes given; checks the exit code, that every word is in the message, and that nothing was written.
fn check(bytes: impl AsRef<[u8]>, code: i32, words: &[&str]) {
    let shell = Shell::new();
    shell.file("t.csv", bytes);
    let ran = shell.run("train t.csv --target y --preset fast");
    assert_eq!(ran.code, code, "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "'{word}' is not in: {}", ran.err);
    }
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    assert_eq!(shell.files(), ["t.csv"], "something was written");
}

#[test]
fn files_that_are_no_table() {
    check("", 4, &["t.csv", "empty"]);
    check("x,c,y\n", 4, &["t.csv", "no rows"]);
    check([0_u8, 1, 2, 3, 0, 255, 254, 9].repeat(50), 4, &["t.csv"]);
    let shell = Shell::new();
    let ran = shell.run("train nowhere.csv --target y");
    assert_eq!(
        (ran.code, ran.err.contains("nowhere.csv")),
        (3, true),
        "{}",
        ran.err
    );
    let ran = shell.run("train . --target y");
    assert!(ran.code != 0 && ran.err.contains("folder"), "{}", ran.err);
    assert!(shell.files().is_empty());
}

#[test]
fn rows_that_do_not_fit_the_header() {
    check(good() + "1,u\n", 4, &["t.csv", "row 61", "2", "3"]);
    check(good() + "1,u,no,more\n", 4, &["t.csv", "row 61", "4", "3"]);
    check(good() + "1,\"u,no\n2,v,yes\n", 4, &["t.csv", "quote", "62"]);
}

#[test]
fn headers_with_empty_or_repeated_names() {
    check(good().replace("x,c,y", "x,x,y"), 4, &["'x'"]);
    check(good().replace("x,c,y", "x,,y"), 4, &["empty name"]);
}

#[test]
fn encodings_that_are_not_utf_8() {
    let mut latin = good().into_bytes();
    latin.extend(b"1,caf\xe9,no\n");
    check(latin, 4, &["t.csv", "row 61", "UTF-8"]);
    let shell = Shell::new();
    let wide: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain(good().encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    shell.file("wide.csv", wide);
    shell.must("train wide.csv --target y --preset fast");
}

#[test]
fn values_that_are_infinite() {
    check(good() + "inf,u,no\n", 4, &["t.csv", "row 61", "'x'", "inf"]);
    check(good() + "1e999,u,no\n", 4, &["row 61", "'x'", "1e999"]);
}

#[test]
fn targets_that_cannot_be_learned() {
    let shell = Shell::new();
    shell.file("t.csv", good());
    let ran = shell.run("train t.csv --target why");
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(
        ran.err.contains("'why'") && ran.err.contains("closest") && ran.err.contains('y'),
        "{}",
        ran.err
    );
    let table = |target: &str| {
        let rows: String = (0..30).map(|i| format!("{i}.5,{target}\n")).collect();
        format!("x,y\n{rows}")
    };
    check(table(""), 4, &["'y'", "missing in every row"]);
    check(table("a"), 4, &["'y'", "'a' in every row"]);
    check(table("7"), 4, &["'y'", "'7' in every row"]);
    check("x,y\n1,a\n", 4, &["'y'"]);
}

#[test]
fn a_class_with_one_row_is_noted_and_learned_around() {
    let shell = Shell::new();
    shell.file("t.csv", good() + "1,u,maybe\n");
    let ran = shell.must("train t.csv --target y --preset fast");
    assert!(
        ran.err.contains("'maybe'") && ran.err.contains("1 row"),
        "{}",
        ran.err
    );
    let strict = shell.run("train t.csv --target y --strict --output strict.kolosal");
    assert_eq!(strict.code, 4);
    assert!(!shell.path("strict.kolosal").exists());
}

#[test]
fn more_columns_than_any_table_has() {
    let names: Vec<String> = (0..1_000_000).map(|i| format!("c{i}")).collect();
    let cells = vec!["1"; 1_000_000].join(",");
    check(
        format!("{}\n{cells}\n{cells}\n", names.join(",")),
        4,
        &["1000000", "200000"],
    );
}

#[test]
fn models_that_are_damaged() {
    let shell = Shell::new();
    shell.file("t.csv", good());
    shell.must("train t.csv --target y --preset fast");
    let model = std::fs::read(shell.path("model.kolosal")).expect("written");
    let check = |bytes: &[u8], words: &[&str]| {
        shell.file("bad.kolosal", bytes);
        for line in [
            "predict bad.kolosal t.csv --output out.csv",
            "leaderboard bad.kolosal",
            "evaluate bad.kolosal t.csv",
        ] {
            let ran = shell.run(line);
            assert_eq!(ran.code, 4, "{line}: {}", ran.err);
            assert!(
                words.iter().all(|word| ran.err.contains(word)),
                "{line}: {}",
                ran.err
            );
            assert!(!shell.path("out.csv").exists());
        }
    };
    check(&model[..model.len() / 2], &["bad.kolosal", "truncated"]);
    check(&model[..10], &["bad.kolosal", "truncated"]);
    check(b"not a model", &["bad.kolosal", "does not start like a model"]);
    check(b"", &["bad.kolosal"]);
    let mut newer = model.clone();
    newer[8] = 99;
    check(&newer, &["format version 99", "newer version"]);
    for at in [9, 40, 70, 200, model.len() / 2, model.len() - 1] {
        let mut flipped = model.clone();
        flipped[at] ^= 4;
        check(&flipped, &["bad.kolosal"]);
    }
}

#[test]
fn tables_that_do_not_fit_the_model() {
    let shell = Shell::new();
    shell.file("t.csv", good());
    shell.must("train t.csv --target y --preset fast");
    let check = |table: &str, words: &[&str]| {
        shell.file("new.csv", table);
        let ran = shell.run("predict model.kolosal new.csv --output out.csv");
        assert_eq!(ran.code, 4, "{}", ran.err);
        assert!(words.iter().all(|word| ran.err.contains(word)), "{}", ran.err);
        assert!(!shell.path("out.csv").exists(), "something was written");
    };
    check("c\nu\n", &["'x'"]);
    check("x,c\nhello,u\n", &["'x'", "hello", "row 1"]);
    shell.file("new.csv", "x,c\n1,u\n");
    let ran = shell.run("predict model.kolosal new.csv --output answers.doc");
    assert!(ran.code != 0 && ran.err.contains(".csv"), "{}", ran.err);
    let ran = shell.run("predict model.kolosal new.csv --output nowhere/answers.csv");
    assert!(
        ran.code != 0 && ran.err.contains("folder does not exist"),
        "{}",
        ran.err
    );
}

#[test]
fn options_that_make_no_sense() {
    let shell = Shell::new();
    shell.file("t.csv", good());
    for (line, words) in [
        ("train t.csv", "--target"),
        ("train t.csv --target y --time-limit soon", "60s"),
        ("train t.csv --target y --memory-limit lots", "8GiB"),
        ("train t.csv --target y --threads 0", "from 1 to"),
        ("train t.csv --target y --metric acuracy", "accuracy"),
        ("train t.csv --target y --metric rmse", "rmse"),
        ("train t.csv --target y --learners randomforst", "random_forest"),
        ("train t.csv --target y --learners ridge", "binary"),
        ("train t.csv --target y --column-type x=number", "numeric"),
        ("train t.csv --target y --column-type z=text", "'z'"),
        ("train t.csv --target y --column-type c=numeric", "'c'"),
        ("train t.csv --target y --weight c", "'c'"),
        (
            "fit random_forest t.csv --target y --set n_estimator=5",
            "n_estimators",
        ),
        (
            "fit random_forest t.csv --target y --set n_estimators=0",
            "from 1 to",
        ),
        (
            "fit random_forest t.csv --target y --set n_estimators=many",
            "whole number",
        ),
        ("fit ridge t.csv --target y", "binary"),
        ("nonsense", "nonsense"),
    ] {
        let ran = shell.run(line);
        assert!(
            ran.code != 0 && ran.err.contains(words),
            "{line} ({}): {}",
            ran.code,
            ran.err
        );
        assert_eq!(shell.files(), ["t.csv"], "{line} wrote something");
    }
    let ran = shell.run("train t.csv --target y --metric acuracy --json");
    let error: serde_json::Value = serde_json::from_str(&ran.err).expect("errors are JSON too");
    assert_eq!(error["error"]["kind"], "invalid");
}

#[test]
fn a_memory_limit_below_the_table_is_refused() {
    let shell = Shell::new();
    let rows: String = (0..900_000)
        .map(|i| format!("{i}.5,{},{}\n", i * 3, i % 2))
        .collect();
    shell.file("t.csv", format!("a,b,y\n{rows}"));
    let ran = shell.run("train t.csv --target y --memory-limit 20MB");
    assert_eq!(ran.code, 5, "{}", ran.err);
    assert!(ran.err.contains("memory"), "{}", ran.err);
}

/// A device that is always full stands in for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_file_whole() {
    let shell = Shell::new();
    shell.file("t.csv", good());
    let ran = shell.run("predict model.kolosal t.csv --output /dev/full");
    assert_ne!(ran.code, 0);
    shell.must("train t.csv --target y --preset fast");
    let before = std::fs::read(shell.path("model.kolosal")).expect("written");
    // The limit on file sizes makes every write beyond it fail, as on a full disk.
    let line = format!(
        "trap '' XFSZ; ulimit -f 10; {} train {} --target species --preset fast --output model.kolosal",
        env!("CARGO_BIN_EXE_kolosal"),
        example("penguins.train.csv")
    );
    let status = std::process::Command::new("sh")
        .args(["-c", &line])
        .current_dir(shell.path("."))
        .output();
    let output = status.expect("a shell exists");
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("cannot be written"),
        "{output:?}"
    );
    assert_eq!(
        std::fs::read(shell.path("model.kolosal")).expect("still there"),
        before
    );
    assert_eq!(
        shell.files(),
        ["model.kolosal", "model.kolosal.work", "t.csv"],
        "no temporary file, and what was finished is kept"
    );
    let penguins = example("penguins.train.csv");
    let ran = shell.run(&format!(
        "train {penguins} --target species --preset fast --resume"
    ));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("finished fits are not done again"),
        "{}",
        ran.err
    );
    assert_eq!(shell.files(), ["model.kolosal", "t.csv"]);
}

/// Runs a line of the shell in which `$K` is the program.
#[cfg(target_os = "linux")]
fn through_a_shell(line: &str) -> std::process::Output {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", line]).env("K", env!("CARGO_BIN_EXE_kolosal"));
    shell.output().expect("a shell exists")
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_are_read_and_endless_ones_are_refused_within_the_limit() {
    let table = example("penguins.train.csv");
    for command in ["inspect", "bench read"] {
        let read = through_a_shell(&format!("cat {table} | $K {command} /dev/stdin"));
        assert!(read.status.success(), "{command}: {read:?}");
        assert!(
            String::from_utf8_lossy(&read.stdout).contains("258 rows"),
            "{command}: {read:?}"
        );
    }
    let endless = through_a_shell("yes a,b,c | $K bench read /dev/stdin --memory-limit 100MB");
    assert_eq!(endless.status.code(), Some(5), "{endless:?}");
    let one_line = through_a_shell("$K bench read /dev/zero --memory-limit 500MB");
    assert_eq!(one_line.status.code(), Some(4), "{one_line:?}");
    let model = through_a_shell("$K leaderboard /dev/zero");
    assert!(
        String::from_utf8_lossy(&model.stderr).contains("save it to a file first"),
        "{model:?}"
    );
}

#[test]
fn held_out_rows_that_a_learner_would_not_look_at() {
    let shell = Shell::new();
    shell.file("t.csv", good());
    for (learner, words) in [
        ("lightgbm", "early_stopping_round=50"),
        (
            "catboost --set early_stopping_rounds=0",
            "early_stopping_rounds=50",
        ),
        ("ridge", "--valid"),
    ] {
        let ran = shell.run(&format!(
            "fit {learner} t.csv --target y --holdout t.csv --output m.kolosal"
        ));
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(
            ran.err.contains("--holdout") && ran.err.contains(words),
            "{}",
            ran.err
        );
        assert_eq!(shell.files(), ["t.csv"], "something was written");
    }
    shell.must("fit lightgbm t.csv --target y --holdout t.csv --set early_stopping_round=5");
}

#[test]
fn groups_that_cannot_be_made() {
    let shell = Shell::new();
    shell.file("t.csv", "x,y\n1,2\n2,3\n5,9\n");
    let check = |arguments: &str, code: i32, word: &str| {
        let ran = shell.run(&format!("cluster t.csv {arguments}"));
        assert_eq!(ran.code, code, "{}", ran.err);
        assert!(
            ran.err.contains(word) && !ran.err.contains("panicked"),
            "{}",
            ran.err
        );
    };
    check("-k 4", 2, "4 groups of 3 rows");
    check("-k 0", 2, "1..");
    check("--algorithm hierarchical -k 9", 2, "9 groups of 3 rows");
    check("--algorithm dbscan --eps=-1", 2, "eps");
    check("--algorithm dbscan --min-samples 0", 2, "min_samples");
    check("--algorithm dbscan -k 2", 2, "no parameter 'k'");
    check("--algorithm gaussian-mixture -k 4", 2, "4 bell curves for 3 rows");
    check("--ignore nothing", 2, "nothing");
    check("--ignore x --ignore y", 4, "column");
    shell.file("t.csv", "x\n7\n7\n7\n");
    check("", 4, "one value in every row");
}
