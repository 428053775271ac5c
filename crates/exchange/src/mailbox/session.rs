//! Sessions: the right to leave one message, given to a caller after the voicemail answered. The row is the
//! authority; the session store (KV) only spares a look at it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use deposit::token::{SessionClaims, SessionType, Token, caller_hash};
use serde_json::json;

use super::{Answered, account, address, block, deposit as deposits, greeting, share};
use crate::{
    context::Context,
    effect::Effect,
    http::{Request, Response},
    problem::{self, Refusal},
    signal::Caller,
    sql::{Row, Sql, SqlError, Value},
    wakeup,
};

/// The table of this module.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, session_type TEXT NOT NULL, caller_address TEXT, caller_name TEXT, caller_verified INTEGER NOT NULL, network TEXT, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX sessions_by_time ON sessions (issued_at)",
    "CREATE INDEX sessions_by_end ON sessions (expires_at)",
];

/// They are found by the time of their making; those that end are the oldest.
pub const SECOND_SCHEMA: &[&str] = &["DROP INDEX sessions_by_end"];

/// Calls that were sent on to this mailbox.
pub const THIRD_SCHEMA: &[&str] = &["ALTER TABLE sessions ADD COLUMN forwarded_from TEXT"];

/// Kind of the wake-up that forgets sessions long over.
pub const WAKEUP: &str = "sessions";

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Rows outlive the token by so long, so that a late retry finds its receipt.
const KEPT_AFTER_END_MS: i64 = 30 * DAY_MS;
const FORGOTTEN_AT_ONCE: usize = 500;
const STORED_AT_ONCE: usize = 100;

/// One session as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// As [`SessionClaims::session`] gives it.
    pub id: String,
    /// `voice` or `video`.
    pub session_type: String,
    /// Who called.
    pub caller: Caller,
    /// Unix time in milliseconds.
    pub issued_at_ms: i64,
    /// When the right to begin a deposit ends, Unix time in milliseconds.
    pub expires_at_ms: i64,
    /// Where it stands.
    pub state: SessionState,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SessionState {
    /// Nothing was deposited yet.
    Pending,
    /// At least one deposit was committed.
    Deposited,
    /// Taken back by the owner of the mailbox.
    Revoked,
}

/// A session that was just made, with all that the caller is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Issued {
    /// The session token (`ID=`).
    pub token: String,
    /// Id of the session.
    pub session_id: String,
    /// `Upload=`.
    pub upload_url: String,
    /// `Greeting=`; nothing where the mailbox plays none.
    pub greeting_url: Option<String>,
    /// `Greeting-Duration=`; 0 without a greeting.
    pub greeting_duration_ms: u32,
    /// `Expires=`, Unix time in milliseconds.
    pub expires_at_ms: i64,
    /// `Expires=` as RFC 3339.
    pub expires: String,
    /// `Max-Size=`.
    pub max_size: u64,
    /// `Max-Duration=`, in seconds.
    pub max_duration_s: u32,
    /// `Max-Video-Size=`.
    pub max_video_size: u64,
    /// To be carried out after the commit: the session store is written.
    pub effects: Vec<Effect>,
}

/// Why no session is made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IssueRefusal {
    /// The mailbox is full.
    Full,
    /// The owner blocked this caller.
    Blocked,
    /// Too many sessions in the last hour.
    Limited,
    /// The address is too long for a token.
    Unnameable,
}

/// Makes a session for this caller. `session_type` is `voice` or `video`; anything else counts as voice.
pub fn issue(
    sql: &dyn Sql,
    context: &Context<'_>,
    caller: &Caller,
    session_type: &str,
) -> Result<Result<Issued, IssueRefusal>, SqlError> {
    if let Some(refusal) = refusal(sql, context, caller)? {
        return Ok(Err(refusal));
    }
    let claims = claims(context, caller, session_type);
    let Ok(token) = mint(context, &claims) else {
        return Ok(Err(IssueRefusal::Unnameable));
    };
    insert(sql, context, caller, &claims)?;
    let greeting = greeting::current(sql, context)?;
    let settings = context.settings;
    Ok(Ok(Issued {
        token,
        session_id: claims.session(),
        upload_url: format!("{}/deposits", settings.public_url),
        greeting_url: greeting.url,
        greeting_duration_ms: greeting.duration_ms,
        expires_at_ms: claims.expires_at_ms,
        expires: deposit::time::rfc3339(claims.expires_at_ms),
        max_size: settings.max_voice_bytes,
        max_duration_s: settings.max_duration_s,
        max_video_size: settings.max_video_bytes,
        effects: vec![stored(&claims.session(), "pending", claims.expires_at_ms)],
    }))
}

