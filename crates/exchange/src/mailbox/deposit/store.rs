//! The two tables of this module: parts on their way, and committed deposits with what their parts were. A
//! deposit's row stays until long after the message is gone, so that a late repetition finds its receipt and
//! revives nothing.

use deposit::tus::Metadata;
use serde::{Deserialize, Serialize};

use super::PartName;
use crate::sql::{Row, Sql, SqlError, Value};

/// The tables of this module; part of the mailbox's first migration.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE deposits (session_id TEXT NOT NULL, deposit_id TEXT NOT NULL, message_id TEXT NOT NULL, committed_at INTEGER NOT NULL, receipt TEXT NOT NULL, PRIMARY KEY (session_id, deposit_id)) WITHOUT ROWID",
    "CREATE TABLE deposit_parts (session_id TEXT NOT NULL, deposit_id TEXT NOT NULL, part INTEGER NOT NULL, upload_id TEXT NOT NULL UNIQUE, blob_key TEXT NOT NULL, state TEXT NOT NULL, length INTEGER, sha256 TEXT NOT NULL, content_type TEXT NOT NULL, duration_ms INTEGER NOT NULL, in_blob INTEGER NOT NULL, metadata TEXT NOT NULL, reserved_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (session_id, deposit_id, part)) WITHOUT ROWID",
    "CREATE INDEX deposit_parts_open ON deposit_parts (length) WHERE state IN ('reserved', 'held')",
];

/// A commit writes one row: what is left to know of its parts is in it.
pub const SECOND_SCHEMA: &[&str] = &["ALTER TABLE deposits ADD COLUMN parts TEXT"];

const COLUMNS: &str = "deposit_id, part, upload_id, blob_key, state, length, sha256, content_type, duration_ms, in_blob, metadata, expires_at, session_id, reserved_at";

/// A committed deposit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Committed {
    pub(super) deposit_id: String,
    pub(super) message_id: String,
    pub(super) committed_at_ms: i64,
    pub(super) receipt: String,
    /// Empty where an older version has left the parts in rows of their own.
    pub(super) parts: Vec<KeptPart>,
}

/// What stays of a committed part: enough to know it again.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct KeptPart {
    part: u32,
    upload_id: String,
    size: u64,
    sha256: String,
}

impl KeptPart {
    pub(super) fn of(part: &StoredPart) -> Self {
        Self {
            part: part.name.part,
            upload_id: part.upload_id.clone(),
            size: part.size(),
            sha256: part.sha256.clone(),
        }
    }

    fn stored(self, name: &PartName, committed_at_ms: i64) -> StoredPart {
        StoredPart {
            name: name.clone(),
            upload_id: self.upload_id,
            blob_key: String::new(),
            state: PartState::Committed,
            length: Some(self.size),
            sha256: self.sha256,
            content_type: String::new(),
            duration_ms: 0,
            in_blob: false,
            metadata: Metadata::default(),
            reserved_at_ms: committed_at_ms,
            expires_at_ms: committed_at_ms,
        }
    }
}

/// Where a part stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PartState {
    /// Bytes may come.
    Reserved,
    /// All bytes are here; other parts are missing.
    Held,
    /// Part of a message.
    Committed,
    /// Taken back, refused or out of time. Its upload id is never used again.
    Dead,
}

/// One part as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoredPart {
    pub(super) name: PartName,
    pub(super) upload_id: String,
    pub(super) blob_key: String,
    pub(super) state: PartState,
    /// Declared, then real length.
    pub(super) length: Option<u64>,
    /// Empty until held.
    pub(super) sha256: String,
    /// Empty until held.
    pub(super) content_type: String,
    pub(super) duration_ms: i64,
    pub(super) in_blob: bool,
    pub(super) metadata: Metadata,
    pub(super) reserved_at_ms: i64,
    pub(super) expires_at_ms: i64,
}

impl PartState {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Held => "held",
            Self::Committed => "committed",
            Self::Dead => "dead",
        }
    }

    fn read(word: &str) -> Self {
        match word {
            "reserved" => Self::Reserved,
            "held" => Self::Held,
            "committed" => Self::Committed,
            _ => Self::Dead,
        }
    }
}

