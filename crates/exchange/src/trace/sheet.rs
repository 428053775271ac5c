//! All that is kept of one call: who was there, and the messages in their order. Bounded, whatever is sent.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    entry::{End, Entry, Note},
    store,
};
use crate::{signal::Caller, upstream};

/// No more messages of one call are kept.
const MOST_ENTRIES: usize = 200;
/// No more bytes of one call are kept.
const MOST_BYTES: usize = 96 << 10;
/// Clocks of two objects may differ by so much; what is further apart is in the order of its times.
const SKEW_MS: i64 = 50;

/// One call.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Sheet {
    /// Its Call-ID.
    pub call_id: String,
    /// The caller's connection.
    pub flow: String,
    /// Who called, as far as is known; without network.
    #[serde(default)]
    pub caller: Caller,
    /// The contacts' connections, in the order in which they were asked.
    #[serde(default)]
    pub contacts: Vec<String>,
    /// Id of the session that the voicemail gave.
    #[serde(default)]
    pub session: Option<String>,
    /// The messages, oldest first.
    pub entries: Vec<Entry>,
    /// How many more there were, at least: a full record is written no more.
    #[serde(default)]
    pub left_out: usize,
    /// Whether the caller's own mailbox has heard of the call.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub told: bool,
}

/// How a call went.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing final yet.
    Ringing,
    /// Somebody answered.
    Answered,
    /// The voicemail answered.
    Voicemail,
    /// The caller gave up.
    Cancelled,
    /// The caller got a failure.
    Failed,
}

impl Sheet {
    /// An empty one.
    #[must_use]
    pub fn new(call_id: &str, flow: &str, caller: &Caller) -> Self {
        Self {
            call_id: call_id.to_owned(),
            flow: flow.to_owned(),
            caller: Caller {
                network: None,
                ..caller.clone()
            },
            ..Self::default()
        }
    }

    /// Name of the call in this mailbox: the same Call-ID on another connection is another call, and so is that of another
    /// caller by a foreign proxy, which has one connection for all.
    #[must_use]
    pub fn id(&self) -> String {
        id(&self.call_id, &self.flow, &self.caller)
    }

    /// When the first message was seen, Unix time in milliseconds.
    #[must_use]
    pub fn began_ms(&self) -> i64 {
        self.entries.first().map_or(0, |entry| entry.at_ms)
    }

    /// When the last message was seen, Unix time in milliseconds.
    #[must_use]
    pub fn last_ms(&self) -> i64 {
        self.entries.last().map_or(0, |entry| entry.at_ms)
    }

    /// Whether a connection takes part in the call.
    #[must_use]
    pub fn knows(&self, end: &End) -> bool {
        match end {
            End::Flow(name) => *name == self.flow || self.contacts.contains(name),
            _ => true,
        }
    }

    /// Adds a message in its place.
    pub(crate) fn add(&mut self, note: Note) {
        if self.session.is_none() {
            self.session = note.session;
        }
        let entry = note.entry;
        for end in [&entry.from, &entry.to] {
            if let End::Flow(name) = end
                && !self.knows(end)
            {
                self.contacts.push(name.clone());
            }
        }
        let bytes: usize = self.entries.iter().map(|entry| entry.text.len()).sum();
        let full = bytes.saturating_add(entry.text.len()) > MOST_BYTES;
        if full || self.entries.len() >= MOST_ENTRIES {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        let place = self.place(&entry, note.late);
        self.entries.insert(place, entry);
    }

    /// How much is kept, and whether more was left out.
    pub(super) fn measure(&self) -> (usize, bool) {
        (self.entries.len(), self.left_out > 0)
    }

    /// By time; what another object tells late comes before what can only follow it.
    fn place(&self, entry: &Entry, late: bool) -> usize {
        let precedes = |at: &Entry| {
            let same = at.at_ms == entry.at_ms && (!late || entry.is_behind(at));
            at.at_ms < entry.at_ms || same
        };
        let before = self.entries.iter().rposition(precedes);
        let by_time = before.map_or(0, |at| at.saturating_add(1));
        let follows = |at: &Entry| {
            let apart = at.at_ms.abs_diff(entry.at_ms) > SKEW_MS.unsigned_abs();
            !apart && at.is_behind(entry)
        };
        let follower = self.entries.iter().position(follows);
        follower.map_or(by_time, |at| at.min(by_time))
    }

    /// How the call went, and the last status that whoever called got: the caller, or a voicemail that calls back.
    #[must_use]
    pub fn outcome(&self) -> (Outcome, Option<u16>) {
        let calls_back = |entry: &Entry| entry.from == End::Voicemail;
        let asks = if self.entries.first().is_some_and(calls_back) {
            End::Voicemail
        } else {
            End::Flow(self.flow.clone())
        };
        let mut finals = self.entries.iter().filter(|entry| {
            entry.to == asks
                && entry.method() == "INVITE"
                && entry.status().is_some_and(|status| status >= 200)
        });
        let success = |entry: &&Entry| entry.status().is_some_and(|status| status < 300);
        let answer = finals.clone().find(success).or_else(|| finals.next_back());
        let by_voicemail = |answer: &Entry| {
            let asked = |entry: &&Entry| entry.from == End::Edge && entry.to == End::Voicemail;
            let own = [&answer.from, &answer.to].contains(&&End::Voicemail);
            own || self.entries.iter().any(|entry| asked(&entry))
        };
        let outcome = match answer {
            None => Outcome::Ringing,
            Some(answer) => match answer.status().unwrap_or(0) {
                200..=299 if by_voicemail(answer) => Outcome::Voicemail,
                200..=299 => Outcome::Answered,
                487 => Outcome::Cancelled,
                _ => Outcome::Failed,
            },
        };
        (outcome, answer.and_then(Entry::status))
    }
}

/// See [`Sheet::id`].
pub(crate) fn id(call_id: &str, flow: &str, caller: &Caller) -> String {
    let caller = (flow == upstream::FLOW).then(|| store::origin(caller));
    let mut hash = Sha256::new();
    for part in ["afterbeep call", call_id, flow]
        .into_iter()
        .chain(caller.as_deref())
    {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hex = deposit::hex(&hash.finalize());
    hex.get(..24).unwrap_or_default().to_owned()
}
