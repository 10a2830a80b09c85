//! Logged models: what runs give, before any of it is registered.

use crate::experiments::{require_experiment, require_tag, require_tags};
use crate::ids::{NAME_MAX, PARAM_MAX, random_hex, require_key, require_name, require_text};
use crate::runs::{metric, require_run};
use crate::search::Column::{Number, Text};
use crate::search::{Page, Query, Scope, Search, in_experiments};
use crate::sql::{Connection, Row, values};
use crate::store::words_of;
use crate::{LoggedModel, ModelMetric, Store, StoreError, Words};

const COLUMNS: &str =
    "SELECT id, experiment, name, kind, run, status, message, created, updated FROM logged_models";

const SCOPE: Scope = Scope {
    what: "logged models",
    attributes: &[
        ("name", Text("name")),
        ("model_id", Text("id")),
        ("model_type", Text("kind")),
        ("status", Text("status")),
        ("source_run_id", Text("run")),
        ("experiment_id", Number("experiment")),
        ("creation_time", Number("created")),
        ("creation_timestamp", Number("created")),
        ("last_updated_timestamp", Number("updated")),
    ],
    metrics: Some((
        "logged_model_metrics",
        "logged_model_metrics.model = logged_models.id",
    )),
    params: Some((
        "logged_model_params",
        "logged_model_params.model = logged_models.id",
    )),
    tags: Some(("logged_model_tags", "logged_model_tags.model = logged_models.id")),
    datasets: None,
    tie: "id",
};

/// A logged model to be made.
#[derive(Debug, Clone, Default)]
pub struct NewLoggedModel {
    /// The experiment.
    pub experiment: i64,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The run; empty if none.
    pub run: String,
    /// Tags.
    pub tags: Words,
    /// Parameters.
    pub params: Words,
}

impl Store {
    /// Makes a logged model that has no bytes yet; gives its identifier.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub fn create_logged_model(&self, new: NewLoggedModel) -> Result<String, StoreError> {
        let id = format!("m-{}", random_hex(16)?);
        let name = if new.name.is_empty() {
            id.clone()
        } else {
            new.name.clone()
        };
        require_name("the model's name", &name)?;
        require_text("the model's kind", &new.kind, NAME_MAX)?;
        require_tags(&new.tags)?;
        require_params(&new.params)?;
        let (now, made) = ((self.now)(), id.clone());
        self.engine.write(move |on| {
            require_experiment(on, new.experiment)?;
            if !new.run.is_empty() {
                require_run(on, &new.run)?;
            }
            on.execute(
                "INSERT INTO logged_models (id, experiment, name, kind, run, status, message, stage, created, updated)
                 VALUES ($1, $2, $3, $4, $5, 'PENDING', '', 'active', $6, $6)",
                values![&id, new.experiment, name, &new.kind, &new.run, now],
            )?;
            set_words(on, "logged_model_tags", &id, &new.tags)?;
            set_words(on, "logged_model_params", &id, &new.params)
        })?;
        Ok(made)
    }

    /// A logged model.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn logged_model(&self, id: &str) -> Result<LoggedModel, StoreError> {
        self.engine.read(|on| {
            let row = on.first(
                &format!("{COLUMNS} WHERE id = $1 AND stage = 'active'"),
                values![id],
            )?;
            let row = row.ok_or_else(|| StoreError::not_found("logged model", id))?;
            logged_model(on, &row)
        })
    }

    /// Says how far a logged model is: PENDING, READY or FAILED.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub fn set_logged_model_status(&self, id: &str, status: &str, message: &str) -> Result<(), StoreError> {
        if !["PENDING", "READY", "FAILED"].contains(&status) {
            let problem = "is none of PENDING, READY, FAILED";
            return Err(StoreError::invalid(format!("the status {status:?}"), problem));
        }
        require_text("the status message", message, PARAM_MAX)?;
        let (now, id, status, message) = ((self.now)(), id.to_owned(), status.to_owned(), message.to_owned());
        self.engine.write(move |on| {
            require_logged_model(on, &id)?;
            let sql = "UPDATE logged_models SET status = $1, message = $2, updated = $3 WHERE id = $4";
            on.execute(sql, values![status, message, now, id]).map(drop)
        })
    }

    /// Deletes a logged model.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_logged_model(&self, id: &str) -> Result<(), StoreError> {
        let (now, id) = ((self.now)(), id.to_owned());
        self.engine.write(move |on| {
            require_logged_model(on, &id)?;
            let sql = "UPDATE logged_models SET stage = 'deleted', updated = $1 WHERE id = $2";
            on.execute(sql, values![now, id]).map(drop)
        })
    }

    /// Sets tags of a logged model.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub fn set_logged_model_tags(&self, id: &str, tags: Words) -> Result<(), StoreError> {
        require_tags(&tags)?;
        let id = id.to_owned();
        self.engine.write(move |on| {
            require_logged_model(on, &id)?;
            set_words(on, "logged_model_tags", &id, &tags)
        })
    }

    /// Takes a tag of a logged model away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_logged_model_tag(&self, id: &str, key: &str) -> Result<(), StoreError> {
        let (id, key) = (id.to_owned(), key.to_owned());
        self.engine.write(move |on| {
            let sql = "DELETE FROM logged_model_tags WHERE model = $1 AND key = $2";
            if on.execute(sql, values![id, &key])? == 0 {
                return Err(StoreError::not_found("tag", key));
            }
            Ok(())
        })
    }

    /// Sets parameters of a logged model.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub fn log_model_params(&self, id: &str, params: Words) -> Result<(), StoreError> {
        require_params(&params)?;
        let id = id.to_owned();
        self.engine.write(move |on| {
            require_logged_model(on, &id)?;
            set_words(on, "logged_model_params", &id, &params)
        })
    }

    /// Logs metrics of a logged model, found in a run.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub fn log_model_metrics(&self, id: &str, metrics: Vec<ModelMetric>) -> Result<(), StoreError> {
        for found in &metrics {
            require_key("the metric's name", &found.metric.key)?;
            require_text("the data set's name", &found.dataset_name, NAME_MAX)?;
            require_text("the data set's digest", &found.dataset_digest, NAME_MAX)?;
        }
        let id = id.to_owned();
        self.engine.write(move |on| {
            require_logged_model(on, &id)?;
            metrics.iter().try_for_each(|found| log_metric(on, &id, found))
        })
    }

    /// Notes logged models that a run has given.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn log_outputs(&self, run: &str, models: Vec<(String, i64)>) -> Result<(), StoreError> {
        let run = run.to_owned();
        self.engine.write(move |on| {
            require_run(on, &run)?;
            for (model, step) in &models {
                require_logged_model(on, model)?;
                let sql = "INSERT INTO outputs (run, model, step) VALUES ($1, $2, $3)
                           ON CONFLICT (run, model, step) DO NOTHING";
                on.execute(sql, values![&run, model, *step])?;
            }
            Ok(())
        })
    }

    /// Logged models of some experiments that a filter finds.
    ///
    /// # Errors
    /// [`StoreError::Filter`], [`StoreError::Invalid`].
    pub fn search_logged_models(
        &self,
        experiments: &[i64],
        query: &Query,
    ) -> Result<Page<LoggedModel>, StoreError> {
        let condition = in_experiments(query.view, experiments);
        let search = Search::new(COLUMNS, &SCOPE, (query, "created DESC"), condition)?;
        self.engine.read(|on| search.page(on, logged_model))
    }
}

