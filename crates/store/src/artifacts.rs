//! Artifacts: names that lead to blobs.

use std::fs::File;
use std::path::PathBuf;

use crate::blobs::{Blob, BlobDigest, BlobWriter};
use crate::ids::require_path;
use crate::runs::require_run;
use crate::sql::{Connection, values};
use crate::{Artifact, Owner, Store, StoreError};

impl Store {
    /// Begins a blob of at most so many bytes. Once finished, [`Store::put_artifact`] gives it a name.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the disk refuses.
    pub fn begin_blob(&self, size_max: u64) -> Result<BlobWriter, StoreError> {
        self.blobs.begin(size_max)
    }

    /// Gives a finished blob a name; an artifact of that name is replaced.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such owner, [`StoreError::Invalid`] for a path that may not be,
    /// [`StoreError::State`] for a version, whose artifacts never change.
    pub fn put_artifact(&self, owner: &Owner, path: &str, blob: Blob) -> Result<(), StoreError> {
        require_path(path)?;
        let (owner, path, now) = (owner.clone(), path.to_owned(), (self.now)());
        self.engine.write(move |on| {
            require_owner(on, &owner)?;
            if let Owner::Version(id) = &owner {
                return Err(StoreError::State {
                    what: "version",
                    name: id.clone(),
                    state: "registered".to_owned(),
                    need: "its artifacts never change; register a new version",
                });
            }
            let inside = on.first(
                "SELECT path FROM artifacts WHERE owner = $1 AND path >= $2 AND path < $3 LIMIT 1",
                values![owner.key(), format!("{path}/"), format!("{path}0")],
            )?;
            let outer = folders_of(&path);
            let mut is_in_file = false;
            for folder in outer {
                let sql = "SELECT 1 FROM artifacts WHERE owner = $1 AND path = $2";
                is_in_file |= on.first(sql, values![owner.key(), folder])?.is_some();
            }
            if inside.is_some() || is_in_file {
                return Err(StoreError::invalid(
                    "the artifact's path",
                    "is a folder, or lies below a file",
                ));
            }
            insert_blob(on, &blob, now)?;
            on.execute(
                "INSERT INTO artifacts (owner, path, digest, size) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (owner, path) DO UPDATE SET digest = excluded.digest, size = excluded.size",
                values![owner.key(), path, blob.digest.as_str(), blob.size as i64],
            )
            .map(drop)
        })
    }

    /// Stores bytes as an artifact.
    ///
    /// # Errors
    /// As [`Store::put_artifact`].
    pub fn put_artifact_bytes(&self, owner: &Owner, path: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut blob = self.begin_blob(bytes.len() as u64)?;
        blob.add(bytes)?;
        self.put_artifact(owner, path, blob.finish()?)
    }

    /// What lies in a folder of an owner's artifacts (all of it: the empty path), folders first shown as such.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] for a path that may not be.
    pub fn list_artifacts(&self, owner: &Owner, folder: &str) -> Result<Vec<Artifact>, StoreError> {
        let folder = folder.trim_end_matches('/');
        let start = if folder.is_empty() {
            String::new()
        } else {
            require_path(folder)?;
            format!("{folder}/")
        };
        let mut found: Vec<Artifact> = Vec::new();
        for artifact in self.all_artifacts(owner)? {
            let Some(rest) = artifact.path.strip_prefix(&start) else {
                continue;
            };
            match rest.split_once('/') {
                None => found.push(artifact),
                Some((name, _)) => {
                    let path = format!("{start}{name}");
                    if found.last().is_none_or(|last| last.path != path) {
                        found.push(Artifact {
                            path,
                            digest: None,
                            size: 0,
                        });
                    }
                }
            }
        }
        Ok(found)
    }

