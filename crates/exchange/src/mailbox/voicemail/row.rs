//! The calls of a voicemail as rows: one for each call, written when something changed that must survive.

use serde::{Deserialize, Serialize};
use sip::{call::Call, session_info::SessionType};

use crate::{
    signal::Caller,
    sql::{self, Sql, SqlError},
    trace::Sheet,
};

/// The table of older versions; calls do not outlive the deployment that replaces them.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE voicemail_calls (key TEXT PRIMARY KEY, call_id TEXT NOT NULL, flow TEXT NOT NULL, stage TEXT NOT NULL, caller TEXT NOT NULL, body TEXT, greeting_ms INTEGER NOT NULL, call TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX voicemail_calls_by_id ON voicemail_calls (call_id)",
];

/// The table of this module. A mailbox has few calls at a time: an index would cost more than it spares.
pub(super) const SECOND_SCHEMA: &[&str] = &[
    "CREATE TABLE voicemail_dialogs (key TEXT PRIMARY KEY, call_id TEXT NOT NULL, due INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
    "DELETE FROM wakeups WHERE kind IN ('voicemail', 'voicemail_end')",
];

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
    /// What was seen of it, for its ladder.
    #[serde(default)]
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
    Ok(select(sql, "key = ?", key.into())?.pop())
}

/// The calls with this Call-ID; more than one where a call was forked to us twice.
pub(super) fn of_call_id(sql: &dyn Sql, call_id: &str) -> Result<Vec<Row>, SqlError> {
    select(sql, "call_id = ?", call_id.into())
}

/// The calls that are to be looked at.
pub(super) fn due(sql: &dyn Sql, now_ms: i64) -> Result<Vec<Row>, SqlError> {
    select(sql, "due <= ? LIMIT 50", now_ms.into())
}

/// When the first call is to be looked at.
pub(super) fn next_due(sql: &dyn Sql) -> Result<Option<i64>, SqlError> {
    let rows = sql.query("SELECT MIN(due) FROM voicemail_dialogs", &[])?;
    Ok(rows.first().and_then(|row| row.optional_integer(0)))
}

/// What was seen of all calls that go on.
pub(super) fn traces(sql: &dyn Sql) -> Result<Vec<Sheet>, SqlError> {
    let rows = select(sql, "? IS NULL", sql::Value::Null)?;
    Ok(rows.into_iter().map(|row| row.trace).collect())
}

/// Writes a call as it is now.
pub(super) fn put(sql: &dyn Sql, row: &Row) -> Result<(), SqlError> {
    let state = serde_json::to_string(row).map_err(|error| SqlError(error.to_string()))?;
    sql.query(
        "INSERT OR REPLACE INTO voicemail_dialogs (key, call_id, due, state) VALUES (?, ?, ?, ?)",
        &[
            row.key.as_str().into(),
            row.call.call_id().into(),
            row.due_ms.into(),
            state.into(),
        ],
    )?;
    Ok(())
}

/// Removes a call.
pub(super) fn remove(sql: &dyn Sql, key: &str) -> Result<(), SqlError> {
    sql.query("DELETE FROM voicemail_dialogs WHERE key = ?", &[key.into()])?;
    Ok(())
}

fn select(sql: &dyn Sql, condition: &str, value: sql::Value) -> Result<Vec<Row>, SqlError> {
    let rows = sql.query(
        &format!("SELECT state FROM voicemail_dialogs WHERE {condition}"),
        &[value],
    )?;
    let row = |row: &sql::Row| serde_json::from_str(&row.text(0)).ok();
    Ok(rows.iter().filter_map(row).collect())
}
