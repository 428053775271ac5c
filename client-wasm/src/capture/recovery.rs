//! Recordings whose recorder was killed: their journals are closed and offered as drafts.

use sha2::{Digest, Sha256};

use super::liveness::living;
use crate::storage::{Database, DepositRow, RowState, StorageError};

/// Closes every journal that has no living recorder any more, and returns their rows as stored.
pub async fn recover_all(database: &Database) -> Result<Vec<DepositRow>, StorageError> {
    let rows = database.deposits().await?;
    let living = living().await?;
    let mut recovered = Vec::new();
    for row in rows {
        if row.state == RowState::Recording && !living.contains(&row.deposit_id) {
            recovered.extend(recover(database, &row.deposit_id).await?);
        }
    }
    Ok(recovered)
}

/// Closes the journal of a recording whose recorder is known to be dead. Nothing if it was closed
/// already.
pub async fn recover(
    database: &Database,
    deposit_id: &str,
) -> Result<Option<DepositRow>, StorageError> {
    database.close_journal(deposit_id, close).await
}

/// The journal is only appended to: what the disk holds was whole pages at every moment. A file of the browser's own
/// recorder needs no end; how long it is was kept with its fragments.
fn close(journal: &[u8], row: &mut DepositRow) -> Vec<u8> {
    let closing = voice::closing(journal);
    let hash = Sha256::new().chain_update(journal).chain_update(&closing);
    row.state = RowState::Interrupted;
    row.duration_ms = voice::duration_ms(journal).unwrap_or(row.duration_ms);
    row.sha256 = Some(format!("{:x}", hash.finalize()));
    closing
}
