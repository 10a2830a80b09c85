//! What every store must do with models.

use kolosal_base::ErrorKind;
use kolosal_store::{NewLoggedModel, NewVersion, Owner, Store, VersionBytes, Words};

use crate::suite::{find, new_run, refused, words};

pub(crate) fn check(store: &Store) {
    registry(store);
    aliases(store);
    logged_models(store);
}

pub(crate) fn version_of(store: &Store, model: &str, bytes: &[u8]) -> i64 {
    let mut blob = store.begin_blob(100).expect("begun");
    blob.add(bytes).expect("written");
    let blob = blob.finish().expect("on the disk");
    let new = NewVersion {
        model: model.into(),
        person: "ada".into(),
        signature: Some("{}".into()),
        tags: words(&[("k", "v")]),
        ..NewVersion::default()
    };
    store
        .create_version(new, VersionBytes::Blob("model.kolosal".into(), blob))
        .expect("registered")
        .version
}

fn registry(store: &Store) {
    store
        .create_model("credit", "who pays", words(&[("team", "risk")]), "ada")
        .expect("new");
    refused(
        store.create_model("credit", "", Words::new(), "ada"),
        ErrorKind::Conflict,
    );
    bad_names(store);
    assert_eq!(
        (
            version_of(store, "credit", b"one"),
            version_of(store, "credit", b"two")
        ),
        (1, 2)
    );
    let (one, two) = (
        store.version("credit", 1).expect("there"),
        store.version("credit", 2).expect("there"),
    );
    assert!(
        one.digest != two.digest
            && one.status == "READY"
            && one.size == 3
            && one.tags == words(&[("k", "v")])
    );
    let owner = Owner::Version(one.uid);
    refused(
        store.put_artifact_bytes(&owner, "model.kolosal", b"other"),
        ErrorKind::Conflict,
    );
    refused(
        store.delete_artifact(&owner, "model.kolosal"),
        ErrorKind::Conflict,
    );
    // A version from a run keeps what it was made of, whatever the run does after.
    let run = Owner::Run(new_run(store, 0, "source"));
    store
        .put_artifact_bytes(&run, "m/MLmodel", b"flavors")
        .expect("stored");
    let new = NewVersion {
        model: "credit".into(),
        source: "runs:/x/m".into(),
        ..NewVersion::default()
    };
    let third = store
        .create_version(new, VersionBytes::From(run.clone(), "m".into()))
        .expect("registered");
    store
        .put_artifact_bytes(&run, "m/MLmodel", b"changed")
        .expect("stored");
    let held = store
        .list_artifacts(&Owner::Version(third.uid), "")
        .expect("a list");
    assert_eq!(
        (held[0].path.as_str(), held[0].size, third.version),
        ("MLmodel", 7, 3)
    );
    store.delete_version("credit", 3, "ada").expect("deleted");
    assert_eq!(
        version_of(store, "credit", b"four"),
        4,
        "a number is never given twice"
    );
    changes(store);
    names(store, run);
}

fn bad_names(store: &Store) {
    for name in ["", "a/b", "..", "a:b", "x\u{202e}y", "a\nb"] {
        refused(
            store.create_model(name, "", Words::new(), "ada"),
            ErrorKind::Invalid,
        );
    }
}

/// What of a version may change.
fn changes(store: &Store) {
    store
        .describe_version("credit", 2, "better", "ada")
        .expect("described");
    store
        .set_version_stage(("credit", 2), "production", true, "ada")
        .expect("staged");
    store
        .set_version_stage(("credit", 4), "Production", true, "ada")
        .expect("staged");
    assert_eq!(store.version("credit", 2).expect("there").stage, "Archived");
    refused(
        store.set_version_stage(("credit", 2), "gold", false, "ada"),
        ErrorKind::Invalid,
    );
    let found = store
        .search_versions(&find("name = 'credit' AND tags.k = 'v'"))
        .expect("found");
    assert_eq!(found.items.len(), 3);
}

