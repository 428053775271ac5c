//! What the tests of this crate share: an SQLite in memory behind the same trait as the edge's.

use rusqlite::{Connection, params_from_iter, types::ValueRef};

use crate::sql::{Row, Sql, SqlError, Value};

/// A database in memory.
#[derive(Debug)]
pub(crate) struct Memory(Connection);

impl Memory {
    /// An empty database.
    pub(crate) fn new() -> Self {
        Self(Connection::open_in_memory().expect("SQLite in memory"))
    }

    /// Runs `work` as the shell does: in one transaction that an error rolls back.
    pub(crate) fn transaction<T>(
        &self,
        work: impl FnOnce(&dyn Sql) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.0.execute_batch("BEGIN").expect("begin");
        let result = work(self);
        let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
        self.0.execute_batch(end).expect("end of transaction");
        result
    }
}

impl Sql for Memory {
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        let failed = |error: rusqlite::Error| SqlError(format!("{error}: {statement}"));
        let mut prepared = self.0.prepare_cached(statement).map_err(failed)?;
        let columns = prepared.column_count();
        let mut rows = prepared
            .query(params_from_iter(parameters.iter().map(native)))
            .map_err(failed)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let values = (0..columns).map(|column| row.get_ref(column).map(value));
            found.push(Row(values.collect::<Result<_, _>>().map_err(failed)?));
        }
        Ok(found)
    }
}

fn native(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Integer(number) => rusqlite::types::Value::Integer(*number),
        Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
        Value::Blob(bytes) => rusqlite::types::Value::Blob(bytes.clone()),
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        #[allow(clippy::cast_possible_truncation, reason = "no column holds fractions")]
        ValueRef::Real(number) => Value::Integer(number as i64),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}
