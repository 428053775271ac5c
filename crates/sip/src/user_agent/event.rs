//! What a user agent tells its host.

use crate::call::event as call_event;

/// Names one call of a user agent.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct CallHandle(pub u32);

/// One thing for the host to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send this as one WebSocket message.
    Send(Vec<u8>),
    /// Something happened.
    Event(Event),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The registration stands.
    Registered {
        /// For how long, before it is refreshed by itself.
        expires_s: u32,
    },
    /// The registration failed for good (wrong credentials) or for now (it is tried again).
    RegistrationFailed {
        /// Final status; 408 when nothing came.
        status: u16,
    },
    /// The registration was removed on our wish.
    Unregistered,
    /// A message summary came (RFC 3842).
    MessageSummary {
        /// Voice messages not yet heard.
        new: u32,
        /// All other voice messages.
        old: u32,
    },
    /// Somebody calls: ring, answer or reject it by its handle.
    Incoming {
        /// Names the call.
        call: CallHandle,
        /// The caller's address as in From.
        from: String,
        /// The one SIP address that the server vouches for (`P-Asserted-Identity`, RFC 3325 section 9.1).
        asserted: Option<String>,
        /// The caller's display name.
        display_name: Option<String>,
        /// The SDP offer, if any.
        sdp: Option<String>,
        /// URL of `Call-Info: <...>;purpose=afterbeep-greeting`: a voicemail calls.
        greeting_url: Option<String>,
    },
    /// Something happened in a call.
    Call {
        /// Names the call.
        call: CallHandle,
        /// What.
        event: call_event::Event,
    },
    /// The peer answered no keep-alive: open a new connection.
    ConnectionStale,
}
