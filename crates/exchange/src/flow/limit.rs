//! How much one connection may do: messages and calls in a minute, and calls at once.

use sha2::{Digest, Sha256};
use sip::{Method, NameAddr, Request, Response};

use super::{FlowState, closed, hop};
use crate::{context::Context, effect::Effect};

const MINUTE_MS: i64 = 60_000;
/// How many calls one connection may have begun that have not ended.
const MAX_CALLS: usize = 24;
/// Nobody speaks longer, in minutes: what a client never ended does not count for ever.
const LONGEST_CALL_MIN: u64 = 720;
/// Minutes wrap around at this; a call's entry is its name times this, plus the minute in which it began.
const MINUTES: u64 = 1 << 16;

impl FlowState {
    /// Counts a message; the way out when the minute's share is used up. 0 is no limit.
    pub(super) fn count_message(&mut self, context: &Context<'_>) -> Option<Vec<Effect>> {
        self.begin_minute(context);
        self.messages = self.messages.saturating_add(1);
        let limit = context.settings.limit_messages_per_minute;
        (limit > 0 && self.messages > limit).then(|| self.shut(1008, "too many messages"))
    }

    /// Counts an INVITE; false when the minute's share is used up. 0 is no limit.
    pub(super) fn may_invite(&mut self, context: &Context<'_>) -> bool {
        let limit = context.settings.limit_invites_per_minute;
        self.begin_minute(context);
        self.invites = self.invites.saturating_add(1);
        limit == 0 || self.invites <= limit
    }

    /// Shows the client out: nothing of it is looked at any more, and its lines hear at once that it is gone.
    pub(super) fn shut(&mut self, code: u16, reason: &str) -> Vec<Effect> {
        let mut effects = vec![Effect::CloseFlow {
            flow: self.name.clone(),
            code,
            reason: reason.to_owned(),
        }];
        effects.extend(closed(self));
        self.shut = true;
        effects
    }

    /// Notes a call that begins; false where too many go on at once. An INVITE that is sent again, with a proof, is
    /// the same call.
    pub(super) fn begin_call(&mut self, context: &Context<'_>, invite: &Request) -> bool {
        let minute = minute_of(context.now_ms);
        self.calls.retain(|entry| {
            let began = entry % MINUTES;
            minute.wrapping_sub(began) % MINUTES < LONGEST_CALL_MIN
        });
        let name = name_of(invite.call_id());
        if self.calls.iter().any(|entry| entry / MINUTES == name) {
            return true;
        }
        let may = self.calls.len() < MAX_CALLS;
        if may {
            self.calls
                .push(name.saturating_mul(MINUTES).saturating_add(minute));
        }
        may
    }

    /// A request of the client ends a call: its BYE, or its ACK to a failure, which follows no route of a dialog.
    pub(super) fn note_request(&mut self, context: &Context<'_>, request: &Request) {
        let in_dialog = |route: &NameAddr| hop::ends(context, route).is_some();
        let is_end = match request.method() {
            Method::Bye => true,
            Method::Ack => !request.routes().iter().any(in_dialog),
            _ => false,
        };
        if is_end {
            self.end_call(request.call_id());
        }
    }

    /// The client's answer to a BYE ends a call.
    pub(super) fn note_response(&mut self, response: &Response) {
        if response.cseq().1 == Method::Bye {
            self.end_call(response.call_id());
        }
    }

    fn end_call(&mut self, call_id: &str) {
        if !self.calls.is_empty() {
            let name = name_of(call_id);
            self.calls.retain(|entry| entry / MINUTES != name);
        }
    }

    fn begin_minute(&mut self, context: &Context<'_>) {
        if context.now_ms.saturating_sub(self.minute_ms) >= MINUTE_MS {
            self.minute_ms = context.now_ms;
            self.invites = 0;
            self.messages = 0;
        }
    }
}

fn minute_of(now_ms: i64) -> u64 {
    let minute = now_ms.checked_div(MINUTE_MS).unwrap_or(0);
    u64::try_from(minute).unwrap_or(0) % MINUTES
}

/// 32 bits of a Call-ID.
fn name_of(call_id: &str) -> u64 {
    let [a, b, c, d, ..] = <[u8; 32]>::from(Sha256::digest(call_id));
    u64::from(u32::from_be_bytes([a, b, c, d]))
}
