//! The few words that both databases understand: values, rows, and a connection that takes statements.
//!
//! Statements are written once, with `$1`, `$2`, .. for values. No statement ever holds a word of a client.

use crate::StoreError;

/// A value that goes into or comes out of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(String),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A list of values, from anything that is one.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::sql::Value::from($value)),*] };
}
pub(crate) use values;

/// A row of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    /// A whole number; zero for NULL.
    pub(crate) fn int(&self, at: usize) -> i64 {
        match &self.0[at] {
            Value::Int(value) => *value,
            Value::Real(value) => *value as i64,
            Value::Null | Value::Text(_) => 0,
        }
    }

    pub(crate) fn maybe_int(&self, at: usize) -> Option<i64> {
        match &self.0[at] {
            Value::Null => None,
            _ => Some(self.int(at)),
        }
    }

    pub(crate) fn real(&self, at: usize) -> f64 {
        match &self.0[at] {
            Value::Int(value) => *value as f64,
            Value::Real(value) => *value,
            Value::Null | Value::Text(_) => f64::NAN,
        }
    }

    /// A text; empty for NULL.
    pub(crate) fn text(&self, at: usize) -> String {
        self.maybe_text(at).unwrap_or_default()
    }

    pub(crate) fn maybe_text(&self, at: usize) -> Option<String> {
        match &self.0[at] {
            Value::Text(value) => Some(value.clone()),
            Value::Null | Value::Int(_) | Value::Real(_) => None,
        }
    }
}

/// A connection to either database.
pub(crate) trait Connection: Send {
    /// Runs one statement; gives the number of rows it changed.
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError>;

    /// Runs one statement that answers.
    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Runs statements without values.
    fn batch(&mut self, sql: &str) -> Result<(), StoreError>;

    /// Begins a transaction that keeps other writers out, in other processes too.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Whether it can no longer be used.
    fn is_broken(&self) -> bool;

    /// Copies everything that is stored aside, before the schema `from` is changed; says where.
    fn back_up(&mut self, from: i64) -> Result<String, StoreError>;

    /// What this database calls the types of the schema.
    fn dialect(&self, ddl: &str) -> String;

    /// The first row of an answer.
    fn first(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, values)?.into_iter().next())
    }
}

/// A statement in the making, with its values.
#[derive(Debug, Default)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(sql: &str) -> Self {
        Self {
            sql: sql.to_owned(),
            values: Vec::new(),
        }
    }

    /// Adds words of our own.
    pub(crate) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Adds a place for a value, and the value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
        self
    }

    /// Adds places for values in brackets, with commas between them.
    pub(crate) fn bind_list<T: Into<Value>>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        self.push("(");
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self.push(")")
    }

    pub(crate) fn query(&self, on: &mut dyn Connection) -> Result<Vec<Row>, StoreError> {
        on.query(&self.sql, &self.values)
    }

    pub(crate) fn execute(&self, on: &mut dyn Connection) -> Result<u64, StoreError> {
        on.execute(&self.sql, &self.values)
    }
}
