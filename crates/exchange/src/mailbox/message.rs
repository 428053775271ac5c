//! Messages: the deposits of callers, as the owner sees them.

mod change;
mod end;
mod id;
mod show;
mod store;

pub(super) use self::{
    change::{change, remove, remove_all, restore},
    end::on_wakeup,
    show::{brief, list, media, moments, show},
};
pub use self::{id::new_id, store::insert};
use crate::signal::Caller;

/// The tables of this module. `removed_at` is set for the 24 hours in which a removal can be undone.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE messages (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, session_id TEXT NOT NULL, deposit_id TEXT NOT NULL, caller_address TEXT, caller_name TEXT, caller_verified INTEGER NOT NULL, received_at INTEGER NOT NULL, recorded_at TEXT, kind TEXT NOT NULL, duration_ms INTEGER NOT NULL, size INTEGER NOT NULL, state TEXT NOT NULL, heard_at INTEGER, delivered_at INTEGER, removed_at INTEGER, waveform TEXT NOT NULL, sha256 TEXT NOT NULL)",
    "CREATE INDEX messages_shown ON messages (sequence) WHERE removed_at IS NULL",
    "CREATE INDEX messages_by_state ON messages (state, sequence) WHERE removed_at IS NULL",
    "CREATE TABLE message_parts (message_id TEXT NOT NULL, part INTEGER NOT NULL, kind TEXT NOT NULL, content_type TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, duration_ms INTEGER NOT NULL, media_id TEXT NOT NULL, blob_key TEXT, metadata TEXT NOT NULL, PRIMARY KEY (message_id, part)) WITHOUT ROWID",
];

/// A message is found by the number that its id begins with, so that it needs one index less; those of before
/// (`early`) are found by an index of their own. Their ends have one wake-up together. `kept_from` is when a
/// removal was undone.
pub const SECOND_SCHEMA: &[&str] = &[
    "DROP INDEX messages_shown",
    "DROP INDEX messages_by_state",
    "ALTER TABLE messages RENAME TO messages_before",
    "CREATE TABLE messages (sequence INTEGER PRIMARY KEY, id TEXT NOT NULL, session_id TEXT NOT NULL, deposit_id TEXT NOT NULL, caller_address TEXT, caller_name TEXT, caller_verified INTEGER NOT NULL, received_at INTEGER NOT NULL, recorded_at TEXT, kind TEXT NOT NULL, duration_ms INTEGER NOT NULL, size INTEGER NOT NULL, state TEXT NOT NULL, heard_at INTEGER, delivered_at INTEGER, removed_at INTEGER, waveform TEXT NOT NULL, sha256 TEXT NOT NULL, early INTEGER, kept_from INTEGER)",
    "INSERT INTO messages SELECT *, 1, NULL FROM messages_before",
    "DROP TABLE messages_before",
    "CREATE INDEX messages_by_state ON messages (state, sequence) WHERE removed_at IS NULL",
    "CREATE INDEX messages_early ON messages (id) WHERE early = 1",
    "DELETE FROM wakeups WHERE kind = 'message' AND key IN (SELECT id FROM messages)",
    "INSERT INTO wakeups (kind, key, due) SELECT 'message', '', 0 FROM messages LIMIT 1",
];

/// Messages of calls that were sent on to this mailbox.
pub const THIRD_SCHEMA: &[&str] = &["ALTER TABLE messages ADD COLUMN forwarded_from TEXT"];

/// A list of one state is a scan: an index would cost a row for each message and two for each that is heard.
pub const FOURTH_SCHEMA: &[&str] = &["DROP INDEX messages_by_state"];

/// Kind of the wake-ups at which messages go for good: one for all that have an end, and one for each that was
/// erased and still has bytes (key: its id).
pub const WAKEUP: &str = "message";

/// A removal can be undone for so long.
const UNDO_MS: i64 = 24 * 3_600_000;

/// A message to be written by the commit of a deposit.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// As [`new_id`] gives it.
    pub id: String,
    /// Session it came by.
    pub session_id: String,
    /// The client's id of the deposit.
    pub deposit_id: String,
    /// Who called.
    pub caller: Caller,
    /// When the caller's device recorded it, RFC 3339, if it said so.
    pub recorded_at: Option<String>,
    /// `voice`, `video`, `text` or `attachment`: the kind of its first part.
    pub kind: String,
    /// How long it plays.
    pub duration_ms: i64,
    /// Peaks from 0 to 255, as a JSON array; `[]` if unknown.
    pub waveform: String,
    /// Its parts, the first one is played.
    pub parts: Vec<NewPart>,
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPart {
    /// From 0.
    pub part: u32,
    /// `voice`, `video`, `text` or `attachment`.
    pub kind: String,
    /// Checked content type.
    pub content_type: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
    /// How long it plays; 0 if it does not.
    pub duration_ms: i64,
    /// Upload id: the media chunks' `media_id`.
    pub media_id: String,
    /// Key in the blob store; nothing where the bytes are in the media chunks.
    pub blob_key: Option<String>,
    /// What else the client said (trim, gain, file name), as JSON.
    pub metadata: String,
}
