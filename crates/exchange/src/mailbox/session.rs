//! Sessions: the right to leave one message, given to a caller after the voicemail answered.

use crate::{
    context::Context,
    effect::Effect,
    signal::Caller,
    sql::{Sql, SqlError},
};

/// The table of this module.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, session_type TEXT NOT NULL, caller_address TEXT, caller_name TEXT, caller_verified INTEGER NOT NULL, network TEXT, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX sessions_by_time ON sessions (issued_at)",
];

/// One session as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Session {
    /// 16 random bytes in base64url: the first field of its token.
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
}

/// Makes a session for this caller. `session_type` is `voice` or `video`.
pub fn issue(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _caller: &Caller,
    _session_type: &str,
) -> Result<Result<Issued, IssueRefusal>, SqlError> {
    Ok(Err(IssueRefusal::Full))
}

/// The session of this id.
pub fn find(_sql: &dyn Sql, _id: &str) -> Result<Option<Session>, SqlError> {
    Ok(None)
}

/// Notes that a deposit of this session was committed.
pub fn mark_deposited(sql: &dyn Sql, id: &str) -> Result<(), SqlError> {
    sql.query(
        "UPDATE sessions SET state = 'deposited' WHERE id = ? AND state = 'pending'",
        &[id.into()],
    )?;
    Ok(())
}
