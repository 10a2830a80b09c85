//! The tables, as a list of steps that is only ever added to.

use crate::StoreError;
use crate::sql::{Connection, Value};

/// Every step from an empty database to the present one; a store remembers how many it has taken.
pub(crate) const STEPS: &[&str] = &[TRACKING_AND_REGISTRY, ACCESS];

const TRACKING_AND_REGISTRY: &str = "
CREATE TABLE experiments (
    id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, stage TEXT NOT NULL,
    created BIGINT NOT NULL, updated BIGINT NOT NULL);
CREATE TABLE experiment_tags (
    experiment BIGINT NOT NULL REFERENCES experiments (id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (experiment, key)) /*narrow*/;
CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY, experiment BIGINT NOT NULL REFERENCES experiments (id), name TEXT NOT NULL,
    person TEXT NOT NULL, status TEXT NOT NULL, stage TEXT NOT NULL, started BIGINT NOT NULL, ended BIGINT);
CREATE INDEX runs_by_experiment ON runs (experiment, stage, started);
CREATE TABLE params (
    run TEXT NOT NULL REFERENCES runs (id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (run, key)) /*narrow*/;
CREATE INDEX params_by_key ON params (key, value, run);
CREATE TABLE run_tags (
    run TEXT NOT NULL REFERENCES runs (id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (run, key)) /*narrow*/;
CREATE INDEX run_tags_by_key ON run_tags (key, run);
CREATE TABLE metrics (
    run TEXT NOT NULL, key TEXT NOT NULL, step BIGINT NOT NULL, at BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL, is_nan BIGINT NOT NULL,
    PRIMARY KEY (run, key, step, at, value, is_nan)) /*narrow*/;
CREATE TABLE latest_metrics (
    run TEXT NOT NULL REFERENCES runs (id), key TEXT NOT NULL, step BIGINT NOT NULL, at BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL, is_nan BIGINT NOT NULL,
    PRIMARY KEY (run, key)) /*narrow*/;
CREATE INDEX latest_metrics_by_key ON latest_metrics (key, value, run);
CREATE TABLE datasets (
    id TEXT NOT NULL PRIMARY KEY, experiment BIGINT NOT NULL REFERENCES experiments (id), name TEXT NOT NULL,
    digest TEXT NOT NULL, source_type TEXT NOT NULL, source TEXT NOT NULL, columns TEXT, profile TEXT,
    UNIQUE (experiment, name, digest));
CREATE TABLE inputs (
    run TEXT NOT NULL REFERENCES runs (id), dataset TEXT NOT NULL REFERENCES datasets (id), tags TEXT NOT NULL,
    PRIMARY KEY (run, dataset)) /*narrow*/;
CREATE TABLE model_inputs (
    run TEXT NOT NULL REFERENCES runs (id), model TEXT NOT NULL, PRIMARY KEY (run, model)) /*narrow*/;
CREATE TABLE outputs (
    run TEXT NOT NULL REFERENCES runs (id), model TEXT NOT NULL, step BIGINT NOT NULL,
    PRIMARY KEY (run, model, step)) /*narrow*/;
CREATE TABLE blobs (
    digest TEXT NOT NULL PRIMARY KEY, size BIGINT NOT NULL, created BIGINT NOT NULL) /*narrow*/;
CREATE TABLE artifacts (
    owner TEXT NOT NULL, path TEXT NOT NULL, digest TEXT NOT NULL REFERENCES blobs (digest), size BIGINT NOT NULL,
    PRIMARY KEY (owner, path)) /*narrow*/;
CREATE TABLE logged_models (
    id TEXT NOT NULL PRIMARY KEY, experiment BIGINT NOT NULL REFERENCES experiments (id), name TEXT NOT NULL,
    kind TEXT NOT NULL, run TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, stage TEXT NOT NULL,
    created BIGINT NOT NULL, updated BIGINT NOT NULL);
CREATE TABLE logged_model_tags (
    model TEXT NOT NULL REFERENCES logged_models (id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (model, key)) /*narrow*/;
CREATE TABLE logged_model_params (
    model TEXT NOT NULL REFERENCES logged_models (id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (model, key)) /*narrow*/;
CREATE TABLE logged_model_metrics (
    model TEXT NOT NULL REFERENCES logged_models (id), run TEXT NOT NULL, key TEXT NOT NULL, step BIGINT NOT NULL,
    at BIGINT NOT NULL, value DOUBLE PRECISION NOT NULL, is_nan BIGINT NOT NULL, dataset_name TEXT NOT NULL,
    dataset_digest TEXT NOT NULL,
    PRIMARY KEY (model, key, dataset_name, dataset_digest, run, step, at, value, is_nan)) /*narrow*/;
CREATE TABLE registered_models (
    name TEXT NOT NULL PRIMARY KEY, description TEXT NOT NULL, next_version BIGINT NOT NULL,
    created BIGINT NOT NULL, updated BIGINT NOT NULL) /*narrow*/;
CREATE TABLE registered_model_tags (
    model TEXT NOT NULL REFERENCES registered_models (name) ON UPDATE CASCADE, key TEXT NOT NULL,
    value TEXT NOT NULL, PRIMARY KEY (model, key)) /*narrow*/;
CREATE TABLE versions (
    model TEXT NOT NULL REFERENCES registered_models (name) ON UPDATE CASCADE, version BIGINT NOT NULL,
    uid TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, size BIGINT NOT NULL, source TEXT NOT NULL, run TEXT NOT NULL,
    logged_model TEXT NOT NULL, signature TEXT, description TEXT NOT NULL, status TEXT NOT NULL,
    stage TEXT NOT NULL, person TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL,
    PRIMARY KEY (model, version)) /*narrow*/;
CREATE INDEX versions_by_run ON versions (run);
CREATE TABLE version_tags (
    model TEXT NOT NULL, version BIGINT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (model, version, key),
    FOREIGN KEY (model, version) REFERENCES versions (model, version) ON UPDATE CASCADE) /*narrow*/;
CREATE TABLE aliases (
    model TEXT NOT NULL, alias TEXT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (model, alias),
    FOREIGN KEY (model, version) REFERENCES versions (model, version) ON UPDATE CASCADE) /*narrow*/;
CREATE TABLE alias_moves (
    model TEXT NOT NULL REFERENCES registered_models (name) ON UPDATE CASCADE, alias TEXT NOT NULL,
    seq BIGINT NOT NULL, version BIGINT, at BIGINT NOT NULL, person TEXT NOT NULL,
    PRIMARY KEY (model, alias, seq)) /*narrow*/;
CREATE TABLE settings (
    name TEXT NOT NULL, version BIGINT NOT NULL, value TEXT, at BIGINT NOT NULL, person TEXT NOT NULL,
    PRIMARY KEY (name, version)) /*narrow*/;
CREATE TABLE audit (
    seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, person TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    detail TEXT NOT NULL, hash TEXT NOT NULL);
";

const ACCESS: &str = "
CREATE TABLE tokens (
    id TEXT NOT NULL PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL,
    created BIGINT NOT NULL, expires BIGINT, revoked BIGINT);
CREATE INDEX artifacts_by_digest ON artifacts (digest);
";

/// What was done to bring a store up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The schema that was found; zero for a new store.
    pub from: i64,
    /// The schema now.
    pub to: i64,
    /// Where the copy of what was there is.
    pub backup: Option<String>,
}

/// Takes the steps that are missing, all or none, behind a copy of what was there.
pub(crate) fn migrate(on: &mut dyn Connection, to: usize) -> Result<Option<Migration>, StoreError> {
    if version(on)? == to as i64 {
        return Ok(None);
    }
    // Looked at once more where no other process can be at it.
    let ready =
        "CREATE TABLE IF NOT EXISTS schema_version (only_row BIGINT PRIMARY KEY, version BIGINT NOT NULL)";
    on.begin()?;
    let found = on.batch(ready).and_then(|()| version(on));
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let _ = on.batch("ROLLBACK");
            return Err(error);
        }
    };
    on.batch("COMMIT")?;
    let known = STEPS.len() as i64;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    let backup = if found > 0 { Some(on.back_up(found)?) } else { None };
    on.begin()?;
    match version(on).and_then(|found| steps(on, found, to)) {
        Ok(()) => on.batch("COMMIT")?,
        Err(error) => {
            let _ = on.batch("ROLLBACK");
            return Err(error);
        }
    }
    Ok(Some(Migration {
        from: found,
        to: to as i64,
        backup,
    }))
}

fn steps(on: &mut dyn Connection, found: i64, to: usize) -> Result<(), StoreError> {
    for step in STEPS.iter().take(to).skip(found.max(0) as usize) {
        let ddl = on.dialect(step);
        on.batch(&ddl)?;
    }
    on.execute(
        "INSERT INTO schema_version (only_row, version) VALUES (1, $1)
         ON CONFLICT (only_row) DO UPDATE SET version = excluded.version",
        &[Value::Int(to as i64)],
    )?;
    Ok(())
}

/// Steps that a store has taken; an error if it has taken some that are unknown here.
fn version(on: &mut dyn Connection) -> Result<i64, StoreError> {
    let known = STEPS.len() as i64;
    let found = match on.first("SELECT version FROM schema_version WHERE only_row = 1", &[]) {
        Ok(row) => row.map_or(0, |row| row.int(0)),
        // A store without the table is new; what is wrong besides shows when the table is made.
        Err(StoreError::Database(_)) => 0,
        Err(error) => return Err(error),
    };
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    Ok(found)
}
