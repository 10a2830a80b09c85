//! From a table to answers, as a user would go.

use crate::shell::{Shell, example, ran};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("the output is JSON")
}

#[test]
fn a_table_becomes_a_model_that_is_judged_and_answers() {
    let shell = Shell::new();
    let (train, test) = (example("penguins.train.csv"), example("penguins.test.csv"));
    let trained = shell.must(&format!(
        "train {train} --target species --test {test} --preset fast --json"
    ));
    let report = json(&trained.out);
    assert_eq!(report["task"], "multiclass");
    assert_eq!(report["stop"], "finished");
    let score = report["test"]["scores"]["accuracy"].as_f64().expect("a number");
    assert!(score > 0.95, "accuracy {score}");

    let judged = json(&shell.must(&format!("evaluate model.kolosal {test} --json")).out);
    assert_eq!(
        judged["scores"], report["test"]["scores"],
        "there is one scoring path"
    );

    shell.must(&format!("predict model.kolosal {test} --output answers.csv"));
    let answers = std::fs::read_to_string(shell.path("answers.csv")).expect("the answers were written");
    assert!(
        answers.starts_with("prediction,proba_Adelie,proba_Chinstrap,proba_Gentoo\n"),
        "{answers}"
    );
    assert_eq!(
        answers.lines().count(),
        1 + judged["rows"].as_u64().expect("a count") as usize
    );

    let board = shell.must("leaderboard model.kolosal").out;
    assert!(
        board.contains("random_forest") && board.contains("baseline"),
        "{board}"
    );
}

#[test]
fn numbers_are_learned_too() {
    let shell = Shell::new();
    let (train, test) = (example("diabetes.train.csv"), example("diabetes.test.csv"));
    let trained = shell.must(&format!(
        "train {train} --target progression --test {test} --preset fast --json"
    ));
    let report = json(&trained.out);
    assert_eq!(report["task"], "regression");
    let rmse = report["test"]["scores"]["rmse"].as_f64().expect("a number");
    // Answering the mean of the training rows to every row gives 72; a linear model 55.
    assert!(rmse < 62.0, "rmse {rmse}");
    shell.must(&format!("predict model.kolosal {test} --output answers.csv"));
    let answers = std::fs::read_to_string(shell.path("answers.csv")).expect("the answers were written");
    assert!(answers.starts_with("prediction\n"));
}

#[test]
fn a_killed_training_goes_on_and_gives_the_model_of_one_that_was_not() {
    let shell = Shell::new();
    let line = |output: &str| {
        let train = example("penguins.train.csv");
        format!("train {train} --target species --preset fast --work-limit 3000 --output {output}")
    };
    shell.must(&line("unbroken.kolosal"));
    let finished = || {
        let folder = std::fs::read_dir(shell.path("killed.kolosal.work"));
        folder.map_or(0, |files| {
            files
                .filter(|file| {
                    file.as_ref()
                        .is_ok_and(|file| file.path().extension().is_some_and(|e| e == "fit"))
                })
                .count()
        })
    };
    let mut killed = shell.command(&line("killed.kolosal"));
    let mut running = killed.spawn().expect("the program starts");
    while finished() < 7 && running.try_wait().expect("it can be asked").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    running.kill().expect("a signal that cannot be caught");
    let status = running.wait().expect("it was started here");
    assert!(!status.success(), "it was to be killed before its end");
    assert!(finished() >= 7 && !shell.path("killed.kolosal").exists());
    let taken_up = shell.must(&format!("{} --resume", line("killed.kolosal")));
    assert!(
        taken_up.err.contains("finished fits are not done again"),
        "{}",
        taken_up.err
    );
    let bytes = |name: &str| std::fs::read(shell.path(name)).expect("the model was written");
    assert!(
        bytes("killed.kolosal") == bytes("unbroken.kolosal"),
        "the model differs from that of an unbroken training"
    );
    let ran = shell.run(&format!("{} --resume", line("killed.kolosal")));
    assert_ne!(ran.code, 0, "there is nothing left to resume");
    assert!(ran.err.contains("--resume"), "{}", ran.err);
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let shell = Shell::new();
    let train = example("penguins.train.csv");
    for threads in [1, 2] {
        shell.must(&format!(
            "train {train} --target species --threads {threads} --output {threads}.kolosal"
        ));
    }
    let bytes = |name: &str| std::fs::read(shell.path(name)).expect("the model was written");
    assert!(
        bytes("1.kolosal") == bytes("2.kolosal"),
        "one thread and two wrote different models"
    );
}

