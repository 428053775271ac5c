//! `Flow`: one WebSocket connection. It limits, recognises and passes SIP messages on; what happens to
//! them is decided by lines and mailboxes. All it remembers fits into the socket's attachment.

use serde::{Deserialize, Serialize};

use crate::{context::Context, effect::Effect};

/// What a connection remembers between two frames; under 2 KiB as JSON.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FlowState {
    /// Name of the flow object: 32 hex digits.
    pub name: String,
    /// The peer's network (IPv4 address, or the /64 of an IPv6 address) for limits.
    pub network: String,
    /// `Origin` of the page that opened the socket; empty if there was none.
    pub origin: String,
    /// Normalised addresses that were registered over this connection, newest last.
    pub lines: Vec<String>,
    /// INVITEs seen in the present minute.
    pub invites: u32,
    /// When that minute began, Unix time in milliseconds.
    pub minute_ms: i64,
}

/// The state of a connection that has just opened. `network` is the peer's address as the platform gives it.
#[must_use]
pub fn on_open(name: &str, network: &str, origin: &str) -> FlowState {
    FlowState {
        name: name.to_owned(),
        network: network.to_owned(),
        origin: origin.to_owned(),
        ..FlowState::default()
    }
}

/// One frame came in (text or binary alike). The state is stored before the effects are carried out.
#[must_use]
pub fn on_frame(
    state: &FlowState,
    _frame: &[u8],
    _context: &Context<'_>,
) -> (FlowState, Vec<Effect>) {
    (state.clone(), Vec::new())
}

/// The connection is gone: its lines are told, so that they forget its bindings.
#[must_use]
pub fn on_close(_state: &FlowState, _context: &Context<'_>) -> Vec<Effect> {
    Vec::new()
}
