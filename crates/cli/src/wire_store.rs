//! The JSON of runs and models. Field names are a promise: they may be added to, never changed.

use std::collections::BTreeMap;

use kolosal_platform::store::{
    Artifact, AuditEntry, Input, Metric, RegisteredModel, Run, TokenInfo, Version,
};
use serde::Serialize;

/// A run.
#[derive(Serialize)]
pub(crate) struct RunLine {
    pub(crate) run: String,
    pub(crate) name: String,
    pub(crate) experiment: i64,
    pub(crate) status: &'static str,
    pub(crate) user: String,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) params: BTreeMap<String, String>,
    /// The latest values. NaN and infinities, which JSON has no numbers for, are null.
    pub(crate) metrics: BTreeMap<String, f64>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) datasets: Vec<DatasetLine>,
}

impl From<&Run> for RunLine {
    fn from(run: &Run) -> Self {
        let metric = |metric: &Metric| (metric.key.clone(), metric.value);
        Self {
            run: run.id.clone(),
            name: run.name.clone(),
            experiment: run.experiment,
            status: run.status.name(),
            user: run.person.clone(),
            started_ms: run.started,
            ended_ms: run.ended,
            params: run.params.clone(),
            metrics: run.metrics.iter().map(metric).collect(),
            tags: run.tags.clone(),
            datasets: run.datasets.iter().map(DatasetLine::from).collect(),
        }
    }
}

/// A data set that went into a run.
#[derive(Serialize)]
pub(crate) struct DatasetLine {
    name: String,
    digest: String,
    source: String,
}

impl From<&Input> for DatasetLine {
    fn from(input: &Input) -> Self {
        Self {
            name: input.name.clone(),
            digest: input.digest.clone(),
            source: input.source.clone(),
        }
    }
}

/// Runs that were found.
#[derive(Serialize)]
pub(crate) struct RunList {
    pub(crate) runs: Vec<RunLine>,
    pub(crate) next_page: Option<String>,
}

/// A run with what belongs to it.
#[derive(Serialize)]
pub(crate) struct RunPage {
    #[serde(flatten)]
    pub(crate) run: RunLine,
    pub(crate) artifacts: Vec<ArtifactLine>,
    pub(crate) trials: Vec<RunLine>,
}

/// An artifact.
#[derive(Serialize)]
pub(crate) struct ArtifactLine {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: Option<String>,
}

impl From<&Artifact> for ArtifactLine {
    fn from(artifact: &Artifact) -> Self {
        Self {
            path: artifact.path.clone(),
            bytes: artifact.size,
            sha256: artifact.digest.clone(),
        }
    }
}

/// What differs between runs: for each name, a value a run.
#[derive(Serialize)]
pub(crate) struct Comparison {
    pub(crate) runs: Vec<String>,
    pub(crate) params: BTreeMap<String, Vec<Option<String>>>,
    pub(crate) metrics: BTreeMap<String, Vec<Option<f64>>>,
}

/// A registered model.
#[derive(Serialize)]
pub(crate) struct ModelLine {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) aliases: BTreeMap<String, i64>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) updated_ms: i64,
}

impl From<&RegisteredModel> for ModelLine {
    fn from(model: &RegisteredModel) -> Self {
        Self {
            name: model.name.clone(),
            description: model.description.clone(),
            aliases: model.aliases.clone(),
            tags: model.tags.clone(),
            updated_ms: model.updated,
        }
    }
}

/// Registered models.
#[derive(Serialize)]
pub(crate) struct ModelList {
    pub(crate) models: Vec<ModelLine>,
}

/// A model with its versions.
#[derive(Serialize)]
pub(crate) struct ModelPage {
    #[serde(flatten)]
    pub(crate) model: ModelLine,
    pub(crate) versions: Vec<VersionLine>,
}

/// A version.
#[derive(Serialize)]
pub(crate) struct VersionLine {
    pub(crate) model: String,
    pub(crate) version: i64,
    pub(crate) status: String,
    pub(crate) stage: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) source: String,
    pub(crate) run: Option<String>,
    pub(crate) description: String,
    pub(crate) user: String,
    pub(crate) created_ms: i64,
}

impl From<&Version> for VersionLine {
    fn from(version: &Version) -> Self {
        Self {
            model: version.model.clone(),
            version: version.version,
            status: version.status.clone(),
            stage: version.stage.clone(),
            aliases: version.aliases.clone(),
            sha256: version.digest.clone(),
            bytes: version.size,
            source: version.source.clone(),
            run: (!version.run.is_empty()).then(|| version.run.clone()),
            description: version.description.clone(),
            user: version.person.clone(),
            created_ms: version.created,
        }
    }
}

/// Where an alias points now.
#[derive(Serialize)]
pub(crate) struct AliasLine {
    pub(crate) model: String,
    pub(crate) alias: String,
    pub(crate) version: i64,
}

/// A version that was taken out of use.
#[derive(Serialize)]
pub(crate) struct Retired {
    pub(crate) model: String,
    pub(crate) version: i64,
    pub(crate) aliases_gone: Vec<String>,
}

/// A token, without what opens the server; with it only where it was made just now.
#[derive(Serialize)]
pub(crate) struct TokenLine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: &'static str,
    pub(crate) created_ms: i64,
    pub(crate) expires_ms: Option<i64>,
    pub(crate) revoked_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
}

impl From<&TokenInfo> for TokenLine {
    fn from(token: &TokenInfo) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            role: token.role.name(),
            created_ms: token.created,
            expires_ms: token.expires,
            revoked_ms: token.revoked,
            token: None,
        }
    }
}

/// Tokens.
#[derive(Serialize)]
pub(crate) struct TokenList {
    pub(crate) tokens: Vec<TokenLine>,
}

/// A token that was made useless.
#[derive(Serialize)]
pub(crate) struct Revoked {
    pub(crate) revoked: String,
}

/// A change.
#[derive(Serialize)]
pub(crate) struct AuditLine {
    pub(crate) seq: i64,
    pub(crate) at_ms: i64,
    pub(crate) user: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: String,
    pub(crate) hash: String,
}

impl From<&AuditEntry> for AuditLine {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at_ms: entry.at,
            user: entry.person.clone(),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            detail: entry.detail.clone(),
            hash: entry.hash.clone(),
        }
    }
}

/// Changes.
#[derive(Serialize)]
pub(crate) struct AuditList {
    pub(crate) entries: Vec<AuditLine>,
}

/// What a look at the whole audit log gave.
#[derive(Serialize)]
pub(crate) struct AuditVerdict {
    pub(crate) entries: i64,
    pub(crate) whole: bool,
    pub(crate) first_bad: Option<i64>,
    pub(crate) problem: Option<String>,
    pub(crate) head: String,
}
