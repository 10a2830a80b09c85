//! Opening a store, and what all its parts share.

use std::path::{Path, PathBuf};

use crate::blobs::{Blobs, at};
use crate::engine::{Engine, Place};
use crate::schema::{Migration, STEPS, migrate};
use crate::sql::{Connection, Row, Value};
use crate::{StoreError, Words};

/// Where a store is.
#[derive(Debug, Clone)]
pub struct StorePlace {
    /// A folder for the SQLite file, or a URL of PostgreSQL.
    pub rows: String,
    /// A folder for blobs; `None` for `blobs` in the folder of the rows.
    pub blobs: Option<PathBuf>,
}

impl StorePlace {
    /// A place by a folder or a URL.
    pub fn new(rows: impl Into<String>) -> Self {
        Self {
            rows: rows.into(),
            blobs: None,
        }
    }

    fn url(&self) -> Option<&str> {
        let is_url = self.rows.starts_with("postgres://") || self.rows.starts_with("postgresql://");
        is_url.then_some(self.rows.as_str())
    }

    /// The place as it may be shown: without a password.
    pub fn shown(&self) -> String {
        match self.url().and_then(|url| url.split_once("://")) {
            None => self.rows.clone(),
            Some((scheme, rest)) => match rest.rsplit_once('@') {
                Some((_, host)) => format!("{scheme}://…@{host}"),
                None => self.rows.clone(),
            },
        }
    }
}

/// Runs, models, settings, artifacts and the audit chain. All of it may be used from many threads at once.
pub struct Store {
    pub(crate) engine: Engine,
    pub(crate) blobs: Blobs,
    pub(crate) now: fn() -> i64,
    migration: Option<Migration>,
}

impl Store {
    /// Opens a store; makes it where there is none, and brings an older one up to date behind a copy.
    ///
    /// # Errors
    /// [`StoreError`]: [`StoreError::Newer`] if a later release wrote it.
    pub fn open(place: &StorePlace, now: fn() -> i64) -> Result<Self, StoreError> {
        Self::open_at(place, now, STEPS.len())
    }

    pub(crate) fn open_at(place: &StorePlace, now: fn() -> i64, steps: usize) -> Result<Self, StoreError> {
        let (rows, folder) = match place.url() {
            Some(url) => {
                let Some(folder) = &place.blobs else {
                    let problem = "needs a folder for artifacts beside it; name one";
                    return Err(StoreError::invalid("a store in PostgreSQL", problem));
                };
                (Place::Url(url.to_owned()), folder.clone())
            }
            None if place.rows.contains("://") => {
                let problem = "is neither a folder nor a postgres:// URL";
                return Err(StoreError::invalid(
                    format!("the store {}", place.shown()),
                    problem,
                ));
            }
            None => {
                let folder = Path::new(&place.rows);
                make_folder(folder)?;
                let blobs = place.blobs.clone().unwrap_or_else(|| folder.join("blobs"));
                (Place::File(folder.join(FILE)), blobs)
            }
        };
        let mut connection = rows.connect(true)?;
        let migration = migrate(connection.as_mut(), steps)?;
        let store = Self {
            blobs: Blobs::open(&folder, now())?,
            engine: Engine::start(rows, connection)?,
            now,
            migration,
        };
        store.make_default_experiment()?;
        Ok(store)
    }

    /// What was done to bring the store up to date when it was opened.
    pub fn migration(&self) -> Option<&Migration> {
        self.migration.as_ref()
    }

    /// Whether the store takes a write; for probes of readiness.
    ///
    /// # Errors
    /// Why it does not.
    pub fn probe(&self) -> Result<(), StoreError> {
        self.engine.write(|on| on.query("SELECT 1", &[]).map(drop))
    }
}

/// The file of SQLite in a store's folder.
const FILE: &str = "kolosal.db";

/// Makes a folder that only its owner may look into.
fn make_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| at(folder, source))
}

/// Names and values of rows whose first two columns are such.
pub(crate) fn words(rows: &[Row]) -> Words {
    rows.iter().map(|row| (row.text(0), row.text(1))).collect()
}

/// Names and values of one thing. `sql` is one of ours.
pub(crate) fn words_of(
    on: &mut dyn Connection,
    sql: &str,
    id: impl Into<Value>,
) -> Result<Words, StoreError> {
    Ok(words(&on.query(sql, &[id.into()])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewRun;

    fn now() -> i64 {
        1_700_000_000_000
    }

    fn open(folder: &Path, steps: usize) -> Result<Store, StoreError> {
        Store::open_at(&StorePlace::new(folder.display().to_string()), now, steps)
    }

    #[test]
    fn an_older_store_is_brought_up_to_date_behind_a_copy() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = open(folder.path(), 1)
            .expect("new")
            .create_run(NewRun::default())
            .expect("a run");
        let store = open(folder.path(), STEPS.len()).expect("brought up to date");
        let done = store.migration().expect("it was older");
        assert_eq!((done.from, done.to), (1, STEPS.len() as i64));
        assert!(store.run(&run).is_ok() && store.tokens().expect("the new table").is_empty());
        let copy = done.backup.clone().expect("a copy");
        let copied = rusqlite::Connection::open(copy).expect("a database");
        let runs: i64 = copied
            .query_row("SELECT COUNT(*) FROM runs", [], |row| row.get(0))
            .expect("there");
        assert_eq!(runs, 1);
    }

    #[test]
    fn a_store_of_a_later_release_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        drop(open(folder.path(), STEPS.len()).expect("new"));
        let file = folder.path().join(FILE);
        let other = rusqlite::Connection::open(&file).expect("a database");
        other
            .execute("UPDATE schema_version SET version = 99", [])
            .expect("ours");
        drop(other);
        let before = std::fs::read(&file).expect("readable");
        let error = open(folder.path(), STEPS.len()).map(drop).expect_err("newer");
        assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
        assert_eq!(before, std::fs::read(&file).expect("readable"));
    }

    #[test]
    fn a_chain_that_was_tampered_with_is_broken() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = open(folder.path(), STEPS.len()).expect("new");
        for _ in 0..3 {
            store.create_run(NewRun::default()).expect("a run");
        }
        assert!(store.audit_verify().expect("read").problem.is_none());
        let change = |sql: &'static str| {
            store.engine.write(move |on| on.execute(sql, &[])).expect("ours");
            store.audit_verify().expect("read").problem.map(|(seq, _)| seq)
        };
        assert_eq!(change("UPDATE audit SET person = 'eve' WHERE seq = 2"), Some(2));
        assert_eq!(change("UPDATE audit SET person = '' WHERE seq = 2"), None);
        assert_eq!(change("DELETE FROM audit WHERE seq = 1"), Some(2));
    }
}
