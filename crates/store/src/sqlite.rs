//! SQLite: a file beside the user's work. Written ahead (WAL), and on the disk before a write is acknowledged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, OpenFlags, ToSql, params_from_iter};

use crate::StoreError;
use crate::sql::{Connection, Row, Value};

/// Longest wait for another process that writes.
const BUSY_MAX: Duration = Duration::from_secs(20);

/// Statements that are kept ready.
const STATEMENTS: usize = 256;

pub(crate) struct Sqlite {
    inner: rusqlite::Connection,
    file: PathBuf,
}

impl Sqlite {
    /// Opens the file, and makes it if it is not there and may be written.
    pub(crate) fn open(file: &Path, may_write: bool) -> Result<Self, StoreError> {
        let flags = if may_write {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE
        };
        let inner = rusqlite::Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(refused)?;
        inner.busy_timeout(BUSY_MAX).map_err(refused)?;
        inner.set_prepared_statement_cache_capacity(STATEMENTS);
        inner
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
                 PRAGMA case_sensitive_like = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;
                 PRAGMA cache_size = -16000; PRAGMA mmap_size = 268435456;",
            )
            .map_err(|error| unreadable(file, error))?;
        if !may_write {
            inner.pragma_update(None, "query_only", true).map_err(refused)?;
        }
        Ok(Self {
            inner,
            file: file.to_owned(),
        })
    }

    fn prepared(&self, sql: &str) -> Result<CachedStatement<'_>, StoreError> {
        self.inner.prepare_cached(&sql.replace('$', "?")).map_err(refused)
    }
}

impl Connection for Sqlite {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        let changed = self
            .prepared(sql)?
            .execute(params_from_iter(values))
            .map_err(refused)?;
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.prepared(sql)?;
        let width = statement.column_count();
        let rows = statement
            .query_map(params_from_iter(values), |row| {
                (0..width)
                    .map(|at| row.get_ref(at).map(value))
                    .collect::<Result<_, _>>()
                    .map(Row)
            })
            .map_err(refused)?;
        rows.collect::<Result<_, _>>().map_err(refused)
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.inner.execute_batch(sql).map_err(refused)
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.batch("BEGIN IMMEDIATE")
    }

    fn is_broken(&self) -> bool {
        false
    }

    fn back_up(&mut self, from: i64) -> Result<String, StoreError> {
        let mut name = self.file.as_os_str().to_owned();
        name.push(format!(".schema-{from}.backup"));
        let copy = PathBuf::from(name).display().to_string();
        if !Path::new(&copy).exists() {
            self.execute("VACUUM INTO $1", &[Value::from(copy.as_str())])?;
        }
        Ok(copy)
    }

    fn dialect(&self, ddl: &str) -> String {
        ddl.replace("/*narrow*/", "WITHOUT ROWID")
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

fn value(found: ValueRef<'_>) -> Value {
    match found {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Value::Text(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

fn unreadable(file: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged {
                what: file.display().to_string(),
                problem: "it is no store, or a part of it was overwritten; restore a copy".to_owned(),
            }
        }
        _ => refused(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn refused(error: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Busy("another process has been writing for too long".to_owned())
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Damaged {
            what: "the database".to_owned(),
            problem: error.to_string(),
        },
        _ => StoreError::Database(error.to_string()),
    }
}
