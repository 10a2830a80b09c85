//! `logged-models/*`

use kolosal_platform::store::{NewLoggedModel, Owner};
use serde_json::json;

use super::{experiment_id, query, write};
use crate::answer::{Answer, Failure, Handled};
use crate::args::text_in;
use crate::gate::Call;

fn shown(call: &Call<'_>, id: &str) -> Handled {
    Ok(Answer::Json(
        json!({ "model": write::logged_model(&call.store().logged_model(id)?) }),
    ))
}

pub(super) fn create(call: &Call<'_>) -> Handled {
    let args = &call.args;
    let id = call.store().create_logged_model(NewLoggedModel {
        experiment: experiment_id(&args.need("experiment_id")?)?,
        name: args.text("name")?,
        kind: args.text("model_type")?,
        run: args.text("source_run_id")?,
        tags: args.words("tags")?,
        params: args.words("params")?,
    })?;
    shown(call, &id)
}

pub(super) fn get(call: &Call<'_>) -> Handled {
    shown(call, call.place("id"))
}

pub(super) fn finish(call: &Call<'_>) -> Handled {
    let status = call.args.need("status")?;
    let status = match status.as_str() {
        "LOGGED_MODEL_READY" | "READY" => "READY",
        "LOGGED_MODEL_UPLOAD_FAILED" | "FAILED" => "FAILED",
        "LOGGED_MODEL_PENDING" | "PENDING" => "PENDING",
        other => return Err(Failure::invalid(format!("the status {other:?} is unknown"))),
    };
    call.store()
        .set_logged_model_status(call.place("id"), status, &call.args.text("status_message")?)?;
    shown(call, call.place("id"))
}

pub(super) fn delete(call: &Call<'_>) -> Handled {
    call.store().delete_logged_model(call.place("id"))?;
    Ok(Answer::empty())
}

pub(super) fn search(call: &Call<'_>) -> Handled {
    let ids = call.args.texts("experiment_ids")?;
    let ids = ids
        .iter()
        .map(|id| experiment_id(id))
        .collect::<Result<Vec<_>, _>>()?;
    let mut query = query(&call.args, "view_type", (50, 1000))?;
    if call.args.get("order_by").is_some_and(|value| {
        value
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one.is_object()))
    }) {
        query.order_by = Vec::new();
        for order in call.args.objects("order_by")? {
            let name = text_in(order, "field_name")?;
            let is_up = order
                .get("ascending")
                .and_then(serde_json::Value::as_bool)
                .unwrap_or(true);
            query
                .order_by
                .push(format!("{name} {}", if is_up { "ASC" } else { "DESC" }));
        }
    }
    if ids.is_empty() {
        return Ok(Answer::Json(json!({ "models": [] })));
    }
    let found = call.store().search_logged_models(&ids, &query)?;
    let models: Vec<_> = found.items.iter().map(write::logged_model).collect();
    Ok(write::page("models", models, found.next))
}

pub(super) fn set_tags(call: &Call<'_>) -> Handled {
    call.store()
        .set_logged_model_tags(call.place("id"), call.args.words("tags")?)?;
    shown(call, call.place("id"))
}

pub(super) fn delete_tag(call: &Call<'_>) -> Handled {
    call.store()
        .delete_logged_model_tag(call.place("id"), call.place("key"))?;
    Ok(Answer::empty())
}

pub(super) fn log_params(call: &Call<'_>) -> Handled {
    call.store()
        .log_model_params(call.place("id"), call.args.words("params")?)?;
    shown(call, call.place("id"))
}

pub(super) fn list_artifacts(call: &Call<'_>) -> Handled {
    let model = call.store().logged_model(call.place("id"))?;
    let folder = call.args.text("artifact_directory_path")?;
    let found = call
        .store()
        .list_artifacts(&Owner::LoggedModel(model.id.clone()), &folder)?;
    let root = write::model_root(model.experiment, &model.id);
    Ok(Answer::Json(
        json!({ "root_uri": root, "files": write::files(&found) }),
    ))
}
