//! An object's own SQLite: statements, synchronous transactions, and the one alarm.

use std::cell::Cell;

use exchange::{
    sql::{Row, Sql, SqlError, Value},
    wakeup,
};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use worker::{SqlStorage, SqlStorageValue, State};

#[wasm_bindgen]
extern "C" {
    /// The part of the storage interface that the `worker` crate lacks.
    type SynchronousStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &SynchronousStorage,
        work: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;
}

/// The storage of one object.
pub(crate) struct Storage {
    state: State,
    sql: SqlStorage,
    migrated: Cell<bool>,
    /// Where the alarm stands, if this instance has set it.
    armed: Cell<Option<i64>>,
}

/// Brings a database to its newest schema.
pub(crate) type Migrate = fn(&dyn Sql) -> Result<(), SqlError>;

impl Storage {
    /// Wraps the state that the platform gave.
    pub(crate) fn new(state: State) -> Self {
        let sql = state.storage().sql();
        Self {
            state,
            sql,
            migrated: Cell::new(false),
            armed: Cell::new(None),
        }
    }

    /// The platform's state.
    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// The object's own name, without the version prefix.
    pub(crate) fn name(&self) -> String {
        let name = self.state.id().name().unwrap_or_default();
        name.strip_prefix("v1:").unwrap_or(&name).to_owned()
    }

    /// Runs `work` as one transaction, after the migrations, and sets the alarm to the earliest wake-up.
    /// Nothing is awaited between the commit and the alarm, so the platform stores both together.
    pub(crate) fn transaction<T>(
        &self,
        migrate: Migrate,
        work: impl FnOnce(&dyn Sql) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let mut work = Some(work);
        let mut outcome = None;
        let mut run = || {
            let result = self.work(migrate, work.take());
            let failed = result.is_err();
            outcome = Some(result);
            // A throw is what makes the platform roll back.
            if failed {
                Err(JsValue::from_str("rolled back"))
            } else {
                Ok(JsValue::UNDEFINED)
            }
        };
        let storage = self.state.storage();
        let synchronous: &SynchronousStorage = storage.as_raw().unchecked_ref();
        let committed = synchronous.transaction_sync(&mut run);
        let (value, next) = outcome.unwrap_or_else(|| Err(SqlError("not run".to_owned())))?;
        committed.map_err(|error| SqlError(text_of(&error)))?;
        self.migrated.set(true);
        self.arm(next)?;
        Ok(value)
    }

    fn work<T>(
        &self,
        migrate: Migrate,
        work: Option<impl FnOnce(&dyn Sql) -> Result<T, SqlError>>,
    ) -> Result<(T, Option<i64>), SqlError> {
        let work = work.ok_or_else(|| SqlError("run twice".to_owned()))?;
        if !self.migrated.get() {
            migrate(self)?;
        }
        let value = work(self)?;
        Ok((value, wakeup::next(self)?))
    }

    /// The alarm has gone off: none is set any more.
    pub(crate) fn disarmed(&self) {
        self.armed.set(None);
    }

    /// Sets the alarm when the database could not say when.
    pub(crate) fn try_again_at(&self, due_ms: i64) {
        let _ = self.arm(Some(due_ms));
    }

    /// Sets the alarm, unless it stands there. An alarm too early is harmless and is left alone.
    fn arm(&self, due_ms: Option<i64>) -> Result<(), SqlError> {
        let Some(due_ms) = due_ms.filter(|due| self.armed.get() != Some(*due)) else {
            return Ok(());
        };
        // Milliseconds fit a double exactly until the year 287396.
        #[allow(clippy::cast_precision_loss)]
        let date = js_sys::Date::new(&JsValue::from_f64(due_ms as f64));
        let storage = self.state.storage();
        // Called now; nobody needs to wait for it, because answers wait until it is stored.
        let _stored = storage
            .as_raw()
            .set_alarm(date, JsValue::NULL.unchecked_into())
            .map_err(|error| SqlError(text_of(&error)))?;
        self.armed.set(Some(due_ms));
        Ok(())
    }
}

impl Sql for Storage {
    fn query(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, SqlError> {
        let parameters: Vec<SqlStorageValue> = parameters.iter().map(to_platform).collect();
        let cursor = self.sql.exec(statement, parameters).map_err(failed)?;
        let rows = cursor.raw().map(|row| {
            let row = row.map_err(failed)?;
            Ok(Row(row.into_iter().map(from_platform).collect()))
        });
        rows.collect()
    }
}

fn failed(error: worker::Error) -> SqlError {
    SqlError(error.to_string())
}

fn text_of(error: &JsValue) -> String {
    let error = error.dyn_ref::<js_sys::Error>();
    error.map_or_else(
        || "unknown".to_owned(),
        |error| String::from(error.message()),
    )
}

fn to_platform(value: &Value) -> SqlStorageValue {
    match value {
        Value::Null => SqlStorageValue::Null,
        Value::Integer(value) => integer(*value),
        Value::Text(value) => SqlStorageValue::String(value.clone()),
        Value::Blob(value) => SqlStorageValue::Blob(value.clone()),
    }
}

/// JavaScript has no whole numbers beyond 2^53; such a bound goes as the double next to it.
#[allow(clippy::cast_precision_loss)]
fn integer(value: i64) -> SqlStorageValue {
    SqlStorageValue::try_from_i64(value).unwrap_or(SqlStorageValue::Float(value as f64))
}

fn from_platform(value: SqlStorageValue) -> Value {
    match value {
        SqlStorageValue::Null => Value::Null,
        SqlStorageValue::Boolean(value) => Value::Integer(i64::from(value)),
        SqlStorageValue::Integer(value) => Value::Integer(value),
        // Sums of integers beyond 2^53 come back as doubles; the rules never get there.
        #[allow(clippy::cast_possible_truncation)]
        SqlStorageValue::Float(value) => Value::Integer(value as i64),
        SqlStorageValue::String(value) => Value::Text(value),
        SqlStorageValue::Blob(value) => Value::Blob(value),
    }
}
