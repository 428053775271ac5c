//! Blocks: the journal of a recording, appended to and never rewritten.

use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::IdbKeyRange;

use super::database::{BLOCKS, DEPOSITS, Database, encode};
use super::deposit::{DepositRow, RowState, change_row};
use super::error::StorageError;
use super::transaction::{Access, Transaction, answer};

impl Database {
    /// Appends the next block and changes the row with it, in one strictly durable transaction. The
    /// block's index is the row's count of blocks; size and count are kept here.
    pub async fn append_block(
        &self,
        deposit_id: &str,
        bytes: &[u8],
        change: impl FnOnce(&mut DepositRow),
    ) -> Result<DepositRow, StorageError> {
        let transaction = self.begin(&[DEPOSITS, BLOCKS], Access::Write)?;
        let mut index = 0;
        let row = change_row(
            &transaction,
            deposit_id,
            Box::new(|row| {
                index = row.blocks;
                row.blocks = row.blocks.saturating_add(1);
                row.size = row.size.saturating_add(bytes.len() as u64);
                change(row);
            }),
        )
        .await?;
        transaction
            .store(BLOCKS)?
            .add(&block_row(deposit_id, index, &bytes.into())?)?;
        transaction.complete().await?;
        Ok(row)
    }

    /// Begins a journal: the row and its first block in one strictly durable transaction.
    pub async fn begin_journal(
        &self,
        row: &DepositRow,
        bytes: &[u8],
    ) -> Result<DepositRow, StorageError> {
        let mut row = row.clone();
        row.blocks = 1;
        row.size = bytes.len() as u64;
        let transaction = self.begin(&[DEPOSITS, BLOCKS], Access::Write)?;
        transaction.store(DEPOSITS)?.add(&encode(DEPOSITS, &row)?)?;
        transaction
            .store(BLOCKS)?
            .add(&block_row(&row.deposit_id, 0, &bytes.into())?)?;
        transaction.complete().await?;
        Ok(row)
    }

    /// Closes the journal of a row still in state `recording`, in one transaction: `close` sees the
    /// journal, changes the row and says which bytes to append. Nothing if the row has moved on.
    pub async fn close_journal(
        &self,
        deposit_id: &str,
        close: impl FnOnce(&[u8], &mut DepositRow) -> Vec<u8>,
    ) -> Result<Option<DepositRow>, StorageError> {
        let transaction = self.begin(&[DEPOSITS, BLOCKS], Access::Write)?;
        let journal = read_journal(&transaction, deposit_id).await?;
        let (mut open, mut tail, mut index) = (false, Vec::new(), 0);
        let row = change_row(
            &transaction,
            deposit_id,
            Box::new(|row| {
                open = row.state == RowState::Recording;
                if open {
                    tail = close(&journal, row);
                    index = row.blocks;
                    row.blocks = row.blocks.saturating_add(u32::from(!tail.is_empty()));
                    row.size = (journal.len() as u64).saturating_add(tail.len() as u64);
                }
            }),
        )
        .await?;
        if !tail.is_empty() {
            let block = block_row(deposit_id, index, &tail.as_slice().into())?;
            transaction.store(BLOCKS)?.add(&block)?;
        }
        transaction.complete().await?;
        Ok(open.then_some(row))
    }

    /// Puts other words in the place of a written draft's, in one strictly durable transaction. Nothing if
    /// it is no written draft any more; recordings are never rewritten.
    pub async fn rewrite_words(
        &self,
        deposit_id: &str,
        words: &[u8],
        change: impl FnOnce(&mut DepositRow),
    ) -> Result<Option<DepositRow>, StorageError> {
        let transaction = self.begin(&[DEPOSITS, BLOCKS], Access::Write)?;
        let mut open = false;
        let row = change_row(
            &transaction,
            deposit_id,
            Box::new(|row| {
                open = row.is_written_draft();
                if open {
                    row.blocks = 1;
                    row.size = words.len() as u64;
                    change(row);
                }
            }),
        )
        .await?;
        if open {
            let blocks = transaction.store(BLOCKS)?;
            blocks.delete(&all_blocks_of(deposit_id)?)?;
            blocks.add(&block_row(deposit_id, 0, &words.into())?)?;
        }
        transaction.complete().await?;
        Ok(open.then_some(row))
    }

    /// The whole journal as one file.
    pub async fn journal(&self, deposit_id: &str) -> Result<Vec<u8>, StorageError> {
        let transaction = self.begin(&[BLOCKS], Access::Read)?;
        let journal = read_journal(&transaction, deposit_id).await?;
        transaction.complete().await?;
        Ok(journal)
    }
}

async fn read_journal(
    transaction: &Transaction,
    deposit_id: &str,
) -> Result<Vec<u8>, StorageError> {
    let range = all_blocks_of(deposit_id)?;
    let request = transaction.store(BLOCKS)?.get_all_with_key(&range)?;
    let rows: Array = answer(&request).await?.unchecked_into();
    let mut journal = Vec::new();
    for row in rows.iter() {
        journal.extend(block_bytes(&row)?.to_vec());
    }
    Ok(journal)
}

/// The key range of a deposit's blocks: an array sorts after every number (IndexedDB section 2.4).
pub(super) fn all_blocks_of(deposit_id: &str) -> Result<JsValue, StorageError> {
    let lower = Array::of1(&deposit_id.into());
    let upper = Array::of2(&deposit_id.into(), &Array::new());
    Ok(IdbKeyRange::bound(&lower, &upper)?.into())
}

/// The key range of some blocks of a deposit, or of a file.
pub(super) fn blocks_between(id: &str, first: u32, last: u32) -> Result<JsValue, StorageError> {
    let key = |index: u32| Array::of2(&id.into(), &index.into());
    Ok(IdbKeyRange::bound(&key(first), &key(last))?.into())
}

pub(super) fn block_row(
    deposit_id: &str,
    index: u32,
    bytes: &Uint8Array,
) -> Result<JsValue, StorageError> {
    let row = Object::new();
    Reflect::set(&row, &"deposit_id".into(), &deposit_id.into())?;
    Reflect::set(&row, &"index".into(), &index.into())?;
    Reflect::set(&row, &"bytes".into(), bytes)?;
    Ok(row.into())
}

pub(super) fn block_bytes(row: &JsValue) -> Result<Uint8Array, StorageError> {
    Reflect::get(row, &"bytes".into())?
        .dyn_into()
        .map_err(|_| StorageError::row(BLOCKS, &"no bytes"))
}
