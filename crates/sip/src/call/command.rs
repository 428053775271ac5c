//! What the host may want of a call that stands: INFO out, INFO answered, the end.

use serde::{Deserialize, Serialize};

use super::{
    Call, Side, State,
    event::{Body, EndCause},
    in_dialog::Purpose,
};
use crate::{method::Method, response::Response};

/// What a session ends with whose answer nobody acknowledges.
pub(super) const UNACKNOWLEDGED: &str = "SIP;cause=408;text=\"no ACK\"";

/// A BYE that the host wants as soon as it may be sent.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct WantedBye {
    pub(super) reason: Option<String>,
    pub(super) body: Option<Body>,
}

impl Call {
    /// An INFO with this body (RFC 6086); its outcome comes as `Event::InfoAnswered` with the number given
    /// back. Nothing where no dialog stands.
    pub fn send_info(&mut self, content_type: &str, body: &[u8], now_ms: i64) -> Option<u32> {
        if self.state != State::Established {
            return None;
        }
        let mut request = self.dialog.as_mut()?.request(Method::Info);
        request.set_body(content_type, body);
        let id = self.next_id;
        self.next_id = id.saturating_add(1);
        self.start_in_dialog(request, Purpose::Info { id }, now_ms);
        Some(id)
    }

    /// Answers an INFO with 200, after the host has stored what it brought.
    pub fn accept_info(&mut self, id: u32) {
        self.answer_info(id, 200, "OK");
    }

    /// Refuses an INFO with this status.
    pub fn reject_info(&mut self, id: u32, status: u16) {
        self.answer_info(id, status, "Not Accepted");
    }

    /// Ends the call whatever its state: CANCEL or BYE for the caller, 603 or BYE for the answerer; a BYE
    /// before the ACK waits for it (RFC 3261 section 15). `reason` is the value of a `Reason` header.
    pub fn hang_up(&mut self, reason: Option<&str>, body: Option<Body>, now_ms: i64) {
        let wanted = WantedBye {
            reason: reason.map(ToOwned::to_owned),
            body,
        };
        match (self.state, &self.side) {
            (State::Setup, Side::Caller(_)) => self.cancel(wanted.reason, now_ms),
            (State::Setup, Side::Answerer { .. }) => self.reject(603, "Decline", now_ms),
            (State::Accepted, _) => self.wanted_bye = Some(wanted),
            (State::Established, _) => {
                self.send_bye(Some(wanted), now_ms);
                self.end(EndCause::HungUpHere);
            }
            (State::Closing | State::Over, _) => {}
        }
        self.settle();
    }

    /// A BYE that the protocol asks for; `reason` says why (RFC 3326).
    pub(super) fn send_bye_because(&mut self, reason: &str, now_ms: i64) {
        let wanted = WantedBye {
            reason: Some(reason.to_owned()),
            body: None,
        };
        self.send_bye(Some(wanted), now_ms);
    }

    pub(super) fn send_bye(&mut self, wanted: Option<WantedBye>, now_ms: i64) {
        self.drop_change(now_ms);
        let Some(mut request) = self
            .dialog
            .as_mut()
            .map(|dialog| dialog.request(Method::Bye))
        else {
            return;
        };
        let wanted = wanted.unwrap_or_default();
        if let Some(reason) = &wanted.reason {
            request.add_header("Reason", reason);
        }
        if let Some(body) = &wanted.body {
            request.set_body(&body.content_type, &body.bytes);
        }
        self.start_in_dialog(request, Purpose::Bye, now_ms);
    }

    fn answer_info(&mut self, id: u32, status: u16, reason: &str) {
        let Some(at) = self.infos.iter().position(|info| info.id == id) else {
            return;
        };
        let info = self.infos.swap_remove(at);
        let response = Response::reply_to(&info.request, status, reason, None);
        self.answer_in_dialog(&response);
        self.settle();
    }
}