/// The session of this id.
pub fn find(sql: &dyn Sql, id: &str) -> Result<Option<Session>, SqlError> {
    let rows = sql.query(
        "SELECT id, session_type, caller_address, caller_name, caller_verified, network, issued_at, expires_at, state, EXISTS (SELECT 1 FROM deposits WHERE session_id = sessions.id), forwarded_from FROM sessions WHERE id = ?",
        &[id.into()],
    )?;
    Ok(rows.first().map(session))
}

/// The token of a session once more, while it may begin a deposit.
pub(super) fn token(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
) -> Result<Option<String>, SqlError> {
    let found = find(sql, id)?.filter(|session| {
        session.state != SessionState::Revoked && session.expires_at_ms > context.now_ms
    });
    let Some((session, session_id)) = found.zip(session_id(id)) else {
        return Ok(None);
    };
    let claims = SessionClaims {
        session_id,
        expires_at_ms: session.expires_at_ms,
        ..claims(context, &session.caller, &session.session_type)
    };
    Ok(mint(context, &claims).ok())
}

/// The bytes of a session id.
fn session_id(id: &str) -> Option<[u8; 16]> {
    URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()
}

/// The caller will deposit something else than the call was for (D17).
pub(super) fn retype(sql: &dyn Sql, id: &str, kind: SessionType) -> Result<(), SqlError> {
    sql.query(
        "UPDATE sessions SET session_type = ? WHERE id = ?",
        &[kind.as_str().into(), id.into()],
    )?;
    Ok(())
}

/// `POST /mailbox/sessions/{id}/revoke`; again is fine.
pub(super) fn revoke(sql: &dyn Sql, request: &Request, id: &str) -> Answered {
    let rows = sql.query(
        "UPDATE sessions SET state = 'revoked' WHERE id = ? RETURNING expires_at",
        &[id.into()],
    )?;
    match rows.first() {
        Some(row) => Ok((
            Response::status(204),
            vec![stored(id, "revoked", row.integer(0))],
        )),
        None => Err(Refusal::of(
            request,
            problem::NOT_FOUND,
            "There is no such session.",
        )),
    }
}

/// Revokes all sessions that this caller holds.
pub(super) fn revoke_all_of(sql: &dyn Sql, caller: &str) -> Result<Vec<Effect>, SqlError> {
    let rows = sql.query(
        "UPDATE sessions SET state = 'revoked' WHERE caller_address = ? AND state <> 'revoked' RETURNING id, expires_at",
        &[caller.into()],
    )?;
    let revoked = |row: &Row| stored(&row.text(0), "revoked", row.integer(1));
    Ok(rows.iter().map(revoked).collect())
}

/// Revokes every session. The rows decide; of very many only some are written to the store as well.
pub(super) fn revoke_all(sql: &dyn Sql) -> Result<Vec<Effect>, SqlError> {
    let rows = sql.query(
        "UPDATE sessions SET state = 'revoked' WHERE state <> 'revoked' RETURNING id, expires_at",
        &[],
    )?;
    let revoked = |row: &Row| stored(&row.text(0), "revoked", row.integer(1));
    Ok(rows.iter().take(STORED_AT_ONCE).map(revoked).collect())
}

/// Forgets sessions that ended long ago and what was deposited with them, as many as one alarm can do.
pub(super) fn on_wakeup(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    let end = context.now_ms.saturating_sub(KEPT_AFTER_END_MS);
    let oldest = sql.query(
        "SELECT id, expires_at FROM sessions ORDER BY issued_at LIMIT ?",
        &[Value::from(FORGOTTEN_AT_ONCE as u64)],
    )?;
    let (over, kept): (Vec<&Row>, Vec<&Row>) = oldest.iter().partition(|row| row.integer(1) < end);
    for row in over {
        deposits::forget(sql, &row.text(0))?;
        sql.query("DELETE FROM sessions WHERE id = ?", &[row.text(0).into()])?;
    }
    let soon = context.now_ms.saturating_add(HOUR_MS);
    let earliest = kept.iter().map(|row| row.integer(1)).min();
    let ends = earliest.map(|end| end.saturating_add(KEPT_AFTER_END_MS).saturating_add(DAY_MS));
    let more = (oldest.len() == FORGOTTEN_AT_ONCE).then_some(soon);
    if let Some(due) = ends.or(more) {
        wakeup::set(sql, WAKEUP, "", due.max(soon))?;
    }
    Ok(Vec::new())
}

