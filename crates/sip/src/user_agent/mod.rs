//! A whole user agent for one connection after another (RFC 7118): registration with refresh, calls both
//! ways, answers to OPTIONS, message summaries. It knows no socket: the host connects, hands frames in
//! and drains [`UserAgent::poll`] after every input until it is empty.

pub mod configuration;
pub mod event;

use configuration::Configuration;
use event::{CallHandle, Output};

use crate::call::event::Body;

/// One user agent.
#[derive(Debug)]
pub struct UserAgent {}

impl UserAgent {
    /// A user agent that is not connected. `seed` is 32 fresh random bytes.
    #[must_use]
    pub fn new(_configuration: Configuration, _seed: [u8; 32]) -> Self {
        Self {}
    }

    /// Another identity from now on (sign-in, name, token); calls in progress keep theirs.
    pub fn configure(&mut self, _configuration: Configuration) {}

    /// A connection stands. A wanted registration is made anew.
    pub fn connected(&mut self, _now_ms: i64) {}

    /// The connection is gone; calls in progress end as [`crate::call::event::EndCause::ConnectionLost`].
    pub fn disconnected(&mut self, _now_ms: i64) {}

    /// One WebSocket message came, text or binary alike. What it does not understand it drops.
    pub fn receive(&mut self, _frame: &[u8], _now_ms: i64) {}

    /// Registers now and keeps the registration alive over reconnects until [`Self::unregister`].
    pub fn register(&mut self, _now_ms: i64) {}

    /// Removes the registration.
    pub fn unregister(&mut self, _now_ms: i64) {}

    /// Calls `to` (an absolute SIP URI, parameters such as `;target=` and `;cause=` allowed) with an SDP offer, or without one.
    pub fn call(&mut self, _to: &str, _offer: Option<&str>, _now_ms: i64) -> CallHandle {
        CallHandle(0)
    }

    /// Rings (180) an incoming call.
    pub fn ring(&mut self, _call: CallHandle) {}

    /// Answers an incoming call with 200 and this SDP.
    pub fn answer(&mut self, _call: CallHandle, _sdp: &str, _now_ms: i64) {}

    /// Rejects an incoming call.
    pub fn reject(&mut self, _call: CallHandle, _status: u16, _now_ms: i64) {}

    /// Sends an INFO; its outcome comes as `call::event::Event::InfoAnswered` with the number given back.
    pub fn send_info(
        &mut self,
        _call: CallHandle,
        _content_type: &str,
        _body: &[u8],
        _now_ms: i64,
    ) -> Option<u32> {
        None
    }

    /// Answers an INFO with 200, after what it brought is stored.
    pub fn accept_info(&mut self, _call: CallHandle, _id: u32) {}

    /// Refuses an INFO.
    pub fn reject_info(&mut self, _call: CallHandle, _id: u32, _status: u16) {}

    /// Ends a call whatever its state (BYE, CANCEL or 603).
    pub fn hang_up(
        &mut self,
        _call: CallHandle,
        _reason: Option<&str>,
        _body: Option<Body>,
        _now_ms: i64,
    ) {
    }

    /// Time has come to [`Self::next_wakeup`] or past it.
    pub fn elapse(&mut self, _now_ms: i64) {}

    /// The next output; call until nothing comes.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }

    /// When [`Self::elapse`] must be called next.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<i64> {
        None
    }
}