    /// All artifacts of an owner, by path.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn all_artifacts(&self, owner: &Owner) -> Result<Vec<Artifact>, StoreError> {
        self.engine.read(|on| artifacts(on, owner))
    }

    /// Opens an artifact after its bytes were compared with their digest.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Damaged`].
    pub fn open_artifact(&self, owner: &Owner, path: &str) -> Result<(File, Artifact), StoreError> {
        let (digest, artifact) = self.artifact(owner, path)?;
        Ok((self.blobs.open_verified(&digest)?, artifact))
    }

    /// Where an artifact's bytes are, for readers that verify them by themselves.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn artifact_file(&self, owner: &Owner, path: &str) -> Result<PathBuf, StoreError> {
        let (digest, _) = self.artifact(owner, path)?;
        Ok(self.blobs.path(&digest))
    }

    fn artifact(&self, owner: &Owner, path: &str) -> Result<(BlobDigest, Artifact), StoreError> {
        require_path(path)?;
        let found = self.engine.read(|on| {
            let sql = "SELECT digest, size FROM artifacts WHERE owner = $1 AND path = $2";
            on.first(sql, values![owner.key(), path])
        })?;
        let row = found.ok_or_else(|| StoreError::not_found("artifact", path))?;
        let artifact = Artifact {
            path: path.to_owned(),
            digest: Some(row.text(0)),
            size: row.int(1).max(0) as u64,
        };
        Ok((BlobDigest::parse(&row.text(0))?, artifact))
    }

    /// Takes an artifact, or all below a folder, away. The bytes stay for others that share them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::State`] for a version.
    pub fn delete_artifact(&self, owner: &Owner, path: &str) -> Result<(), StoreError> {
        require_path(path)?;
        if let Owner::Version(id) = owner {
            return Err(StoreError::State {
                what: "version",
                name: id.clone(),
                state: "registered".to_owned(),
                need: "its artifacts never change",
            });
        }
        let (owner, path) = (owner.key(), path.to_owned());
        self.engine.write(move |on| {
            let sql = "DELETE FROM artifacts WHERE owner = $1 AND (path = $2 OR (path >= $3 AND path < $4))";
            let gone = on.execute(sql, values![owner, &path, format!("{path}/"), format!("{path}0")])?;
            if gone == 0 {
                return Err(StoreError::not_found("artifact", path));
            }
            Ok(())
        })
    }

    /// Compares every blob with its digest; gives those that are damaged or gone.
    ///
    /// # Errors
    /// [`StoreError`] if the list cannot be read.
    pub fn scrub(&self) -> Result<Vec<String>, StoreError> {
        let rows = self
            .engine
            .read(|on| on.query("SELECT digest FROM blobs ORDER BY digest", &[]))?;
        let mut damaged = Vec::new();
        for row in rows {
            let digest = row.text(0);
            if BlobDigest::parse(&digest)
                .and_then(|known| self.blobs.open_verified(&known))
                .is_err()
            {
                damaged.push(digest);
            }
        }
        Ok(damaged)
    }
}

pub(crate) fn insert_blob(on: &mut dyn Connection, blob: &Blob, now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO blobs (digest, size, created) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING";
    on.execute(sql, values![blob.digest.as_str(), blob.size as i64, now])
        .map(drop)
}

pub(crate) fn artifacts(on: &mut dyn Connection, owner: &Owner) -> Result<Vec<Artifact>, StoreError> {
    let sql = "SELECT path, digest, size FROM artifacts WHERE owner = $1 ORDER BY path";
    let rows = on.query(sql, values![owner.key()])?;
    let artifact = |row: &crate::sql::Row| Artifact {
        path: row.text(0),
        digest: Some(row.text(1)),
        size: row.int(2).max(0) as u64,
    };
    Ok(rows.iter().map(artifact).collect())
}

fn require_owner(on: &mut dyn Connection, owner: &Owner) -> Result<(), StoreError> {
    match owner {
        Owner::Run(id) => require_run(on, id),
        Owner::LoggedModel(id) => crate::logged::require_logged_model(on, id),
        Owner::Version(id) => {
            let found = on.first("SELECT 1 FROM versions WHERE uid = $1", values![id])?;
            found
                .map(drop)
                .ok_or_else(|| StoreError::not_found("version", id.as_str()))
        }
    }
}

/// The folders above a path.
fn folders_of(path: &str) -> Vec<String> {
    path.match_indices('/')
        .map(|(at, _)| path[..at].to_owned())
        .collect()
}