fn refusal(
    sql: &dyn Sql,
    context: &Context<'_>,
    caller: &Caller,
) -> Result<Option<IssueRefusal>, SqlError> {
    if let Some(address) = &caller.address
        && block::is_blocked(sql, address)?
    {
        return Ok(Some(IssueRefusal::Blocked));
    }
    let used = account::counters(sql)?.bytes_used.unsigned_abs();
    if used >= context.settings.mailbox_quota_bytes {
        return Ok(Some(IssueRefusal::Full));
    }
    if share::is_used_up(sql, context, caller, 1)? {
        return Ok(Some(IssueRefusal::Limited));
    }
    let limited = is_limited(sql, context, caller)?;
    Ok(limited.then_some(IssueRefusal::Limited))
}

/// One network has its own, smaller limit, so that it cannot use up the mailbox's for others.
fn is_limited(sql: &dyn Sql, context: &Context<'_>, caller: &Caller) -> Result<bool, SqlError> {
    let of_all = i64::from(context.settings.limit_mailbox_sessions_per_hour);
    let of_network = i64::from(context.settings.limit_sessions_per_hour);
    if of_all == 0 && of_network == 0 {
        return Ok(false);
    }
    let since = context.now_ms.saturating_sub(HOUR_MS);
    let network = caller.network.as_deref().unwrap_or("");
    let rows = sql.query(
        "SELECT COUNT(*), COUNT(CASE WHEN network = ? THEN 1 END) FROM sessions WHERE issued_at > ?",
        &[network.into(), since.into()],
    )?;
    let (all, own) = rows
        .first()
        .map_or((0, 0), |row| (row.integer(0), row.integer(1)));
    let network_full = of_network > 0 && !network.is_empty() && own >= of_network;
    Ok(network_full || (of_all > 0 && all >= of_all))
}

fn claims(context: &Context<'_>, caller: &Caller, session_type: &str) -> SessionClaims {
    let settings = context.settings;
    let ends = context.now_ms.saturating_add(settings.session_ttl_ms);
    let largest = settings.max_voice_bytes.max(settings.max_video_bytes);
    SessionClaims {
        session_id: context.entropy.bytes::<16>(),
        session_type: SessionType::read(session_type).unwrap_or(SessionType::Voice),
        caller: caller_hash(caller.address.as_deref()),
        size_limit: u32::try_from(largest).unwrap_or(u32::MAX),
        // Tokens say whole seconds; the row and `Expires=` say the same.
        expires_at_ms: ends.div_euclid(1000).saturating_mul(1000),
        mailbox: address(context).to_owned(),
    }
}

fn mint(
    context: &Context<'_>,
    claims: &SessionClaims,
) -> Result<String, deposit::token::TokenError> {
    deposit::token::mint(
        &Token::Session(claims.clone()),
        &context.settings.token_keys,
    )
}

fn insert(
    sql: &dyn Sql,
    context: &Context<'_>,
    caller: &Caller,
    claims: &SessionClaims,
) -> Result<(), SqlError> {
    let parameters: [Value; 9] = [
        claims.session().into(),
        claims.session_type.as_str().into(),
        caller.address.clone().into(),
        caller.display_name.clone().into(),
        caller.verified.into(),
        caller.network.clone().into(),
        context.now_ms.into(),
        claims.expires_at_ms.into(),
        caller.forwarded_from.clone().into(),
    ];
    sql.query(
        "INSERT INTO sessions (id, session_type, caller_address, caller_name, caller_verified, network, issued_at, expires_at, forwarded_from, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')",
        &parameters,
    )?;
    let due = claims
        .expires_at_ms
        .saturating_add(KEPT_AFTER_END_MS)
        .saturating_add(DAY_MS);
    wakeup::no_later_than(sql, WAKEUP, "", due)
}

fn session(row: &Row) -> Session {
    Session {
        id: row.text(0),
        session_type: row.text(1),
        caller: Caller {
            address: row.optional_text(2),
            display_name: row.optional_text(3),
            verified: row.integer(4) != 0,
            network: row.optional_text(5),
            forwarded_from: row.optional_text(10),
        },
        issued_at_ms: row.integer(6),
        expires_at_ms: row.integer(7),
        // Older versions wrote `deposited` too.
        state: match (row.text(8).as_str(), row.integer(9)) {
            ("revoked", _) => SessionState::Revoked,
            (_, 1) | ("deposited", _) => SessionState::Deposited,
            _ => SessionState::Pending,
        },
    }
}

fn stored(id: &str, state: &str, expires_at_ms: i64) -> Effect {
    Effect::PutSession {
        key: format!("session:{id}"),
        value: json!({ "state": state }).to_string(),
        expires_at_ms,
    }
}
