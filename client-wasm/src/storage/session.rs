//! Sessions: the right to leave one message, as the callee's mailbox gave it.

use serde::{Deserialize, Serialize};

use super::database::{Database, SESSIONS};
use super::error::StorageError;

/// One session, stored before its INFO is answered (design section 4.6). Times are Unix ms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionRow {
    /// The session's id, the first field of its token in hexadecimal digits; the row's key.
    pub id: String,
    /// The session token.
    pub token: String,
    /// `voice` or `video`.
    pub session_type: String,
    /// Whose mailbox it is, `sip:user@host`.
    pub called_party: String,
    /// What the page calls that person.
    pub display_name: String,
    /// Where deposits go.
    pub upload_url: Option<String>,
    /// The greeting's address.
    pub greeting_url: Option<String>,
    /// How long the greeting plays.
    pub greeting_duration_ms: Option<u64>,
    /// When the right to begin a deposit ends.
    pub expires_at: Option<i64>,
    /// Most bytes of a voice deposit.
    pub max_size: Option<u64>,
    /// Most seconds of a deposit.
    pub max_duration_s: Option<u64>,
    /// Most bytes of a video deposit.
    pub max_video_size: Option<u64>,
    /// When this device got it.
    pub received_at: i64,
    /// The mailbox said that the session may not be used (again): its stable code.
    pub refused: Option<String>,
    /// Whom the caller had dialled, where the call was sent on.
    pub forwarded_from: Option<String>,
}

impl Database {
    /// Stores a session; complete means on disk.
    pub async fn put_session(&self, session: &SessionRow) -> Result<(), StorageError> {
        self.write(SESSIONS, session).await
    }

    /// The session of this id.
    pub async fn session(&self, id: &str) -> Result<Option<SessionRow>, StorageError> {
        self.read(SESSIONS, id).await
    }

    /// All sessions this device holds.
    pub async fn sessions(&self) -> Result<Vec<SessionRow>, StorageError> {
        self.read_all(SESSIONS).await
    }

    /// Forgets a session.
    pub async fn remove_session(&self, id: &str) -> Result<(), StorageError> {
        self.erase(SESSIONS, id).await
    }
}
