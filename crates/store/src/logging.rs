//! What is logged in a run: metrics with their history, parameters, tags, data sets.
//!
//! All of it can be sent twice without harm: clients repeat a request whose answer was lost.

use std::collections::BTreeMap;

use crate::experiments::require_tag;
use crate::ids::{NAME_MAX, PARAM_MAX, TEXT_MAX, require_key, require_name, require_text, sha256_hex};
use crate::runs::{metric, require_run};
use crate::search::{Page, offset, page};
use crate::sql::{Connection, Statement, Value, values};
use crate::{Batch, Input, Metric, Store, StoreError};

/// Rows of one statement.
const ROWS: usize = 100;

impl Store {
    /// Logs metrics, parameters and tags of a run: all of them, or none and an error.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::ParamChanged`], [`StoreError::Invalid`] for words that may not be stored.
    pub fn log_batch(&self, run: &str, batch: Batch) -> Result<(), StoreError> {
        for metric in &batch.metrics {
            require_key("the metric's name", &metric.key)?;
        }
        for (key, value) in &batch.params {
            require_key("the parameter's name", key)?;
            require_text(&format!("the value of parameter {key}"), value, PARAM_MAX)?;
        }
        for (key, value) in &batch.tags {
            require_tag(key, value)?;
        }
        let run = run.to_owned();
        self.engine.write(move |on| {
            require_run(on, &run)?;
            log_params(on, &run, &batch.params)?;
            log_metrics(on, &run, &batch.metrics)?;
            set_tags(on, &run, &batch.tags)
        })
    }

    /// Takes a tag of a run away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn delete_run_tag(&self, run: &str, key: &str) -> Result<(), StoreError> {
        let (run, key) = (run.to_owned(), key.to_owned());
        self.engine.write(move |on| {
            require_run(on, &run)?;
            let sql = "DELETE FROM run_tags WHERE run = $1 AND key = $2";
            if on.execute(sql, values![&run, &key])? == 0 {
                return Err(StoreError::not_found("tag", key));
            }
            Ok(())
        })
    }

    /// All values of a metric of a run, by time, step and value.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such run.
    pub fn metric_history(
        &self,
        run: &str,
        key: &str,
        (count_max, from): (usize, Option<&str>),
    ) -> Result<Page<Metric>, StoreError> {
        let begin = offset(from)?;
        self.engine.read(|on| {
            require_run(on, run)?;
            let sql = "SELECT key, value, is_nan, at, step FROM metrics WHERE run = $1 AND key = $2
                       ORDER BY at, step, value LIMIT $3 OFFSET $4";
            let rows = on.query(sql, values![run, key, count_max as i64 + 1, begin])?;
            Ok(page(
                rows.iter().map(|row| metric(row, 0)).collect(),
                begin,
                count_max,
            ))
        })
    }

    /// Notes data sets and logged models that went into a run.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub fn log_inputs(&self, run: &str, inputs: Vec<Input>, models: Vec<String>) -> Result<(), StoreError> {
        for input in &inputs {
            require_name("the data set's name", &input.name)?;
            require_name("the data set's digest", &input.digest)?;
            require_text("the data set's kind of source", &input.source_type, NAME_MAX)?;
            for text in [
                Some(&input.source),
                input.columns.as_ref(),
                input.profile.as_ref(),
            ] {
                require_text("a text of the data set", text.map_or("", |text| text), TEXT_MAX)?;
            }
            crate::experiments::require_tags(&input.tags)?;
        }
        let run = run.to_owned();
        self.engine.write(move |on| {
            require_run(on, &run)?;
            inputs.iter().try_for_each(|input| log_input(on, &run, input))?;
            for model in &models {
                crate::logged::require_logged_model(on, model)?;
                let sql = "INSERT INTO model_inputs (run, model) VALUES ($1, $2) ON CONFLICT (run, model) DO NOTHING";
                on.execute(sql, values![&run, model])?;
            }
            Ok(())
        })
    }
}

