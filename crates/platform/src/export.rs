//! Writing a booster for another library.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kolosal_frame::write::AtomicFile;
use kolosal_learn_tree::boost::interop::{columns_of, write_lightgbm, write_xgboost_json, write_xgboost_ubj};
use kolosal_learn_tree::{BoostModel, LightGbm};
use kolosal_learner::{ArtifactError, Decoder, Encoder, Learn};

use crate::train::require_writable;
use crate::{Model, Platform, PlatformError};

/// Learners whose models are boosters.
const BOOSTERS: [&str; 3] = ["lightgbm", "xgboost", "catboost"];

/// A format of another library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// XGBoost's JSON.
    Xgboost,
    /// XGBoost's binary JSON.
    XgboostUbj,
    /// LightGBM's text.
    Lightgbm,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct ExportSummary {
    /// Where it is.
    pub output: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Columns in the order in which the file takes them.
    pub columns: Vec<String>,
    /// Class labels; the file answers with their positions. Empty for a regression.
    pub classes: Vec<String>,
}

impl Platform {
    /// Writes a model that is one booster on raw columns as a file of another library, whole or not at all.
    ///
    /// # Errors
    /// [`PlatformError::NotExportable`] for any other model, [`PlatformError::Interop`] for parts that the format has no
    /// place for.
    pub fn export(
        &self,
        model: &Model,
        format: ExportFormat,
        output: &Path,
    ) -> Result<ExportSummary, PlatformError> {
        require_writable(output)?;
        let booster = booster_of(model)?;
        let columns = columns_of(model.pipeline.schema());
        let bytes = match format {
            ExportFormat::Xgboost => write_xgboost_json(&booster, &columns)?,
            ExportFormat::XgboostUbj => write_xgboost_ubj(&booster, &columns)?,
            ExportFormat::Lightgbm => write_lightgbm(&booster, &columns)?,
        };
        write_whole(output, &bytes).map_err(|source| PlatformError::Write {
            file: output.to_owned(),
            source,
        })?;
        Ok(ExportSummary {
            output: output.to_owned(),
            bytes: bytes.len() as u64,
            columns: columns.into_iter().map(|column| column.name).collect(),
            classes: model
                .pipeline
                .target()
                .classes
                .iter()
                .map(str::to_owned)
                .collect(),
        })
    }
}

fn write_whole(output: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(output)?;
    file.write_all(bytes)?;
    file.commit()
}

/// The booster that a model is; all presets save the same thing, so that one of them reads it.
fn booster_of(model: &Model) -> Result<BoostModel, PlatformError> {
    let refuse = |what: &str| PlatformError::NotExportable {
        file: model.file.clone(),
        what: what.to_owned(),
    };
    let member = model.pipeline.lone_member().ok_or_else(|| {
        refuse(
            "it blends several models, changes its columns before a model sees them, or scales probabilities",
        )
    })?;
    if !BOOSTERS.contains(&member.learner()) {
        return Err(refuse(&format!("its learner {} is no booster", member.learner())));
    }
    let mut to = Encoder::new();
    member.model().save(&mut to);
    let bytes = to.into_bytes();
    let damaged = |source: ArtifactError| PlatformError::Artifact {
        file: model.file.clone(),
        source,
    };
    <LightGbm as Learn>::load(&mut Decoder::new(&bytes)).map_err(damaged)
}
