//! Files that go along with a message: attached, removed and brought back while it is in its user's hands.

use core::fmt::Display;

use deposit::attachment::{self, Load};
use js_sys::{Promise, Uint8Array};
use sha2::{Digest, Sha256};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::engine::Engine;
use super::promise::promise;
use super::{Client, room};
use crate::clock;
use crate::problem::Problem;
use crate::storage::{DepositRow, PartRow};

/// So many bytes at once go through the hash.
const HASHED: u32 = 1 << 20;

#[wasm_bindgen]
impl Client {
    /// Attaches a file to a message that is not on its way: it is on this device when this returns.
    pub fn attach(&self, deposit_id: String, file: Blob, name: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(attach(&client.engine, &deposit_id, &file, &name).await?) })
    }

    /// Removes a file; `reattach` brings it back for ten minutes.
    pub fn detach(&self, deposit_id: String, part_id: String) -> Promise {
        self.mark(deposit_id, part_id, Some(clock::now_ms()))
    }

    /// Takes back `detach`.
    pub fn reattach(&self, deposit_id: String, part_id: String) -> Promise {
        self.mark(deposit_id, part_id, None)
    }

    /// An attached file.
    pub fn attachment(&self, deposit_id: String, part_id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(file(&client.engine, &deposit_id, &part_id).await?) })
    }

    /// A file that came with a message in the own mailbox.
    pub fn message_attachment(&self, id: String, part: u32) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.part(&id, part).await?) })
    }

    /// The ends of the names of all files that may be attached, as an input's `accept` takes them.
    pub fn attachment_endings(&self) -> String {
        attachment::endings().collect::<Vec<_>>().join(",")
    }

    fn mark(&self, deposit_id: String, part_id: String, removed_at: Option<i64>) -> Promise {
        let client = self.clone();
        promise(async move { Ok(mark(&client.engine, &deposit_id, &part_id, removed_at).await?) })
    }
}

async fn attach(engine: &Engine, deposit_id: &str, file: &Blob, name: &str) -> Result<(), Problem> {
    let name = attachment::clean_name(name);
    // The page's number of bytes, which may be none of an integer's.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let size = file.size() as u64;
    let row = row(engine, deposit_id).await?;
    // What is refused is not even read.
    let content_type = load(&row)
        .take(&name, size)
        .map_err(|error| refused(&name, error))?;
    let bytes = read(file, &name).await?;
    let part = PartRow {
        id: clock::uuid()?,
        name: name.clone(),
        content_type: content_type.to_owned(),
        size: u64::from(bytes.length()),
        sha256: hash(&bytes),
        ..PartRow::default()
    };
    let mut refusal = None;
    let attached = engine
        .database
        .attach(deposit_id, part, &bytes, |row| {
            refusal = load(row).take(&name, size).err();
            row.is_in_hand() && refusal.is_none()
        })
        .await?;
    engine.outbox.changed();
    room::keep_on_disk(&engine.listener);
    match (attached, refusal) {
        (Some(_), _) => Ok(()),
        (None, Some(error)) => Err(refused(&name, error)),
        (None, None) => Err(not_in_hand()),
    }
}

/// What a message has already.
fn load(row: &DepositRow) -> Load {
    Load {
        files: u32::try_from(row.attached().count()).unwrap_or(u32::MAX),
        bytes: row.attached().map(|part| part.size).sum(),
    }
}

async fn read(file: &Blob, name: &str) -> Result<Uint8Array, Problem> {
    let unreadable = |_: JsValue| {
        refused(
            name,
            "it cannot be read. It may be a folder, or have changed since it was chosen",
        )
    };
    let buffer = JsFuture::from(file.array_buffer())
        .await
        .map_err(unreadable)?;
    Ok(Uint8Array::new(&buffer))
}

fn hash(bytes: &Uint8Array) -> String {
    let mut hash = Sha256::new();
    for index in 0..bytes.length().div_ceil(HASHED) {
        let start = index.saturating_mul(HASHED);
        let end = start.saturating_add(HASHED).min(bytes.length());
        hash.update(bytes.subarray(start, end).to_vec());
    }
    deposit::hex(&hash.finalize())
}