impl StoredPart {
    fn read(row: &Row) -> Result<Self, SqlError> {
        let metadata = serde_json::from_str(&row.text(10));
        Ok(Self {
            name: PartName {
                session_id: row.text(12),
                deposit_id: row.text(0),
                part: u32::try_from(row.integer(1)).unwrap_or(u32::MAX),
            },
            upload_id: row.text(2),
            blob_key: row.text(3),
            state: PartState::read(&row.text(4)),
            length: row.optional_integer(5).map(i64::unsigned_abs),
            sha256: row.text(6),
            content_type: row.text(7),
            duration_ms: row.integer(8),
            in_blob: row.integer(9) != 0,
            metadata: metadata.map_err(|error| SqlError(error.to_string()))?,
            expires_at_ms: row.integer(11),
            reserved_at_ms: row.integer(13),
        })
    }

    /// Length, once it is known.
    pub(super) fn size(&self) -> u64 {
        self.length.unwrap_or(0)
    }
}

/// The committed deposit of this name.
pub(super) fn committed(sql: &dyn Sql, name: &PartName) -> Result<Option<Committed>, SqlError> {
    let all = committed_of(sql, &name.session_id)?;
    Ok(all
        .into_iter()
        .find(|committed| committed.deposit_id == name.deposit_id))
}

/// When the deposits of a session were committed, Unix time in milliseconds.
pub fn committed_at(sql: &dyn Sql, session_id: &str) -> Result<Vec<i64>, SqlError> {
    let rows = sql.query(
        "SELECT committed_at FROM deposits WHERE session_id = ? ORDER BY committed_at",
        &[session_id.into()],
    )?;
    Ok(rows.iter().map(|row| row.integer(0)).collect())
}

/// All committed deposits of a session.
pub(super) fn committed_of(sql: &dyn Sql, session_id: &str) -> Result<Vec<Committed>, SqlError> {
    let rows = sql.query(
        "SELECT deposit_id, message_id, committed_at, receipt, parts FROM deposits WHERE session_id = ? ORDER BY committed_at",
        &[session_id.into()],
    )?;
    let read = |row: &Row| Committed {
        deposit_id: row.text(0),
        message_id: row.text(1),
        committed_at_ms: row.integer(2),
        receipt: row.text(3),
        parts: serde_json::from_str(&row.text(4)).unwrap_or_default(),
    };
    Ok(rows.iter().map(read).collect())
}

/// Writes a committed deposit.
pub(super) fn add_committed(
    sql: &dyn Sql,
    session_id: &str,
    committed: &Committed,
) -> Result<(), SqlError> {
    let parts =
        serde_json::to_string(&committed.parts).map_err(|error| SqlError(error.to_string()))?;
    let parameters: [Value; 6] = [
        session_id.into(),
        committed.deposit_id.as_str().into(),
        committed.message_id.as_str().into(),
        committed.committed_at_ms.into(),
        committed.receipt.as_str().into(),
        parts.into(),
    ];
    sql.query(
        "INSERT INTO deposits (session_id, deposit_id, message_id, committed_at, receipt, parts) VALUES (?, ?, ?, ?, ?, ?)",
        &parameters,
    )?;
    Ok(())
}

/// All parts of all deposits of a session that are on their way, or never became a message.
pub(super) fn parts_of(sql: &dyn Sql, session_id: &str) -> Result<Vec<StoredPart>, SqlError> {
    let rows = sql.query(
        &format!(
            "SELECT {COLUMNS} FROM deposit_parts WHERE session_id = ? ORDER BY deposit_id, part"
        ),
        &[session_id.into()],
    )?;
    rows.iter().map(StoredPart::read).collect()
}

