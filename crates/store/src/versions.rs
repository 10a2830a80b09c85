//! Versions of registered models.
//!
//! A version holds the artifacts of its source as they were: its rows name the same blobs, and nothing changes them after.
//! Its number is taken and its row written in one transaction, after all its bytes are on the disk.

use crate::artifacts::{artifacts, insert_blob};
use crate::audit::{Note, note};
use crate::blobs::Blob;
use crate::experiments::{require_tag, require_tags};
use crate::ids::{TEXT_MAX, random_hex, require_model_name, require_path, require_text, sha256_hex};
use crate::registry::require_model;
use crate::search::Column::{Number, Text};
use crate::search::{Page, Query, Scope, Search, everything};
use crate::sql::{Connection, Row, values};
use crate::{Artifact, NewVersion, Owner, Store, StoreError, Version};

const COLUMNS: &str = "SELECT model, version, uid, digest, size, source, run, logged_model, signature, description, \
                       status, stage, person, created, updated FROM versions";

const SCOPE: Scope = Scope {
    what: "model versions",
    attributes: &[
        ("name", Text("model")),
        ("version", Number("version")),
        ("version_number", Number("version")),
        ("run_id", Text("run")),
        ("source_path", Text("source")),
        ("current_stage", Text("stage")),
        ("creation_timestamp", Number("created")),
        ("last_updated_timestamp", Number("updated")),
    ],
    metrics: None,
    params: None,
    tags: Some((
        "version_tags",
        "version_tags.model = versions.model AND version_tags.version = versions.version",
    )),
    datasets: None,
    tie: "model, version DESC",
};

/// The artifacts of a version to be registered.
#[derive(Debug, Clone)]
pub enum VersionBytes {
    /// Those of a run or logged model, at and below a path (empty for all).
    From(Owner, String),
    /// A finished blob with its name.
    Blob(String, Blob),
}

/// A stage that is no stage.
const STAGES: [&str; 4] = ["None", "Staging", "Production", "Archived"];

impl Store {
    /// Registers a version; gives it as it stands.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such model or source, [`StoreError::Invalid`] for words that may not be stored.
    pub fn create_version(&self, new: NewVersion, bytes: VersionBytes) -> Result<Version, StoreError> {
        require_model_name(&new.model)?;
        require_text("the description", &new.description, TEXT_MAX)?;
        require_text("the source", &new.source, TEXT_MAX)?;
        require_text("the signature", new.signature.as_deref().unwrap_or(""), TEXT_MAX)?;
        require_tags(&new.tags)?;
        if let VersionBytes::Blob(path, _) = &bytes {
            require_path(path)?;
        }
        let (now, uid, model) = ((self.now)(), random_hex(16)?, new.model.clone());
        let version = self.engine.write(move |on| {
            let found = on.first(
                "SELECT next_version FROM registered_models WHERE name = $1",
                values![&new.model],
            )?;
            let Some(version) = found.map(|row| row.int(0)) else {
                require_model(on, &new.model)?;
                return Ok(0);
            };
            let held = hold(on, &uid, bytes, now)?;
            insert(on, &new, (version, &uid, &held), now)?;
            let (subject, detail) = (format!("model {} version {version}", new.model), digest(&held));
            note(
                on,
                Note {
                    at: now,
                    person: &new.person,
                    action: "register",
                    subject,
                    detail,
                },
            )?;
            Ok(version)
        })?;
        self.version(&model, version)
    }