fn log_input(on: &mut dyn Connection, run: &str, input: &Input) -> Result<(), StoreError> {
    let experiment = on.first("SELECT experiment FROM runs WHERE id = $1", values![run])?;
    let experiment = experiment.map_or(0, |row| row.int(0));
    let id = sha256_hex(&format!("{experiment}\n{}\n{}", input.name, input.digest));
    on.execute(
        "INSERT INTO datasets (id, experiment, name, digest, source_type, source, columns, profile)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
        values![
            &id,
            experiment,
            &input.name,
            &input.digest,
            &input.source_type,
            &input.source,
            input.columns.as_ref(),
            input.profile.as_ref()
        ],
    )?;
    let tags = serde_json::to_string(&input.tags).unwrap_or_default();
    on.execute(
        "INSERT INTO inputs (run, dataset, tags) VALUES ($1, $2, $3)
         ON CONFLICT (run, dataset) DO UPDATE SET tags = excluded.tags",
        values![run, id, tags],
    )
    .map(drop)
}

fn log_params(on: &mut dyn Connection, run: &str, params: &[(String, String)]) -> Result<(), StoreError> {
    for (key, value) in params {
        let sql =
            "INSERT INTO params (run, key, value) VALUES ($1, $2, $3) ON CONFLICT (run, key) DO NOTHING";
        if on.execute(sql, values![run, key, value])? == 1 {
            continue;
        }
        let old = on.first(
            "SELECT value FROM params WHERE run = $1 AND key = $2",
            values![run, key],
        )?;
        let old = old.map_or_else(String::new, |row| row.text(0));
        if old != *value {
            let shown = |text: &str| format!("{:?}", text.chars().take(100).collect::<String>());
            return Err(StoreError::ParamChanged {
                run: run.to_owned(),
                key: key.clone(),
                old: shown(&old),
                new: shown(value),
            });
        }
    }
    Ok(())
}

pub(crate) fn set_tags(
    on: &mut dyn Connection,
    run: &str,
    tags: &[(String, String)],
) -> Result<(), StoreError> {
    for (key, value) in tags {
        on.execute(
            "INSERT INTO run_tags (run, key, value) VALUES ($1, $2, $3)
             ON CONFLICT (run, key) DO UPDATE SET value = excluded.value",
            values![run, key, value],
        )?;
    }
    Ok(())
}

/// NaN has no order and no equal, so it is kept as a zero with a mark.
fn stored(value: f64) -> (f64, i64) {
    if value.is_nan() { (0.0, 1) } else { (value, 0) }
}

fn log_metrics(on: &mut dyn Connection, run: &str, metrics: &[Metric]) -> Result<(), StoreError> {
    let mut latest: BTreeMap<&str, &Metric> = BTreeMap::new();
    for metric in metrics {
        let last = latest.entry(&metric.key).or_insert(metric);
        if is_later(metric, last) {
            *last = metric;
        }
    }
    let history: Vec<&Metric> = metrics.iter().collect();
    put(
        on,
        run,
        &history,
        "metrics",
        "ON CONFLICT (run, key, step, at, value, is_nan) DO NOTHING",
    )?;
    let latest: Vec<&Metric> = latest.into_values().collect();
    put(
        on,
        run,
        &latest,
        "latest_metrics",
        "ON CONFLICT (run, key) DO UPDATE SET step = excluded.step, at = excluded.at, value = excluded.value,
         is_nan = excluded.is_nan
         WHERE excluded.step > latest_metrics.step OR (excluded.step = latest_metrics.step AND
         (excluded.at > latest_metrics.at OR (excluded.at = latest_metrics.at AND excluded.value > latest_metrics.value)))",
    )
}

/// The order in which values count as the latest: by step, then time, then value.
fn is_later(one: &Metric, other: &Metric) -> bool {
    (one.step, one.at)
        .cmp(&(other.step, other.at))
        .then(stored(one.value).0.total_cmp(&stored(other.value).0))
        == std::cmp::Ordering::Greater
}

fn put(
    on: &mut dyn Connection,
    run: &str,
    metrics: &[&Metric],
    table: &str,
    conflict: &str,
) -> Result<(), StoreError> {
    for block in metrics.chunks(ROWS) {
        let mut statement = Statement::new("INSERT INTO ");
        statement
            .push(table)
            .push(" (run, key, step, at, value, is_nan) VALUES ");
        for (at, metric) in block.iter().enumerate() {
            let (value, is_nan) = stored(metric.value);
            statement.push(if at > 0 { ", " } else { "" }).bind_list([
                Value::from(run),
                Value::from(&metric.key),
                Value::from(metric.step),
                Value::from(metric.at),
                Value::from(value),
                Value::from(is_nan),
            ]);
        }
        statement.push(" ").push(conflict).execute(on)?;
    }
    Ok(())
}
