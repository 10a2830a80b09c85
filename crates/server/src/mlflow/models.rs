//! `registered-models/*` and `model-versions/*`

use kolosal_platform::store::{NewVersion, Owner, Query, RegisteredModel, Version, VersionBytes};
use serde_json::{Value, json};

use super::{query, write};
use crate::answer::{Answer, Failure, Handled};
use crate::artifact_routes;
use crate::gate::Call;

fn name(call: &Call<'_>) -> Result<String, Failure> {
    call.args.need("name")
}

fn version(call: &Call<'_>) -> Result<i64, Failure> {
    call.args
        .int("version")?
        .ok_or_else(|| crate::args::missing("version"))
}

/// The latest version of each stage.
fn latest_of(call: &Call<'_>, name: &str) -> Result<Vec<Version>, Failure> {
    let query = Query {
        filter: format!("name = '{}'", name.replace('\'', "''")),
        order_by: vec!["version DESC".to_owned()],
        count_max: 1000,
        ..Query::default()
    };
    let mut latest: Vec<Version> = Vec::new();
    for version in call.store().search_versions(&query)?.items {
        if latest.iter().all(|held| held.stage != version.stage) {
            latest.push(version);
        }
    }
    Ok(latest)
}

fn shown(call: &Call<'_>, model: &RegisteredModel) -> Result<Value, Failure> {
    Ok(write::model(model, &latest_of(call, &model.name)?))
}

fn model(call: &Call<'_>, name: &str) -> Handled {
    let found = call.store().model(name)?;
    Ok(Answer::Json(json!({ "registered_model": shown(call, &found)? })))
}

pub(super) fn create(call: &Call<'_>) -> Handled {
    let (name, tags) = (name(call)?, call.args.words("tags")?);
    call.store()
        .create_model(&name, &call.args.text("description")?, tags, &call.person)?;
    model(call, &name)
}

pub(super) fn rename(call: &Call<'_>) -> Handled {
    let to = call.args.need("new_name")?;
    call.store().rename_model(&name(call)?, &to, &call.person)?;
    call.shared.residents.forget_names();
    model(call, &to)
}

pub(super) fn update(call: &Call<'_>) -> Handled {
    let name = name(call)?;
    call.store()
        .describe_model(&name, &call.args.text("description")?, &call.person)?;
    model(call, &name)
}

pub(super) fn delete(call: &Call<'_>) -> Handled {
    call.store().delete_model(&name(call)?, &call.person)?;
    call.shared.residents.forget_names();
    Ok(Answer::empty())
}

pub(super) fn get(call: &Call<'_>) -> Handled {
    model(call, &name(call)?)
}

pub(super) fn search(call: &Call<'_>) -> Handled {
    let found = call
        .store()
        .search_models(&query(&call.args, "view", (100, 1000))?)?;
    let models = found
        .items
        .iter()
        .map(|model| shown(call, model))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(write::page("registered_models", models, found.next))
}

pub(super) fn latest(call: &Call<'_>) -> Handled {
    let (name, stages) = (name(call)?, call.args.texts("stages")?);
    call.store().model(&name)?;
    let is_wanted = |version: &Version| {
        stages.is_empty()
            || stages
                .iter()
                .any(|stage| stage.eq_ignore_ascii_case(&version.stage))
    };
    let found = latest_of(call, &name)?;
    let versions: Vec<_> = found
        .iter()
        .filter(|version| is_wanted(version))
        .map(write::version)
        .collect();
    Ok(Answer::Json(json!({ "model_versions": versions })))
}

pub(super) fn set_tag(call: &Call<'_>) -> Handled {
    call.store()
        .set_model_tag(&name(call)?, &call.args.need("key")?, &call.args.text("value")?)?;
    Ok(Answer::empty())
}

pub(super) fn delete_tag(call: &Call<'_>) -> Handled {
    call.store()
        .delete_model_tag(&name(call)?, &call.args.need("key")?)?;
    Ok(Answer::empty())
}

pub(super) fn set_alias(call: &Call<'_>) -> Handled {
    call.store().set_alias(
        &name(call)?,
        &call.args.need("alias")?,
        version(call)?,
        &call.person,
    )?;
    call.shared.residents.forget_names();
    Ok(Answer::empty())
}

pub(super) fn by_alias(call: &Call<'_>) -> Handled {
    let alias = call.args.need("alias")?;
    let found = call.store().version_by_alias(&name(call)?, &alias)?;
    Ok(Answer::Json(json!({ "model_version": write::version(&found) })))
}

pub(super) fn delete_alias(call: &Call<'_>) -> Handled {
    call.store()
        .delete_alias(&name(call)?, &call.args.need("alias")?, &call.person)?;
    call.shared.residents.forget_names();
    Ok(Answer::empty())
}