#[test]
fn one_learner_is_fitted_with_given_parameters() {
    let shell = Shell::new();
    let (train, valid) = (
        example("breast_cancer.train.csv"),
        example("breast_cancer.test.csv"),
    );
    let line = format!(
        "fit rf {train} --target diagnosis --set n_estimators=20 --valid {valid} --output rf.kolosal --json"
    );
    let report = json(&shell.must(&line).out);
    assert_eq!(report["learner"], "random_forest");
    assert_eq!(report["params"]["n_estimators"], "20");
    assert!(report["metrics"]["auc"].as_f64().expect("a number") > 0.95);
    assert!(report["fit_s"].as_f64().is_some() && report["load_s"].as_f64().is_some());
    shell.must(&format!("evaluate rf.kolosal {valid}"));
}

#[test]
fn columns_may_come_in_any_order_with_others_between_them() {
    let shell = Shell::new();
    let rows: Vec<(usize, &str)> = (0..60)
        .map(|i| (i, if i % 3 == 0 { "left" } else { "right" }))
        .collect();
    let table =
        |row: &dyn Fn(usize, &str) -> String| rows.iter().map(|(i, side)| row(*i, side)).collect::<String>();
    shell.file(
        "a.csv",
        format!(
            "x,side,y\n{}",
            table(&|i, side| format!("{}.5,{side},{}\n", i, usize::from(side == "left")))
        ),
    );
    shell.file(
        "b.csv",
        format!("extra,side,x\n{}", table(&|i, side| format!("q,{side},{i}.5\n"))),
    );
    shell.file(
        "c.csv",
        format!("x,side\n{}", table(&|i, side| format!("{i}.5,{side}\n"))),
    );
    shell.must("train a.csv --target y --preset fast");
    shell.must("predict model.kolosal b.csv --output b.out.csv");
    shell.must("predict model.kolosal c.csv --output c.out.csv");
    let read = |name: &str| std::fs::read_to_string(shell.path(name)).expect("written");
    assert_eq!(read("b.out.csv"), read("c.out.csv"));
}

#[test]
fn unseen_categories_and_missing_values_are_answered() {
    let shell = Shell::new();
    let rows: String = (0..80)
        .map(|i| format!("{}.5,{},{}\n", i, ["a", "b"][i % 2], ["no", "yes"][i % 2]))
        .collect();
    shell.file("train.csv", format!("x,c,y\n{rows}"));
    shell.file("new.csv", "x,c\n3.5,zebra\n,a\nNA,?\n");
    shell.must("train train.csv --target y --preset fast");
    shell.must("predict model.kolosal new.csv --output out.csv");
    let answers = std::fs::read_to_string(shell.path("out.csv")).expect("written");
    assert_eq!(answers.lines().count(), 4);
    assert!(
        !answers.contains("NaN") && !answers.to_lowercase().contains("inf"),
        "{answers}"
    );
}

#[test]
fn weights_groups_and_times_are_used() {
    let shell = Shell::new();
    let rows: String = (0..90)
        .map(|i| {
            format!(
                "{},{},g{},2024-01-{:02},{}\n",
                i % 7,
                i % 5,
                i % 9,
                i % 28 + 1,
                if (i * 7) % 11 < 5 { "a" } else { "b" }
            )
        })
        .collect();
    shell.file("t.csv", format!("x,w,g,when,y\n{rows}"));
    for (options, words) in [
        ("--weight w", "5 folds"),
        ("--group g", "by group"),
        ("--time-column when", "in time"),
    ] {
        let ran = shell.must(&format!("train t.csv --target y --preset fast {options}"));
        assert!(ran.err.contains(words), "{options}: {}", ran.err);
    }
}

