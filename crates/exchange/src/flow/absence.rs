//! A connection whose socket was lost and whose client may come back to it: the client named it by a value of its
//! own, so its routes and flow tokens stay valid (`/sip?flow=VALUE`; the other half of RFC 5626 section 4.4).
//! While it is away, messages of calls in progress are kept for it; a new call finds no contact, as without it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sip::{Message, Method, Response};

use super::{FlowState, closed, hop};
use crate::{context::Context, effect::Effect, signal::Carried};

/// How long a client may be away before its lines hear that it is gone: as long as a request waits for its
/// answer (RFC 3261 timer F).
pub const ABSENCE_MS: i64 = 32_000;
/// Digits of the value by which a client names its connection.
const VALUE_DIGITS: usize = 32;
/// Beginning of the names of connections that their clients named; the edge's own are hexadecimal digits alone.
const NAMED: &str = "r";
/// What is kept for a client that is away.
const MAX_FRAMES: usize = 32;
const MAX_BYTES: usize = 64 << 10;
/// Codes with which a client says good-bye, or was shown out: nobody waits for it.
const FAREWELLS: [u16; 5] = [1000, 1001, 1005, 1008, 1009];

/// Name of the flow that a client calls by this value, which must be 32 hexadecimal digits. Names stand readable in
/// routes; whoever reads one cannot find the value.
#[must_use]
pub fn name_of(value: &str) -> Option<String> {
    let is_hex = value.bytes().all(|digit| digit.is_ascii_hexdigit());
    if value.len() != VALUE_DIGITS || !is_hex {
        return None;
    }
    let mut hash = Sha256::new();
    hash.update(b"afterbeep flow ");
    hash.update(value.to_ascii_lowercase());
    let hex = deposit::hex(&hash.finalize());
    let digits = hex.get(NAMED.len()..VALUE_DIGITS)?;
    Some(format!("{NAMED}{digits}"))
}

/// A connection without a socket, and what its client missed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Absence {
    state: FlowState,
    frames: Vec<Carried>,
    until_ms: i64,
}

impl Absence {
    /// The socket of this connection closed with this code. Nothing where nobody comes back to it.
    #[must_use]
    pub fn begin(state: &FlowState, code: u16, now_ms: i64) -> Option<Self> {
        (state.resumes && !state.shut && !FAREWELLS.contains(&code)).then(|| Self {
            state: state.clone(),
            frames: Vec::new(),
            until_ms: now_ms.saturating_add(ABSENCE_MS),
        })
    }

    /// Nobody saw the socket of this connection go: the process died with it, and its client, if it named the
    /// connection, is on its way back. Its lines hear of it when they next have a call for it.
    #[must_use]
    pub fn unseen(name: &str, now_ms: i64) -> Option<Self> {
        let state = FlowState {
            name: name.to_owned(),
            resumes: true,
            ..FlowState::default()
        };
        name.starts_with(NAMED).then(|| Self {
            state,
            frames: Vec::new(),
            until_ms: now_ms.saturating_add(ABSENCE_MS),
        })
    }

    /// When the client is given up, Unix time in milliseconds.
    #[must_use]
    pub const fn until_ms(&self) -> i64 {
        self.until_ms
    }

    /// Keeps these frames for the client; false where it cannot, and the sender must hear that nobody is there.
    pub fn keep(&mut self, frames: &[Carried]) -> bool {
        let held = self.frames.iter().chain(frames);
        let bytes = held.map(|frame| frame.0.len()).sum::<usize>();
        let count = self.frames.len().saturating_add(frames.len());
        let fits = count <= MAX_FRAMES && bytes <= MAX_BYTES;
        let kept = fits && frames.iter().all(|frame| is_of_a_call(&frame.0));
        if kept {
            self.frames.extend_from_slice(frames);
        }
        kept
    }

    /// The client is back on a socket in `fresh` state. Gives the state with what it was, and what it missed.
    #[must_use]
    pub fn end(self, fresh: FlowState) -> (FlowState, Vec<Carried>) {
        (fresh.continuing(&self.state), self.frames)
    }

