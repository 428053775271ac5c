//! An object's own SQLite: statements, synchronous transactions, and the one alarm.

use std::cell::Cell;

use exchange::sql::{Row, Sql, SqlError, Value, is_empty};
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
    /// The alarm has gone off and its effects are under way; it is set when they are carried out.
    ringing: Cell<bool>,
    /// The alarm has gone off: none is set, whatever the database says.
    rung: Cell<bool>,
}

/// Brings a database to its newest schema.
pub(crate) type Migrate = fn(&dyn Sql) -> Result<(), SqlError>;

/// What the storage must know of an object's rules.
#[derive(Clone, Copy)]
pub(crate) struct Schedule {
    pub(crate) migrate: Migrate,
    /// When the alarm must stand at the latest.
    pub(crate) next_wakeup: fn(&dyn Sql) -> Result<Option<i64>, SqlError>,
    pub(crate) now_ms: i64,
    /// Whether a database that was empty before may stay so, whatever was written, and one may be given back at an
    /// alarm.
    pub(crate) leaves_nothing: fn(&dyn Sql) -> Result<bool, SqlError>,
}

/// What was to be done next before and after a transaction.
struct Dues {
    before: Option<i64>,
    after: Option<i64>,
    /// Everything is rolled back; the outcome counts all the same.
    forget: bool,
    /// There is nothing from before either.
    empty: bool,
}

/// What is still due after an alarm and its effects is tried again after this.
const OVERDUE_MS: i64 = 30_000;

impl Storage {
    /// Wraps the state that the platform gave.
    pub(crate) fn new(state: State) -> Self {
        let sql = state.storage().sql();
        Self {
            state,
            sql,
            migrated: Cell::new(false),
            armed: Cell::new(None),
            ringing: Cell::new(false),
            rung: Cell::new(false),
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

    /// Runs `work` as one transaction, after the migrations, and sets the alarm if it stands too late. Nothing
    /// is awaited between the commit and the alarm, so the platform stores both together.
    pub(crate) fn transaction<T>(
        &self,
        schedule: Schedule,
        work: impl FnOnce(&dyn Sql) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let mut work = Some(work);
        let mut outcome = None;
        let mut run = || {
            let result = self.work(schedule, work.take());
            let kept = result.as_ref().is_ok_and(|(_, dues)| !dues.forget);
            outcome = Some(result);
            // A throw is what makes the platform roll back.
            if !kept {
                Err(JsValue::from_str("rolled back"))
            } else {
                Ok(JsValue::UNDEFINED)
            }
        };
        let storage = self.state.storage();
        let synchronous: &SynchronousStorage = storage.as_raw().unchecked_ref();
        let committed = synchronous.transaction_sync(&mut run);
        let (value, dues) = outcome.unwrap_or_else(|| Err(SqlError("not run".to_owned())))?;
        if dues.forget {
            if !dues.empty {
                self.clear();
                self.migrated.set(false);
            }
            return Ok(value);
        }
        committed.map_err(|error| SqlError(text_of(&error)))?;
        self.migrated.set(true);
        self.follow(&dues, schedule.now_ms)?;
        Ok(value)
    }

    fn work<T>(
        &self,
        schedule: Schedule,
        work: Option<impl FnOnce(&dyn Sql) -> Result<T, SqlError>>,
    ) -> Result<(T, Dues), SqlError> {
        let work = work.ok_or_else(|| SqlError("run twice".to_owned()))?;
        let empty = !self.migrated.get() && is_empty(self)?;
        if !self.migrated.get() {
            (schedule.migrate)(self)?;
        }
        let before = (schedule.next_wakeup)(self)?;
        let value = work(self)?;
        let after = (schedule.next_wakeup)(self)?;
        let dues = Dues {
            before,
            after,
            forget: (empty || self.ringing.get()) && (schedule.leaves_nothing)(self)?,
            empty,
        };
        Ok((value, dues))
    }

    /// The alarm has gone off, and is not set again before [`Self::rung`].
    pub(crate) fn ringing(&self) {
        self.armed.set(None);
        self.ringing.set(true);
    }

    /// The alarm's effects are carried out: the transaction that says so sets it anew.
    pub(crate) fn rung(&self) {
        self.ringing.set(false);
        self.rung.set(true);
    }

    /// Sets the alarm when the database could not say when.
    pub(crate) fn try_again_at(&self, due_ms: i64) {
        let _ = self.arm(due_ms);
    }

    /// Removes everything that is stored, the database itself included.
    pub(crate) fn clear(&self) {
        let storage = self.state.storage();
        // Called now; nobody needs to wait for it, because answers wait until it is done.
        if let Err(error) = storage.as_raw().delete_all() {
            crate::log::trouble(
                &format!("storage was not given back: {}", text_of(&error)),
                None,
            );
        }
    }

    /// Sets the alarm where it would come too late: every one set costs a row, and one that comes too early
    /// finds nothing to do and is set anew. One stands at `before` or earlier, unless it has just gone off, or
    /// what was due then is still due.
    fn follow(&self, dues: &Dues, now_ms: i64) -> Result<(), SqlError> {
        let Some(due) = dues.after.filter(|_| !self.ringing.get()) else {
            return Ok(());
        };
        if self.rung.replace(false) {
            let due = if due <= now_ms {
                now_ms.saturating_add(OVERDUE_MS)
            } else {
                due
            };
            return self.arm(due);
        }
        let known = dues.before.filter(|before| *before > now_ms);
        let stands = [known, self.armed.get()].into_iter().flatten().min();
        let soon = due.max(now_ms);
        match stands {
            Some(stands) if stands <= soon => Ok(()),
            _ => self.arm(due),
        }
    }

    fn arm(&self, due_ms: i64) -> Result<(), SqlError> {
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