#[test]
fn a_work_limit_stops_early_and_still_gives_a_model() {
    let shell = Shell::new();
    let train = example("penguins.train.csv");
    let ran = shell.must(&format!("train {train} --target species --work-limit 5 --json"));
    let report = json(&ran.out);
    assert_eq!(report["stop"], "work_limit");
    assert!(shell.path("model.kolosal").exists());
}

#[test]
fn a_time_limit_that_is_too_short_is_answered_or_refused() {
    let shell = Shell::new();
    let train = example("breast_cancer.train.csv");
    let ran = shell.run(&format!("train {train} --target diagnosis --time-limit 1ms"));
    match ran.code {
        0 => assert!(shell.path("model.kolosal").exists()),
        code => assert!(
            code == 5 && ran.err.contains("--time-limit"),
            "{code}: {}",
            ran.err
        ),
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_training_keeps_the_best_model_so_far() {
    let shell = Shell::new();
    // Large enough that the balanced preset cannot be done before the signal comes.
    let rows: String = (0..12_000_u64)
        .map(|i| {
            let noise = |k: u64| {
                (i.wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(k * 1_442_695)
                    >> 33)
                    % 1000
            };
            let cells: Vec<String> = (1..12).map(|k| noise(k).to_string()).collect();
            format!(
                "{},{}\n",
                cells.join(","),
                (noise(1) + noise(2) > 1000) as u8 + (noise(3) > 700) as u8
            )
        })
        .collect();
    let names: Vec<String> = (1..12).map(|k| format!("x{k}")).collect();
    shell.file("t.csv", format!("{},y\n{rows}", names.join(",")));
    let mut command = shell.command("train t.csv --target y --preset best --json");
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    wait_for_a_finished_candidate(&mut child);
    // The shell's own kill: the program of that name is not on every machine.
    let line = format!("kill -INT {}", child.id());
    let signal = std::process::Command::new("sh").args(["-c", &line]).status();
    assert!(signal.expect("a shell exists").success());
    let done = ran(&child.wait_with_output().expect("ends"));
    assert_eq!(done.code, 130, "{}", done.err);
    assert_eq!(json(&done.out)["stop"], "cancelled");
    shell.must("leaderboard model.kolosal");
}

/// Reads progress lines until a candidate has a score.
#[cfg(unix)]
fn wait_for_a_finished_candidate(child: &mut std::process::Child) {
    use std::io::BufRead;
    let mut lines = std::io::BufReader::new(child.stderr.take().expect("piped")).lines();
    let found = lines
        .by_ref()
        .any(|line| line.is_ok_and(|line| line.contains("decision_tree")));
    assert!(found, "a candidate finishes");
    // Whoever writes to a closed pipe fails: someone has to go on reading.
    std::thread::Builder::new()
        .spawn(move || lines.for_each(drop))
        .expect("a thread starts");
}

#[test]
fn learners_and_the_machine_are_described() {
    let shell = Shell::new();
    let list = json(&shell.must("learners --json").out);
    let names: Vec<&str> = list
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|l| l["name"].as_str())
        .collect();
    for name in [
        "logistic_regression",
        "ridge",
        "lasso",
        "elastic_net",
        "decision_tree",
        "random_forest",
        "extra_trees",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    let one = shell.must("learners random_forest").out;
    assert!(
        one.contains("n_estimators") && one.contains("default 100"),
        "{one}"
    );
    let health = json(&shell.must("doctor --json").out);
    assert_eq!(health["ok"], true, "{health}");
    for what in ["bash", "zsh", "fish", "powershell"] {
        assert!(shell.must(&format!("completions {what}")).out.contains("kolosal"));
    }
}

#[test]
fn tables_and_models_are_inspected() {
    let shell = Shell::new();
    let train = example("penguins.train.csv");
    let table = json(&shell.must(&format!("inspect {train} --json")).out);
    let species = table["columns"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|c| c["name"] == "species");
    let species = species.expect("the column is listed");
    assert_eq!(species["type"], "categorical");
    assert!(
        species["reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty())
    );
    assert_eq!(species["distinct"], 3);
    shell.must(&format!("train {train} --target species --preset fast"));
    let model = json(&shell.must("inspect model.kolosal --json").out);
    assert_eq!(model["target"], "species");
    assert_eq!(model["data"]["sha256"].as_str().map(str::len), Some(64));
    assert!(shell.must("inspect model.kolosal").out.contains("species"));
}

#[test]
fn every_command_has_help_with_an_example() {
    let shell = Shell::new();
    for command in [
        "train",
        "fit",
        "predict",
        "evaluate",
        "leaderboard",
        "inspect",
        "learners",
        "doctor",
        "bench",
        "completions",
    ] {
        let help = shell.must(&format!("{command} --help")).out;
        assert!(help.contains("Example"), "{command} has no example");
    }
}

#[test]
fn boosters_are_exported_and_other_models_are_refused_with_a_remedy() {
    let shell = Shell::new();
    for (learner, data, target) in [
        ("lightgbm", "breast_cancer.train.csv", "diagnosis"),
        ("xgboost", "penguins.train.csv", "species"),
    ] {
        let train = example(data);
        shell.must(&format!(
            "fit {learner} {train} --target {target} --set n_estimators=5 --output m.kolosal"
        ));
        for format in ["lightgbm", "xgboost", "xgboost-ubj"] {
            let line = format!("export m.kolosal --format {format} --output {learner}.{format} --json");
            let report = json(&shell.must(&line).out);
            let bytes =
                std::fs::metadata(shell.path(&format!("{learner}.{format}"))).expect("it was written");
            assert_eq!(report["bytes"].as_u64(), Some(bytes.len()));
            assert!(
                report["classes"]
                    .as_array()
                    .is_some_and(|classes| classes.len() >= 2)
            );
        }
    }
    let train = example("diabetes.train.csv");
    shell.must(&format!(
        "fit ridge {train} --target progression --output ridge.kolosal"
    ));
    let refused = shell.run("export ridge.kolosal --format lightgbm --output ridge.txt");
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("kolosal fit lightgbm"), "{}", refused.err);
    assert!(!shell.path("ridge.txt").exists());
}

#[test]
fn rows_without_a_target_are_grouped_and_described() {
    let shell = Shell::new();
    let table = example("penguins.csv");
    let grouped = json(
        &shell
            .must(&format!(
                "cluster {table} --compare species -k 3 --output groups.csv --json"
            ))
            .out,
    );
    assert_eq!(grouped["clusters"], 3);
    let agreement = grouped["adjusted_rand"].as_f64().expect("a number");
    assert!(agreement > 0.5, "{agreement}");
    let profiles = grouped["profiles"].as_array().expect("a list");
    let rows: u64 = profiles
        .iter()
        .map(|group| group["rows"].as_u64().expect("a count"))
        .sum();
    assert_eq!(grouped["rows"], rows);
    assert!(
        profiles
            .iter()
            .all(|group| !group["traits"].as_array().expect("a list").is_empty())
    );
    let answers = std::fs::read_to_string(shell.path("groups.csv")).expect("the groups were written");
    assert!(answers.starts_with("cluster\n0\n"), "{answers}");
    assert_eq!(answers.lines().count() as u64, 1 + rows);
    for algorithm in ["kmeans", "dbscan", "hdbscan", "hierarchical", "gaussian-mixture"] {
        let said = shell
            .must(&format!(
                "cluster {table} --ignore species --algorithm {algorithm}"
            ))
            .out;
        assert!(said.contains("groups of") && said.contains("group 0:"), "{said}");
        assert!(
            said.contains("silhouette") || said.contains("bend most"),
            "{said}"
        );
    }
}

#[test]
fn guards_say_what_is_wrong_with_a_table_and_strict_stops() {
    let shell = Shell::new();
    let wave = |i: u32, step: f64| (f64::from(i) * step).sin();
    let rows = |shift: f64| -> String {
        (0..200)
            .map(|i| {
                let (a, b) = (wave(i, 0.37) + shift, wave(i, 1.91));
                let class = if a - shift + 0.3 * b > 0.0 { "yes" } else { "no" };
                let age = if i % 20 == 0 {
                    "unknown".to_owned()
                } else {
                    (20 + i % 40).to_string()
                };
                format!(
                    "{a},{b},{a},{},{},{age},p{i}@example.org,{class}\n",
                    i + 1,
                    u8::from(class == "yes")
                )
            })
            .collect()
    };
    let head = "a,b,a_again,row,outcome,age,contact,y\n";
    shell.file("t.csv", format!("{head}{}", rows(0.0)));
    shell.file("later.csv", format!("{head}{}", rows(5.0)));
    let line = "train t.csv --target y --test later.csv --preset fast --learners logistic_regression";
    let report = json(&shell.must(&format!("{line} --json")).out);
    let guards = report["guards"].as_array().expect("a list");
    let found = |guard: &str, column: &str| {
        guards.iter().any(|entry| {
            entry["guard"] == guard
                && entry["columns"]
                    .as_array()
                    .is_some_and(|columns| columns.iter().any(|c| c == column))
                && entry["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty())
        })
    };
    for (guard, column) in [
        ("copied_column", "a_again"),
        ("identifier", "row"),
        ("leakage", "outcome"),
        ("mixed_types", "age"),
        ("personal_data", "contact"),
        ("drift", "a"),
    ] {
        assert!(found(guard, column), "{guard} of {column}: {guards:#?}");
    }
    let ran = shell.run(&format!("{line} --strict --output strict.kolosal"));
    assert_ne!(ran.code, 0);
    assert!(
        ran.err.contains("leakage") || ran.err.contains("almost perfectly"),
        "{}",
        ran.err
    );
    assert!(!shell.path("strict.kolosal").exists());
}

#[test]
fn limits_on_size_and_latency_thin_the_model() {
    let shell = Shell::new();
    let train = example("diabetes.train.csv");
    let line = format!("train {train} --target progression --learners lightgbm,ridge --json");
    let size = |limits: &str| {
        let report = json(&shell.must(&format!("{line} {limits}")).out);
        let bytes = report["model_bytes"].as_u64().expect("a size");
        assert!(report["score"].as_f64().expect("a number") < 72.0, "{limits}");
        bytes
    };
    let whole = size("--preset balanced --work-limit 2000");
    let thinned = size("--preset balanced --work-limit 2000 --size-limit 40kB");
    assert!(
        thinned <= 40_000 + 30_000,
        "members fit the limit, the head comes on top: {thinned}"
    );
    assert!(thinned < whole, "{thinned} of {whole}");
    let quick = size("--preset balanced --work-limit 2000 --latency-limit 0.001us");
    assert!(quick < whole, "one member is left where no limit can be kept");
}

#[test]
fn answers_are_explained_by_values_that_add_up() {
    let shell = Shell::new();
    let table = example("penguins.train.csv");
    for (learner, options) in [
        ("ridge", "--target body_mass_g"),
        ("neighbors", "--target body_mass_g"),
        ("kmeans", "--ignore species --set n_clusters=3"),
        ("isolation", "--ignore species"),
    ] {
        shell.must(&format!("fit {learner} {table} {options} --output m.kolosal"));
        shell.must(&format!("predict m.kolosal {table} --output answers.csv"));
        let found = json(
            &shell
                .must(&format!(
                    "explain m.kolosal {table} --rows 5 --output values.csv --json"
                ))
                .out,
        );
        let answers = std::fs::read_to_string(shell.path("answers.csv")).expect("it was written");
        for (line, explained) in answers
            .lines()
            .skip(1)
            .zip(found["values"].as_array().expect("a list"))
        {
            let answer: f64 = line
                .split(',')
                .next_back()
                .expect("a column")
                .parse()
                .expect("a number");
            let columns = explained["columns"].as_object().expect("columns");
            let sum: f64 = columns
                .values()
                .map(|value| value.as_f64().expect("a number"))
                .sum();
            let total = explained["base"].as_f64().expect("a number") + sum;
            assert!(
                (total - answer).abs() <= 1e-6 * (1.0 + answer.abs()),
                "{learner}: {total} and not {answer}"
            );
        }
        let values = std::fs::read_to_string(shell.path("values.csv")).expect("it was written");
        assert!(
            values.starts_with("row,explained,base,total,value_") && values.lines().count() == 6,
            "{values}"
        );
        let said = shell.must(&format!("explain m.kolosal {table} --rows 5")).out;
        assert!(
            said.contains("5 rows against 32:") && said.contains("share"),
            "{said}"
        );
    }
}

#[test]
fn groups_and_strange_rows_are_models_like_any_other() {
    let shell = Shell::new();
    let table = example("penguins.train.csv");
    let test = example("penguins.test.csv");
    shell.must(&format!(
        "cluster {table} --ignore species -k 3 --output groups.csv --model groups.kolosal"
    ));
    shell.must(&format!("predict groups.kolosal {table} --output again.csv"));
    let column = |file: &str| -> Vec<String> {
        let text = std::fs::read_to_string(shell.path(file)).expect("it was written");
        text.lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap_or("").to_owned())
            .collect()
    };
    assert_eq!(
        column("groups.csv"),
        column("again.csv"),
        "rows of the fit keep their groups"
    );
    shell.must(&format!("predict groups.kolosal {test} --output joined.csv"));
    assert!(
        column("joined.csv")
            .iter()
            .all(|group| ["0", "1", "2"].contains(&group.as_str()))
    );
    let said = shell.must("inspect groups.kolosal").out;
    assert!(
        said.starts_with("clustering model (") && said.contains("group 2:"),
        "{said}"
    );
    for learner in ["isolation", "local_outlier"] {
        let fitted = shell.must(&format!(
            "fit {learner} {table} --ignore species --set contamination=0.1 --output strange.kolosal --json"
        ));
        let border = json(&fitted.out)["facts"]["border"].as_f64().expect("a number");
        shell.must(&format!("predict strange.kolosal {table} --output strange.csv"));
        let text = std::fs::read_to_string(shell.path("strange.csv")).expect("it was written");
        assert!(text.starts_with("prediction,score\n"), "{text}");
        let (mut strange, mut rows) = (0, 0);
        for line in text.lines().skip(1) {
            let (word, score) = line.split_once(',').expect("two columns");
            let score: f64 = score.parse().expect("a number");
            assert_eq!(word == "strange", score > border, "{line}");
            strange += usize::from(word == "strange");
            rows += 1;
        }
        assert!(
            strange * 10 >= rows - 10 && strange * 10 <= rows + 10,
            "{strange} of {rows}"
        );
    }
}

#[test]
fn intervals_and_sets_hold_the_truth_about_as_often_as_asked() {
    let shell = Shell::new();
    for (name, target, columns) in [
        ("diabetes", "progression", "prediction,lower,upper"),
        (
            "penguins",
            "species",
            "prediction,proba_Adelie,proba_Chinstrap,proba_Gentoo,set",
        ),
    ] {
        let (train, test) = (
            example(&format!("{name}.train.csv")),
            example(&format!("{name}.test.csv")),
        );
        shell.must(&format!(
            "train {train} --target {target} --preset fast --learners ridge,logistic_regression"
        ));
        let judged = json(&shell.must(&format!("evaluate model.kolosal {test} --json")).out);
        let coverage = &judged["coverage"];
        assert_eq!(coverage["asked"], 0.9);
        let inside = coverage["inside"].as_f64().expect("a share");
        // A hundred test rows: two standard errors are 0.06.
        assert!(inside > 0.82, "{name}: {coverage}");
        shell.must(&format!(
            "predict model.kolosal {test} --coverage 0.8 --output answers.csv"
        ));
        let answers = std::fs::read_to_string(shell.path("answers.csv")).expect("the answers were written");
        assert_eq!(answers.lines().next(), Some(columns));
        let refused = shell.run(&format!(
            "predict model.kolosal {test} --coverage 1 --output answers.csv"
        ));
        assert_eq!(refused.code, 2, "{}", refused.err);
        assert!(
            refused.err.contains("ask for more than 0 and at most"),
            "{}",
            refused.err
        );
        let kept = std::fs::read_to_string(shell.path("answers.csv")).expect("the answers were written");
        assert_eq!(kept, answers, "the old answers are whole");
    }
    shell.must(&format!(
        "fit ridge {} --target progression",
        example("diabetes.train.csv")
    ));
}

#[test]
fn answers_follow_the_direction_that_was_asked_for() {
    let shell = Shell::new();
    let train = example("diabetes.train.csv");
    let trained = shell.must(&format!(
        "train {train} --target progression --monotone bmi=+1,bp=+1 --interactions bmi,bp --ignore sex --preset fast --json"
    ));
    let report = json(&trained.out);
    let notes = report["notes"].to_string();
    assert!(notes.contains("answers never fall along 'bmi'"), "{notes}");
    let learners: Vec<&str> = report["leaderboard"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|line| line["learner"].as_str())
        .collect();
    assert!(
        learners.contains(&"lightgbm") && !learners.contains(&"ridge"),
        "{learners:?}"
    );

    // A row of the table at rising values of the column, answered by the written model.
    let text = std::fs::read_to_string(&train).expect("readable");
    let header: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
    let at = header.iter().position(|name| *name == "bmi").expect("a column");
    let row: Vec<&str> = text.lines().nth(7).expect("a row").split(',').collect();
    let mut moved = format!("{}\n", header.join(","));
    for step in 0..40 {
        let mut cells: Vec<String> = row.iter().map(|cell| (*cell).to_owned()).collect();
        cells[at] = format!("{}", 18.0 + 0.6 * f64::from(step));
        moved.push_str(&format!("{}\n", cells.join(",")));
    }
    let file = shell.file("moved.csv", moved);
    shell.must(&format!(
        "predict model.kolosal {} --output answers.csv",
        file.display()
    ));
    let answers = std::fs::read_to_string(shell.path("answers.csv")).expect("the answers were written");
    let answers: Vec<f64> = answers
        .lines()
        .skip(1)
        .map(|cell| cell.parse().expect("a number"))
        .collect();
    assert!(answers.windows(2).all(|pair| pair[0] <= pair[1]), "{answers:?}");
    assert!(answers[0] < answers[39], "the column still counts: {answers:?}");
}

#[test]
fn constraints_that_cannot_be_kept_are_refused_with_the_reason() {
    let shell = Shell::new();
    let train = example("diabetes.train.csv");
    let penguins = example("penguins.train.csv");
    for (line, reason) in [
        (
            format!("train {train} --target progression --monotone bmi=up,sax=+1"),
            "did you mean sex",
        ),
        (
            format!("train {train} --target progression --monotone bmi=2"),
            "write +1 or -1",
        ),
        (
            format!("train {train} --target progression --monotone bmi=1 --learners ridge"),
            "none of the learners",
        ),
        (
            format!("train {train} --target progression --ignore progression"),
            "ignored",
        ),
        (
            format!("train {penguins} --target species --monotone bill_length_mm=1"),
            "have no direction",
        ),
    ] {
        let refused = shell.run(&line);
        assert_eq!(refused.code, 2, "{line}: {}", refused.err);
        assert!(refused.err.contains(reason), "{line}: {}", refused.err);
    }
}