    /// A version.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn version(&self, model: &str, version: i64) -> Result<Version, StoreError> {
        self.engine.read(|on| {
            let row = on.first(
                &format!("{COLUMNS} WHERE model = $1 AND version = $2"),
                values![model, version],
            )?;
            let row = row.ok_or_else(|| not_found(model, version))?;
            read(on, &row)
        })
    }

    /// The version that an alias points at.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn version_by_alias(&self, model: &str, alias: &str) -> Result<Version, StoreError> {
        self.engine.read(|on| {
            require_model(on, model)?;
            let sql = "SELECT version FROM aliases WHERE model = $1 AND alias = $2";
            let version = on.first(sql, values![model, alias])?.map(|row| row.int(0));
            let version = version.ok_or_else(|| {
                StoreError::not_found(
                    "alias",
                    format!("{} of model {model}", alias.chars().take(80).collect::<String>()),
                )
            })?;
            let row = on.first(
                &format!("{COLUMNS} WHERE model = $1 AND version = $2"),
                values![model, version],
            )?;
            read(on, &row.ok_or_else(|| not_found(model, version))?)
        })
    }

    /// Versions that a filter finds.
    ///
    /// # Errors
    /// [`StoreError::Filter`], [`StoreError::Invalid`].
    pub fn search_versions(&self, query: &Query) -> Result<Page<Version>, StoreError> {
        let search = Search::new(COLUMNS, &SCOPE, (query, "updated DESC"), everything)?;
        self.engine.read(|on| search.page(on, read))
    }

    /// Says what a version is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn describe_version(
        &self,
        model: &str,
        version: i64,
        description: &str,
        person: &str,
    ) -> Result<(), StoreError> {
        require_text("the description", description, TEXT_MAX)?;
        let description = description.to_owned();
        self.change_version(model, version, (person, "describe"), move |on, model, now| {
            let sql = "UPDATE versions SET description = $1, updated = $2 WHERE model = $3 AND version = $4";
            on.execute(sql, values![description, now, model, version])
                .map(|_| String::new())
        })
    }

    /// Moves a version to a stage: None, Staging, Production or Archived.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`] for another word.
    pub fn set_version_stage(
        &self,
        (model, version): (&str, i64),
        stage: &str,
        archives_others: bool,
        person: &str,
    ) -> Result<(), StoreError> {
        let found = STAGES.iter().find(|name| name.eq_ignore_ascii_case(stage));
        let stage = *found.ok_or_else(|| {
            let problem = format!("is none of {}", STAGES.join(", "));
            StoreError::invalid(format!("the stage {stage:?}"), problem)
        })?;
        self.change_version(model, version, (person, "stage"), move |on, model, now| {
            if archives_others {
                on.execute(
                    "UPDATE versions SET stage = 'Archived', updated = $1 WHERE model = $2 AND stage = $3",
                    values![now, model, stage],
                )?;
            }
            let sql = "UPDATE versions SET stage = $1, updated = $2 WHERE model = $3 AND version = $4";
            on.execute(sql, values![stage, now, model, version])
                .map(|_| stage.to_owned())
        })
    }

    /// Deletes a version. Its number is never given again.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::State`] while aliases point at it.
    pub fn delete_version(&self, model: &str, version: i64, person: &str) -> Result<(), StoreError> {
        self.change_version(model, version, (person, "delete"), move |on, model, _| {
            let sql = "SELECT alias FROM aliases WHERE model = $1 AND version = $2 ORDER BY alias";
            let held: Vec<String> = on
                .query(sql, values![model, version])?
                .iter()
                .map(|row| row.text(0))
                .collect();
            if !held.is_empty() {
                return Err(StoreError::State {
                    what: "version",
                    name: format!("{version} of model {model}"),
                    state: format!("named by the alias {}", held.join(", ")),
                    need: "move or take away its aliases first",
                });
            }
            on.execute(
                "DELETE FROM artifacts WHERE owner IN
                 (SELECT 'version/' || uid FROM versions WHERE model = $1 AND version = $2)",
                values![model, version],
            )?;
            on.execute(
                "DELETE FROM version_tags WHERE model = $1 AND version = $2",
                values![model, version],
            )?;
            let sql = "DELETE FROM versions WHERE model = $1 AND version = $2";
            on.execute(sql, values![model, version]).map(|_| String::new())
        })
    }

    /// Sets a tag of a version.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub fn set_version_tag(
        &self,
        model: &str,
        version: i64,
        key: &str,
        value: &str,
    ) -> Result<(), StoreError> {
        require_tag(key, value)?;
        let (model, key, value) = (model.to_owned(), key.to_owned(), value.to_owned());
        self.engine.write(move |on| {
            require_version(on, &model, version)?;
            set_tag(on, &model, version, (&key, &value))
        })
    }

    /// Takes a tag of a version away; one that is not there is no error.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such version.
    pub fn delete_version_tag(&self, model: &str, version: i64, key: &str) -> Result<(), StoreError> {
        let (model, key) = (model.to_owned(), key.to_owned());
        self.engine.write(move |on| {
            require_version(on, &model, version)?;
            let sql = "DELETE FROM version_tags WHERE model = $1 AND version = $2 AND key = $3";
            on.execute(sql, values![model, version, key]).map(drop)
        })
    }

    /// Changes something of a version that is there, and notes it.
    pub(crate) fn change_version(
        &self,
        model: &str,
        version: i64,
        (person, action): (&str, &'static str),
        change: impl FnOnce(&mut dyn Connection, &str, i64) -> Result<String, StoreError> + Send + 'static,
    ) -> Result<(), StoreError> {
        let (now, model, person) = ((self.now)(), model.to_owned(), person.to_owned());
        self.engine.write(move |on| {
            require_version(on, &model, version)?;
            let detail = change(on, &model, now)?;
            let subject = format!("model {model} version {version}");
            note(
                on,
                Note {
                    at: now,
                    person: &person,
                    action,
                    subject,
                    detail,
                },
            )
        })
    }
}