/// Names of models, and their end.
fn names(store: &Store, run: Owner) {
    store
        .rename_model("credit", "credit risk", "ada")
        .expect("renamed");
    assert_eq!(
        store.version("credit risk", 2).expect("came along").description,
        "better"
    );
    assert_eq!(
        store
            .search_models(&find("tags.team = 'risk'"))
            .expect("found")
            .items[0]
            .name,
        "credit risk"
    );
    let unmarked = find("name = 'credit risk' AND tags.`mlflow.prompt.is_prompt` != 'true'");
    assert_eq!(store.search_models(&unmarked).expect("found").items.len(), 1);
    store
        .set_model_tag("credit risk", "mlflow.prompt.is_prompt", "true")
        .expect("set");
    assert!(store.search_models(&unmarked).expect("found").items.is_empty());
    store.delete_model("credit risk", "ada").expect("deleted");
    refused(store.version("credit risk", 2), ErrorKind::NotFound);
    refused(
        store.create_version(
            NewVersion {
                model: "none".into(),
                ..NewVersion::default()
            },
            VersionBytes::From(run, String::new()),
        ),
        ErrorKind::NotFound,
    );
}

fn aliases(store: &Store) {
    store.create_model("price", "", Words::new(), "ada").expect("new");
    for bytes in [b"1", b"2", b"3"] {
        version_of(store, "price", bytes);
    }
    for alias in ["", "latest", "v1", "12", "a b", "a/b", "é"] {
        refused(store.set_alias("price", alias, 1, "ada"), ErrorKind::Invalid);
    }
    refused(
        store.set_alias("price", "champion", 9, "ada"),
        ErrorKind::NotFound,
    );
    for version in [1, 2, 3] {
        store
            .set_alias("price", "champion", version, "ada")
            .expect("moved");
    }
    assert_eq!(
        store
            .version_by_alias("price", "champion")
            .expect("there")
            .version,
        3
    );
    refused(store.delete_version("price", 3, "ada"), ErrorKind::Conflict);
    assert_eq!(
        store.roll_back_alias("price", "champion", "ada").expect("moved"),
        2
    );
    assert_eq!(store.version("price", 2).expect("there").aliases, ["champion"]);
    store.delete_alias("price", "champion", "ada").expect("gone");
    store
        .delete_alias("price", "champion", "ada")
        .expect("gone already");
    refused(store.version_by_alias("price", "champion"), ErrorKind::NotFound);
    assert_eq!(
        store.roll_back_alias("price", "champion", "ada").expect("moved"),
        2
    );
    let moves: Vec<Option<i64>> = store
        .alias_history("price", "champion")
        .expect("moves")
        .iter()
        .map(|moved| moved.version)
        .collect();
    assert_eq!(moves, [Some(1), Some(2), Some(3), Some(2), None, Some(2)]);
    refused(
        store.roll_back_alias("price", "canary", "ada"),
        ErrorKind::NotFound,
    );
}

fn logged_models(store: &Store) {
    let run = new_run(store, 0, "logs a model");
    let new = NewLoggedModel {
        name: "model".into(),
        run: run.clone(),
        tags: words(&[("a", "b")]),
        params: words(&[("depth", "3")]),
        ..NewLoggedModel::default()
    };
    let id = store.create_logged_model(new).expect("made");
    let owner = Owner::LoggedModel(id.clone());
    store
        .put_artifact_bytes(&owner, "MLmodel", b"flavors")
        .expect("stored");
    store.set_logged_model_status(&id, "READY", "").expect("ready");
    store.log_outputs(&run, vec![(id.clone(), 0)]).expect("noted");
    assert_eq!(store.run(&run).expect("there").model_outputs, [(id.clone(), 0)]);
    let found = store
        .search_logged_models(&[0], &find("name = 'model' AND params.depth = '3'"))
        .expect("found");
    assert_eq!(
        (found.items[0].id.as_str(), found.items[0].status.as_str()),
        (id.as_str(), "READY")
    );
    store.delete_logged_model(&id).expect("deleted");
    refused(store.logged_model(&id), ErrorKind::NotFound);
    refused(
        store.set_logged_model_status(&id, "READY", ""),
        ErrorKind::NotFound,
    );
}
