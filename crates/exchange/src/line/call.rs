//! The calls that ring at this line, as rows: the caller's INVITE and how far it got.

use serde::{Deserialize, Serialize};
use sip::{Request, Response, transaction::ServerTransaction};

use crate::{
    context::Context,
    effect::Effect,
    flow::hop,
    signal::Caller,
    sql::{Row, Sql, SqlError},
};

/// The table of this module.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE calls (key TEXT PRIMARY KEY, flow TEXT NOT NULL, stage TEXT NOT NULL, caller TEXT NOT NULL, invite TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX calls_by_flow ON calls (flow)",
];

/// Beginning of the keys by which a lost caller is told to the line.
pub(super) const CALLER_KEY: &str = "caller ";

/// One call, from its INVITE until nothing about it can come any more.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    /// Connection and branch of the INVITE.
    pub(super) key: String,
    /// The caller's connection.
    pub(super) flow: String,
    pub(super) stage: Stage,
    pub(super) caller: Caller,
    pub(super) invite: ServerTransaction,
}

/// How far a call is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Contacts ring.
    Ringing,
    /// The voicemail was asked.
    Voicemail,
    /// Somebody answered.
    Answered,
    /// The caller got a failure.
    Failed,
    /// The caller gave up or is gone; what still rings has been told.
    Cancelled,
    /// A contact sent it on, and the line of this address answers the caller.
    Diverted(String),
}

impl Stage {
    /// Whether the caller still waits.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Ringing | Self::Voicemail)
    }
}

/// The key of the INVITE that a request belongs to: INVITE, CANCEL and ACK share it.
pub(super) fn key(flow: &str, request: &Request) -> String {
    let via = request.top_via();
    let hop = via.map(|via| format!("{} {}", via.sent_by(), via.branch()));
    format!("{flow} {}", hop.unwrap_or_default())
}

/// The call of this key.
pub(super) fn find(sql: &dyn Sql, key: &str) -> Result<Option<Call>, SqlError> {
    let rows = sql.query(
        "SELECT key, flow, stage, caller, invite FROM calls WHERE key = ?",
        &[key.into()],
    )?;
    Ok(rows.first().and_then(of_row))
}

/// The calls of a connection.
pub(super) fn of_flow(sql: &dyn Sql, flow: &str) -> Result<Vec<Call>, SqlError> {
    let rows = sql.query(
        "SELECT key, flow, stage, caller, invite FROM calls WHERE flow = ?",
        &[flow.into()],
    )?;
    Ok(rows.iter().filter_map(of_row).collect())
}

/// Writes a call as it is now.
pub(super) fn put(sql: &dyn Sql, call: &Call) -> Result<(), SqlError> {
    sql.query(
        "INSERT INTO calls (key, flow, stage, caller, invite) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET stage = excluded.stage, invite = excluded.invite",
        &[
            call.key.as_str().into(),
            call.flow.as_str().into(),
            print(&call.stage)?.into(),
            print(&call.caller)?.into(),
            print(&call.invite)?.into(),
        ],
    )?;
    Ok(())
}

/// Removes a call.
pub(super) fn remove(sql: &dyn Sql, key: &str) -> Result<(), SqlError> {
    sql.query("DELETE FROM calls WHERE key = ?", &[key.into()])?;
    Ok(())
}

impl Call {
    /// Sends a response of ours to the caller, unless it has its final one.
    pub(super) fn respond(
        &mut self,
        context: &Context<'_>,
        status: u16,
        reason: &str,
    ) -> Option<Effect> {
        let tag = context.entropy.hex(6);
        let tag = (status > 100).then_some(tag.as_str());
        let response = Response::reply_to(self.invite.request(), status, reason, tag);
        self.pass_up(context, &response)
    }

    /// Sends a response to the caller, its Vias already those of the INVITE. A 2xx passes every time
    /// (RFC 6026 section 7.2), anything else at most until the first final one.
    pub(super) fn pass_up(&mut self, context: &Context<'_>, response: &Response) -> Option<Effect> {
        let first = self.invite.respond(response, context.now_ms);
        let bytes = first.or_else(|| response.is_success().then(|| response.to_bytes()))?;
        let key = format!("{CALLER_KEY}{}", self.key);
        Some(hop::send_or_tell(&self.flow, bytes, &key))
    }
}

fn of_row(row: &Row) -> Option<Call> {
    Some(Call {
        key: row.text(0),
        flow: row.text(1),
        stage: serde_json::from_str(&row.text(2)).ok()?,
        caller: serde_json::from_str(&row.text(3)).ok()?,
        invite: serde_json::from_str(&row.text(4)).ok()?,
    })
}

/// A value as it is stored.
pub(super) fn print<T: Serialize>(value: &T) -> Result<String, SqlError> {
    serde_json::to_string(value).map_err(|error| SqlError(error.to_string()))
}
