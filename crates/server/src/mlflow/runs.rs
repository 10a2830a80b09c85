//! `runs/*`, `metrics/*` and `artifacts/*`

use kolosal_platform::store::{
    Batch, Input, Metric, ModelMetric, NewRun, Owner, RunChange, RunStatus, Stage, TAG_MAX,
};
use serde_json::{Map, Value, json};

use super::{experiment_id, query, write};
use crate::answer::{Answer, Failure, Handled};
use crate::args::{int_in, number_in, pairs_in, text_in};
use crate::gate::Call;

/// The tag in which the protocol keeps a run's name once more.
const NAME: &str = "mlflow.runName";

/// The run that is asked for; old clients call it otherwise.
fn run_id(call: &Call<'_>) -> Result<String, Failure> {
    let id = call.args.text("run_id")?;
    if id.is_empty() {
        call.args
            .need("run_uuid")
            .map_err(|_| crate::args::missing("run_id"))
    } else {
        Ok(id)
    }
}

pub(super) fn create(call: &Call<'_>) -> Handled {
    let args = &call.args;
    let mut tags = args.words("tags")?;
    let mut name = args.text("run_name")?;
    match tags.get(NAME) {
        Some(held) if name.is_empty() => name.clone_from(held),
        _ if !name.is_empty() => drop(tags.insert(NAME.to_owned(), name.clone())),
        _ => {}
    }
    let user = args.text("user_id")?;
    let id = call.store().create_run(NewRun {
        experiment: experiment_id(&args.need("experiment_id")?)?,
        name,
        person: if user.is_empty() {
            call.person.clone()
        } else {
            user
        },
        started: args.int("start_time")?,
        tags,
    })?;
    Ok(Answer::Json(
        json!({ "run": write::run(&call.store().run(&id)?) }),
    ))
}

pub(super) fn update(call: &Call<'_>) -> Handled {
    let (id, name) = (run_id(call)?, call.args.text("run_name")?);
    let status = call.args.text("status")?;
    let change = RunChange {
        name: Some(name.clone()).filter(|name| !name.is_empty()),
        status: if status.is_empty() {
            None
        } else {
            Some(RunStatus::parse(&status)?)
        },
        ended: call.args.int("end_time")?,
    };
    call.store().update_run(&id, change, &call.person)?;
    if !name.is_empty() {
        let tags = vec![(NAME.to_owned(), name)];
        call.store().log_batch(
            &id,
            Batch {
                tags,
                ..Batch::default()
            },
        )?;
    }
    Ok(Answer::Json(
        json!({ "run_info": write::run_info(&call.store().run(&id)?) }),
    ))
}

pub(super) fn get(call: &Call<'_>) -> Handled {
    Ok(Answer::Json(
        json!({ "run": write::run(&call.store().run(&run_id(call)?)?) }),
    ))
}

pub(super) fn search(call: &Call<'_>) -> Handled {
    let ids = call.args.texts("experiment_ids")?;
    let ids = ids
        .iter()
        .map(|id| experiment_id(id))
        .collect::<Result<Vec<_>, _>>()?;
    let query = query(&call.args, "run_view_type", (1000, 50_000))?;
    // No experiment is no run, not all of them.
    if ids.is_empty() {
        return Ok(Answer::Json(json!({ "runs": [] })));
    }
    let found = call.store().search_runs(&ids, &query)?;
    let runs: Vec<_> = found.items.iter().map(write::run).collect();
    Ok(write::page("runs", runs, found.next))
}

pub(super) fn delete(call: &Call<'_>) -> Handled {
    call.store()
        .set_run_stage(&run_id(call)?, Stage::Deleted, &call.person)?;
    Ok(Answer::empty())
}

pub(super) fn restore(call: &Call<'_>) -> Handled {
    call.store()
        .set_run_stage(&run_id(call)?, Stage::Active, &call.person)?;
    Ok(Answer::empty())
}

fn metric(map: &Map<String, Value>) -> Result<Metric, Failure> {
    Ok(Metric {
        key: text_in(map, "key")?,
        value: number_in(map, "value")?,
        at: int_in(map, "timestamp")?.ok_or_else(|| crate::args::missing("timestamp"))?,
        step: int_in(map, "step")?.unwrap_or(0),
    })
}

