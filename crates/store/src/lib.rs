//! What outlives a process: experiments and runs, the model registry, settings, artifacts, tokens and the audit chain.
//!
//! A [`Store`] is one schema over SQLite (a folder) or PostgreSQL (a URL), and a folder of blobs named by their SHA-256.
//! It knows words, numbers and bytes, and nothing of models or tables. `platform` is its only caller.
//!
//! - A write is acknowledged once it is on the disk; writes that come together share one commit.
//! - Rows come last: what is visible is whole.
//! - What is registered never changes, and its number is never given twice.
//! - No word of a client becomes a path or a part of a statement.
//!
//! ```
//! use kolosal_store::{Batch, Metric, NewRun, Query, Store, StorePlace};
//!
//! let folder = tempfile::tempdir()?;
//! let store = Store::open(&StorePlace::new(folder.path().display().to_string()), || 1_700_000_000_000)?;
//! let run = store.create_run(NewRun { name: "first".into(), ..NewRun::default() })?;
//! let metric = Metric { key: "rmse".into(), value: 0.5, at: 1_700_000_000_000, step: 0 };
//! store.log_batch(&run, Batch { metrics: vec![metric], ..Batch::default() })?;
//!
//! let query = Query { filter: "metrics.rmse < 1 AND run_name = 'first'".into(), count_max: 10, ..Query::default() };
//! assert_eq!(store.search_runs(&[0], &query)?.items[0].id, run);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aliases;
mod artifacts;
mod audit;
mod blobs;
mod engine;
mod error;
mod experiments;
mod ids;
mod logged;
mod logging;
mod postgresql;
mod records;
mod registry;
mod runs;
mod schema;
mod search;
mod settings;
mod sql;
mod sqlite;
mod store;
mod tokens;
mod versions;

pub use audit::{AuditCheck, AuditEntry};
pub use blobs::{Blob, BlobDigest, BlobWriter};
pub use error::StoreError;
pub use ids::{NAME_MAX, PARAM_MAX, PATH_MAX, TAG_MAX, TEXT_MAX};
pub use logged::NewLoggedModel;
pub use records::{
    AliasMove, Artifact, Batch, Experiment, Input, LoggedModel, Metric, ModelMetric, NewRun, NewVersion,
    Owner, RegisteredModel, Run, RunChange, RunStatus, Stage, Version, Words,
};
pub use schema::Migration;
pub use search::{
    Comparison, Entity, Literal, Operator, Order, Page, Query, View, parse_filter, parse_order,
};
pub use settings::SettingVersion;
pub use store::{Store, StorePlace};
pub use tokens::{Role, TokenInfo};
pub use versions::VersionBytes;
