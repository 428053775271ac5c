//! The life of a deposit in one table: how the caller's device, the edge, the API and the element name
//! each stage. The documentation prints this table.

use serde::{Deserialize, Serialize};

/// A stage in the life of a deposit, from the first sound to its removal.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DepositState {
    /// A session was issued; nothing was recorded yet.
    Pending,
    /// Sound is being written to the journal.
    Recording,
    /// The device or page died while recording; found at start-up.
    Interrupted,
    /// Stopped: a draft for review. Never goes up by itself.
    Recorded,
    /// Sent by the user; waits for its turn.
    Queued,
    /// Sent by the user; the network gate or a retry delay holds it back.
    Waiting,
    /// Bytes go up; the edge holds a reservation.
    Uploading,
    /// Refused for good; the sound is still on the device.
    Failed,
    /// Whole, once and durable in the mailbox; the receipt exists.
    Committed,
    /// The callee was told.
    Notified,
    /// Listened to, to the end or to 90 %.
    Heard,
    /// Deleted from the mailbox; receipt and row stay.
    Removed,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Words {
    /// The stage.
    pub state: DepositState,
    /// In the caller's outbox (`deposits` in IndexedDB), if it has a row then.
    pub client: Option<&'static str>,
    /// In the mailbox's tables.
    pub edge: Option<&'static str>,
    /// `state` of a deposit and of its session at `GET /sessions/current`.
    pub session: &'static str,
    /// `state` in `GET /mailbox/messages`, where the message is listed.
    pub message: Option<&'static str>,
    /// `state` of the element.
    pub element: &'static str,
}

const fn words(
    state: DepositState,
    client: Option<&'static str>,
    edge: Option<&'static str>,
    session: &'static str,
    message: Option<&'static str>,
    element: &'static str,
) -> Words {
    Words {
        state,
        client,
        edge,
        session,
        message,
        element,
    }
}

/// The table, in the order of a deposit's life.
#[rustfmt::skip]
pub const TABLE: &[Words] = &[
    words(DepositState::Pending,     None,                Some("pending"),   "pending",   None,          "ready"),
    words(DepositState::Recording,   Some("recording"),   Some("pending"),   "pending",   None,          "recording"),
    words(DepositState::Interrupted, Some("interrupted"), Some("pending"),   "pending",   None,          "review"),
    words(DepositState::Recorded,    Some("recorded"),    Some("pending"),   "pending",   None,          "review"),
    words(DepositState::Queued,      Some("queued"),      Some("pending"),   "pending",   None,          "queued"),
    words(DepositState::Waiting,     Some("waiting"),     Some("pending"),   "pending",   None,          "waiting"),
    words(DepositState::Uploading,   Some("uploading"),   Some("reserved"),  "pending",   None,          "uploading"),
    words(DepositState::Failed,      Some("failed"),      None,              "pending",   None,          "failed"),
    words(DepositState::Committed,   Some("deposited"),   Some("committed"), "deposited", Some("new"),   "deposited"),
    words(DepositState::Notified,    Some("deposited"),   Some("notified"),  "deposited", Some("new"),   "deposited"),
    words(DepositState::Heard,       Some("heard"),       Some("heard"),     "deposited", Some("heard"), "deposited"),
    words(DepositState::Removed,     Some("heard"),       Some("removed"),   "deposited", None,          "deposited"),
];

impl DepositState {
    /// Its line of the table.
    #[must_use]
    pub fn words(self) -> Words {
        TABLE
            .iter()
            .copied()
            .find(|words| words.state == self)
            .unwrap_or_else(|| words(self, None, None, "pending", None, "failed"))
    }

    /// The stage that the caller's outbox calls by this word.
    #[must_use]
    pub fn from_client(word: &str) -> Option<Self> {
        find(|words| words.client == Some(word))
    }

    /// The first stage that the mailbox calls by this word.
    #[must_use]
    pub fn from_edge(word: &str) -> Option<Self> {
        find(|words| words.edge == Some(word))
    }

    /// Whether the user has pressed Send and the edge has no whole copy yet: what an uploader looks for.
    #[must_use]
    pub const fn is_sending(self) -> bool {
        matches!(self, Self::Queued | Self::Waiting | Self::Uploading)
    }

    /// Whether the edge holds it durably, so that the device may let it go once the receipt's hash fits.
    #[must_use]
    pub const fn is_durable(self) -> bool {
        matches!(
            self,
            Self::Committed | Self::Notified | Self::Heard | Self::Removed
        )
    }
}

fn find(fits: impl Fn(&Words) -> bool) -> Option<DepositState> {
    TABLE
        .iter()
        .find(|words| fits(words))
        .map(|words| words.state)
}

/// What a session token stands for (`state` at `GET /sessions/current`).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// May still be deposited with.
    Pending,
    /// Its deposit was committed.
    Deposited,
    /// Past its time, unused.
    Expired,
    /// Taken back by the callee.
    Revoked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_exactly_one_line() {
        for words in TABLE {
            let same = TABLE.iter().filter(|other| other.state == words.state);
            assert_eq!(same.count(), 1, "{words:?}");
        }
        assert_eq!(TABLE.len(), 12);
    }

    #[test]
    fn words_lead_back_to_their_state() {
        for (word, state) in [
            ("recording", DepositState::Recording),
            ("interrupted", DepositState::Interrupted),
            ("deposited", DepositState::Committed),
            ("heard", DepositState::Heard),
        ] {
            assert_eq!(DepositState::from_client(word), Some(state));
        }
        assert_eq!(DepositState::from_client("sent"), None);
        assert_eq!(
            DepositState::from_edge("pending"),
            Some(DepositState::Pending)
        );
        assert_eq!(
            DepositState::from_edge("removed"),
            Some(DepositState::Removed)
        );
    }

    #[test]
    fn nothing_is_durable_before_commit_and_nothing_sends_without_the_user() {
        for words in TABLE {
            assert_eq!(
                words.state.is_durable(),
                words.state >= DepositState::Committed
            );
            assert_eq!(words.state.is_durable(), words.session == "deposited");
        }
        assert!(!DepositState::Recorded.is_sending());
        assert!(!DepositState::Interrupted.is_sending());
    }

    #[test]
    fn the_documentation_prints_the_table() {
        let page = include_str!("../../../docs/interfaces.md");
        for words in TABLE {
            let cell = |word: Option<&str>| {
                word.map_or_else(|| " ".to_owned(), |word| format!(" {word} "))
            };
            let line = format!(
                "| {:?} |{}|{}| {} |{}| {} |",
                words.state,
                cell(words.client),
                cell(words.edge),
                words.session,
                cell(words.message),
                words.element
            );
            assert!(page.contains(&line), "docs/interfaces.md lacks: {line}");
        }
    }
}