    /// The client did not come back: its lines hear it, and whoever asked it something gets 430 (RFC 5626 11.5).
    #[must_use]
    pub fn give_up(&self, context: &Context<'_>) -> Vec<Effect> {
        let mut effects = closed(&self.state);
        for frame in &self.frames {
            let Some(Message::Request(request)) = hop::read(&frame.0) else {
                continue;
            };
            if *request.method() == Method::Ack {
                continue;
            }
            let tag = context.entropy.hex(6);
            let response = Response::reply_to(&request, 430, "Flow Failed", Some(&tag));
            effects.extend(hop::send_back(context, "", response));
        }
        effects
    }
}

/// Whether a message belongs to something that the client has begun or taken: answers, and requests inside of
/// dialogs and transactions. A new call is better told at once that nobody is there.
fn is_of_a_call(frame: &[u8]) -> bool {
    match hop::read(frame) {
        Some(Message::Response(_)) => true,
        Some(Message::Request(request)) => {
            request.to().tag().is_some() || matches!(request.method(), Method::Ack | Method::Cancel)
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Absence, MAX_FRAMES, name_of};
    use crate::{flow::FlowState, signal::Carried};

    #[test]
    fn a_value_of_32_digits_names_one_connection_that_does_not_tell_it() {
        let value = "0123456789abcdef0123456789ABCDEF";
        let name = name_of(value).expect("a name");
        assert_eq!(name.len(), 32);
        assert_eq!(name_of(&value.to_lowercase()), Some(name.clone()));
        assert_ne!(name, value.to_lowercase());
        for wrong in [
            "",
            "0123",
            "0123456789abcdef0123456789ABCDE",
            "0123456789abcdef0123456789ABCDEg",
        ] {
            assert_eq!(name_of(wrong), None, "{wrong}");
        }
    }

    fn frame(start: &str, tag: &str) -> Carried {
        let method = start.split(' ').next().expect("a method");
        let method = if method == "SIP/2.0" { "INFO" } else { method };
        Carried(format!("{start}\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKa\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:bob@localhost>{tag}\r\nCall-ID: a\r\nCSeq: 1 {method}\r\n\r\n").into_bytes())
    }

    #[test]
    fn a_client_is_waited_for_although_nobody_saw_it_go_if_it_named_its_connection() {
        let name = name_of("0123456789abcdef0123456789abcdef").expect("a name");
        let mut absence = Absence::unseen(&name, 5).expect("an absence");
        assert_eq!(absence.until_ms(), 32_005);
        assert!(absence.keep(&[frame("BYE sip:b@x.invalid SIP/2.0", ";tag=2")]));
        assert!(!absence.keep(&[frame("INVITE sip:b@x.invalid SIP/2.0", "")]));
        assert_eq!(Absence::unseen("0123456789abcdef0123456789abcdef", 5), None);
    }

    #[test]
    fn only_messages_of_calls_in_progress_are_kept_and_not_without_end() {
        let state = FlowState {
            resumes: true,
            ..FlowState::default()
        };
        for (code, waits) in [(1006, true), (4000, true), (1000, false), (1005, false)] {
            assert_eq!(Absence::begin(&state, code, 0).is_some(), waits, "{code}");
        }
        assert_eq!(Absence::begin(&FlowState::default(), 1006, 0), None);
        for (frame, kept) in [
            (frame("SIP/2.0 200 OK", ""), true),
            (frame("BYE sip:b@x.invalid SIP/2.0", ";tag=2"), true),
            (frame("CANCEL sip:b@x.invalid SIP/2.0", ""), true),
            (frame("INVITE sip:b@x.invalid SIP/2.0", ""), false),
            (frame("NOTIFY sip:b@x.invalid SIP/2.0", ""), false),
        ] {
            let mut absence = Absence::begin(&state, 1006, 0).expect("an absence");
            assert_eq!(
                absence.keep(std::slice::from_ref(&frame)),
                kept,
                "{frame:?}"
            );
        }
        let mut absence = Absence::begin(&state, 1006, 0).expect("an absence");
        let bye = frame("BYE sip:b@x.invalid SIP/2.0", ";tag=2");
        assert!(absence.keep(&vec![bye.clone(); MAX_FRAMES]));
        assert!(!absence.keep(&[bye]));
    }
}