fn require_params(params: &Words) -> Result<(), StoreError> {
    params.iter().try_for_each(|(key, value)| {
        require_key("the parameter's name", key)?;
        require_text(&format!("the value of parameter {key}"), value, PARAM_MAX)
    })
}

/// Sets names and values in a table of ours.
fn set_words(on: &mut dyn Connection, table: &str, id: &str, words: &Words) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO {table} (model, key, value) VALUES ($1, $2, $3)
         ON CONFLICT (model, key) DO UPDATE SET value = excluded.value"
    );
    words.iter().try_for_each(|(key, value)| {
        require_tag(key, value)?;
        on.execute(&sql, values![id, key, value]).map(drop)
    })
}

fn log_metric(on: &mut dyn Connection, id: &str, found: &ModelMetric) -> Result<(), StoreError> {
    let metric = &found.metric;
    let (value, is_nan) = if metric.value.is_nan() {
        (0.0, 1)
    } else {
        (metric.value, 0)
    };
    on.execute(
        "INSERT INTO logged_model_metrics (model, run, key, step, at, value, is_nan, dataset_name, dataset_digest)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        values![
            id,
            &found.run,
            &metric.key,
            metric.step,
            metric.at,
            value,
            is_nan,
            &found.dataset_name,
            &found.dataset_digest
        ],
    )
    .map(drop)
}

pub(crate) fn require_logged_model(on: &mut dyn Connection, id: &str) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM logged_models WHERE id = $1 AND stage = 'active'";
    match on.first(sql, values![id])? {
        Some(_) => Ok(()),
        None => Err(StoreError::not_found(
            "logged model",
            id.chars().take(40).collect::<String>(),
        )),
    }
}

fn logged_model(on: &mut dyn Connection, row: &Row) -> Result<LoggedModel, StoreError> {
    let id = row.text(0);
    let metrics = on.query(
        "SELECT run, key, value, is_nan, at, step, dataset_name, dataset_digest FROM logged_model_metrics
         WHERE model = $1 ORDER BY key, dataset_name, dataset_digest, step, at",
        values![&id],
    )?;
    let found = |row: &Row| ModelMetric {
        run: row.text(0),
        metric: metric(row, 1),
        dataset_name: row.text(6),
        dataset_digest: row.text(7),
    };
    Ok(LoggedModel {
        experiment: row.int(1),
        name: row.text(2),
        kind: row.text(3),
        run: row.text(4),
        status: row.text(5),
        message: row.text(6),
        created: row.int(7),
        updated: row.int(8),
        tags: words_of(
            on,
            "SELECT key, value FROM logged_model_tags WHERE model = $1",
            &id,
        )?,
        params: words_of(
            on,
            "SELECT key, value FROM logged_model_params WHERE model = $1",
            &id,
        )?,
        metrics: metrics.iter().map(found).collect(),
        id,
    })
}
