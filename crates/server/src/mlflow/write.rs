//! What is stored, in the words of the protocol.

use kolosal_platform::store::{
    Artifact, Experiment, Input, LoggedModel, Metric, RegisteredModel, Run, Version, Words,
};
use serde_json::{Map, Value, json};

use crate::answer::Answer;

pub(super) fn pairs(words: &Words) -> Vec<Value> {
    words
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value }))
        .collect()
}

/// A number; those that JSON has no words for go as texts.
pub(crate) fn number(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

pub(super) fn metric(metric: &Metric) -> Value {
    json!({ "key": metric.key, "value": number(metric.value), "timestamp": metric.at, "step": metric.step })
}

pub(super) fn experiment(found: &Experiment) -> Value {
    json!({
        "experiment_id": found.id.to_string(),
        "name": found.name,
        "artifact_location": format!("mlflow-artifacts:/{}", found.id),
        "lifecycle_stage": found.stage.name(),
        "creation_time": found.created,
        "last_update_time": found.updated,
        "tags": pairs(&found.tags),
    })
}

pub(super) fn run_root(experiment: i64, run: &str) -> String {
    format!("mlflow-artifacts:/{experiment}/{run}/artifacts")
}

pub(super) fn model_root(experiment: i64, model: &str) -> String {
    format!("mlflow-artifacts:/{experiment}/models/{model}/artifacts")
}

pub(super) fn run_info(run: &Run) -> Value {
    let mut info = json!({
        "run_id": run.id,
        "run_uuid": run.id,
        "run_name": run.name,
        "experiment_id": run.experiment.to_string(),
        "user_id": run.person,
        "status": run.status.name(),
        "start_time": run.started,
        "lifecycle_stage": run.stage.name(),
        "artifact_uri": run_root(run.experiment, &run.id),
    });
    if let Some(ended) = run.ended {
        info["end_time"] = json!(ended);
    }
    info
}

pub(super) fn run(run: &Run) -> Value {
    let dataset = |input: &Input| {
        json!({
            "tags": pairs(&input.tags),
            "dataset": {
                "name": input.name,
                "digest": input.digest,
                "source_type": input.source_type,
                "source": input.source,
                "schema": input.columns.clone().unwrap_or_default(),
                "profile": input.profile.clone().unwrap_or_default(),
            },
        })
    };
    let model_in = |model: &String| json!({ "model_id": model });
    let model_out = |(model, step): &(String, i64)| json!({ "model_id": model, "step": step });
    json!({
        "info": run_info(run),
        "data": {
            "metrics": run.metrics.iter().map(metric).collect::<Vec<_>>(),
            "params": pairs(&run.params),
            "tags": pairs(&run.tags),
        },
        "inputs": {
            "dataset_inputs": run.datasets.iter().map(dataset).collect::<Vec<_>>(),
            "model_inputs": run.model_inputs.iter().map(model_in).collect::<Vec<_>>(),
        },
        "outputs": { "model_outputs": run.model_outputs.iter().map(model_out).collect::<Vec<_>>() },
    })
}

pub(super) fn files(found: &[Artifact]) -> Vec<Value> {
    let file = |file: &Artifact| match file.digest {
        None => json!({ "path": file.path, "is_dir": true }),
        Some(_) => json!({ "path": file.path, "is_dir": false, "file_size": file.size }),
    };
    found.iter().map(file).collect()
}

pub(super) fn logged_model(model: &LoggedModel) -> Value {
    let status = match model.status.as_str() {
        "READY" => "LOGGED_MODEL_READY",
        "FAILED" => "LOGGED_MODEL_UPLOAD_FAILED",
        _ => "LOGGED_MODEL_PENDING",
    };
    let metrics = model.metrics.iter().map(|found| {
        let mut value = metric(&found.metric);
        value["run_id"] = json!(found.run);
        value["model_id"] = json!(model.id);
        if !found.dataset_name.is_empty() {
            value["dataset_name"] = json!(found.dataset_name);
            value["dataset_digest"] = json!(found.dataset_digest);
        }
        value
    });
    json!({
        "info": {
            "model_id": model.id,
            "experiment_id": model.experiment.to_string(),
            "name": model.name,
            "creation_timestamp_ms": model.created,
            "last_updated_timestamp_ms": model.updated,
            "artifact_uri": model_root(model.experiment, &model.id),
            "status": status,
            "status_message": model.message,
            "model_type": model.kind,
            "source_run_id": model.run,
            "tags": pairs(&model.tags),
        },
        "data": { "params": pairs(&model.params), "metrics": metrics.collect::<Vec<_>>() },
    })
}

pub(super) fn version(version: &Version) -> Value {
    json!({
        "name": version.model,
        "version": version.version.to_string(),
        "creation_timestamp": version.created,
        "last_updated_timestamp": version.updated,
        "user_id": version.person,
        "current_stage": version.stage,
        "description": version.description,
        "source": version.source,
        "run_id": version.run,
        "model_id": version.logged_model,
        "status": version.status,
        "tags": pairs(&version.tags),
        "aliases": version.aliases,
    })
}

pub(super) fn model(model: &RegisteredModel, latest: &[Version]) -> Value {
    let alias = |(alias, version): (&String, &i64)| json!({ "alias": alias, "version": version.to_string() });
    json!({
        "name": model.name,
        "creation_timestamp": model.created,
        "last_updated_timestamp": model.updated,
        "description": model.description,
        "tags": pairs(&model.tags),
        "aliases": model.aliases.iter().map(alias).collect::<Vec<_>>(),
        "latest_versions": latest.iter().map(version).collect::<Vec<_>>(),
    })
}

/// A list under its name, and where the next page begins, if there is one.
pub(super) fn page(name: &str, items: Vec<Value>, next: Option<String>) -> Answer {
    let mut answer = Map::from_iter([(name.to_owned(), Value::Array(items))]);
    answer.extend(next.map(|next| ("next_page_token".to_owned(), Value::String(next))));
    Answer::Json(Value::Object(answer))
}
