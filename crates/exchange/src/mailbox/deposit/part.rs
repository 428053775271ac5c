//! What an `Upload` and its `Mailbox` say to each other about one part of a deposit.

use deposit::tus::{Kind, Metadata};
use serde::{Deserialize, Serialize};

/// The key under which a part exists once: a deposit is unique by session and deposit id.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PartName {
    /// Session id in base64url.
    pub session_id: String,
    /// The client's name for the deposit.
    pub deposit_id: String,
    /// Number from 0.
    pub part: u32,
}

/// A question to the mailbox, as [`crate::signal::Signal::Part`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct PartRequest {
    /// Which part.
    pub name: PartName,
    /// What about it.
    pub ask: PartAsk,
}

/// What is asked about a part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum PartAsk {
    /// Before any body byte: may it come, and under which upload id? The same reservation for the same part.
    Reserve {
        /// Declared length, if known.
        length: Option<u64>,
        /// What is known of the part.
        metadata: Metadata,
        /// Whether the token's time is over: then only what was begun or committed is found.
        late: bool,
    },
    /// What became of it?
    Find,
    /// All bytes are here: take them.
    Complete {
        /// As reserved.
        upload_id: String,
        /// Length.
        size: u64,
        /// SHA-256, lower-case hexadecimal.
        sha256: String,
        /// All that was said of the part.
        metadata: Metadata,
        /// The bytes, or where they are.
        content: Content,
    },
    /// The sender takes it back.
    Drop,
}

/// Where the bytes of a complete part are.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "in", rename_all = "snake_case")]
pub enum Content {
    /// Here, in base64; at most [`super::SMALL_BYTES`].
    Bytes {
        /// Base64.
        base64: String,
    },
    /// In the blob store under the reserved key.
    Blob {
        /// Checked content type.
        content_type: String,
        /// Measured or, where the format gives no measure, declared.
        duration_ms: i64,
    },
}

/// The mailbox's answer, as JSON in [`crate::signal::Reply::Value`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum PartAnswer {
    /// Bytes may come.
    Reserved(Box<Reserved>),
    /// The mailbox holds this part; others of the deposit are missing.
    Held {
        /// Its length.
        size: u64,
    },
    /// The deposit is committed.
    Committed {
        /// Length of this part.
        size: u64,
        /// The stored receipt.
        receipt: String,
    },
    /// Nothing is known of it.
    Unknown,
    /// Taken back.
    Dropped,
    /// No.
    Refused(PartRefusal),
}

/// A reservation, with all that the mailbox knows of the part.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Reserved {
    /// Random; names the bytes wherever they are. Never reused.
    pub upload_id: String,
    /// `m/<mailbox>/<upload id>`.
    pub blob_key: String,
    /// When it ends, Unix time in milliseconds.
    pub expires_at_ms: i64,
    /// Declared length.
    pub length: Option<u64>,
    /// All that was said of the part.
    pub metadata: Metadata,
}

/// Why a part is not taken.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PartRefusal {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: String,
    /// In words.
    pub detail: String,
}

/// The kind that decides limits: as declared, else guessed from the declared type, else voice.
#[must_use]
pub fn effective_kind(metadata: &Metadata) -> Kind {
    let video = metadata
        .filetype
        .as_deref()
        .is_some_and(|filetype| filetype.starts_with("video/"));
    match metadata.kind {
        Some(kind) => kind,
        None if video => Kind::Video,
        None => Kind::Voice,
    }
}
