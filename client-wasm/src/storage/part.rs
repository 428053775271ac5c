//! Files that go along with a message. Their bytes lie among the blocks, under ids of their own: an older build
//! opens the same database and leaves them alone.

use js_sys::{Array, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag};

use super::block::{all_blocks_of, block_bytes, block_row, blocks_between};
use super::database::{BLOCKS, DEPOSITS, Database};
use super::deposit::{DepositRow, RowState, change_row};
use super::error::StorageError;
use super::transaction::{Access, Transaction, answer};

/// Bytes in one block of a file.
const CHUNK: u32 = 1 << 20;

/// One file. Its part number is its place among those that were not removed, from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PartRow {
    /// Key of its bytes among the blocks.
    pub id: String,
    /// Name, without folders.
    pub name: String,
    /// Media type.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Where its upload goes on.
    pub upload_url: Option<String>,
    /// Bytes the server acknowledged.
    pub sent: u64,
    /// Why the server does not take it.
    pub refusal: Option<String>,
    /// Set by Remove; its bytes go for good after the time for Undo.
    pub removed_at: Option<i64>,
}

impl DepositRow {
    /// The files that go along.
    pub fn attached(&self) -> impl Iterator<Item = &PartRow> {
        self.parts.iter().filter(|part| part.removed_at.is_none())
    }
}

impl Database {
    /// Adds a file to a message that `admit` still lets it come to: the bytes and the row in one strictly durable
    /// transaction. Nothing if it is not admitted.
    pub async fn attach(
        &self,
        deposit_id: &str,
        part: PartRow,
        bytes: &Uint8Array,
        admit: impl FnOnce(&DepositRow) -> bool,
    ) -> Result<Option<DepositRow>, StorageError> {
        let transaction = self.begin(&[DEPOSITS, BLOCKS], Access::Write)?;
        let id = part.id.clone();
        let mut admitted = false;
        let row = change_row(
            &transaction,
            deposit_id,
            Box::new(|row| {
                admitted = admit(row);
                if admitted {
                    row.parts.push(part);
                }
            }),
        )
        .await?;
        if admitted {
            let blocks = transaction.store(BLOCKS)?;
            for index in 0..bytes.length().div_ceil(CHUNK) {
                let start = index.saturating_mul(CHUNK);
                // A copy: a view would be stored with everything around it.
                let chunk = bytes.slice(start, start.saturating_add(CHUNK));
                blocks.add(&block_row(&id, index, &chunk)?)?;
            }
        }
        transaction.complete().await?;
        Ok(admitted.then_some(row))
    }

    /// Moves title and files of a message that is being deleted to the one in its place, in one strictly durable
    /// transaction.
    pub async fn carry_over(&self, from: &str, to: &str) -> Result<(), StorageError> {
        let transaction = self.begin(&[DEPOSITS], Access::Write)?;
        let mut carried = DepositRow::default();
        let take = |row: &mut DepositRow| {
            if row.discarded_at.is_some() && row.state != RowState::Deposited {
                row.forget_uploads();
                carried.to.clone_from(&row.to);
                carried.title = row.title.take();
                carried.parts = core::mem::take(&mut row.parts);
            }
        };
        change_row(&transaction, from, Box::new(take)).await?;
        let mut is_same = false;
        let give = |row: &mut DepositRow| {
            is_same = row.to == carried.to && row.is_in_hand();
            row.title = row.title.take().or(carried.title);
            row.parts.extend(carried.parts);
        };
        change_row(&transaction, to, Box::new(give)).await?;
        // To somebody else nothing is carried: the transaction is dropped.
        match is_same {
            true => transaction.complete().await,
            false => Ok(()),
        }
    }

    /// At most `length` bytes of a file from `offset`.
    pub async fn part_bytes(
        &self,
        id: &str,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, StorageError> {
        let chunk = u64::from(CHUNK);
        let index = |at: u64| u32::try_from(at / chunk).unwrap_or(u32::MAX);
        let last = offset.saturating_add(length).saturating_sub(1);
        let transaction = self.begin(&[BLOCKS], Access::Read)?;
        let range = blocks_between(id, index(offset), index(last))?;
        let mut bytes = Vec::new();
        for found in read(&transaction, &range).await? {
            bytes.extend(found.to_vec());
        }
        transaction.complete().await?;
        let skip = usize::try_from(offset % chunk).unwrap_or(usize::MAX);
        let take = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(bytes.into_iter().skip(skip).take(take).collect())
    }

    /// A whole file.
    pub async fn part_blob(&self, part: &PartRow) -> Result<Blob, StorageError> {
        let transaction = self.begin(&[BLOCKS], Access::Read)?;
        let chunks = read(&transaction, &all_blocks_of(&part.id)?).await?;
        transaction.complete().await?;
        let kind = BlobPropertyBag::new();
        kind.set_type(&part.content_type);
        let chunks: Array = chunks.into_iter().collect();
        Ok(Blob::new_with_u8_array_sequence_and_options(
            &chunks, &kind,
        )?)
    }

    /// Lets go of the bytes of files that were removed before this time.
    pub async fn drop_removed_parts(
        &self,
        deposit_id: &str,
        before: i64,
    ) -> Result<(), StorageError> {
        let transaction = self.begin(&[DEPOSITS, BLOCKS], Access::Write)?;
        let mut gone = Vec::new();
        change_row(
            &transaction,
            deposit_id,
            Box::new(|row| {
                let is_gone = |part: &PartRow| part.removed_at.is_some_and(|at| at < before);
                gone = row.parts.extract_if(.., |part| is_gone(part)).collect();
            }),
        )
        .await?;
        delete_bytes(&transaction, &gone)?;
        transaction.complete().await
    }
}

/// Deletes the bytes of these files.
pub(super) fn delete_bytes(
    transaction: &Transaction,
    parts: &[PartRow],
) -> Result<(), StorageError> {
    let blocks = transaction.store(BLOCKS)?;
    for part in parts {
        blocks.delete(&all_blocks_of(&part.id)?)?;
    }
    Ok(())
}

async fn read(transaction: &Transaction, range: &JsValue) -> Result<Vec<Uint8Array>, StorageError> {
    let request = transaction.store(BLOCKS)?.get_all_with_key(range)?;
    let rows: Array = answer(&request).await?.unchecked_into();
    rows.iter().map(|row| block_bytes(&row)).collect()
}
