//! Trainings are runs, and models have a registry.

use crate::shell::{Shell, example};
use serde_json::Value;

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("the output is JSON")
}

#[test]
fn a_training_is_a_run_with_its_trials_scores_data_and_model() {
    let shell = Shell::new();
    let train = example("penguins.train.csv");
    let trained = json(
        &shell
            .must(&format!(
                "train {train} --target species --preset fast --store store --experiment birds --json"
            ))
            .out,
    );
    let run = trained["run"].as_str().expect("it was noted").to_owned();
    let listed = json(
        &shell
            .must("runs list --store store --experiment birds --json")
            .out,
    );
    assert_eq!(listed["runs"][0]["run"], run.as_str());
    assert_eq!(
        listed["runs"].as_array().expect("a list").len(),
        1,
        "trials are not listed unless asked for"
    );

    let shown = json(
        &shell
            .must(&format!("runs show {} --store store --json", &run[..8]))
            .out,
    );
    assert_eq!(shown["status"], "FINISHED");
    assert_eq!(shown["params"]["target"], "species");
    assert_eq!(shown["params"]["data.classes"], "3");
    let metric = trained["metric"].as_str().expect("a name");
    assert_eq!(shown["metrics"][metric], trained["score"]);
    assert_eq!(
        shown["datasets"][0]["digest"].as_str().expect("a digest").len(),
        64
    );
    let paths: Vec<&str> = shown["artifacts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|file| file["path"].as_str().expect("a path"))
        .collect();
    assert_eq!(paths, ["leaderboard.json", "model.kolosal"]);
    let trials = shown["trials"].as_array().expect("a list");
    let tried = trained["leaderboard"].as_array().expect("a list").len();
    assert!(
        trials.len() + 1 >= tried && !trials.is_empty(),
        "{} trials, {tried} lines",
        trials.len()
    );
    assert!(
        trials
            .iter()
            .any(|trial| trial["metrics"][metric].is_f64() && trial["metrics"]["fit_s"].is_f64())
    );

    let filter = "params.target = 'species' AND metrics.model_bytes > 0";
    let mut search = shell.command("runs search");
    let search = search
        .arg(filter)
        .args(["--store", "store", "--json"])
        .output()
        .expect("the program starts");
    assert_eq!(
        json(&String::from_utf8_lossy(&search.stdout))["runs"][0]["run"],
        run.as_str()
    );
}

#[test]
fn tracking_never_stops_a_training() {
    let shell = Shell::new();
    let train = example("penguins.train.csv");
    shell.file("store", "a file where the store's folder should be");
    let ran = shell.must(&format!(
        "train {train} --target species --preset fast --store store"
    ));
    assert!(ran.err.contains("not tracked"), "{}", ran.err);
    assert!(shell.path("model.kolosal").exists());
    let off = shell.must(&format!(
        "train {train} --target species --preset fast --store other --no-tracking --json"
    ));
    assert!(json(&off.out)["run"].is_null() && !shell.path("other").exists());
}

#[test]
fn a_training_that_fails_is_a_run_that_failed() {
    let shell = Shell::new();
    shell.file("t.csv", "x,y\n1,2\n");
    let ran = shell.run("train t.csv --target nothing --store store");
    assert_ne!(ran.code, 0);
    let listed = json(&shell.must("runs list --store store --json").out);
    assert_eq!(listed["runs"][0]["status"], "FAILED");
    assert!(
        listed["runs"][0]["tags"]["mlflow.note.content"]
            .as_str()
            .is_some_and(|note| note.contains("nothing"))
    );
}

#[test]
fn models_are_registered_promoted_rolled_back_and_retired() {
    let shell = Shell::new();
    let train = example("penguins.train.csv");
    let trained = json(
        &shell
            .must(&format!(
                "train {train} --target species --preset fast --store s --json"
            ))
            .out,
    );
    let run = trained["run"].as_str().expect("noted").to_owned();
    let first = json(
        &shell
            .must("models register birds model.kolosal --store s --json")
            .out,
    );
    let second = json(
        &shell
            .must(&format!("models register birds --run {run} --store s --json"))
            .out,
    );
    assert_eq!((&first["version"], &second["version"]), (&1.into(), &2.into()));
    assert_eq!(second["run"], run.as_str());
    for version in [1, 2] {
        shell.must(&format!("models promote birds {version} --store s"));
    }
    assert_eq!(
        json(&shell.must("models rollback birds --store s --json").out)["version"],
        1
    );
    let retired = json(&shell.must("models retire birds 1 --store s --json").out);
    assert_eq!(retired["aliases_gone"][0], "champion");
    let shown = json(&shell.must("models show birds --store s --json").out);
    assert_eq!(shown["versions"][1]["stage"], "Archived");
    assert!(shell.must("models list --store s").out.contains("birds"));

    shell.file("broken.kolosal", "no model");
    let ran = shell.run("models register birds broken.kolosal --store s");
    assert!(
        ran.code == 4 && ran.err.contains("broken.kolosal"),
        "{} {}",
        ran.code,
        ran.err
    );
    assert_eq!(shell.run("models register ../x model.kolosal --store s").code, 2);
    assert_eq!(shell.run("models promote birds 9 --store s").code, 3);
    assert_eq!(
        shell.run("models promote birds 2 --alias latest --store s").code,
        2
    );
    assert_eq!(shell.run("runs show zzzz --store s").code, 3);
    assert_eq!(shell.run("runs list --store s --order-by nothing.x").code, 2);
    assert_eq!(shell.run("runs list").code, 2, "the store is off here");
}

#[test]
fn tokens_are_made_and_revoked_and_every_change_is_in_a_log_that_can_be_verified() {
    let shell = Shell::new();
    let made = json(
        &shell
            .must("tokens create ci --role editor --expires-in 90d --store s --json")
            .out,
    );
    assert!(
        made["token"]
            .as_str()
            .is_some_and(|token| token.starts_with("kolosal_"))
    );
    let id = made["id"].as_str().expect("an id").to_owned();
    let listed = shell.must("tokens list --store s").out;
    assert!(listed.contains(&id) && !listed.contains("kolosal_"), "{listed}");
    shell.must(&format!("tokens revoke {id} --store s"));
    assert_eq!(shell.run(&format!("tokens revoke {id} --store s")).code, 3);
    assert_eq!(shell.run("tokens create x --role king --store s").code, 2);
    let verdict = json(&shell.must("audit verify --store s --json").out);
    assert_eq!(
        (&verdict["whole"], &verdict["entries"]),
        (&true.into(), &2.into())
    );
    assert!(shell.must("audit list --store s").out.contains("revoke"));
}
