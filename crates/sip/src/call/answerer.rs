//! The answerer's half of a call: ringing, the 2xx and its repetition until the ACK, CANCEL
//! (RFC 3261 sections 9.2 and 13.3.1).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{
    ALLOW, Call, Event, Local, SDP, Side, State, command::UNACKNOWLEDGED, event::EndCause, timer,
};
use crate::{
    credentials::Credentials,
    dialog::Dialog,
    method::Method,
    request::Request,
    response::Response,
    seed::Seed,
    transaction::{Absorbed, PATIENCE_MS, ServerTransaction},
};

/// T1: the first pause between two copies of the 2xx, in milliseconds.
const FIRST_PAUSE_MS: i64 = 500;
/// T2: the longest.
const LONGEST_PAUSE_MS: i64 = 4_000;

/// The 2xx that is sent until its ACK comes, on every transport (13.3.1.4).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Repetition {
    text: String,
    next_ms: i64,
    pause_ms: i64,
    give_up_ms: i64,
}

impl Repetition {
    pub(super) fn start(bytes: &[u8], now_ms: i64) -> Self {
        Self {
            text: String::from_utf8_lossy(bytes).into_owned(),
            next_ms: now_ms.saturating_add(FIRST_PAUSE_MS),
            pause_ms: FIRST_PAUSE_MS,
            give_up_ms: now_ms.saturating_add(PATIENCE_MS),
        }
    }

    pub(super) fn next_ms(&self) -> i64 {
        self.next_ms.min(self.give_up_ms)
    }

    /// The 2xx once more; nothing when it was repeated for long enough.
    pub(super) fn again(&mut self, now_ms: i64) -> Option<Vec<u8>> {
        if self.give_up_ms <= now_ms {
            return None;
        }
        self.pause_ms = self.pause_ms.saturating_mul(2).min(LONGEST_PAUSE_MS);
        self.next_ms = now_ms.saturating_add(self.pause_ms);
        Some(self.text.clone().into_bytes())
    }
}

impl Call {
    /// The call of an INVITE that came. The host rings, answers or rejects it.
    #[must_use]
    pub fn incoming(invite: &Request, local: Local, seed: [u8; 32]) -> Self {
        let mut seed = Seed::new(seed);
        let tag = seed.hex();
        Self {
            seed,
            local,
            state: State::Setup,
            side: Side::Answerer {
                invite: Box::new(ServerTransaction::start(invite.clone())),
                tag,
                repetition: None,
            },
            dialog: None,
            outgoing: Vec::new(),
            infos: Vec::new(),
            next_id: 1,
            wanted_bye: None,
            ended: false,
            session: None,
            credentials: Credentials::None,
            outputs: VecDeque::new(),
        }
    }

    /// Lets the session be changed in mid-call: offers come as `Event::Offered`, and session timers are kept (RFC
    /// 4028). False where the INVITE asks for a shorter life than we agree to; it was refused with 422 then.
    pub fn negotiate(&mut self, now_ms: i64) -> bool {
        if timer::is_too_short(self.invite_request()) {
            let (name, value) = timer::least_header();
            let headers = [(name, value.as_str())];
            self.reject_with(422, "Session Interval Too Small", &headers, now_ms);
            return false;
        }
        self.session = Some(Box::default());
        true
    }

    /// The SDP offer of the INVITE, if it has one.
    #[must_use]
    pub fn offer(&self) -> Option<&str> {
        let invite = self.invite_request();
        (invite.content_type() == SDP)
            .then(|| invite.body_text())
            .flatten()
    }

    /// 180, without SDP: JsSIP takes SDP in a provisional response for the answer.
    pub fn ring(&mut self, now_ms: i64) {
        let response = self.reply(180, "Ringing");
        self.respond(&response, now_ms);
    }

    /// 200 with this SDP and these header fields more; repeated until its ACK.
    pub fn answer(&mut self, sdp: &str, headers: &[(&str, &str)], now_ms: i64) {
        if self.state != State::Setup {
            return;
        }
        let mut response = self.reply(200, "OK");
        for (name, value) in headers {
            response.add_header(name, value);
        }
        let asked = self.invite_request().clone();
        self.grant_timer_of(&asked, &mut response, now_ms);
        response.set_body(SDP, sdp.as_bytes());
        let Some(bytes) = self.respond(&response, now_ms) else {
            return;
        };
        if let Side::Answerer {
            invite,
            tag,
            repetition,
        } = &mut self.side
        {
            *repetition = Some(Repetition::start(&bytes, now_ms));
            self.dialog = Some(Dialog::of_answerer(invite.request(), tag));
            self.state = State::Accepted;
        }
    }

