//! MLflow's addresses of artifacts. The path in an address is split into an owner and a name, both keys of rows.

use kolosal_platform::store::Owner;
use serde_json::json;

use crate::answer::{Answer, Failure, Handled};
use crate::gate::Call;

/// Splits `EXPERIMENT/RUN/artifacts/NAME`, `EXPERIMENT/models/MODEL/artifacts/NAME` or `versions/VERSION/NAME`.
pub(crate) fn owner(path: &str) -> Result<(Owner, String), Failure> {
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let (owner, rest) = match parts.as_slice() {
        [_, "models", model, "artifacts", rest @ ..] => (Owner::LoggedModel((*model).to_owned()), rest),
        [_, run, "artifacts", rest @ ..] => (Owner::Run((*run).to_owned()), rest),
        ["versions", version, rest @ ..] => (Owner::Version((*version).to_owned()), rest),
        _ => {
            return Err(Failure::invalid(
                "Invalid path: artifacts lie below a run, a logged model or a version",
            ));
        }
    };
    Ok((owner, rest.join("/")))
}

pub(crate) fn list(call: &Call<'_>) -> Handled {
    let (owner, folder) = owner(&call.args.text("path")?)?;
    let found = call.store().list_artifacts(&owner, &folder)?;
    let name = |path: &str| path.rsplit('/').next().unwrap_or("").to_owned();
    let files: Vec<_> = found
        .iter()
        .map(|file| match file.digest {
            None => json!({ "path": name(&file.path), "is_dir": true }),
            Some(_) => json!({ "path": name(&file.path), "is_dir": false, "file_size": file.size }),
        })
        .collect();
    Ok(Answer::Json(json!({ "files": files })))
}

pub(crate) fn get(call: &Call<'_>) -> Handled {
    let (owner, path) = owner(call.place("path"))?;
    let (file, artifact) = call.store().open_artifact(&owner, &path)?;
    let name = path.rsplit('/').next().unwrap_or("artifact").to_owned();
    Ok(Answer::File(name, file, artifact.size))
}

pub(crate) fn put(call: &Call<'_>) -> Handled {
    let (owner, path) = owner(call.place("path"))?;
    let blob = call.blob.lock().ok().and_then(|mut blob| blob.take());
    let blob = blob.ok_or_else(|| Failure::invalid("the body is missing"))?;
    call.store().put_artifact(&owner, &path, blob)?;
    Ok(Answer::empty())
}

pub(crate) fn delete(call: &Call<'_>) -> Handled {
    let (owner, path) = owner(call.place("path"))?;
    call.store().delete_artifact(&owner, &path)?;
    Ok(Answer::empty())
}
