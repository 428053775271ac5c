//! The account of one address: who it is, its password as encrypted HA1s, and its login generation. It
//! answers for unknown users exactly as for known ones.

use crate::{
    context::Context,
    effect::Effect,
    http::{Request, Response},
    sql::{Sql, SqlError},
};

/// The tables of this module; part of the line's first migration.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE account (id INTEGER PRIMARY KEY CHECK (id = 0), address TEXT NOT NULL, display_name TEXT NOT NULL, generation INTEGER NOT NULL, ha1_key TEXT NOT NULL, ha1 BLOB NOT NULL, created_at INTEGER NOT NULL)",
    "CREATE TABLE account_outbox (receiver TEXT PRIMARY KEY, tries INTEGER NOT NULL) WITHOUT ROWID",
];

/// Kind of the wake-ups that belong to this module; the line hands them to [`on_wakeup`].
pub const WAKEUP: &str = "account";

/// Beginning of the tags of signals that this module sends; the line hands their replies to [`on_reply`].
pub const TAG: &str = "account:";

/// The stored account, without its secrets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    /// Normalised address.
    pub address: String,
    /// Name for people.
    pub display_name: String,
    /// Login tokens of an older generation are void.
    pub generation: u32,
}

/// The account of this line, if there is one.
pub fn find(_sql: &dyn Sql) -> Result<Option<Account>, SqlError> {
    Ok(None)
}

/// The digest hashes of the account, for the realm `settings.domain()`. For a line without an account:
/// hashes that no password gives, so that the answer takes the same way.
pub fn ha1(_sql: &dyn Sql, _context: &Context<'_>) -> Result<Ha1, SqlError> {
    Ok(Ha1::default())
}

/// Whether a `Bearer` token is a login of this line's account, of its present generation and not expired.
pub fn accepts_bearer(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _token: &str,
) -> Result<bool, SqlError> {
    Ok(false)
}

/// `/login`, `/account/password`, `PUT /admin/users/{address}`, `POST /admin/users/{address}/login`.
pub fn on_http(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _request: &Request,
) -> Result<(Response, Vec<Effect>), SqlError> {
    Ok((Response::status(404), Vec::new()))
}

/// A wake-up of kind [`WAKEUP`] is due.
pub fn on_wakeup(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _key: &str,
) -> Result<Vec<Effect>, SqlError> {
    Ok(Vec::new())
}

/// The reply to a signal whose tag begins with [`TAG`].
pub fn on_reply(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _tag: &str,
    _done: bool,
) -> Result<(), SqlError> {
    Ok(())
}

/// Digest hashes in lower-case hex.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ha1 {
    /// H(user:realm:password) with SHA-256.
    pub sha256: String,
    /// The same with MD5.
    pub md5: String,
}
