//! The product's own words: `/api/v1`, and how the server is.

use kolosal_platform::store::{Batch, Metric, NewRun, Query, Role, RunChange, RunStatus, TokenInfo, Version};
use kolosal_platform::{find_version, peak_rss_bytes, unix_ms};
use serde_json::{Value, json};

use crate::answer::{Answer, Failure, Handled};
use crate::args::{int_in, number_in, text_in};
use crate::gate::Call;
use crate::mlflow::number;

pub(crate) fn healthz(_: &Call<'_>) -> Handled {
    Ok(Answer::Text("ok\n".to_owned()))
}

/// What an mlflow client asks for before anything else.
pub(crate) fn health(_: &Call<'_>) -> Handled {
    Ok(Answer::Text("OK".to_owned()))
}

pub(crate) fn version(_: &Call<'_>) -> Handled {
    Ok(Answer::Text(env!("CARGO_PKG_VERSION").to_owned()))
}

/// Ready is who can write.
pub(crate) fn readyz(call: &Call<'_>) -> Handled {
    match call.store().probe() {
        Ok(()) => Ok(Answer::Text("ready\n".to_owned())),
        Err(_) => Err(Failure::status(
            503,
            "TEMPORARILY_UNAVAILABLE",
            "the store takes no writes",
        )),
    }
}

pub(crate) fn metrics(call: &Call<'_>) -> Handled {
    let shared = call.shared;
    let gauges = [
        (
            "kolosal_uptime_seconds",
            "Time since the server's start.",
            shared.now().as_secs_f64(),
        ),
        (
            "kolosal_connections_open",
            "Connections that are open.",
            shared.connections() as f64,
        ),
        (
            "kolosal_models_resident",
            "Versions of models that are loaded.",
            shared.residents.count() as f64,
        ),
        (
            "kolosal_memory_peak_bytes",
            "Most memory the process has held.",
            peak_rss_bytes().unwrap_or(0) as f64,
        ),
    ];
    Ok(Answer::Text(shared.figures.text(&gauges)))
}

fn query(call: &Call<'_>) -> Result<Query, Failure> {
    Ok(Query {
        filter: call.args.text("filter")?,
        order_by: call.args.texts("order_by")?,
        count_max: call.args.count("count", 100, 1000)?,
        page: Some(call.args.text("page")?).filter(|page| !page.is_empty()),
        ..Query::default()
    })
}

pub(crate) fn experiments(call: &Call<'_>) -> Handled {
    let found = call.store().search_experiments(&query(call)?)?.map(|found| {
        json!({ "id": found.id, "name": found.name, "tags": json!(&found.tags), "created_ms": found.created })
    });
    Ok(Answer::Json(
        json!({ "experiments": found.items, "next_page": found.next }),
    ))
}

pub(crate) fn create_experiment(call: &Call<'_>) -> Handled {
    let name = call.args.need("name")?;
    let id = call
        .store()
        .create_experiment(&name, Default::default(), &call.person)?;
    Ok(Answer::JsonStatus(201, json!({ "id": id, "name": name })))
}

fn run_json(run: &kolosal_platform::store::Run) -> Value {
    let metrics: serde_json::Map<String, Value> = run
        .metrics
        .iter()
        .map(|metric| (metric.key.clone(), number(metric.value)))
        .collect();
    json!({
        "run": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status.name(),
        "user": run.person,
        "started_ms": run.started,
        "ended_ms": run.ended,
        "params": json!(&run.params),
        "metrics": metrics,
        "tags": json!(&run.tags),
    })
}

pub(crate) fn runs(call: &Call<'_>) -> Handled {
    let experiments: Vec<i64> = call.args.int("experiment")?.into_iter().collect();
    let found = call
        .store()
        .search_runs(&experiments, &query(call)?)?
        .map(|run| run_json(&run));
    Ok(Answer::Json(
        json!({ "runs": found.items, "next_page": found.next }),
    ))
}

pub(crate) fn create_run(call: &Call<'_>) -> Handled {
    let id = call.store().create_run(NewRun {
        experiment: call.args.int("experiment")?.unwrap_or(0),
        name: call.args.text("name")?,
        person: call.person.clone(),
        ..NewRun::default()
    })?;
    Ok(Answer::JsonStatus(201, run_json(&call.store().run(&id)?)))
}

pub(crate) fn run(call: &Call<'_>) -> Handled {
    Ok(Answer::Json(run_json(&call.store().run(call.place("run"))?)))
}

/// Logs `metrics`, `params` and `tags`, lists of `{key, value}`; `status` ends the run.
pub(crate) fn log(call: &Call<'_>) -> Handled {
    let now = unix_ms();
    let mut metrics = Vec::new();
    for map in call.args.objects("metrics")? {
        metrics.push(Metric {
            key: text_in(map, "key")?,
            value: number_in(map, "value")?,
            at: int_in(map, "at_ms")?.unwrap_or(now),
            step: int_in(map, "step")?.unwrap_or(0),
        });
    }
    let batch = Batch {
        metrics,
        params: call.args.pairs("params")?,
        tags: call.args.pairs("tags")?,
    };
    call.store().log_batch(call.place("run"), batch)?;
    let status = call.args.text("status")?;
    if !status.is_empty() {
        let change = RunChange {
            status: Some(RunStatus::parse(&status)?),
            ..RunChange::default()
        };
        call.store().update_run(call.place("run"), change, &call.person)?;
    }
    Ok(Answer::empty())
}

