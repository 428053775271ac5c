//! The mailbox's copy of its account: display name, login generation, settings and running counters in one
//! row, so that a mailbox of 10,000 messages answers as fast as one of ten.

use crate::sql::{Sql, SqlError, Value};

/// The table of this module.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE mailbox (id INTEGER PRIMARY KEY CHECK (id = 0), display_name TEXT NOT NULL, generation INTEGER NOT NULL, settings TEXT NOT NULL, new_count INTEGER NOT NULL, old_count INTEGER NOT NULL, bytes_used INTEGER NOT NULL)",
    "INSERT INTO mailbox (id, display_name, generation, settings, new_count, old_count, bytes_used) VALUES (0, '', 0, '{}', 0, 0, 0)",
];

/// What a mailbox holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Messages not yet heard.
    pub new: i64,
    /// Heard and saved messages.
    pub old: i64,
    /// Bytes of all messages and the greeting, those waiting for their final removal included.
    pub bytes_used: i64,
}

/// The present counters.
pub fn counters(sql: &dyn Sql) -> Result<Counters, SqlError> {
    let rows = sql.query("SELECT new_count, old_count, bytes_used FROM mailbox", &[])?;
    Ok(rows.first().map_or_else(Counters::default, |row| Counters {
        new: row.integer(0),
        old: row.integer(1),
        bytes_used: row.integer(2),
    }))
}

/// Adds to the counters; negative numbers take away.
pub fn count(sql: &dyn Sql, change: Counters) -> Result<(), SqlError> {
    let parameters: [Value; 3] = [
        change.new.into(),
        change.old.into(),
        change.bytes_used.into(),
    ];
    sql.query(
        "UPDATE mailbox SET new_count = MAX(0, new_count + ?), old_count = MAX(0, old_count + ?), bytes_used = MAX(0, bytes_used + ?)",
        &parameters,
    )?;
    Ok(())
}
