//! Model files in the registry: verified before they are registered.

use std::path::PathBuf;

use kolosal_base::ErrorKind;
use kolosal_pipeline::Manifest;
use kolosal_store::{NewVersion, Owner, Query, Store, StoreError, Version, VersionBytes, Words};

use crate::tracking::MODEL_FILE;
use crate::{Model, Platform, PlatformError};

/// A model to be registered.
#[derive(Debug, Clone, Default)]
pub struct RegisterJob {
    /// The model's name; made if it is not there.
    pub name: String,
    /// The model file.
    pub file: Option<PathBuf>,
    /// Or the run that trained it.
    pub run: Option<String>,
    /// What it is.
    pub description: String,
    /// Who registers it.
    pub person: String,
}

impl Platform {
    /// Registers a model file, or the model of a run, as the next version of a name. Every byte is verified and the model is
    /// built before it is registered; what is registered can be loaded.
    ///
    /// # Errors
    /// [`PlatformError::Artifact`] for a file that is no model, [`PlatformError::Store`].
    pub fn register(&self, store: &Store, job: &RegisterJob) -> Result<Version, PlatformError> {
        let (file, source, bytes) = match (&job.file, &job.run) {
            (Some(file), None) => (file.clone(), file.display().to_string(), None),
            (None, Some(run)) => {
                let owner = Owner::Run(run.clone());
                let file = store.artifact_file(&owner, MODEL_FILE)?;
                let bytes = VersionBytes::From(owner, String::new());
                (file, format!("runs:/{run}/{MODEL_FILE}"), Some(bytes))
            }
            _ => {
                return Err(PlatformError::Setting {
                    what: "the model to register",
                    value: "neither or both of a file and a run".to_owned(),
                    allowed: "a model file, or a run that trained one".to_owned(),
                });
            }
        };
        let model = self.load(&file)?;
        let bytes = match bytes {
            Some(bytes) => bytes,
            None => {
                let opened = std::fs::File::open(&file).map_err(|source| PlatformError::Open {
                    file: file.clone(),
                    source,
                })?;
                let mut blob = store.begin_blob(u64::MAX)?;
                blob.add_all(opened)?;
                VersionBytes::Blob(MODEL_FILE.to_owned(), blob.finish()?)
            }
        };
        match store.create_model(&job.name, "", Words::new(), &job.person) {
            Ok(()) | Err(StoreError::Exists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let new = NewVersion {
            model: job.name.clone(),
            source,
            run: job.run.clone().unwrap_or_default(),
            signature: Some(signature(&model.manifest)),
            description: job.description.clone(),
            person: job.person.clone(),
            tags: Words::from([("kolosal.task".to_owned(), model.manifest.task.clone())]),
            ..NewVersion::default()
        };
        Ok(store.create_version(new, bytes)?)
    }

    /// Loads a version of the registry; every byte is verified.
    ///
    /// # Errors
    /// [`PlatformError::Artifact`], [`PlatformError::Store`] if the version holds no model of ours.
    pub fn load_version(&self, store: &Store, version: &Version) -> Result<Model, PlatformError> {
        let owner = Owner::Version(version.uid.clone());
        self.load(&store.artifact_file(&owner, MODEL_FILE)?)
    }
}

/// What goes into a model and comes out, as JSON.
fn signature(manifest: &Manifest) -> String {
    let column = |feature: &kolosal_pipeline::FeatureEntry| serde_json::json!({ "name": feature.name, "type": feature.kind });
    serde_json::json!({
        "inputs": manifest.features.iter().map(column).collect::<Vec<_>>(),
        "task": manifest.task,
        "target": manifest.target,
        "classes": manifest.classes,
    })
    .to_string()
}

/// Takes a version out of use: its aliases are taken away and its stage becomes Archived. Its bytes stay. Gives the aliases
/// that it had.
///
/// # Errors
/// [`PlatformError::Store`].
pub fn retire(store: &Store, name: &str, version: i64, person: &str) -> Result<Vec<String>, PlatformError> {
    let found = store.version(name, version)?;
    for alias in &found.aliases {
        store.delete_alias(name, alias, person)?;
    }
    store.set_version_stage((name, version), "Archived", false, person)?;
    Ok(found.aliases)
}

/// The version that words name: a number, an alias, or nothing for the champion, and without one the latest that is in use.
///
/// # Errors
/// [`PlatformError::Store`] if there is none.
pub fn find_version(store: &Store, name: &str, wanted: Option<&str>) -> Result<Version, PlatformError> {
    if let Some(wanted) = wanted {
        return Ok(match wanted.parse::<i64>() {
            Ok(number) => store.version(name, number)?,
            Err(_) => store.version_by_alias(name, wanted)?,
        });
    }
    match store.version_by_alias(name, CHAMPION) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => return Ok(found?),
    }
    store.model(name)?;
    let query = Query {
        filter: format!(
            "name = '{}' AND current_stage != 'Archived'",
            name.replace('\'', "''")
        ),
        order_by: vec!["version DESC".to_owned()],
        count_max: 1,
        ..Query::default()
    };
    let latest = store.search_versions(&query)?.items.into_iter().next();
    latest.ok_or_else(|| {
        let name = format!("in use of model {name}");
        StoreError::NotFound {
            what: "version",
            name,
        }
        .into()
    })
}

/// The alias of the version that answers.
pub const CHAMPION: &str = "champion";
