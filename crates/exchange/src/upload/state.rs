//! Where an upload stands, as one stored value.

use deposit::{tus::Metadata, upload::Progress};
use serde::{Deserialize, Serialize};

use super::hash::RunningHash;
use crate::{
    mailbox::deposit::{PartRefusal, Reserved},
    sql::{Sql, SqlError},
};

/// The table of this module; one row at most.
pub(super) const TABLE: &str =
    "CREATE TABLE upload (id INTEGER PRIMARY KEY CHECK (id = 0), state TEXT NOT NULL)";

/// An upload.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Upload {
    /// Normalised address of the mailbox it is for.
    pub(super) mailbox: String,
    /// Under what the mailbox expects it.
    pub(super) reserved: Reserved,
    /// All that was said of the part.
    pub(super) metadata: Metadata,
    /// Bytes held and declared length.
    pub(super) progress: Progress,
    /// Hash of the bytes held.
    pub(super) hash: RunningHash,
    /// The newest writer.
    pub(super) epoch: i64,
    /// What stands for good whatever becomes of the present request.
    pub(super) settled: Settled,
    /// Whether the bytes beyond `settled` carry a checksum that is not verified yet.
    pub(super) unverified: bool,
    /// What has become of it.
    pub(super) phase: Phase,
}

/// Offset and hash at the begin of the present request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Settled {
    pub(super) offset: u64,
    pub(super) hash: RunningHash,
}

/// What has become of an upload.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub(super) enum Phase {
    /// Takes bytes, or holds all of them and waits for the mailbox.
    Open,
    /// The mailbox holds the part and waits for others.
    Held,
    /// Committed, with this receipt.
    Committed { receipt: String },
    /// Refused for good; the bytes are gone.
    Refused(PartRefusal),
    /// Taken back by the sender, or past its time.
    Gone,
}

impl Upload {
    pub(super) fn new(mailbox: &str, reserved: Reserved) -> Self {
        Self {
            mailbox: mailbox.to_owned(),
            metadata: reserved.metadata.clone(),
            progress: Progress {
                offset: 0,
                length: reserved.length,
            },
            reserved,
            hash: RunningHash::default(),
            epoch: 0,
            settled: Settled::default(),
            unverified: false,
            phase: Phase::Open,
        }
    }

    /// What others are shown. Until the mailbox has taken the part, it is never the end of a complete upload:
    /// a sender that believes in offsets alone would take that for success.
    pub(super) fn shown(&self) -> Progress {
        let provisional = self.unverified || self.progress.is_complete();
        if self.phase != Phase::Open || !provisional {
            return self.progress;
        }
        let offset = self.settled.offset;
        Progress {
            offset,
            length: self.progress.length.filter(|length| *length != offset),
        }
    }

    /// From where a PATCH at `offset` goes on: what is shown, or the end where only the mailbox's word is
    /// missing.
    pub(super) fn from(&self, offset: u64) -> Progress {
        if self.progress.is_complete() && offset == self.progress.offset {
            return self.progress;
        }
        Progress {
            offset: self.shown().offset,
            length: self.progress.length,
        }
    }

    /// Back to where the present request began.
    pub(super) fn roll_back(&mut self) {
        self.progress.offset = self.settled.offset;
        self.hash = self.settled.hash.clone();
        self.unverified = false;
    }

    /// What is held now stands for good.
    pub(super) fn settle(&mut self) {
        self.settled = Settled {
            offset: self.progress.offset,
            hash: self.hash.clone(),
        };
        self.unverified = false;
    }
}

/// The stored upload.
pub(super) fn load(sql: &dyn Sql) -> Result<Option<Upload>, SqlError> {
    let rows = sql.query("SELECT state FROM upload", &[])?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    serde_json::from_str(&row.text(0))
        .map(Some)
        .map_err(|error| SqlError(error.to_string()))
}

/// Stores it.
pub(super) fn save(sql: &dyn Sql, upload: &Upload) -> Result<(), SqlError> {
    let state = serde_json::to_string(upload).map_err(|error| SqlError(error.to_string()))?;
    sql.query(
        "INSERT INTO upload (id, state) VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
        &[state.into()],
    )?;
    Ok(())
}

/// Forgets it.
pub(super) fn remove(sql: &dyn Sql) -> Result<(), SqlError> {
    sql.query("DELETE FROM upload", &[])?;
    Ok(())
}
