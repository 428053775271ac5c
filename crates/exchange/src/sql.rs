//! The storage that an object owns: a synchronous SQLite, as a trait of two verbs.

use thiserror::Error;

/// One value of a row or a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// Signed integer; both storages hold at most 2^53 exactly.
    Integer(i64),
    /// UTF-8 text.
    Text(String),
    /// Bytes; at most 1 MB a row (the edge refuses 2 MB).
    Blob(Vec<u8>),
}

/// One row of an answer, its columns in the order of the `SELECT`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row(pub Vec<Value>);

/// What the storage said when it refused.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("storage: {0}")]
pub struct SqlError(pub String);

/// A synchronous SQLite connection. The implementation guarantees that everything done between the
/// shell's begin and commit is durable together or not at all.
pub trait Sql {
    /// Runs one statement with `?` parameters and returns all its rows.
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError>;
}

impl Row {
    /// The integer in column `index`; 0 if it is absent or of another type.
    #[must_use]
    pub fn integer(&self, index: usize) -> i64 {
        match self.0.get(index) {
            Some(Value::Integer(value)) => *value,
            _ => 0,
        }
    }

    /// The text in column `index`; empty if it is absent or of another type.
    #[must_use]
    pub fn text(&self, index: usize) -> String {
        match self.0.get(index) {
            Some(Value::Text(value)) => value.clone(),
            _ => String::new(),
        }
    }

    /// The text in column `index`, or nothing for `NULL`.
    #[must_use]
    pub fn optional_text(&self, index: usize) -> Option<String> {
        match self.0.get(index) {
            Some(Value::Text(value)) => Some(value.clone()),
            _ => None,
        }
    }

    /// The integer in column `index`, or nothing for `NULL`.
    #[must_use]
    pub fn optional_integer(&self, index: usize) -> Option<i64> {
        match self.0.get(index) {
            Some(Value::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    /// The bytes in column `index`; empty if it is absent or of another type.
    #[must_use]
    pub fn blob(&self, index: usize) -> Vec<u8> {
        match self.0.get(index) {
            Some(Value::Blob(value)) => value.clone(),
            _ => Vec::new(),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => $make:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                let make: fn($from) -> Self = $make;
                make(value)
            }
        }
    )*};
}

value_from! {
    i64 => Self::Integer,
    u32 => |value| Self::Integer(i64::from(value)),
    u64 => |value| Self::Integer(i64::try_from(value).unwrap_or(i64::MAX)),
    bool => |value| Self::Integer(i64::from(value)),
    String => Self::Text,
    &str => |value| Self::Text(value.to_owned()),
    Vec<u8> => Self::Blob,
    Option<String> => |value| value.map_or(Self::Null, Self::Text),
    Option<i64> => |value| value.map_or(Self::Null, Self::Integer),
}

/// Whether nothing was ever stored here.
pub fn is_empty(sql: &dyn Sql) -> Result<bool, SqlError> {
    let rows = sql.query(
        "SELECT 1 FROM sqlite_master WHERE name = 'schema_version'",
        &[],
    )?;
    Ok(rows.is_empty())
}

/// Brings a database to its newest schema: `steps[n]` leads from version n to n+1. Steps are only ever
/// appended. The version is kept in a table, because the edge's SQLite has no `user_version`.
pub fn migrate(sql: &dyn Sql, steps: &[&[&str]]) -> Result<(), SqlError> {
    sql.query(
        "CREATE TABLE IF NOT EXISTS schema_version (id INTEGER PRIMARY KEY CHECK (id = 0), version INTEGER NOT NULL)",
        &[],
    )?;
    let rows = sql.query("SELECT version FROM schema_version", &[])?;
    let version = rows.first().map_or(0, |row| row.integer(0));
    let done = usize::try_from(version).unwrap_or(0);
    for statements in steps.iter().skip(done) {
        for statement in *statements {
            sql.query(statement, &[])?;
        }
    }
    if steps.len() > done {
        let newest = i64::try_from(steps.len()).unwrap_or(i64::MAX);
        sql.query(
            "INSERT INTO schema_version (id, version) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version",
            &[newest.into()],
        )?;
    }
    Ok(())
}
