//! Deposits: one row per message somebody spoke on this device.

use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Cut};
use super::block::all_blocks_of;
use super::database::{BLOCKS, DEPOSITS, Database, Work, decode_found, encode};
use super::error::StorageError;
use super::part::{PartRow, delete_bytes};
use super::transaction::{Access, Transaction, answer};

/// Where a deposit stands on this device. The words are those of the state table in crate `deposit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// The journal grows, or its recorder was killed.
    #[default]
    Recording,
    /// Its recorder was killed; the journal was closed at the next start.
    Interrupted,
    /// Stopped: a draft.
    Recorded,
    /// The user pressed Send.
    Queued,
    /// Bytes are going up.
    Uploading,
    /// The gate or a retry delay holds it.
    Waiting,
    /// The receipt is here and matches.
    Deposited,
    /// Refused for good; the sound is kept.
    Failed,
}

impl RowState {
    /// The word as it is stored and shown to the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Interrupted => "interrupted",
            Self::Recorded => "recorded",
            Self::Queued => "queued",
            Self::Uploading => "uploading",
            Self::Waiting => "waiting",
            Self::Deposited => "deposited",
            Self::Failed => "failed",
        }
    }
}

/// Sound that is missing in a recording; silence stands in for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Where it begins.
    pub at_ms: u64,
    /// How much is missing.
    pub length_ms: u64,
}

/// The kind of a message that was written, not spoken.
pub const WRITTEN: &str = "text";

/// One message on this device. Times are Unix ms. Every field has a default, so that rows of other
/// versions can be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DepositRow {
    /// UUID made when recording began; the row's key and the idempotency key of the upload.
    pub deposit_id: String,
    /// Where it stands.
    pub state: RowState,
    /// For whom, `sip:user@host`.
    pub to: String,
    /// What the page calls that person.
    pub to_name: String,
    /// Whose server takes it, as an origin.
    pub server: String,
    /// The session it goes up under, once there is one.
    pub session_id: Option<String>,
    /// `voice`, `video` or [`WRITTEN`].
    pub kind: String,
    /// Media type of the journal.
    pub content_type: String,
    /// When recording began.
    pub created_at: i64,
    /// Length of the sound.
    pub duration_ms: u64,
    /// Bytes in the journal.
    pub size: u64,
    /// Blocks in the journal.
    pub blocks: u32,
    /// SHA-256 of the journal, lower-case hex, once it is closed.
    pub sha256: Option<String>,
    /// Peaks, 0 to 255.
    pub waveform: Vec<u8>,
    /// Samples the microphone left out, as ms.
    pub gap_ms: u64,
    /// Where they are missing.
    pub gaps: Vec<Gap>,
    /// One line that the user gave it.
    pub title: Option<String>,
    /// Files that go along.
    pub parts: Vec<PartRow>,
    /// What is kept of the recording, if the user cut it.
    pub cut: Option<Cut>,
    /// The ways in which it began to go up, the last one under way.
    pub attempts: Vec<Attempt>,
    /// Silence at its beginning and its end.
    pub silent_start_ms: u64,
    /// As above.
    pub silent_end_ms: u64,
    /// What players leave out at its beginning and its end; the journal keeps it.
    pub trim_start_ms: u64,
    /// As above.
    pub trim_end_ms: u64,
    /// What players add to its level.
    pub gain_db: Option<f32>,
    /// When Send was pressed.
    pub queued_at: Option<i64>,
    /// Its call was confirmed, or replaced, by a second one that rang nobody.
    pub second_call: bool,
    /// The user said to send whatever the gate says.
    pub send_anyway: bool,
    /// Where its upload goes on.
    pub upload_url: Option<String>,
    /// Bytes the server acknowledged.
    pub sent: u64,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// No attempt before this time.
    pub next_try_at: Option<i64>,
    /// Why it waits or failed: stable code.
    pub reason_code: Option<String>,
    /// The same in words.
    pub reason_text: Option<String>,
    /// What the gate measured, bytes per second.
    pub measured_bytes_per_second: Option<u64>,
    /// What the gate asks for, bytes per second.
    pub threshold_bytes_per_second: Option<u64>,
    /// Set by Delete; the row goes for good after the time for Undo.
    pub discarded_at: Option<i64>,
    /// The receipt, compact JWS.
    pub receipt: Option<String>,
    /// The message's id in the callee's mailbox.
    pub message_id: Option<String>,
    /// When the receipt came.
    pub deposited_at: Option<i64>,
}