/// Metrics of a list, and those among them that belong to logged models.
fn log(call: &Call<'_>, run: &str, maps: &[&Map<String, Value>], mut batch: Batch) -> Result<(), Failure> {
    let mut models: Vec<(String, ModelMetric)> = Vec::new();
    for map in maps {
        let metric = metric(map)?;
        let model = text_in(map, "model_id")?;
        if !model.is_empty() {
            let of = ModelMetric {
                run: run.to_owned(),
                metric: metric.clone(),
                dataset_name: text_in(map, "dataset_name")?,
                dataset_digest: text_in(map, "dataset_digest")?,
            };
            models.push((model, of));
        }
        batch.metrics.push(metric);
    }
    // A client that sets the name by its tag means the name.
    let name = batch
        .tags
        .iter()
        .rev()
        .find(|(key, _)| key == NAME)
        .map(|(_, name)| name.clone());
    call.store().log_batch(run, batch)?;
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        let change = RunChange {
            name: Some(name),
            ..RunChange::default()
        };
        call.store().update_run(run, change, &call.person)?;
    }
    for (model, metric) in models {
        call.store().log_model_metrics(&model, vec![metric])?;
    }
    Ok(())
}

pub(super) fn log_metric(call: &Call<'_>) -> Handled {
    log(call, &run_id(call)?, &[&call.args.0], Batch::default())?;
    Ok(Answer::empty())
}

/// Most metrics, and most things in all, of a batch; then parameters, and tags.
const BATCH_MAX: usize = 1000;
const WORDS_MAX: usize = 100;

pub(super) fn log_batch(call: &Call<'_>) -> Handled {
    let metrics = call.args.objects("metrics")?;
    let batch = Batch {
        metrics: Vec::new(),
        params: call.args.pairs("params")?,
        tags: call.args.pairs("tags")?,
    };
    let all = metrics.len() + batch.params.len() + batch.tags.len();
    if all > BATCH_MAX || batch.params.len() > WORDS_MAX || batch.tags.len() > WORDS_MAX {
        let message = format!(
            "A batch logging request can contain at most {BATCH_MAX} metrics, {WORDS_MAX} params, {WORDS_MAX} tags and {BATCH_MAX} in all"
        );
        return Err(Failure::invalid(message));
    }
    log(call, &run_id(call)?, &metrics, batch)?;
    Ok(Answer::empty())
}

pub(super) fn log_parameter(call: &Call<'_>) -> Handled {
    let params = vec![(call.args.need("key")?, call.args.text("value")?)];
    call.store().log_batch(
        &run_id(call)?,
        Batch {
            params,
            ..Batch::default()
        },
    )?;
    Ok(Answer::empty())
}

pub(super) fn set_tag(call: &Call<'_>) -> Handled {
    let tags = vec![(call.args.need("key")?, call.args.text("value")?)];
    log(
        call,
        &run_id(call)?,
        &[],
        Batch {
            tags,
            ..Batch::default()
        },
    )?;
    Ok(Answer::empty())
}

pub(super) fn delete_tag(call: &Call<'_>) -> Handled {
    call.store()
        .delete_run_tag(&run_id(call)?, &call.args.need("key")?)?;
    Ok(Answer::empty())
}

pub(super) fn log_inputs(call: &Call<'_>) -> Handled {
    let input = |map: &Map<String, Value>| {
        let dataset = map
            .get("dataset")
            .and_then(Value::as_object)
            .ok_or_else(|| crate::args::missing("dataset"))?;
        let words =
            |name: &str| Ok::<_, Failure>(Some(text_in(dataset, name)?).filter(|text| !text.is_empty()));
        Ok::<_, Failure>(Input {
            name: text_in(dataset, "name")?,
            digest: text_in(dataset, "digest")?,
            source_type: text_in(dataset, "source_type")?,
            source: text_in(dataset, "source")?,
            columns: words("schema")?,
            profile: words("profile")?,
            tags: pairs_in(map, "tags")?.into_iter().collect(),
        })
    };
    let inputs = call
        .args
        .objects("datasets")?
        .into_iter()
        .map(input)
        .collect::<Result<Vec<_>, _>>()?;
    let models = call
        .args
        .objects("models")?
        .into_iter()
        .map(|map| text_in(map, "model_id"));
    call.store()
        .log_inputs(&run_id(call)?, inputs, models.collect::<Result<Vec<_>, _>>()?)?;
    Ok(Answer::empty())
}

