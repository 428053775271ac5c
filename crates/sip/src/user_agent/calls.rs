//! The calls of a user agent: every command finds its call by handle and drains it.

use super::{
    UserAgent,
    event::{CallHandle, Event, Output},
};
use crate::{
    call::{
        Call, Placing,
        event::{self as call_event, Body},
    },
    message::Message,
};

impl UserAgent {
    /// Calls `to` (an absolute SIP URI, parameters such as `;target=` and `;cause=` allowed) with an SDP
    /// offer, or without one. Text that is no URI is rejected with 484 as an event; so is a call without
    /// a connection, with 503.
    pub fn call(&mut self, to: &str, offer: Option<&str>, now_ms: i64) -> CallHandle {
        let handle = self.next_handle();
        let Ok(uri) = to.parse() else {
            self.refuse_call(handle, 484, "Address Incomplete");
            return handle;
        };
        if !self.connected {
            self.refuse_call(handle, 503, "No Connection");
            return handle;
        }
        let placing = Placing {
            to: uri,
            from: self.own_address(),
            local: self.local(),
            offer: offer.map(ToOwned::to_owned),
            credentials: self.configuration.credentials.clone(),
        };
        let seed = self.seed.next_bytes();
        let call = match offer {
            Some(_) => Call::converse(placing, seed, now_ms),
            None => Call::place(placing, seed, now_ms),
        };
        self.calls.push((handle, call));
        self.with_call(handle, |_| {});
        handle
    }

    /// Rings (180) an incoming call.
    pub fn ring(&mut self, call: CallHandle, now_ms: i64) {
        self.with_call(call, |call| call.ring(now_ms));
    }

    /// Answers an incoming call with 200 and this SDP.
    pub fn answer(&mut self, call: CallHandle, sdp: &str, now_ms: i64) {
        self.with_call(call, |call| call.answer(sdp, &[], now_ms));
    }

    /// Rejects an incoming call with this status.
    pub fn reject(&mut self, call: CallHandle, status: u16, now_ms: i64) {
        let reason = match status {
            480 => "Temporarily Unavailable",
            486 => "Busy Here",
            603 => "Decline",
            _ => "Not Accepted",
        };
        self.with_call(call, |call| call.reject(status, reason, now_ms));
    }

    /// Does something with one call, as [`Call`] offers it, and carries out what follows.
    pub fn command<Outcome>(
        &mut self,
        call: CallHandle,
        command: impl FnOnce(&mut Call) -> Outcome,
    ) -> Option<Outcome> {
        let mut outcome = None;
        self.with_call(call, |call| outcome = Some(command(call)));
        outcome
    }

    pub(super) fn resume_calls(&mut self, now_ms: i64) {
        let handles: Vec<CallHandle> = self.calls.iter().map(|(handle, _)| *handle).collect();
        for handle in handles {
            self.with_call(handle, |call| call.resume(now_ms));
        }
    }

    /// The connection is gone for all calls but those that stay.
    pub(super) fn lose_calls(&mut self, stays: fn(&Call) -> bool) {
        for (handle, mut call) in core::mem::take(&mut self.calls) {
            if stays(&call) {
                self.calls.push((handle, call));
                continue;
            }
            call.connection_lost();
            self.drain(handle, &mut call);
        }
    }

    /// Sends an INFO; its outcome comes as `call::event::Event::InfoAnswered` with the number given back.
    pub fn send_info(
        &mut self,
        call: CallHandle,
        content_type: &str,
        body: &[u8],
        now_ms: i64,
    ) -> Option<u32> {
        let mut id = None;
        self.with_call(call, |call| id = call.send_info(content_type, body, now_ms));
        id
    }

    /// Answers an INFO with 200, after what it brought is stored.
    pub fn accept_info(&mut self, call: CallHandle, id: u32) {
        self.with_call(call, |call| call.accept_info(id));
    }

    /// Refuses an INFO.
    pub fn reject_info(&mut self, call: CallHandle, id: u32, status: u16) {
        self.with_call(call, |call| call.reject_info(id, status));
    }

    /// Ends a call whatever its state (BYE, CANCEL or 603).
    pub fn hang_up(
        &mut self,
        call: CallHandle,
        reason: Option<&str>,
        body: Option<Body>,
        now_ms: i64,
    ) {
        self.with_call(call, |call| call.hang_up(reason, body, now_ms));
    }

    pub(super) fn next_handle(&mut self) -> CallHandle {
        self.last_handle = self.last_handle.wrapping_add(1);
        CallHandle(self.last_handle)
    }

    pub(super) fn owner(&self, message: &Message) -> Option<CallHandle> {
        let mut calls = self.calls.iter();
        calls
            .find(|(_, call)| call.owns(message))
            .map(|(handle, _)| *handle)
    }

    /// Does something with a call, passes its outputs on and forgets it when it is over.
    pub(super) fn with_call(&mut self, handle: CallHandle, act: impl FnOnce(&mut Call)) {
        let Some(place) = self.calls.iter().position(|(known, _)| *known == handle) else {
            return;
        };
        let (_, mut call) = self.calls.remove(place);
        act(&mut call);
        self.drain(handle, &mut call);
        if !call.is_over() {
            self.calls.insert(place, (handle, call));
        }
    }

    pub(super) fn drain(&mut self, handle: CallHandle, call: &mut Call) {
        while let Some(output) = call.poll() {
            self.outputs.push_back(match output {
                call_event::Output::Send(bytes) => Output::Send(bytes),
                call_event::Output::Event(event) => Output::Event(Event::Call {
                    call: handle,
                    event,
                }),
            });
        }
    }

    fn refuse_call(&mut self, call: CallHandle, status: u16, reason: &str) {
        let event = call_event::Event::Rejected {
            status,
            reason: reason.to_owned(),
            answerer: None,
        };
        self.push(Event::Call { call, event });
    }
}
