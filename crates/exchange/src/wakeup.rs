//! One table of due times per object; the shell keeps one alarm at the earliest.

use crate::sql::{Sql, SqlError};

/// The statement that makes the table; part of every object's first migration.
pub const TABLE: &str = "CREATE TABLE wakeups (kind TEXT NOT NULL, key TEXT NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID";

/// One thing that is due.
#[derive(Clone, Debug, PartialEq)]
pub struct Wakeup {
    /// Which rule is to run.
    pub kind: String,
    /// What it is to run on.
    pub key: String,
    /// When, Unix time in milliseconds.
    pub due_ms: i64,
}

/// Sets or moves a wake-up.
pub fn set(sql: &dyn Sql, kind: &str, key: &str, due_ms: i64) -> Result<(), SqlError> {
    sql.query(
        "INSERT INTO wakeups (kind, key, due) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET due = excluded.due",
        &[kind.into(), key.into(), due_ms.into()],
    )?;
    Ok(())
}

/// Makes sure that a wake-up stands at `due_ms` or before. One that comes too early finds nothing due and is set
/// anew: cheaper than a row written for everything that happens.
pub fn no_later_than(sql: &dyn Sql, kind: &str, key: &str, due_ms: i64) -> Result<(), SqlError> {
    let rows = sql.query(
        "SELECT 1 FROM wakeups WHERE kind = ? AND key = ? AND due <= ?",
        &[kind.into(), key.into(), due_ms.into()],
    )?;
    if rows.is_empty() {
        set(sql, kind, key, due_ms)?;
    }
    Ok(())
}

/// Removes a wake-up; absent is fine.
pub fn clear(sql: &dyn Sql, kind: &str, key: &str) -> Result<(), SqlError> {
    sql.query(
        "DELETE FROM wakeups WHERE kind = ? AND key = ?",
        &[kind.into(), key.into()],
    )?;
    Ok(())
}

/// When this wake-up is due, if it stands.
pub fn due(sql: &dyn Sql, kind: &str, key: &str) -> Result<Option<i64>, SqlError> {
    let rows = sql.query(
        "SELECT due FROM wakeups WHERE kind = ? AND key = ?",
        &[kind.into(), key.into()],
    )?;
    Ok(rows.first().map(|row| row.integer(0)))
}

/// When the alarm must stand, Unix time in milliseconds.
pub fn next(sql: &dyn Sql) -> Result<Option<i64>, SqlError> {
    let rows = sql.query("SELECT MIN(due) FROM wakeups", &[])?;
    Ok(rows.first().and_then(|row| row.optional_integer(0)))
}

/// The earliest wake-up that is due at `now_ms`, removed from the table: its rule sets it again if it must.
pub fn take(sql: &dyn Sql, now_ms: i64) -> Result<Option<Wakeup>, SqlError> {
    let rows = sql.query(
        "SELECT kind, key, due FROM wakeups WHERE due <= ? ORDER BY due LIMIT 1",
        &[now_ms.into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let wakeup = Wakeup {
        kind: row.text(0),
        key: row.text(1),
        due_ms: row.integer(2),
    };
    clear(sql, &wakeup.kind, &wakeup.key)?;
    Ok(Some(wakeup))
}