/// Writes the rows of a version's artifacts.
fn hold(
    on: &mut dyn Connection,
    uid: &str,
    bytes: VersionBytes,
    now: i64,
) -> Result<Vec<Artifact>, StoreError> {
    let held = match bytes {
        VersionBytes::Blob(path, blob) => {
            insert_blob(on, &blob, now)?;
            vec![Artifact {
                path,
                digest: Some(blob.digest.as_str().to_owned()),
                size: blob.size,
            }]
        }
        VersionBytes::From(owner, root) => {
            let below = format!("{root}/");
            let take = |mut artifact: Artifact| {
                if root.is_empty() {
                    return Some(artifact);
                }
                let inner = artifact.path.strip_prefix(&below)?.to_owned();
                artifact.path = inner;
                Some(artifact)
            };
            artifacts(on, &owner)?.into_iter().filter_map(take).collect()
        }
    };
    let owner = Owner::Version(uid.to_owned()).key();
    for artifact in &held {
        on.execute(
            "INSERT INTO artifacts (owner, path, digest, size) VALUES ($1, $2, $3, $4)",
            values![
                &owner,
                &artifact.path,
                artifact.digest.as_ref(),
                artifact.size as i64
            ],
        )?;
    }
    Ok(held)
}

/// SHA-256 of the list of artifacts: each path with its digest, in the order of the paths.
fn digest(held: &[Artifact]) -> String {
    let line =
        |artifact: &Artifact| format!("{} {}\n", artifact.digest.as_deref().unwrap_or(""), artifact.path);
    sha256_hex(&held.iter().map(line).collect::<String>())
}

fn insert(
    on: &mut dyn Connection,
    new: &NewVersion,
    (version, uid, held): (i64, &str, &[Artifact]),
    now: i64,
) -> Result<(), StoreError> {
    let size: u64 = held.iter().map(|artifact| artifact.size).sum();
    on.execute(
        "INSERT INTO versions (model, version, uid, digest, size, source, run, logged_model, signature, description,
         status, stage, person, created, updated)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'READY', 'None', $11, $12, $12)",
        values![
            &new.model,
            version,
            uid,
            digest(held),
            size as i64,
            &new.source,
            &new.run,
            &new.logged_model,
            new.signature.as_ref(),
            &new.description,
            &new.person,
            now
        ],
    )?;
    for (key, value) in &new.tags {
        set_tag(on, &new.model, version, (key, value))?;
    }
    let sql = "UPDATE registered_models SET next_version = $1, updated = $2 WHERE name = $3";
    on.execute(sql, values![version + 1, now, &new.model]).map(drop)
}

fn set_tag(
    on: &mut dyn Connection,
    model: &str,
    version: i64,
    (key, value): (&str, &str),
) -> Result<(), StoreError> {
    on.execute(
        "INSERT INTO version_tags (model, version, key, value) VALUES ($1, $2, $3, $4)
         ON CONFLICT (model, version, key) DO UPDATE SET value = excluded.value",
        values![model, version, key, value],
    )
    .map(drop)
}

fn not_found(model: &str, version: i64) -> StoreError {
    let model: String = model.chars().take(80).collect();
    StoreError::not_found("version", format!("{version} of model {model}"))
}

fn require_version(on: &mut dyn Connection, model: &str, version: i64) -> Result<(), StoreError> {
    require_model(on, model)?;
    let found = on.first(
        "SELECT 1 FROM versions WHERE model = $1 AND version = $2",
        values![model, version],
    )?;
    found.map(drop).ok_or_else(|| not_found(model, version))
}

fn read(on: &mut dyn Connection, row: &Row) -> Result<Version, StoreError> {
    let (model, version) = (row.text(0), row.int(1));
    let sql = "SELECT alias FROM aliases WHERE model = $1 AND version = $2 ORDER BY alias";
    let aliases = on.query(sql, values![&model, version])?;
    let sql = "SELECT key, value FROM version_tags WHERE model = $1 AND version = $2";
    let tags = crate::store::words(&on.query(sql, values![&model, version])?);
    Ok(Version {
        model,
        version,
        uid: row.text(2),
        digest: row.text(3),
        size: row.int(4).max(0) as u64,
        source: row.text(5),
        run: row.text(6),
        logged_model: row.text(7),
        signature: row.maybe_text(8),
        description: row.text(9),
        status: row.text(10),
        stage: row.text(11),
        person: row.text(12),
        created: row.int(13),
        updated: row.int(14),
        tags,
        aliases: aliases.iter().map(|row| row.text(0)).collect(),
    })
}
