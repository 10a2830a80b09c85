//! Runs: begun, changed, found.

use crate::audit::{Note, note};
use crate::experiments::{require_experiment, require_tags};
use crate::ids::{NAME_MAX, is_run_id, random_hex, require_name, require_text};
use crate::logging::set_tags;
use crate::search::Column::{Number, Text};
use crate::search::{Page, Query, Scope, Search, in_experiments};
use crate::sql::{Connection, Row, Statement, values};
use crate::{Input, Metric, NewRun, Run, RunChange, RunStatus, Stage, Store, StoreError, Words};

const COLUMNS: &str = "SELECT runs.id, experiment, name, person, status, stage, started, ended FROM runs";

const SCOPE: Scope = Scope {
    what: "runs",
    attributes: &[
        ("run_id", Text("runs.id")),
        ("run_name", Text("name")),
        ("status", Text("status")),
        ("start_time", Number("started")),
        ("end_time", Number("ended")),
        ("user_id", Text("person")),
        ("user", Text("person")),
        ("experiment_id", Number("experiment")),
        ("lifecycle_stage", Text("stage")),
        ("created", Number("started")),
    ],
    metrics: Some(("latest_metrics", "latest_metrics.run = runs.id")),
    params: Some(("params", "params.run = runs.id")),
    tags: Some(("run_tags", "run_tags.run = runs.id")),
    datasets: Some((
        "inputs JOIN datasets ON datasets.id = inputs.dataset",
        "inputs.run = runs.id",
    )),
    tie: "runs.id",
};

impl Store {
    /// Begins a run; gives its identifier.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such experiment, [`StoreError::Invalid`] for words that may not be stored.
    pub fn create_run(&self, new: NewRun) -> Result<String, StoreError> {
        let id = random_hex(16)?;
        if !new.name.is_empty() {
            require_name("the run's name", &new.name)?;
        }
        require_text("the user's name", &new.person, NAME_MAX)?;
        require_tags(&new.tags)?;
        let now = (self.now)();
        let made = id.clone();
        self.engine.write(move |on| {
            require_experiment(on, new.experiment)?;
            let name = if new.name.is_empty() {
                format!("run-{}", &id[..8])
            } else {
                new.name
            };
            on.execute(
                "INSERT INTO runs (id, experiment, name, person, status, stage, started, ended)
                 VALUES ($1, $2, $3, $4, 'RUNNING', 'active', $5, NULL)",
                values![
                    &id,
                    new.experiment,
                    &name,
                    &new.person,
                    new.started.unwrap_or(now)
                ],
            )?;
            let tags: Vec<(String, String)> = new.tags.into_iter().collect();
            set_tags(on, &id, &tags)?;
            let (subject, detail) = (format!("run {id}"), format!("experiment {}", new.experiment));
            note(
                on,
                Note {
                    at: now,
                    person: &new.person,
                    action: "create",
                    subject,
                    detail,
                },
            )
        })?;
        Ok(made)
    }

    /// A run with what was logged in it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn run(&self, id: &str) -> Result<Run, StoreError> {
        require_id(id)?;
        self.engine.read(|on| {
            let row = on.first(&format!("{COLUMNS} WHERE runs.id = $1"), values![id])?;
            let row = row.ok_or_else(|| StoreError::not_found("run", id))?;
            let mut runs = vec![bare(&row)];
            fill(on, &mut runs)?;
            Ok(runs.remove(0))
        })
    }

    /// Changes a run's name, status or end.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::State`] if it was deleted.
    pub fn update_run(&self, id: &str, change: RunChange, person: &str) -> Result<(), StoreError> {
        if let Some(name) = &change.name {
            require_name("the run's name", name)?;
        }
        let (now, id, person) = ((self.now)(), id.to_owned(), person.to_owned());
        self.engine.write(move |on| {
            require_run(on, &id)?;
            if let Some(name) = &change.name {
                on.execute("UPDATE runs SET name = $1 WHERE id = $2", values![name, &id])?;
            }
            let Some(status) = change.status else {
                if let Some(ended) = change.ended {
                    on.execute("UPDATE runs SET ended = $1 WHERE id = $2", values![ended, &id])?;
                }
                return Ok(());
            };
            let is_over = !matches!(status, RunStatus::Running | RunStatus::Scheduled);
            let ended = is_over.then(|| change.ended.unwrap_or(now));
            on.execute(
                "UPDATE runs SET status = $1, ended = $2 WHERE id = $3",
                values![status.name(), ended, &id],
            )?;
            let (subject, detail) = (format!("run {id}"), status.name().to_owned());
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: "update",
                    subject,
                    detail,
                },
            )
        })
    }

    /// Deletes or restores a run; doing it twice is no error.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn set_run_stage(&self, id: &str, stage: Stage, person: &str) -> Result<(), StoreError> {
        require_id(id)?;
        let (now, id, person) = ((self.now)(), id.to_owned(), person.to_owned());
        self.engine.write(move |on| {
            let changed = on.execute(
                "UPDATE runs SET stage = $1 WHERE id = $2",
                values![stage.name(), &id],
            )?;
            if changed == 0 {
                return Err(StoreError::not_found("run", id));
            }
            let subject = format!("run {id}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action: stage.action(),
                    subject,
                    detail: String::new(),
                },
            )
        })
    }

    /// Runs of some experiments (all of them, if none is named) that a filter finds.
    ///
    /// # Errors
    /// [`StoreError::Filter`] and [`StoreError::Invalid`].
    pub fn search_runs(&self, experiments: &[i64], query: &Query) -> Result<Page<Run>, StoreError> {
        let condition = in_experiments(query.view, experiments);
        let search = Search::new(COLUMNS, &SCOPE, (query, "started DESC"), condition)?;
        self.engine.read(|on| {
            let mut found = search.page(on, |_, row| Ok(bare(row)))?;
            fill(on, &mut found.items)?;
            Ok(found)
        })
    }

    /// Runs that a run holds: those whose tag `mlflow.parentRunId` names it, in the order in which they began.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn child_runs(&self, id: &str) -> Result<Vec<Run>, StoreError> {
        require_id(id)?;
        self.engine.read(|on| {
            let sql = format!(
                "{COLUMNS} JOIN run_tags ON run_tags.run = runs.id AND run_tags.key = 'mlflow.parentRunId'
                 WHERE run_tags.value = $1 AND stage = 'active' ORDER BY started, runs.id"
            );
            let rows = on.query(&sql, values![id])?;
            let mut runs: Vec<Run> = rows.iter().map(bare).collect();
            fill(on, &mut runs)?;
            Ok(runs)
        })
    }
}

