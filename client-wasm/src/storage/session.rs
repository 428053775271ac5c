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
    /// The address that was dialled for it; empty in rows of older versions, where it was the mailbox's.
    pub dialled: String,
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

impl SessionRow {
    /// Whether a message that was recorded for this address without the session may go up under it. Somebody's calls
    /// may be sent on to somebody else: what was meant for him does not go there, nor what was meant for that other
    /// one along with a call that was not. Whose a number is, a call to it does not tell: it may have been sent on
    /// although nobody said so, or could yet be asked.
    pub fn is_for(&self, to: &str) -> bool {
        self.is_of_call_to(to) && self.called_party == to && self.forwarded_from.is_none()
    }

    /// The same of a session that was asked for the mailbox of this address by the call that rings nobody, and that
    /// nobody sends on: whoever answers for a number is its owner, who may take the number for somebody else's, and
    /// name its domain in another way.
    pub fn answers_for(&self, to: &str) -> bool {
        let from = self.forwarded_from.as_deref();
        let is_his = self.called_party == to && from != Some(to);
        let is_owner = is_number(to) && from.is_none_or(|from| number(from) == number(to));
        self.is_of_call_to(to) && (is_his || is_owner)
    }

    fn is_of_call_to(&self, to: &str) -> bool {
        self.dialled.is_empty() || self.dialled == to
    }
}

/// Whether an address is a telephone number.
pub fn is_number(address: &str) -> bool {
    number(address).is_some()
}

/// The telephone number that an address names.
fn number(address: &str) -> Option<&str> {
    let bare = address.strip_prefix("sip:").unwrap_or(address);
    let user = bare.split('@').next().unwrap_or_default();
    let digits = user.strip_prefix('+').unwrap_or(user);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(user)
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

#[cfg(test)]
mod tests {
    use super::SessionRow;

    const BOB: &str = "sip:bob@example.com";
    const CAROL: &str = "sip:carol@example.com";
    const NUMBER: &str = "sip:+4930123456@example.com";

    fn session(dialled: &str, called: &str, forwarded: Option<&str>) -> SessionRow {
        SessionRow {
            dialled: dialled.to_owned(),
            called_party: called.to_owned(),
            forwarded_from: forwarded.map(str::to_owned),
            ..SessionRow::default()
        }
    }

    #[test]
    fn a_message_goes_up_under_a_session_only_where_the_call_was_meant_and_came_out() {
        let (sent_on, direct) = (Some(BOB), None);
        for (dialled, called, forwarded, to, fits) in [
            (BOB, BOB, direct, BOB, true),
            (BOB, BOB, sent_on, BOB, false),
            (BOB, CAROL, sent_on, BOB, false),
            (BOB, CAROL, sent_on, CAROL, false),
            (BOB, CAROL, direct, BOB, false),
            (BOB, CAROL, direct, CAROL, false),
            (NUMBER, NUMBER, direct, NUMBER, true),
            (NUMBER, CAROL, direct, NUMBER, false),
            (NUMBER, CAROL, sent_on, NUMBER, false),
            (NUMBER, BOB, direct, CAROL, false),
            ("", BOB, direct, BOB, true),
            ("", BOB, direct, CAROL, false),
        ] {
            let session = session(dialled, called, forwarded);
            assert_eq!(session.is_for(to), fits, "{dialled} {called} {to}");
        }
    }

    #[test]
    fn a_session_asked_for_a_number_is_its_owners_and_one_asked_for_a_person_is_nobody_elses() {
        for (dialled, called, forwarded, fits) in [
            (BOB, BOB, None, true),
            (BOB, BOB, Some(BOB), false),
            (BOB, CAROL, Some(BOB), false),
            (BOB, CAROL, None, false),
            (NUMBER, CAROL, None, true),
            (NUMBER, CAROL, Some(NUMBER), true),
            (NUMBER, CAROL, Some("sip:+4930123456@localhost"), true),
            (NUMBER, CAROL, Some("sip:+4930123457@example.com"), false),
            (NUMBER, CAROL, Some(BOB), false),
        ] {
            let session = session(dialled, called, forwarded);
            assert_eq!(session.answers_for(dialled), fits, "{dialled} {called}");
            assert!(!session.answers_for("sip:dave@example.com"));
        }
    }
}
