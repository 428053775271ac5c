//! Media in the mailbox's own database, in rows of at most [`CHUNK_BYTES`].

use crate::sql::{Sql, SqlError, Value};

/// The table of this module.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE media_chunks (media_id TEXT NOT NULL, position INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (media_id, position)) WITHOUT ROWID",
];

/// Size of every row but the last of a medium.
pub const CHUNK_BYTES: usize = 1_000_000;

/// Stores a whole medium under a fresh id.
pub fn store(sql: &dyn Sql, media_id: &str, bytes: &[u8]) -> Result<(), SqlError> {
    for (position, chunk) in bytes.chunks(CHUNK_BYTES).enumerate() {
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        let parameters: [Value; 3] = [media_id.into(), position.into(), chunk.to_vec().into()];
        sql.query(
            "INSERT INTO media_chunks (media_id, position, bytes) VALUES (?, ?, ?)",
            &parameters,
        )?;
    }
    Ok(())
}

/// At most `length` bytes from `offset`; only the rows that hold them are read.
pub fn read(sql: &dyn Sql, media_id: &str, offset: u64, length: u64) -> Result<Vec<u8>, SqlError> {
    let chunk = CHUNK_BYTES as u64;
    let first = offset / chunk;
    let last = offset.saturating_add(length).saturating_sub(1) / chunk;
    let rows = sql.query(
        "SELECT bytes FROM media_chunks WHERE media_id = ? AND position BETWEEN ? AND ? ORDER BY position",
        &[media_id.into(), first.into(), last.into()],
    )?;
    let held: Vec<u8> = rows.iter().flat_map(|row| row.blob(0)).collect();
    let skip = usize::try_from(offset % chunk).unwrap_or(usize::MAX);
    let take = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(held.into_iter().skip(skip).take(take).collect())
}

/// Removes a medium; absent is fine.
pub fn remove(sql: &dyn Sql, media_id: &str) -> Result<(), SqlError> {
    sql.query(
        "DELETE FROM media_chunks WHERE media_id = ?",
        &[media_id.into()],
    )?;
    Ok(())
}