async fn mark(
    engine: &Engine,
    deposit_id: &str,
    part_id: &str,
    removed_at: Option<i64>,
) -> Result<(), Problem> {
    let mut refusal = None;
    let row = engine
        .database
        .update_deposit(deposit_id, |row| {
            refusal = change(row, part_id, removed_at).err()
        })
        .await?;
    engine.outbox.changed();
    match refusal {
        Some(error) => Err(error),
        None if row.is_in_hand() => Ok(()),
        None => Err(not_in_hand()),
    }
}

/// Removes a file, or brings it back where there is room for it by now.
fn change(row: &mut DepositRow, part_id: &str, removed_at: Option<i64>) -> Result<(), Problem> {
    let load = load(row);
    let is_in_hand = row.is_in_hand();
    let part = row.parts.iter_mut().find(|part| part.id == part_id);
    let Some(part) = part.filter(|_| is_in_hand) else {
        return Err(not_in_hand());
    };
    if removed_at.is_none() && part.removed_at.is_some() {
        let taken = load.take(&part.name, part.size);
        taken.map_err(|error| refused(&part.name, error))?;
    }
    part.removed_at = removed_at;
    Ok(())
}

async fn file(engine: &Engine, deposit_id: &str, part_id: &str) -> Result<Blob, Problem> {
    let row = row(engine, deposit_id).await?;
    let part = row.parts.iter().find(|part| part.id == part_id);
    let part = part
        .filter(|_| row.receipt.is_none())
        .ok_or_else(not_here)?;
    Ok(engine.database.part_blob(part).await?)
}

pub(super) async fn row(engine: &Engine, deposit_id: &str) -> Result<DepositRow, Problem> {
    let row = engine.database.deposit(deposit_id).await?;
    row.ok_or_else(not_here)
}

fn refused(name: &str, why: impl Display) -> Problem {
    Problem::new("not_attached", format!("“{name}” was not attached: {why}."))
}

fn not_here() -> Problem {
    Problem::new("not_here", "This device does not have that any more.")
}

/// What is on its way stays as it is.
pub(super) fn not_in_hand() -> Problem {
    Problem::new(
        "not_a_draft",
        "This message was sent or deleted already; it stays as it is.",
    )
}

#[cfg(test)]
mod tests {
    use super::{DepositRow, PartRow, change};
    use crate::storage::RowState;

    fn row(state: RowState) -> DepositRow {
        let part = |id: &str| PartRow {
            id: id.to_owned(),
            name: "a.pdf".to_owned(),
            size: 20 << 20,
            ..PartRow::default()
        };
        DepositRow {
            state,
            parts: ["1", "2"].map(part).to_vec(),
            ..DepositRow::default()
        }
    }

    #[test]
    fn a_file_is_removed_and_brought_back_while_the_message_is_in_hand() {
        let mut draft = row(RowState::Recorded);
        change(&mut draft, "1", Some(7)).unwrap();
        assert_eq!(draft.attached().count(), 1);
        change(&mut draft, "1", None).unwrap();
        assert_eq!(draft, row(RowState::Recorded));
        for state in [RowState::Queued, RowState::Uploading, RowState::Deposited] {
            let mut sent = row(state);
            assert_eq!(
                change(&mut sent, "1", Some(7)).unwrap_err().code,
                "not_a_draft"
            );
            assert_eq!(sent, row(state));
        }
    }

    #[test]
    fn a_file_does_not_come_back_where_its_place_was_taken() {
        let mut draft = row(RowState::Recorded);
        change(&mut draft, "1", Some(7)).unwrap();
        draft.parts.push(PartRow {
            size: 20 << 20,
            ..PartRow::default()
        });
        let refusal = change(&mut draft, "1", None).unwrap_err();
        assert_eq!(refusal.code, "not_attached");
        assert_eq!(draft.attached().count(), 2);
    }
}
