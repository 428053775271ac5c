//! Recordings whose recorder was killed: their journals are closed and offered as drafts.

use std::rc::Rc;

use sha2::{Digest, Sha256};
use wasm_bindgen_futures::spawn_local;

use super::liveness::{Liveness, living};
use crate::storage::{Database, DepositRow, RowState, StorageError};

/// Closes every journal that has no living recorder any more. One that cannot be closed now, for want of room,
/// keeps no other from it; why is returned, and the next time may do.
pub async fn recover_all(database: &Database) -> Result<(), StorageError> {
    let rows = database.deposits().await?;
    let living = living().await?;
    let mut outcome = Ok(());
    for row in rows {
        if row.state == RowState::Recording && !living.contains(&row.deposit_id) {
            let recovered = recover(database, &row.deposit_id).await;
            outcome = outcome.and_then(|()| recovered.map(drop));
        }
    }
    outcome
}

/// Waits for the recorders that live now, in other tabs or in a page that is just being left; `then` is told of
/// each that ended.
pub async fn await_others(
    database: &Rc<Database>,
    then: impl Fn() + Clone + 'static,
) -> Result<(), StorageError> {
    for deposit_id in living().await? {
        let (database, then) = (Rc::clone(database), then.clone());
        spawn_local(async move {
            // Its lock is free when it is gone. What fails here is tried again at the next start.
            let _lock = Liveness::hold(&deposit_id).await;
            let _ = recover(&database, &deposit_id).await;
            then();
        });
    }
    Ok(())
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
