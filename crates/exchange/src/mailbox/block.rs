//! Blocked callers: they get no session.

use crate::sql::{Sql, SqlError};

/// The table of this module.
pub const SCHEMA: &[&str] =
    &["CREATE TABLE blocks (address TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID"];

/// Whether this normalised address is blocked.
pub fn is_blocked(sql: &dyn Sql, address: &str) -> Result<bool, SqlError> {
    let rows = sql.query("SELECT 1 FROM blocks WHERE address = ?", &[address.into()])?;
    Ok(!rows.is_empty())
}