pub(crate) fn history(call: &Call<'_>) -> Handled {
    let (count, page) = (call.args.count("count", 1000, 25_000)?, call.args.text("page")?);
    let page = Some(page.as_str()).filter(|page| !page.is_empty());
    let found = call
        .store()
        .metric_history(call.place("run"), call.place("key"), (count, page))?;
    let values =
        found.map(|metric| json!({ "value": number(metric.value), "step": metric.step, "at_ms": metric.at }));
    Ok(Answer::Json(
        json!({ "values": values.items, "next_page": values.next }),
    ))
}

fn model_json(model: &kolosal_platform::store::RegisteredModel) -> Value {
    json!({
        "name": model.name,
        "description": model.description,
        "aliases": model.aliases,
        "tags": json!(&model.tags),
        "updated_ms": model.updated,
    })
}

fn version_json(version: &Version) -> Value {
    let signature: Option<Value> = version
        .signature
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    json!({
        "model": version.model,
        "version": version.version,
        "sha256": version.digest,
        "bytes": version.size,
        "source": version.source,
        "run": version.run,
        "status": version.status,
        "stage": version.stage,
        "aliases": version.aliases,
        "description": version.description,
        "signature": signature,
        "user": version.person,
        "created_ms": version.created,
    })
}

pub(crate) fn models(call: &Call<'_>) -> Handled {
    let found = call
        .store()
        .search_models(&query(call)?)?
        .map(|model| model_json(&model));
    Ok(Answer::Json(
        json!({ "models": found.items, "next_page": found.next }),
    ))
}

pub(crate) fn model(call: &Call<'_>) -> Handled {
    Ok(Answer::Json(model_json(&call.store().model(call.place("name"))?)))
}

pub(crate) fn versions(call: &Call<'_>) -> Handled {
    let name = call.place("name");
    call.store().model(name)?;
    let query = Query {
        filter: format!("name = '{}'", name.replace('\'', "''")),
        order_by: vec!["version DESC".to_owned()],
        ..query(call)?
    };
    let found = call
        .store()
        .search_versions(&query)?
        .map(|version| version_json(&version));
    Ok(Answer::Json(
        json!({ "versions": found.items, "next_page": found.next }),
    ))
}

/// A version by its number or an alias.
pub(crate) fn version_of(call: &Call<'_>) -> Handled {
    let found = find_version(call.store(), call.place("name"), Some(call.place("version")))?;
    Ok(Answer::Json(version_json(&found)))
}

pub(crate) fn set_alias(call: &Call<'_>) -> Handled {
    let version = call
        .args
        .int("version")?
        .ok_or_else(|| crate::args::missing("version"))?;
    let (name, alias) = (call.place("name"), call.place("alias"));
    call.store().set_alias(name, alias, version, &call.person)?;
    call.shared.residents.forget_names();
    Ok(Answer::Json(
        json!({ "model": name, "alias": alias, "version": version }),
    ))
}

pub(crate) fn delete_alias(call: &Call<'_>) -> Handled {
    call.store()
        .delete_alias(call.place("name"), call.place("alias"), &call.person)?;
    call.shared.residents.forget_names();
    Ok(Answer::empty())
}

pub(crate) fn roll_back(call: &Call<'_>) -> Handled {
    let (name, alias) = (call.place("name"), call.place("alias"));
    let version = call.store().roll_back_alias(name, alias, &call.person)?;
    call.shared.residents.forget_names();
    Ok(Answer::Json(
        json!({ "model": name, "alias": alias, "version": version }),
    ))
}

fn token_json(token: &TokenInfo) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "role": token.role.name(),
        "created_ms": token.created,
        "expires_ms": token.expires,
        "revoked_ms": token.revoked,
    })
}

pub(crate) fn tokens(call: &Call<'_>) -> Handled {
    let tokens: Vec<_> = call.store().tokens()?.iter().map(token_json).collect();
    Ok(Answer::Json(json!({ "tokens": tokens })))
}

/// Makes a token; the answer is the only place where it is ever shown.
pub(crate) fn create_token(call: &Call<'_>) -> Handled {
    let role = Role::parse(&call.args.need("role")?)?;
    let expires = call.args.int("expires_ms")?;
    let (secret, info) = call
        .store()
        .create_token(&call.args.need("name")?, role, expires, &call.person)?;
    let mut shown = token_json(&info);
    shown["token"] = json!(secret);
    Ok(Answer::JsonStatus(201, shown))
}

pub(crate) fn revoke_token(call: &Call<'_>) -> Handled {
    call.store().revoke_token(call.place("id"), &call.person)?;
    call.shared.trusted.forget();
    Ok(Answer::empty())
}

pub(crate) fn audit(call: &Call<'_>) -> Handled {
    let page = call.args.text("page")?;
    let page = Some(page.as_str()).filter(|page| !page.is_empty());
    let found = call
        .store()
        .audit(call.args.count("count", 100, 1000)?, page)?
        .map(|entry| {
            json!({
                "seq": entry.seq,
                "at_ms": entry.at,
                "user": entry.person,
                "action": entry.action,
                "subject": entry.subject,
                "detail": entry.detail,
                "hash": entry.hash,
            })
        });
    Ok(Answer::Json(
        json!({ "entries": found.items, "next_page": found.next }),
    ))
}
