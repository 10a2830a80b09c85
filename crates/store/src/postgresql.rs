//! PostgreSQL: for teams. One writer at a time, by an advisory lock that ends with the transaction.

use std::collections::BTreeMap;
use std::error::Error;

use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, NoTls, Statement};

use crate::StoreError;
use crate::sql::{Connection, Row, Value};

/// The advisory lock of writers: "kolosal" as a number.
const LOCK: i64 = 0x006b_6f6c_6f73_616c;

/// Statements that are kept ready.
const STATEMENTS: usize = 256;

pub(crate) struct Postgres {
    client: Client,
    ready: BTreeMap<String, Statement>,
}

impl Postgres {
    pub(crate) fn open(url: &str) -> Result<Self, StoreError> {
        let client = Client::connect(url, NoTls).map_err(|error| {
            // The error of the client names the cause, never the URL, which may hold a password.
            StoreError::Database(format!("PostgreSQL does not answer: {}", told(&error)))
        })?;
        Ok(Self {
            client,
            ready: BTreeMap::new(),
        })
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.ready.get(sql) {
            return Ok(statement.clone());
        }
        if self.ready.len() >= STATEMENTS {
            self.ready.clear();
        }
        let statement = self.client.prepare(sql).map_err(refused)?;
        self.ready.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Connection for Postgres {
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        let statement = self.prepared(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.client.execute(&statement, &values).map_err(refused)
    }

    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql)?;
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.client.query(&statement, &values).map_err(refused)?;
        let read = |row: &postgres::Row| {
            (0..row.len())
                .map(|at| {
                    row.try_get::<_, Option<Value>>(at)
                        .map(|found| found.unwrap_or(Value::Null))
                })
                .collect::<Result<_, _>>()
                .map(Row)
        };
        rows.iter().map(read).collect::<Result<_, _>>().map_err(refused)
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(refused)
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.batch(&format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})"))
    }

    fn is_broken(&self) -> bool {
        self.client.is_closed()
    }

    fn back_up(&mut self, from: i64) -> Result<String, StoreError> {
        let schema = format!("kolosal_backup_{from}");
        let held = self.query(
            "SELECT 1 FROM pg_namespace WHERE nspname = $1",
            &[Value::from(schema.as_str())],
        )?;
        if held.is_empty() {
            let tables = self.query(
                "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
                &[],
            )?;
            self.batch(&format!("CREATE SCHEMA {schema}"))?;
            for table in tables.iter().map(|row| row.text(0)) {
                self.batch(&format!("CREATE TABLE {schema}.{table} AS TABLE {table}"))?;
            }
        }
        Ok(format!("schema {schema}"))
    }

    fn dialect(&self, ddl: &str) -> String {
        // Words are ordered by their bytes, as in SQLite, whatever the language of the server.
        ddl.replace(" TEXT", " TEXT COLLATE \"C\"")
            .replace("/*narrow*/", "")
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::FLOAT8 => (*value as f64).to_sql(kind, out),
            Self::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            Self::Int(value) => value.to_sql(kind, out),
            Self::Real(value) => value.to_sql(kind, out),
            Self::Text(value) => value.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl FromSql<'_> for Value {
    fn from_sql(kind: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Self::Int),
            Type::INT4 => i32::from_sql(kind, raw).map(|value| Self::Int(i64::from(value))),
            Type::FLOAT8 => f64::from_sql(kind, raw).map(Self::Real),
            Type::BOOL => bool::from_sql(kind, raw).map(|value| Self::Int(i64::from(value))),
            _ => String::from_sql(kind, raw).map(Self::Text),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::FLOAT8,
            Type::BOOL,
            Type::TEXT,
            Type::VARCHAR,
            Type::NAME,
        ]
        .contains(kind)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn refused(error: postgres::Error) -> StoreError {
    StoreError::Database(told(&error))
}

fn told(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(cause) => format!("{} ({})", cause.message(), cause.code().code()),
        None => match error.source() {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}