    /// A final failure.
    pub fn reject(&mut self, status: u16, reason: &str, now_ms: i64) {
        self.reject_with(status, reason, &[], now_ms);
    }

    /// A final failure with these header fields more.
    pub fn reject_with(
        &mut self,
        status: u16,
        reason: &str,
        headers: &[(&str, &str)],
        now_ms: i64,
    ) {
        if self.state != State::Setup {
            return;
        }
        let mut response = self.reply(status, reason);
        for (name, value) in headers {
            response.add_header(name, value);
        }
        if self.respond(&response, now_ms).is_some() {
            self.end(EndCause::RejectedHere);
        }
    }

    /// ACK and CANCEL.
    pub(super) fn receive_for_invite(&mut self, request: &Request, now_ms: i64) {
        if *request.method() == Method::Cancel {
            self.receive_cancel(request, now_ms);
        } else {
            self.receive_ack(request, now_ms);
        }
    }

    /// The INVITE came again: the last answer goes out again.
    pub(super) fn repeat_answer(&mut self, request: &Request) {
        let Side::Answerer { invite, .. } = &mut self.side else {
            return;
        };
        if let Absorbed::Repeated(Some(bytes)) = invite.receive(request) {
            self.send(bytes);
        }
    }

    pub(super) fn elapse_answerer(&mut self, now_ms: i64) {
        let Side::Answerer {
            invite, repetition, ..
        } = &mut self.side
        else {
            return;
        };
        invite.elapse(now_ms);
        let Some(due) = repetition.as_mut().filter(|due| due.next_ms() <= now_ms) else {
            return;
        };
        match due.again(now_ms) {
            Some(bytes) => self.send(bytes),
            None => {
                *repetition = None;
                self.give_up(now_ms);
            }
        }
    }

    /// No ACK in 64*T1: the session is ended with BYE (13.3.1.4).
    fn give_up(&mut self, now_ms: i64) {
        self.state = State::Established;
        match self.wanted_bye.take() {
            Some(wanted) => self.send_bye(Some(wanted), now_ms),
            None => self.send_bye_because(UNACKNOWLEDGED, now_ms),
        }
        self.end(EndCause::NotAcknowledged);
    }

    fn receive_ack(&mut self, ack: &Request, now_ms: i64) {
        let Side::Answerer {
            invite, repetition, ..
        } = &mut self.side
        else {
            return;
        };
        if invite.receive(ack) == Absorbed::Acknowledged {
            return;
        }
        if ack.cseq().0 != invite.request().cseq().0 {
            return;
        }
        *repetition = None;
        if self.state != State::Accepted {
            return;
        }
        self.state = State::Established;
        let sdp = (ack.content_type() == SDP)
            .then(|| ack.body_text().map(ToOwned::to_owned))
            .flatten();
        self.push(Event::Acknowledged { sdp });
        if let Some(wanted) = self.wanted_bye.take() {
            self.send_bye(Some(wanted), now_ms);
            self.end(EndCause::HungUpHere);
        }
    }

    fn receive_cancel(&mut self, cancel: &Request, now_ms: i64) {
        let tag = self.answer_tag();
        let ok = Response::reply_to(cancel, 200, "OK", Some(&tag));
        self.send(ok.to_bytes());
        if self.state == State::Setup {
            let response = self.reply(487, "Request Terminated");
            self.respond(&response, now_ms);
            self.end_with(Event::Ended {
                cause: EndCause::Cancelled,
                reason: cancel.header("Reason").map(ToOwned::to_owned),
                body: None,
            });
        }
    }

    /// A response to the INVITE, with our tag and contact.
    fn reply(&self, status: u16, reason: &str) -> Response {
        let tag = self.answer_tag();
        let mut response = Response::reply_to(self.invite_request(), status, reason, Some(&tag));
        if status < 300 {
            response.add_header("Contact", &self.local.contact.to_string());
            response.add_header("Allow", ALLOW);
        }
        response
    }

    fn respond(&mut self, response: &Response, now_ms: i64) -> Option<Vec<u8>> {
        let Side::Answerer { invite, .. } = &mut self.side else {
            return None;
        };
        let bytes = invite.respond(response, now_ms)?;
        self.send(bytes.clone());
        Some(bytes)
    }

    fn answer_tag(&self) -> String {
        match &self.side {
            Side::Answerer { tag, .. } => tag.clone(),
            Side::Caller(_) => String::new(),
        }
    }
}