/// A run's row, without what is in other tables.
fn bare(row: &Row) -> Run {
    Run {
        id: row.text(0),
        experiment: row.int(1),
        name: row.text(2),
        person: row.text(3),
        status: RunStatus::parse(&row.text(4)).unwrap_or(RunStatus::Failed),
        stage: Stage::parse(&row.text(5)),
        started: row.int(6),
        ended: row.maybe_int(7),
        params: Words::new(),
        metrics: Vec::new(),
        tags: Words::new(),
        datasets: Vec::new(),
        model_inputs: Vec::new(),
        model_outputs: Vec::new(),
    }
}

/// Runs whose details are read with one statement.
const FILL_BLOCK: usize = 500;

/// Reads what was logged in runs, a statement for each kind and block of runs.
fn fill(on: &mut dyn Connection, runs: &mut [Run]) -> Result<(), StoreError> {
    for block in runs.chunks_mut(FILL_BLOCK) {
        let ids: Vec<String> = block.iter().map(|run| run.id.clone()).collect();
        let mut places: Vec<usize> = (0..block.len()).collect();
        places.sort_by(|a, b| ids[*a].cmp(&ids[*b]));
        let place = |id: &str| {
            let found = places.binary_search_by(|at| ids[*at].as_str().cmp(id));
            found.map(|found| places[found]).ok()
        };
        let mut each =
            |sql: &str, order: &str, take: &mut dyn FnMut(&mut Run, &Row)| -> Result<(), StoreError> {
                let mut statement = Statement::new(sql);
                statement.push(" IN ").bind_list(ids.iter()).push(order);
                for row in statement.query(on)? {
                    if let Some(at) = place(&row.text(0)) {
                        take(&mut block[at], &row);
                    }
                }
                Ok(())
            };
        each(
            "SELECT run, key, value FROM params WHERE run",
            "",
            &mut |run, row| {
                run.params.insert(row.text(1), row.text(2));
            },
        )?;
        each(
            "SELECT run, key, value FROM run_tags WHERE run",
            "",
            &mut |run, row| {
                run.tags.insert(row.text(1), row.text(2));
            },
        )?;
        each(
            "SELECT run, key, value, is_nan, at, step FROM latest_metrics WHERE run",
            " ORDER BY run, key",
            &mut |run, row| run.metrics.push(metric(row, 1)),
        )?;
        each(
            "SELECT run, name, digest, source_type, source, columns, profile, tags
             FROM inputs JOIN datasets ON datasets.id = inputs.dataset WHERE run",
            " ORDER BY run, name, digest",
            &mut |run, row| run.datasets.push(input(row)),
        )?;
        each(
            "SELECT run, model FROM model_inputs WHERE run",
            " ORDER BY run, model",
            &mut |run, row| {
                run.model_inputs.push(row.text(1));
            },
        )?;
        each(
            "SELECT run, model, step FROM outputs WHERE run",
            " ORDER BY run, model, step",
            &mut |run, row| {
                run.model_outputs.push((row.text(1), row.int(2)));
            },
        )?;
    }
    Ok(())
}

/// A metric from key, value, is_nan, at and step, beginning at a column.
pub(crate) fn metric(row: &Row, from: usize) -> Metric {
    let is_nan = row.int(from + 2) != 0;
    Metric {
        key: row.text(from),
        value: if is_nan { f64::NAN } else { row.real(from + 1) },
        at: row.int(from + 3),
        step: row.int(from + 4),
    }
}

fn input(row: &Row) -> Input {
    Input {
        name: row.text(1),
        digest: row.text(2),
        source_type: row.text(3),
        source: row.text(4),
        columns: row.maybe_text(5),
        profile: row.maybe_text(6),
        tags: serde_json::from_str(&row.text(7)).unwrap_or_default(),
    }
}

fn require_id(id: &str) -> Result<(), StoreError> {
    if is_run_id(id) {
        return Ok(());
    }
    let shown: String = id.chars().take(40).collect();
    Err(StoreError::not_found(
        "run",
        format!("{shown:?} (identifiers are 32 hexadecimal digits)"),
    ))
}

/// A run that is there and not deleted.
pub(crate) fn require_run(on: &mut dyn Connection, id: &str) -> Result<(), StoreError> {
    require_id(id)?;
    let found = on.first("SELECT stage FROM runs WHERE id = $1", values![id])?;
    match found.map(|row| Stage::parse(&row.text(0))) {
        None => Err(StoreError::not_found("run", id)),
        Some(Stage::Active) => Ok(()),
        Some(Stage::Deleted) => Err(StoreError::State {
            what: "run",
            name: id.to_owned(),
            state: "deleted".to_owned(),
            need: "restore it first",
        }),
    }
}
