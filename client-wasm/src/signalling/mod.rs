//! Signalling: one user agent of crate `sip` over one WebSocket after another. It owns socket, timers
//! and reconnects; the rules are the user agent's.

mod connection;
mod conversation;
mod reach;
mod session;
mod socket;

pub(crate) use connection::{Agent, Caller};
pub(crate) use conversation::{Conversation, Farewell};
pub(crate) use session::{
    Called, SessionDesk, accept_session, party, rejected, store_session, unix_ms, voicemail_of,
};
