//! The calls of a voicemail as rows.

use serde::{Deserialize, Serialize};
use sip::call::Call;

use crate::{
    signal::Caller,
    sql::{self, Sql, SqlError},
};

/// The table of this module.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE voicemail_calls (key TEXT PRIMARY KEY, call_id TEXT NOT NULL, flow TEXT NOT NULL, stage TEXT NOT NULL, caller TEXT NOT NULL, body TEXT, greeting_ms INTEGER NOT NULL, call TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX voicemail_calls_by_id ON voicemail_calls (call_id)",
];

const COLUMNS: &str = "key, flow, stage, caller, body, greeting_ms, call";

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) key: String,
    /// The caller's connection.
    pub(super) flow: String,
    pub(super) stage: Stage,
    pub(super) caller: Caller,
    /// What the caller is told of its session.
    pub(super) body: Option<String>,
    pub(super) greeting_ms: i64,
    pub(super) call: Call,
}

/// How far a call is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// The ACK is awaited.
    Answering,
    /// The greeting plays at the caller's.
    Greeting,
    /// The INFO that comes after the greeting is out.
    Instructing,
}

/// The call of this key.
pub(super) fn find(sql: &dyn Sql, key: &str) -> Result<Option<Row>, SqlError> {
    Ok(select(sql, "key", key)?.pop())
}

/// The calls with this Call-ID; more than one where a call was forked to us twice.
pub(super) fn of_call_id(sql: &dyn Sql, call_id: &str) -> Result<Vec<Row>, SqlError> {
    select(sql, "call_id", call_id)
}

/// Writes a call as it is now.
pub(super) fn put(sql: &dyn Sql, row: &Row) -> Result<(), SqlError> {
    sql.query(
        "INSERT INTO voicemail_calls (key, call_id, flow, stage, caller, body, greeting_ms, call) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET stage = excluded.stage, body = excluded.body, greeting_ms = excluded.greeting_ms, call = excluded.call",
        &[
            row.key.as_str().into(),
            row.call.call_id().into(),
            row.flow.as_str().into(),
            print(&row.stage)?.into(),
            print(&row.caller)?.into(),
            row.body.clone().into(),
            row.greeting_ms.into(),
            print(&row.call)?.into(),
        ],
    )?;
    Ok(())
}

/// Removes a call.
pub(super) fn remove(sql: &dyn Sql, key: &str) -> Result<(), SqlError> {
    sql.query("DELETE FROM voicemail_calls WHERE key = ?", &[key.into()])?;
    Ok(())
}

fn select(sql: &dyn Sql, column: &str, value: &str) -> Result<Vec<Row>, SqlError> {
    let rows = sql.query(
        &format!("SELECT {COLUMNS} FROM voicemail_calls WHERE {column} = ?"),
        &[value.into()],
    )?;
    Ok(rows.iter().filter_map(of_row).collect())
}

fn of_row(row: &sql::Row) -> Option<Row> {
    Some(Row {
        key: row.text(0),
        flow: row.text(1),
        stage: serde_json::from_str(&row.text(2)).ok()?,
        caller: serde_json::from_str(&row.text(3)).ok()?,
        body: row.optional_text(4),
        greeting_ms: row.integer(5),
        call: serde_json::from_str(&row.text(6)).ok()?,
    })
}

fn print<T: Serialize>(value: &T) -> Result<String, SqlError> {
    serde_json::to_string(value).map_err(|error| SqlError(error.to_string()))
}
