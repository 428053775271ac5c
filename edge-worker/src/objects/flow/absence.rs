//! Where a connection without a socket is kept until its client comes back: one row, written only then. A connection
//! that never loses its socket stores nothing.

use exchange::{
    flow::absence::Absence,
    sql::{Sql, SqlError, Value},
};
use worker::{Error, Result};

use crate::{log, storage::Storage};

const TABLE: &str = "CREATE TABLE absence (id INTEGER PRIMARY KEY, kept TEXT NOT NULL)";

/// What is kept, if the client is away.
pub(super) fn find(storage: &Storage) -> Option<Absence> {
    let found = rows(storage).unwrap_or_else(|error| {
        log::trouble(&format!("a connection lost its memory: {error}"), None);
        None
    });
    serde_json::from_str(&found?).ok()
}

/// Keeps it, and has the object woken when the client is given up.
pub(super) fn keep(storage: &Storage, absence: &Absence) -> Result<()> {
    let failed = |error: SqlError| Error::RustError(error.to_string());
    if !is_kept(storage).map_err(failed)? {
        storage.query(TABLE, &[]).map_err(failed)?;
    }
    let text = Value::Text(serde_json::to_string(absence)?);
    storage
        .query("INSERT OR REPLACE INTO absence VALUES (0, ?)", &[text])
        .map_err(failed)?;
    storage.try_again_at(absence.until_ms());
    Ok(())
}

/// Forgets everything, and gives the storage back.
pub(super) fn forget(storage: &Storage) {
    storage.clear();
}

fn is_kept(storage: &Storage) -> core::result::Result<bool, SqlError> {
    let tables = "SELECT 1 FROM sqlite_master WHERE name = 'absence'";
    Ok(!storage.query(tables, &[])?.is_empty())
}

fn rows(storage: &Storage) -> core::result::Result<Option<String>, SqlError> {
    if !is_kept(storage)? {
        return Ok(None);
    }
    let rows = storage.query("SELECT kept FROM absence", &[])?;
    Ok(rows.first().map(|row| row.text(0)))
}
