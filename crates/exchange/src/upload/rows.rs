//! The bytes of an upload, in rows of at most 1 MB that begin where the one before ended.

use crate::sql::{Sql, SqlError};

/// The table of this module.
pub(super) const TABLE: &str =
    "CREATE TABLE bytes (start INTEGER PRIMARY KEY, bytes BLOB NOT NULL)";

/// No row is longer.
pub(super) const ROW_BYTES: usize = 1_000_000;

/// Adds bytes at `start`, the present end.
pub(super) fn add(sql: &dyn Sql, start: u64, bytes: &[u8]) -> Result<(), SqlError> {
    let mut start = start;
    for row in bytes.chunks(ROW_BYTES) {
        sql.query(
            "INSERT INTO bytes (start, bytes) VALUES (?, ?)",
            &[start.into(), row.to_vec().into()],
        )?;
        start = start.saturating_add(row.len() as u64);
    }
    Ok(())
}

/// Lets go of everything from `end`, where a row begins.
pub(super) fn truncate(sql: &dyn Sql, end: u64) -> Result<(), SqlError> {
    sql.query("DELETE FROM bytes WHERE start >= ?", &[end.into()])?;
    Ok(())
}

/// The row that holds byte `offset`, from that byte on; empty at the end. At most 1 MB comes at once, so call
/// it again with the next offset.
pub fn read(sql: &dyn Sql, offset: u64) -> Result<Vec<u8>, SqlError> {
    let rows = sql.query(
        "SELECT start, bytes FROM bytes WHERE start <= ? ORDER BY start DESC LIMIT 1",
        &[offset.into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(Vec::new());
    };
    let start = u64::try_from(row.integer(0)).unwrap_or(0);
    let skip = usize::try_from(offset.saturating_sub(start)).unwrap_or(usize::MAX);
    let bytes = row.blob(1);
    Ok(bytes.get(skip..).map_or_else(Vec::new, <[u8]>::to_vec))
}

/// Calls `take` with all bytes from `offset` on, row by row.
pub(super) fn each(
    sql: &dyn Sql,
    offset: u64,
    mut take: impl FnMut(&[u8]),
) -> Result<(), SqlError> {
    let mut offset = offset;
    loop {
        let bytes = read(sql, offset)?;
        if bytes.is_empty() {
            return Ok(());
        }
        take(&bytes);
        offset = offset.saturating_add(bytes.len() as u64);
    }
}
