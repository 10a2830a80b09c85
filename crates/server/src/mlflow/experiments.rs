//! `experiments/*`

use kolosal_platform::store::Stage;
use serde_json::json;

use super::{experiment_id, query, write};
use crate::answer::{Answer, Failure, Handled};
use crate::gate::Call;

fn id(call: &Call<'_>) -> Result<i64, Failure> {
    experiment_id(&call.args.need("experiment_id")?)
}

pub(super) fn create(call: &Call<'_>) -> Handled {
    // Where artifacts lie is this server's affair: an address of a client is never opened.
    let location = call.args.text("artifact_location")?;
    if !location.is_empty() && !location.starts_with("mlflow-artifacts:") {
        return Err(Failure::invalid(
            "artifact_location must be left out: this server keeps artifacts in its own store",
        ));
    }
    let (name, tags) = (call.args.need("name")?, call.args.words("tags")?);
    let id = call.store().create_experiment(&name, tags, &call.person)?;
    Ok(Answer::Json(json!({ "experiment_id": id.to_string() })))
}

pub(super) fn get(call: &Call<'_>) -> Handled {
    let found = call.store().experiment(id(call)?)?;
    Ok(Answer::Json(json!({ "experiment": write::experiment(&found) })))
}

pub(super) fn get_by_name(call: &Call<'_>) -> Handled {
    let found = call
        .store()
        .experiment_by_name(&call.args.need("experiment_name")?)?;
    Ok(Answer::Json(json!({ "experiment": write::experiment(&found) })))
}

pub(super) fn search(call: &Call<'_>) -> Handled {
    let found = call
        .store()
        .search_experiments(&query(&call.args, "view_type", (1000, 50_000))?)?;
    let experiments: Vec<_> = found.items.iter().map(write::experiment).collect();
    Ok(write::page("experiments", experiments, found.next))
}

pub(super) fn update(call: &Call<'_>) -> Handled {
    let name = call.args.text("new_name")?;
    if !name.is_empty() {
        call.store().rename_experiment(id(call)?, &name, &call.person)?;
    }
    Ok(Answer::empty())
}

pub(super) fn delete(call: &Call<'_>) -> Handled {
    call.store()
        .set_experiment_stage(id(call)?, Stage::Deleted, &call.person)?;
    Ok(Answer::empty())
}

pub(super) fn restore(call: &Call<'_>) -> Handled {
    call.store()
        .set_experiment_stage(id(call)?, Stage::Active, &call.person)?;
    Ok(Answer::empty())
}

pub(super) fn set_tag(call: &Call<'_>) -> Handled {
    let (key, value) = (call.args.need("key")?, call.args.text("value")?);
    call.store().set_experiment_tag(id(call)?, &key, &value)?;
    Ok(Answer::empty())
}

pub(super) fn delete_tag(call: &Call<'_>) -> Handled {
    call.store()
        .delete_experiment_tag(id(call)?, &call.args.need("key")?)?;
    Ok(Answer::empty())
}
