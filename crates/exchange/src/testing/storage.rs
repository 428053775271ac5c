//! What the tests of this crate share: a real SQLite (`rusqlite`), in memory or in a file, with a crash at any
//! statement on demand.

use std::cell::Cell;

use rusqlite::{Connection, types::ValueRef};

use crate::sql::{Row, Sql, SqlError, Value};

/// One object's database.
#[derive(Debug)]
pub(crate) struct Memory {
    connection: Connection,
    statements: Cell<u64>,
    crash_at: Cell<Option<u64>>,
}

impl Memory {
    /// A fresh one in memory.
    pub(crate) fn new() -> Self {
        Self::of(Connection::open_in_memory().expect("memory"))
    }

    /// One in a file, as left by whoever used it before.
    pub(crate) fn open(path: &std::path::Path) -> Self {
        let connection = Connection::open(path).expect("file");
        // A process that is killed loses nothing that it gave to the kernel.
        let settings = connection.execute_batch("PRAGMA synchronous = OFF");
        settings.expect("a setting");
        Self::of(connection)
    }

    fn of(connection: Connection) -> Self {
        connection.set_prepared_statement_cache_capacity(256);
        Self {
            connection,
            statements: Cell::new(0),
            crash_at: Cell::new(None),
        }
    }

    /// What the shell does: all of it or nothing.
    pub(crate) fn transaction<T>(
        &self,
        rule: impl FnOnce(&dyn Sql) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.connection.execute_batch("BEGIN").expect("begin");
        let result = rule(self);
        let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
        self.connection.execute_batch(end).expect("end");
        result
    }

    /// The `nth` statement from now on (from 0) fails, as if the process died there.
    pub(crate) fn crash_at(&self, nth: Option<u64>) {
        self.statements.set(0);
        self.crash_at.set(nth);
    }

    /// How many statements ran since [`Self::crash_at`].
    pub(crate) fn statements(&self) -> u64 {
        self.statements.get()
    }
}

impl Sql for Memory {
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        let number = self.statements.get();
        self.statements.set(number + 1);
        if self.crash_at.get() == Some(number) {
            return Err(SqlError("crash".to_owned()));
        }
        let refused = |error: rusqlite::Error| SqlError(format!("{error}: {statement}"));
        let mut prepared = self.connection.prepare_cached(statement).map_err(refused)?;
        let columns = prepared.column_count();
        let mut rows = prepared
            .query(rusqlite::params_from_iter(parameters.iter().map(bound)))
            .map_err(refused)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(refused)? {
            let values = (0..columns).map(|column| value(row.get_ref(column).expect("column")));
            found.push(Row(values.collect()));
        }
        Ok(found)
    }
}

fn bound(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Integer(number) => (*number).into(),
        Value::Text(text) => text.clone().into(),
        Value::Blob(bytes) => bytes.clone().into(),
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => panic!("a real number {number} in a table of ours"),
        ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).expect("UTF-8")),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}