/// The artifacts that a source names. It is an address of this server's own things, or it is refused.
fn source(call: &Call<'_>, text: &str) -> Result<(Owner, String), Failure> {
    let refuse = || {
        Failure::invalid(
            "Invalid model version source: it must be models:/, runs:/ or mlflow-artifacts:/ of this server",
        )
    };
    let (scheme, rest) = text.split_once(':').ok_or_else(refuse)?;
    let path = match rest.strip_prefix("//") {
        // A host may stand before the path; what it names is not asked.
        Some(rest) if !rest.starts_with('/') => rest.split_once('/').map_or("", |(_, path)| path),
        _ => rest.trim_start_matches('/'),
    };
    match scheme {
        "models" => match path.split_once('/') {
            None => Ok((Owner::LoggedModel(path.to_owned()), String::new())),
            Some((name, version)) if version.bytes().all(|b| b.is_ascii_digit()) => {
                let number = version.parse().map_err(|_| refuse())?;
                Ok((
                    Owner::Version(call.store().version(name, number)?.uid),
                    String::new(),
                ))
            }
            Some((model, below)) => Ok((Owner::LoggedModel(model.to_owned()), below.to_owned())),
        },
        "runs" => {
            let (run, below) = path.split_once('/').unwrap_or((path, ""));
            Ok((Owner::Run(run.to_owned()), below.to_owned()))
        }
        "mlflow-artifacts" => artifact_routes::owner(path),
        _ => Err(refuse()),
    }
}

pub(super) fn create_version(call: &Call<'_>) -> Handled {
    let args = &call.args;
    let text = args.need("source")?;
    let (owner, below) = source(call, &text)?;
    let below = below.trim_end_matches('/').to_owned();
    // What does not exist cannot be registered.
    match &owner {
        Owner::Run(id) => drop(call.store().run(id)?),
        Owner::LoggedModel(id) => drop(call.store().logged_model(id)?),
        Owner::Version(_) => {}
    }
    call.store().list_artifacts(&owner, &below)?;
    let mut logged_model = args.text("model_id")?;
    if let (Owner::LoggedModel(id), true) = (&owner, logged_model.is_empty()) {
        logged_model.clone_from(id);
    }
    let new = NewVersion {
        model: name(call)?,
        source: text,
        run: args.text("run_id")?,
        logged_model,
        signature: None,
        description: args.text("description")?,
        person: call.person.clone(),
        tags: args.words("tags")?,
    };
    let made = call
        .store()
        .create_version(new, VersionBytes::From(owner, below))?;
    Ok(Answer::Json(json!({ "model_version": write::version(&made) })))
}

fn version_shown(call: &Call<'_>) -> Handled {
    let found = call.store().version(&name(call)?, version(call)?)?;
    Ok(Answer::Json(json!({ "model_version": write::version(&found) })))
}

pub(super) fn transition(call: &Call<'_>) -> Handled {
    let (name, stage) = (name(call)?, call.args.need("stage")?);
    let archives = call.args.flag("archive_existing_versions")?;
    call.store()
        .set_version_stage((&name, version(call)?), &stage, archives, &call.person)?;
    call.shared.residents.forget_names();
    version_shown(call)
}

pub(super) fn update_version(call: &Call<'_>) -> Handled {
    let description = call.args.text("description")?;
    call.store()
        .describe_version(&name(call)?, version(call)?, &description, &call.person)?;
    version_shown(call)
}

pub(super) fn delete_version(call: &Call<'_>) -> Handled {
    call.store()
        .delete_version(&name(call)?, version(call)?, &call.person)?;
    call.shared.residents.forget_names();
    Ok(Answer::empty())
}

pub(super) fn get_version(call: &Call<'_>) -> Handled {
    version_shown(call)
}

pub(super) fn search_versions(call: &Call<'_>) -> Handled {
    let found = call
        .store()
        .search_versions(&query(&call.args, "view", (200, 200_000))?)?;
    let versions: Vec<_> = found.items.iter().map(write::version).collect();
    Ok(write::page("model_versions", versions, found.next))
}

pub(super) fn download_uri(call: &Call<'_>) -> Handled {
    let found = call.store().version(&name(call)?, version(call)?)?;
    Ok(Answer::Json(
        json!({ "artifact_uri": format!("mlflow-artifacts:/versions/{}", found.uid) }),
    ))
}

pub(super) fn set_version_tag(call: &Call<'_>) -> Handled {
    let (key, value) = (call.args.need("key")?, call.args.text("value")?);
    call.store()
        .set_version_tag(&name(call)?, version(call)?, &key, &value)?;
    Ok(Answer::empty())
}

pub(super) fn delete_version_tag(call: &Call<'_>) -> Handled {
    call.store()
        .delete_version_tag(&name(call)?, version(call)?, &call.args.need("key")?)?;
    Ok(Answer::empty())
}