impl DepositRow {
    /// Whether it is in the user's hands: nothing of it goes up before the next Send.
    pub fn is_in_hand(&self) -> bool {
        let at_rest = matches!(
            self.state,
            RowState::Recording | RowState::Interrupted | RowState::Recorded | RowState::Failed
        );
        at_rest && self.discarded_at.is_none()
    }

    /// Whether its words may still be changed.
    pub fn is_written_draft(&self) -> bool {
        self.kind == WRITTEN && self.state == RowState::Recorded && self.discarded_at.is_none()
    }
}

impl Database {
    /// Stores a deposit's row as it is given.
    pub async fn put_deposit(&self, row: &DepositRow) -> Result<(), StorageError> {
        self.write(DEPOSITS, row).await
    }

    /// The row of this deposit.
    pub async fn deposit(&self, deposit_id: &str) -> Result<Option<DepositRow>, StorageError> {
        self.read(DEPOSITS, deposit_id).await
    }

    /// All rows, discarded ones too.
    pub async fn deposits(&self) -> Result<Vec<DepositRow>, StorageError> {
        self.read_all(DEPOSITS).await
    }

    /// Reads, changes and stores a row in one transaction, and returns it as stored.
    pub fn update_deposit<'a>(
        &'a self,
        deposit_id: &'a str,
        change: impl FnOnce(&mut DepositRow) + 'a,
    ) -> Work<'a, Result<DepositRow, StorageError>> {
        Box::pin(self.update(deposit_id, Box::new(change)))
    }

    async fn update(
        &self,
        deposit_id: &str,
        change: Change<'_>,
    ) -> Result<DepositRow, StorageError> {
        let transaction = self.begin(&[DEPOSITS], Access::Write)?;
        let row = change_row(&transaction, deposit_id, change).await?;
        transaction.complete().await?;
        Ok(row)
    }

    /// Changes a row and drops its sound and files in the same transaction: a matching receipt has come.
    pub async fn release_deposit(
        &self,
        deposit_id: &str,
        change: impl FnOnce(&mut DepositRow),
    ) -> Result<DepositRow, StorageError> {
        let transaction = self.begin(&[DEPOSITS, BLOCKS], Access::Write)?;
        let row = change_row(&transaction, deposit_id, Box::new(change)).await?;
        transaction
            .store(BLOCKS)?
            .delete(&all_blocks_of(deposit_id)?)?;
        delete_bytes(&transaction, &row.parts)?;
        transaction.complete().await?;
        Ok(row)
    }

    /// Deletes a row, its sound and its files.
    pub async fn remove_deposit(&self, deposit_id: &str) -> Result<(), StorageError> {
        let transaction = self.begin(&[DEPOSITS, BLOCKS], Access::Write)?;
        let deposits = transaction.store(DEPOSITS)?;
        let found = answer(&deposits.get(&deposit_id.into())?).await?;
        let row: Option<DepositRow> = decode_found(DEPOSITS, found)?;
        deposits.delete(&deposit_id.into())?;
        transaction
            .store(BLOCKS)?
            .delete(&all_blocks_of(deposit_id)?)?;
        delete_bytes(&transaction, &row.unwrap_or_default().parts)?;
        transaction.complete().await
    }
}

/// What is to be changed in a row.
pub(super) type Change<'a> = Box<dyn FnOnce(&mut DepositRow) + 'a>;

pub(super) fn change_row<'a>(
    transaction: &'a Transaction,
    deposit_id: &'a str,
    change: Change<'a>,
) -> Work<'a, Result<DepositRow, StorageError>> {
    Box::pin(async move {
        let store = transaction.store(DEPOSITS)?;
        let found = answer(&store.get(&deposit_id.into())?).await?;
        let mut row: DepositRow = decode_found(DEPOSITS, found)?
            .ok_or_else(|| StorageError::missing(DEPOSITS, deposit_id))?;
        change(&mut row);
        store.put(&encode(DEPOSITS, &row)?)?;
        Ok(row)
    })
}
