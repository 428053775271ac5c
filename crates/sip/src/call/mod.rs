//! One INVITE session (RFC 3261 sections 12 to 15) as a plain value that can be stored and woken, for
//! both roles: the caller and the answerer.
//!
//! Give it one input (a message, a command or the time), then drain [`Call::poll`] until it is empty,
//! store the call, and come back at [`Call::wake_at`] or with the next input. It has no clock and no
//! randomness: time is milliseconds since an origin the host chose, the seed comes with its making.

pub mod event;

use event::{Body, Output};

/// One call.
#[derive(Clone, Debug)]
pub struct Call {}

/// What a new outgoing call needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placing {
    /// Request-URI and To: the address dialled, e.g. `sip:bob@example.com`.
    pub to: String,
    /// From, e.g. `sip:alice@example.com`.
    pub from: String,
    /// Display name in From.
    pub display_name: Option<String>,
    /// Own contact URI.
    pub contact: String,
    /// Host part of our Via.
    pub via_host: String,
    /// SDP offer; nothing for an INVITE without offer.
    pub offer: Option<String>,
}

impl Call {
    /// An INFO with this body (RFC 6086); its outcome comes as `Event::InfoAnswered`.
    pub fn send_info(&mut self, _content_type: &str, _body: &[u8], _now_ms: i64) -> Option<u32> {
        None
    }

    /// Answers an INFO with 200, after the host has stored what it brought.
    pub fn accept_info(&mut self, _id: u32) {}

    /// Refuses an INFO with this status.
    pub fn reject_info(&mut self, _id: u32, _status: u16) {}

    /// Ends the call whatever its state: BYE, CANCEL or 603. `reason` is the value of a `Reason` header.
    pub fn hang_up(&mut self, _reason: Option<&str>, _body: Option<Body>, _now_ms: i64) {}

    /// Time has come to [`Self::wake_at`] or past it.
    pub fn elapse(&mut self, _now_ms: i64) {}

    /// The next output; call until nothing comes.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }

    /// When [`Self::elapse`] must be called next.
    #[must_use]
    pub fn wake_at(&self) -> Option<i64> {
        None
    }
}