/// One part, on its way or committed.
pub(super) fn part(sql: &dyn Sql, name: &PartName) -> Result<Option<StoredPart>, SqlError> {
    if let Some(part) = part_under_way(sql, name)? {
        return Ok(Some(part));
    }
    let Some(committed) = committed(sql, name)? else {
        return Ok(None);
    };
    let mut parts = committed.parts.into_iter();
    let kept = parts.find(|part| part.part == name.part);
    Ok(kept.map(|part| part.stored(name, committed.committed_at_ms)))
}

fn part_under_way(sql: &dyn Sql, name: &PartName) -> Result<Option<StoredPart>, SqlError> {
    let rows = sql.query(
        &format!(
            "SELECT {COLUMNS} FROM deposit_parts WHERE session_id = ? AND deposit_id = ? AND part = ?"
        ),
        &[
            name.session_id.as_str().into(),
            name.deposit_id.as_str().into(),
            name.part.into(),
        ],
    )?;
    rows.first().map(StoredPart::read).transpose()
}

/// The part whose bytes have this name.
pub(super) fn part_by_upload(
    sql: &dyn Sql,
    upload_id: &str,
) -> Result<Option<StoredPart>, SqlError> {
    let rows = sql.query(
        &format!("SELECT {COLUMNS} FROM deposit_parts WHERE upload_id = ?"),
        &[upload_id.into()],
    )?;
    rows.first().map(StoredPart::read).transpose()
}

/// Writes a part, instead of what was stored under its name.
pub(super) fn put_part(sql: &dyn Sql, part: &StoredPart) -> Result<(), SqlError> {
    let metadata =
        serde_json::to_string(&part.metadata).map_err(|error| SqlError(error.to_string()))?;
    let parameters: [Value; 14] = [
        part.name.deposit_id.as_str().into(),
        part.name.part.into(),
        part.upload_id.as_str().into(),
        part.blob_key.as_str().into(),
        part.state.as_str().into(),
        part.length.map_or(Value::Null, Value::from),
        part.sha256.as_str().into(),
        part.content_type.as_str().into(),
        part.duration_ms.into(),
        part.in_blob.into(),
        metadata.into(),
        part.expires_at_ms.into(),
        part.name.session_id.as_str().into(),
        part.reserved_at_ms.into(),
    ];
    sql.query(
        &format!(
            "INSERT OR REPLACE INTO deposit_parts ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ),
        &parameters,
    )?;
    Ok(())
}

/// Removes the rows of a deposit's parts: they are part of a message now.
pub(super) fn remove_parts(sql: &dyn Sql, name: &PartName) -> Result<(), SqlError> {
    sql.query(
        "DELETE FROM deposit_parts WHERE session_id = ? AND deposit_id = ?",
        &[
            name.session_id.as_str().into(),
            name.deposit_id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Bytes that open reservations and held parts will need, apart from the one with this upload id.
pub(super) fn bytes_on_the_way(sql: &dyn Sql, except: &str) -> Result<u64, SqlError> {
    let rows = sql.query(
        "SELECT COALESCE(SUM(length), 0) FROM deposit_parts WHERE state IN ('reserved', 'held') AND upload_id <> ?",
        &[except.into()],
    )?;
    Ok(rows.first().map_or(0, |row| row.integer(0).unsigned_abs()))
}

/// The same for the sessions of one network.
pub(super) fn bytes_on_the_way_from(
    sql: &dyn Sql,
    network: &str,
    except: &str,
) -> Result<u64, SqlError> {
    let rows = sql.query(
        "SELECT COALESCE(SUM(length), 0) FROM deposit_parts JOIN sessions ON sessions.id = deposit_parts.session_id WHERE deposit_parts.state IN ('reserved', 'held') AND upload_id <> ? AND network = ?",
        &[except.into(), network.into()],
    )?;
    Ok(rows.first().map_or(0, |row| row.integer(0).unsigned_abs()))
}

/// Forgets everything of a session.
pub fn forget(sql: &dyn Sql, session_id: &str) -> Result<(), SqlError> {
    sql.query(
        "DELETE FROM deposits WHERE session_id = ?",
        &[session_id.into()],
    )?;
    sql.query(
        "DELETE FROM deposit_parts WHERE session_id = ?",
        &[session_id.into()],
    )?;
    Ok(())
}
