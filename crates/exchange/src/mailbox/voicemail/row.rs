//! The calls of a voicemail as rows: one for each call, written when something changed that must survive.

use serde::{Deserialize, Serialize};
use sip::{call::Call, session_info::SessionType};

use crate::{
    signal::Caller,
    sql::{self, Sql, SqlError, Value},
    trace::{self, Sheet},
};

/// The table of older versions; calls do not outlive the deployment that replaces them.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE voicemail_calls (key TEXT PRIMARY KEY, call_id TEXT NOT NULL, flow TEXT NOT NULL, stage TEXT NOT NULL, caller TEXT NOT NULL, body TEXT, greeting_ms INTEGER NOT NULL, call TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX voicemail_calls_by_id ON voicemail_calls (call_id)",
];

/// Another table of older versions: calls stand in the table that keeps their ladders (see [`trace`]).
pub(super) const SECOND_SCHEMA: &[&str] = &[
    "CREATE TABLE voicemail_dialogs (key TEXT PRIMARY KEY, call_id TEXT NOT NULL, due INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
    "DELETE FROM wakeups WHERE kind IN ('voicemail', 'voicemail_end')",
];

/// The tables of older versions go. Their calls end with the deployment that replaces them; the sessions that those
/// gave have rows of their own.
pub(super) const FIFTH_SCHEMA: &[&str] =
    &["DROP TABLE voicemail_dialogs", "DROP TABLE voicemail_calls"];

/// The calls that go on. None is much older than the newest call of all: only so far back is looked, because an index
/// would cost more than it spares.
const GOES_ON: &str = "state IS NOT NULL AND key > printf('%012x', (SELECT began FROM mailbox_calls ORDER BY key DESC LIMIT 1) - 3600000)";

/// One call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Row {
    pub(super) key: String,
    /// The caller's connection.
    pub(super) flow: String,
    pub(super) stage: Stage,
    pub(super) caller: Caller,
    #[serde(default = "voice")]
    pub(super) session_type: SessionType,
    /// The session, where it was made before the call was answered.
    pub(super) session: Option<String>,
    /// What the caller is told of its session.
    pub(super) body: Option<String>,
    pub(super) greeting_ms: i64,
    /// Whether the caller does not want to hear it.
    #[serde(default)]
    pub(super) skipped: bool,
    /// When the greeting is over, if it plays; when a call of ours has rung long enough.
    pub(super) end_ms: Option<i64>,
    /// When the call is looked at by itself, at the latest.
    pub(super) due_ms: i64,
    pub(super) call: Call,
    /// What was seen of it, for its ladder; a column of its own.
    #[serde(skip)]
    pub(super) trace: Sheet,
}

/// What calls of older versions are about.
const fn voice() -> SessionType {
    SessionType::Voice
}

/// How far a call is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// The caller's contact is called, and has not answered.
    Calling,
    /// The ACK is awaited.
    Answering,
    /// The greeting plays at the caller's.
    Greeting,
    /// The INFO that comes after the greeting is out.
    Instructing,
}

impl Row {
    /// Whether nothing is left to be done for it. What comes after the end of a call that the caller made means nothing;
    /// one of ours may be answered while it is taken back, and must be ended then (RFC 3261 9.1).
    pub(super) fn is_over(&self) -> bool {
        let ended = self.stage != Stage::Calling && self.call.has_ended();
        ended || self.call.is_over()
    }

    /// When its row began, as the key says, Unix time in milliseconds.
    fn began_ms(&self) -> i64 {
        let time = self.key.get(..12).unwrap_or_default();
        i64::from_str_radix(time, 16).unwrap_or(0)
    }

    /// Opens the record of what was seen of the call.
    pub(super) fn begin_trace(&mut self) {
        if self.trace.call_id != self.call.call_id() {
            self.trace = Sheet::new(self.call.call_id(), &self.flow, &self.caller);
        }
        if self.trace.session.is_none() {
            self.trace.session.clone_from(&self.session);
        }
    }
}

/// The call of this key.
pub(super) fn find(sql: &dyn Sql, key: &str) -> Result<Option<Row>, SqlError> {
    Ok(select(sql, "state IS NOT NULL AND key = ?", key.into())?.pop())
}

/// The calls with this Call-ID; more than one where a call was forked to us twice.
pub(super) fn of_call_id(sql: &dyn Sql, call_id: &str) -> Result<Vec<Row>, SqlError> {
    select(sql, &format!("{GOES_ON} AND call_id = ?"), call_id.into())
}

/// The calls that are to be looked at.
pub(super) fn due(sql: &dyn Sql, now_ms: i64) -> Result<Vec<Row>, SqlError> {
    select(
        sql,
        &format!("{GOES_ON} AND due <= ? LIMIT 50"),
        now_ms.into(),
    )
}

/// When the first call is to be looked at.
pub(super) fn next_due(sql: &dyn Sql) -> Result<Option<i64>, SqlError> {
    let rows = sql.query(
        &format!("SELECT MIN(due) FROM mailbox_calls WHERE {GOES_ON}"),
        &[],
    )?;
    Ok(rows.first().and_then(|row| row.optional_integer(0)))
}

/// Writes a call as it is now.
pub(super) fn put(sql: &dyn Sql, row: &Row) -> Result<(), SqlError> {
    let state = serde_json::to_string(row).map_err(|error| SqlError(error.to_string()))?;
    write(sql, row, Value::Text(state), row.due_ms.into())
}

/// The call is over: what was seen of it stays, or nothing.
pub(super) fn close(sql: &dyn Sql, row: &Row) -> Result<(), SqlError> {
    if !row.trace.entries.is_empty() {
        return write(sql, row, Value::Null, Value::Null);
    }
    let key = row.key.as_str().into();
    sql.query("DELETE FROM mailbox_calls WHERE key = ?", &[key])?;
    Ok(())
}

fn write(sql: &dyn Sql, row: &Row, state: Value, due: Value) -> Result<(), SqlError> {
    let [session, summary, sheet] = trace::columns(&row.trace)?;
    let parameters: [Value; 10] = [
        row.key.as_str().into(),
        row.trace.id().into(),
        row.began_ms().into(),
        due,
        row.call.call_id().into(),
        trace::origin(&row.caller).into(),
        session,
        state,
        summary,
        sheet,
    ];
    sql.query(
        "INSERT OR REPLACE INTO mailbox_calls (key, id, began, due, call_id, origin, session, state, summary, sheet) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &parameters,
    )?;
    Ok(())
}

fn select(sql: &dyn Sql, condition: &str, value: Value) -> Result<Vec<Row>, SqlError> {
    let rows = sql.query(
        &format!("SELECT state, sheet FROM mailbox_calls WHERE {condition}"),
        &[value],
    )?;
    let row = |row: &sql::Row| {
        let state: Row = serde_json::from_str(&row.text(0)).ok()?;
        let trace = serde_json::from_str(&row.text(1)).unwrap_or_default();
        Some(Row { trace, ..state })
    };
    Ok(rows.iter().filter_map(row).collect())
}
