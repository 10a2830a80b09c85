//! Model files: load and save.

use std::io;
use std::path::{Path, PathBuf};

use kolosal_compute::MappedFile;
use kolosal_frame::write::AtomicFile;
use kolosal_pipeline::{Manifest, Pipeline, read_artifact, read_manifest, write_artifact};

use crate::{Platform, PlatformError};

/// A model that was loaded.
pub struct Model {
    /// Where it came from.
    pub file: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    pub(crate) pipeline: Pipeline,
}

impl Platform {
    /// Loads a model; every byte of its file is verified.
    ///
    /// # Errors
    /// [`PlatformError::Open`] or [`PlatformError::Artifact`].
    pub fn load(&self, file: &Path) -> Result<Model, PlatformError> {
        let bytes = open(file)?;
        let artifact = read_artifact(&bytes).map_err(|source| PlatformError::Artifact {
            file: file.to_owned(),
            source,
        })?;
        Ok(Model {
            file: file.to_owned(),
            manifest: artifact.manifest,
            pipeline: artifact.pipeline,
        })
    }

    /// Reads what a model says of itself.
    ///
    /// # Errors
    /// As [`Platform::load`].
    pub fn manifest(&self, file: &Path) -> Result<Manifest, PlatformError> {
        let bytes = open(file)?;
        read_manifest(&bytes).map_err(|source| PlatformError::Artifact {
            file: file.to_owned(),
            source,
        })
    }
}

fn open(file: &Path) -> Result<MappedFile, PlatformError> {
    MappedFile::open(file).map_err(|source| PlatformError::Open {
        file: file.to_owned(),
        source,
    })
}

/// Writes a model whole or not at all; gives its size.
pub(crate) fn save(file: &Path, manifest: &Manifest, pipeline: &Pipeline) -> Result<u64, PlatformError> {
    let written = || -> io::Result<u64> {
        let mut target = AtomicFile::create(file)?;
        let bytes = write_artifact(manifest, pipeline, &mut target)?;
        target.commit()?;
        Ok(bytes)
    };
    written().map_err(|source| PlatformError::Write {
        file: file.to_owned(),
        source,
    })
}