pub(super) fn outputs(call: &Call<'_>) -> Handled {
    let output =
        |map: &Map<String, Value>| Ok((text_in(map, "model_id")?, int_in(map, "step")?.unwrap_or(0)));
    let models = call
        .args
        .objects("models")?
        .into_iter()
        .map(output)
        .collect::<Result<Vec<_>, Failure>>()?;
    call.store().log_outputs(&run_id(call)?, models)?;
    Ok(Answer::empty())
}

/// Keeps a model's description in the tag where older clients look for it.
pub(super) fn log_model(call: &Call<'_>) -> Handled {
    const HISTORY: &str = "mlflow.log-model.history";
    let id = run_id(call)?;
    let model: Value = serde_json::from_str(&call.args.need("model_json")?)
        .map_err(|error| Failure::invalid(format!("model_json is no JSON: {error}")))?;
    let held = call
        .store()
        .run(&id)?
        .tags
        .get(HISTORY)
        .cloned()
        .unwrap_or_else(|| "[]".to_owned());
    let mut history: Vec<Value> = serde_json::from_str(&held).unwrap_or_default();
    history.push(model);
    let text = serde_json::to_string(&history).unwrap_or_default();
    if text.chars().count() <= TAG_MAX {
        let tags = vec![(HISTORY.to_owned(), text)];
        call.store().log_batch(
            &id,
            Batch {
                tags,
                ..Batch::default()
            },
        )?;
    }
    Ok(Answer::empty())
}

/// Values of a page of history.
const HISTORY_MAX: usize = 25_000;

pub(super) fn history(call: &Call<'_>) -> Handled {
    let page = call.args.text("page_token")?;
    let count = call.args.count("max_results", HISTORY_MAX, HISTORY_MAX)?;
    let page = Some(page.as_str()).filter(|page| !page.is_empty());
    let found = call
        .store()
        .metric_history(&run_id(call)?, &call.args.need("metric_key")?, (count, page))?;
    let metrics: Vec<_> = found.items.iter().map(write::metric).collect();
    Ok(write::page("metrics", metrics, found.next))
}

/// Histories of several runs between two steps.
pub(super) fn history_bulk(call: &Call<'_>) -> Handled {
    let (runs, key) = (call.args.texts("run_ids")?, call.args.need("metric_key")?);
    if runs.len() > 100 {
        return Err(Failure::invalid("run_ids may hold at most 100 runs"));
    }
    let first = call.args.int("start_step")?.unwrap_or(i64::MIN);
    let last = call.args.int("end_step")?.unwrap_or(i64::MAX);
    let most = call.args.count("max_results", 2500, HISTORY_MAX)?;
    let mut metrics = Vec::new();
    for run in &runs {
        let found = call.store().metric_history(run, &key, (HISTORY_MAX, None))?.items;
        let mut found: Vec<_> = found
            .into_iter()
            .filter(|metric| (first..=last).contains(&metric.step))
            .collect();
        found.sort_by_key(|metric| metric.step);
        // Every so many steps one value, the last one among them.
        let every = found.len().div_ceil(most.max(1)).max(1);
        let total = found.len();
        for (at, metric) in found
            .iter()
            .enumerate()
            .filter(|(at, _)| at % every == 0 || at + 1 == total)
        {
            debug_assert!(at < total);
            let mut value = write::metric(metric);
            value["run_id"] = json!(run);
            metrics.push(value);
        }
    }
    Ok(Answer::Json(json!({ "metrics": metrics })))
}

pub(super) fn list_artifacts(call: &Call<'_>) -> Handled {
    let run = call.store().run(&run_id(call)?)?;
    let found = call
        .store()
        .list_artifacts(&Owner::Run(run.id.clone()), &call.args.text("path")?)?;
    let root = write::run_root(run.experiment, &run.id);
    Ok(Answer::Json(
        json!({ "root_uri": root, "files": write::files(&found) }),
    ))
}
