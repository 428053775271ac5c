//! The greeting that callers hear: the owner's own, or the system's.

use crate::{
    context::Context,
    sql::{Sql, SqlError},
};

/// The table of this module; the sound itself is in the media chunks under `media_id`.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE greeting (id INTEGER PRIMARY KEY CHECK (id = 0), media_id TEXT NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL, duration_ms INTEGER NOT NULL, changed_at INTEGER NOT NULL)",
];

/// What a caller is to hear.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Greeting {
    /// Absolute address, good for ten minutes; nothing where the mailbox plays no greeting.
    pub url: Option<String>,
    /// How long it plays; 0 without a greeting.
    pub duration_ms: u32,
}

/// The greeting at this moment.
pub fn current(_sql: &dyn Sql, _context: &Context<'_>) -> Result<Greeting, SqlError> {
    Ok(Greeting {
        url: None,
        duration_ms: 0,
    })
}
