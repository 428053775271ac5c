//! One message on one way, as it is kept.

use serde::{Deserialize, Serialize};

use super::mask;

/// No message is kept longer, in bytes; what is behind it is cut off.
const LONGEST_TEXT: usize = 8 << 10;
/// Calls with longer names are not traced: nobody who means well makes one.
const LONGEST_CALL_ID: usize = 256;
/// Messages of calls. Others (registrations, texts, notices) are not traced.
const OF_CALLS: [&str; 8] = [
    "INVITE", "ACK", "CANCEL", "BYE", "INFO", "UPDATE", "PRACK", "REFER",
];

/// Where a message came from or went to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(into = "String", from = "String")]
pub enum End {
    /// The exchange as a proxy.
    Edge,
    /// The callee's voicemail.
    Voicemail,
    /// A connection, by the name of its flow. It is never shown.
    Flow(String),
}

/// One message.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// Unix time in milliseconds.
    #[serde(rename = "t")]
    pub at_ms: i64,
    /// Sender.
    #[serde(rename = "f")]
    pub from: End,
    /// Receiver.
    #[serde(rename = "o")]
    pub to: End,
    /// Bytes on the wire, before anything was masked.
    #[serde(rename = "n")]
    pub size: usize,
    /// The message, its secrets masked.
    #[serde(rename = "m")]
    pub text: String,
}

/// A message with what finds its call.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Note {
    /// Call-ID of the message.
    pub call_id: String,
    /// Id of the session that its body names, if it is one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Told after others that it led to.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub late: bool,
    /// The message itself.
    pub entry: Entry,
}

impl From<End> for String {
    fn from(end: End) -> Self {
        match end {
            End::Edge => "e".to_owned(),
            End::Voicemail => "v".to_owned(),
            End::Flow(name) => format!("f{name}"),
        }
    }
}

impl From<String> for End {
    fn from(text: String) -> Self {
        match text.split_at_checked(1) {
            Some(("f", name)) => Self::Flow(name.to_owned()),
            Some(("v", _)) => Self::Voicemail,
            _ => Self::Edge,
        }
    }
}

impl Note {
    /// Reads a frame; nothing if it is not a message of a call.
    pub(crate) fn read(frame: &[u8], from: End, to: End, at_ms: i64) -> Option<Self> {
        let head = String::from_utf8_lossy(head(frame));
        let call_id = value(&head, "call-id", "i")?.to_owned();
        let (_, method) = cseq(&head)?;
        if !OF_CALLS.contains(&method) {
            return None;
        }
        if call_id.len() > LONGEST_CALL_ID {
            return None;
        }
        let kept = kept(frame);
        let mut text = mask::masked(kept);
        if kept.len() < frame.len() {
            text.push_str("(cut)");
        }
        Some(Self {
            call_id,
            session: None,
            late: false,
            entry: Entry {
                at_ms,
                from,
                to,
                size: frame.len(),
                text,
            },
        })
    }
}

impl Entry {
    /// The first line.
    #[must_use]
    pub fn start(&self) -> &str {
        self.text.split("\r\n").next().unwrap_or("")
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let status = self.start().strip_prefix("SIP/2.0 ")?;
        status.split(' ').next()?.parse().ok()
    }

    /// The method of a request, or of the request that a response is for.
    #[must_use]
    pub fn method(&self) -> &str {
        cseq(&self.text).map_or("", |(_, method)| method)
    }

    /// A field of the message, by its lower-case name and its compact form (or an empty one).
    #[must_use]
    pub fn field(&self, name: &str, compact: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or("");
        value(head, name, compact)
    }

    /// What stands behind the head.
    #[must_use]
    pub fn body(&self) -> &str {
        self.text
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body)
    }

    /// Whether `later` belongs to the same transaction on the same way, at an earlier stage: what is told late comes
    /// before it all the same (RFC 3261 section 17).
    pub(super) fn is_behind(&self, later: &Self) -> bool {
        let same_way = (self.from == later.from && self.to == later.to)
            || (self.from == later.to && self.to == later.from);
        let (own, others) = (self.stage(), later.stage());
        same_way && own.0 == others.0 && own.1 > others.1
    }

    /// The transaction, and how far it is: request, provisional, final, ACK.
    fn stage(&self) -> ((u32, &str), u8) {
        let (number, method) = cseq(&self.text).unwrap_or((0, ""));
        let acknowledges = method == "ACK";
        let method = if acknowledges { "INVITE" } else { method };
        let stage = match self.status() {
            None if acknowledges => 3,
            None => 0,
            Some(100..=199) => 1,
            Some(_) => 2,
        };
        ((number, method), stage)
    }
}

/// The lines that are kept. What is cut off is not even looked at, so that no message costs much by its length; a line
/// is kept whole or not at all, because half a secret is not told from other text.
fn kept(frame: &[u8]) -> &[u8] {
    if frame.len() <= LONGEST_TEXT {
        return frame;
    }
    let longest = frame.get(..LONGEST_TEXT).unwrap_or_default();
    let lines = longest.iter().rposition(|byte| *byte == b'\n');
    let end = lines.map_or(0, |end| end.saturating_add(1));
    longest.get(..end).unwrap_or_default()
}

fn head(frame: &[u8]) -> &[u8] {
    let end = frame.windows(4).position(|four| four == b"\r\n\r\n");
    end.and_then(|end| frame.get(..end)).unwrap_or(frame)
}

fn value<'a>(head: &'a str, name: &str, compact: &str) -> Option<&'a str> {
    head.split("\r\n").skip(1).find_map(|line| {
        let (key, value) = line.split_once(':')?;
        let key = key.trim();
        let named = key.eq_ignore_ascii_case(name)
            || (!compact.is_empty() && key.eq_ignore_ascii_case(compact));
        named.then(|| value.trim())
    })
}

fn cseq(text: &str) -> Option<(u32, &str)> {
    let head = text.split("\r\n\r\n").next()?;
    let mut words = value(head, "cseq", "")?.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    Some((number, words.next()?))
}
