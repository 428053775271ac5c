//! Changes of a session that stands (RFC 3261 section 14, RFC 3311): re-INVITE and UPDATE both ways. Offers and
//! answers pass through as text; who may offer when, and when again after a collision, is decided here.

use serde::{Deserialize, Serialize};

use super::{
    ALLOW, Call, Event, SDP, Side, State, answerer::Repetition, command::UNACKNOWLEDGED,
    event::EndCause, in_dialog::Purpose, timer::SessionTimer,
};
use crate::{
    method::Method,
    request::Request,
    response::Response,
    transaction::{Absorbed, ServerTransaction, stored_bytes},
};

/// An offer that collides so often is not tried again by itself.
const MOST_TRIES: u8 = 5;

/// What a call remembers whose session may be changed in mid-call.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Session {
    /// The peer's re-INVITE or UPDATE: until our answer, a re-INVITE until its ACK.
    incoming: Option<Incoming>,
    /// The ACK to the 2xx of our last re-INVITE, for its repetition.
    ack: Option<Acknowledged>,
    /// After a collision (491): when an offer may be tried again.
    again_ms: Option<i64>,
    /// The host wanted to offer when it could not.
    wanted: bool,
    /// How often it collided in a row.
    tries: u8,
    /// What the peer allows, as it last said.
    allowed: Option<String>,
    pub(super) timer: Option<SessionTimer>,
    /// Ask this life of the session in the INVITE, after a 422.
    pub(super) least_s: Option<u32>,
    /// The call waits for a new connection when its own is lost.
    pub(super) is_kept: bool,
    /// Our last answer in the dialog, for a request that comes again over a new connection.
    #[serde(skip)]
    answered: Option<(u32, Vec<u8>)>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Incoming {
    id: u32,
    transaction: ServerTransaction,
    repetition: Option<Repetition>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Acknowledged {
    sequence: u32,
    #[serde(with = "stored_bytes")]
    bytes: Option<Vec<u8>>,
}

impl Session {
    pub(super) fn due_ms(&self) -> Option<i64> {
        let repetition = self
            .incoming
            .as_ref()
            .and_then(|incoming| incoming.repetition.as_ref())
            .map(Repetition::next_ms);
        let timer = self.timer.as_ref().map(SessionTimer::due_ms);
        repetition
            .into_iter()
            .chain(self.again_ms)
            .chain(timer)
            .min()
    }

    /// Takes note of what the peer allows (RFC 3261 20.5).
    pub(super) fn read_allow(&mut self, allow: Option<&str>) {
        if let Some(allow) = allow {
            self.allowed = Some(allow.to_owned());
        }
    }
}

impl Call {
    /// Whether the peer takes a request of this method in the call: it said so. Where it said nothing, it is taken to
    /// know everything but UPDATE, which may only be sent where it is allowed (RFC 3311 5.1).
    #[must_use]
    pub fn peer_allows(&self, method: &Method) -> bool {
        let allowed = self
            .session
            .as_ref()
            .and_then(|session| session.allowed.as_ref());
        match allowed {
            Some(allowed) => allowed.split(',').any(|name| *method == name.trim()),
            None => *method != Method::Update,
        }
    }

    /// Offers another session by re-INVITE. What comes of it is `Event::Changed` or `Event::ChangeRefused`. False
    /// where nothing can be offered now; `Event::MayOffer` then says when.
    pub fn propose(&mut self, offer: &str, now_ms: i64) -> bool {
        self.start_change(Method::Invite, offer, now_ms)
    }

    /// The same by UPDATE (RFC 3311), for a peer that allows it.
    pub fn propose_update(&mut self, offer: &str, now_ms: i64) -> bool {
        self.start_change(Method::Update, offer, now_ms)
    }

    /// Answers `Event::Offered` with this answer, or with this offer where it brought none.
    pub fn accept_change(&mut self, id: u32, sdp: &str, now_ms: i64) {
        let Some(mut response) = self.change_reply(id, 200, "OK") else {
            return;
        };
        response.add_header("Contact", &self.local.contact.to_string());
        response.add_header("Allow", ALLOW);
        self.grant_timer(&mut response, now_ms);
        response.set_body(SDP, sdp.as_bytes());
        self.answer_change(&response, now_ms);
    }

    /// Refuses `Event::Offered`; the session goes on as it was (RFC 3261 14.2).
    pub fn reject_change(&mut self, id: u32, status: u16, now_ms: i64) {
        if let Some(response) = self.change_reply(id, status, "Not Acceptable Here") {
            self.answer_change(&response, now_ms);
        }
    }

    /// A re-INVITE or an UPDATE of the peer, in order. What is no offer for the host is answered here.
    pub(super) fn receive_change(&mut self, request: &Request, now_ms: i64) {
        if self.ended {
            return self.refuse(request, 481, "Call Does Not Exist");
        }
        let is_update = *request.method() == Method::Update;
        if is_update && request.body().is_empty() {
            return self.refresh(request, now_ms);
        }
        if self.session.is_none() {
            return self.refuse(request, 488, "Not Acceptable Here");
        }
        if self.state != State::Established || self.has_incoming_change() {
            return self.refuse_for_now(request);
        }
        if self.outgoing.iter().any(|sent| sent.is_offer()) {
            return self.refuse(request, 491, "Request Pending");
        }
        self.offered(request);
    }

    /// An ACK or a repetition of a change; false where it belongs to something else.
    pub(super) fn receive_for_change(&mut self, request: &Request) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        let Some(incoming) = &mut session.incoming else {
            return false;
        };
        if let Absorbed::Repeated(last) = incoming.transaction.receive(request) {
            if let Some(bytes) = last {
                self.send(bytes);
            }
            return true;
        }
        let of_this = *request.method() == Method::Ack
            && request.cseq().0 == incoming.transaction.request().cseq().0;
        if !of_this || !incoming.transaction.is_answered() {
            return false;
        }
        let had_offer = !incoming.transaction.request().body().is_empty();
        let accepted = incoming.repetition.is_some();
        session.incoming = None;
        if accepted && !had_offer {
            let sdp = request.body_text().map(ToOwned::to_owned);
            self.push(Event::Acknowledged { sdp });
        }
        self.change_settled();
        true
    }

    /// Our re-INVITE or UPDATE was answered for good.
    pub(super) fn receive_change_answer(
        &mut self,
        response: &Response,
        had_offer: bool,
        now_ms: i64,
    ) {
        if response.is_success() {
            self.acknowledge_change(response);
            self.take_timer(response, now_ms);
            self.take_target(&response.contacts());
            if let Some(session) = &mut self.session {
                session.tries = 0;
            }
            if had_offer {
                let sdp = super::caller::sdp_of(response);
                self.push(Event::Changed { sdp });
            }
        } else {
            self.change_failed(response.status(), had_offer, now_ms);
        }
        self.change_settled();
    }

    /// It was refused, or not answered at all (408).
    pub(super) fn change_failed(&mut self, status: u16, had_offer: bool, now_ms: i64) {
        if had_offer {
            self.push(Event::ChangeRefused { status });
        }
        match status {
            // Without its dialog the call is over on both sides (12.2.1.2); the BYE may find nobody.
            408 | 481 => {
                self.send_bye_because(&format!("SIP;cause={status}"), now_ms);
                self.end(EndCause::TimedOut);
            }
            // 500: the peer's own change was not over yet (14.2).
            491 | 500 if had_offer => self.try_again_later(now_ms),
            _ => {}
        }
    }

    /// A repeated 2xx of our last re-INVITE gets its ACK again.
    pub(super) fn repeat_change_ack(&mut self, response: &Response) -> bool {
        let ack = self.session.as_ref().and_then(|session| {
            let ack = session.ack.as_ref()?;
            (response.cseq() == (ack.sequence, Method::Invite)).then(|| ack.bytes.clone())
        });
        if let Some(Some(bytes)) = ack.clone() {
            self.send(bytes);
        }
        ack.is_some()
    }

    pub(super) fn is_change_answer(&self, response: &Response) -> bool {
        let ack = self
            .session
            .as_ref()
            .and_then(|session| session.ack.as_ref());
        ack.is_some_and(|ack| response.cseq() == (ack.sequence, Method::Invite))
            && self
                .dialog
                .as_ref()
                .is_some_and(|dialog| dialog.owns_response(response))
    }

    pub(super) fn elapse_change(&mut self, now_ms: i64) {
        let Some(session) = &mut self.session else {
            return;
        };
        if session.again_ms.is_some_and(|due| due <= now_ms) {
            session.again_ms = None;
            self.change_settled();
        }
        self.repeat_change_answer(now_ms);
        self.elapse_timer(now_ms);
    }

    /// The call ends: what the peer still asked for is answered (15.1.2), nothing more is waited for.
    pub(super) fn drop_change(&mut self, now_ms: i64) {
        let Some(mut session) = self.session.take() else {
            return;
        };
        session.timer = None;
        session.again_ms = None;
        session.wanted = false;
        let asked = session.incoming.take();
        self.session = Some(session);
        if let Some(mut asked) = asked.filter(|asked| !asked.transaction.is_answered()) {
            let request = asked.transaction.request();
            let response = Response::reply_to(request, 487, "Request Terminated", None);
            if let Some(bytes) = asked.transaction.respond(&response, now_ms) {
                self.send(bytes);
            }
        }
    }

    fn start_change(&mut self, method: Method, offer: &str, now_ms: i64) -> bool {
        let pending =
            self.has_incoming_change() || self.outgoing.iter().any(|sent| sent.is_offer());
        let (state, ended) = (self.state, self.ended);
        let Some(session) = self.session.as_mut().filter(|_| !ended) else {
            return false;
        };
        if state != State::Established || pending || session.again_ms.is_some() {
            session.wanted = true;
            return false;
        }
        let purpose = match method {
            Method::Invite => Purpose::Reinvite,
            _ => Purpose::Update { offered: true },
        };
        let Some(mut request) = self.dialog.as_mut().map(|dialog| dialog.request(method)) else {
            return false;
        };
        request.add_header("Allow", ALLOW);
        self.ask_timer(&mut request);
        request.set_body(SDP, offer.as_bytes());
        self.start_in_dialog(request, purpose, now_ms);
        true
    }

    /// An UPDATE without an offer: the peer shows that it lives and where it is (RFC 3311 5.2, RFC 4028 9). It may be
    /// back from a lost connection, and what it did not answer may be lost with that.
    fn refresh(&mut self, request: &Request, now_ms: i64) {
        self.repeat_unanswered();
        self.take_target(&request.contacts());
        let mut response = Response::reply_to(request, 200, "OK", None);
        response.add_header("Contact", &self.local.contact.to_string());
        response.add_header("Allow", ALLOW);
        self.grant_timer_of(request, &mut response, now_ms);
        self.answer_in_dialog(&response);
    }

    /// Sends an answer, and keeps it while the peer may not have got it.
    pub(super) fn answer_in_dialog(&mut self, response: &Response) {
        let bytes = response.to_bytes();
        if let Some(session) = &mut self.session {
            session.answered = Some((response.cseq().0, bytes.clone()));
        }
        self.send(bytes);
    }

    /// The request came again: so does its answer. False where it is not known.
    pub(super) fn repeat_in_dialog(&mut self, request: &Request) -> bool {
        let session = self.session.as_ref();
        let answered = session.and_then(|session| session.answered.as_ref());
        let again = answered
            .filter(|(sequence, _)| *sequence == request.cseq().0)
            .map(|(_, bytes)| bytes.clone());
        let is_known = again.is_some();
        if let Some(bytes) = again {
            self.send(bytes);
        }
        is_known
    }

    fn offered(&mut self, request: &Request) {
        self.take_target(&request.contacts());
        let id = self.next_id;
        self.next_id = id.saturating_add(1);
        let sdp = (request.content_type() == SDP)
            .then(|| request.body_text().map(ToOwned::to_owned))
            .flatten();
        if let Some(session) = &mut self.session {
            session.read_allow(request.header("Allow"));
            session.incoming = Some(Incoming {
                id,
                transaction: ServerTransaction::start(request.clone()),
                repetition: None,
            });
        }
        self.push(Event::Offered { id, sdp });
    }

    fn refuse_for_now(&mut self, request: &Request) {
        let pause = self.seed.below(11).to_string();
        let response = Response::reply_to(request, 500, "Request Pending", None);
        self.send(response.with_header("Retry-After", &pause).to_bytes());
    }

    fn change_reply(&self, id: u32, status: u16, reason: &str) -> Option<Response> {
        let incoming = self.session.as_ref()?.incoming.as_ref()?;
        let is_open = incoming.id == id && !incoming.transaction.is_answered();
        let request = incoming.transaction.request();
        is_open.then(|| Response::reply_to(request, status, reason, None))
    }

    fn answer_change(&mut self, response: &Response, now_ms: i64) {
        let incoming = self
            .session
            .as_mut()
            .and_then(|session| session.incoming.as_mut());
        let Some(incoming) = incoming else {
            return;
        };
        let Some(bytes) = incoming.transaction.respond(response, now_ms) else {
            return;
        };
        let is_invite = *incoming.transaction.request().method() == Method::Invite;
        if is_invite && response.is_success() {
            incoming.repetition = Some(Repetition::start(&bytes, now_ms));
        }
        match (is_invite, &mut self.session) {
            (false, Some(session)) => {
                session.incoming = None;
                self.answer_in_dialog(response);
            }
            _ => self.send(bytes),
        }
        self.change_settled();
    }

    /// No ACK to our 2xx in 64*T1: the session is ended with BYE (14.2).
    fn repeat_change_answer(&mut self, now_ms: i64) {
        let due = self
            .session
            .as_mut()
            .and_then(|session| session.incoming.as_mut())
            .and_then(|incoming| incoming.repetition.as_mut())
            .filter(|repetition| repetition.next_ms() <= now_ms);
        let Some(repetition) = due else {
            return;
        };
        match repetition.again(now_ms) {
            Some(bytes) => self.send(bytes),
            None => {
                self.send_bye_because(UNACKNOWLEDGED, now_ms);
                self.end(EndCause::NotAcknowledged);
            }
        }
    }

    fn acknowledge_change(&mut self, response: &Response) {
        let (sequence, method) = response.cseq();
        if method != Method::Invite {
            return;
        }
        let Some(dialog) = &self.dialog else {
            return;
        };
        let mut ack = dialog.acknowledgement(sequence);
        self.complete(&mut ack);
        let bytes = ack.to_bytes();
        self.send(bytes.clone());
        if let Some(session) = &mut self.session {
            session.ack = Some(Acknowledged {
                sequence,
                bytes: Some(bytes),
            });
        }
    }

    /// 491: the caller waits 2.1 to 4 seconds, the answerer up to 2 (14.1), in steps of 10 ms.
    fn try_again_later(&mut self, now_ms: i64) {
        let (least, spread) = match self.side {
            Side::Caller(_) => (2_100, 191),
            Side::Answerer { .. } => (0, 201),
        };
        let pause = self.seed.below(spread).saturating_mul(10);
        if let Some(session) = &mut self.session
            && session.tries < MOST_TRIES
        {
            session.tries = session.tries.saturating_add(1);
            session.wanted = true;
            session.again_ms = Some(now_ms.saturating_add(pause.saturating_add(least)));
        }
    }

    /// Nothing is under way any more: a host that had to wait may offer.
    fn change_settled(&mut self) {
        let pending =
            self.has_incoming_change() || self.outgoing.iter().any(|sent| sent.is_offer());
        let is_open = self.state == State::Established && !pending;
        let Some(session) = self.session.as_mut().filter(|_| is_open) else {
            return;
        };
        if session.wanted && session.again_ms.is_none() {
            session.wanted = false;
            self.push(Event::MayOffer);
        }
    }

    fn has_incoming_change(&self) -> bool {
        self.incoming_change().is_some()
    }

    /// The peer's re-INVITE or UPDATE that is under way.
    pub(super) fn incoming_change(&self) -> Option<&Request> {
        let incoming = self.session.as_ref()?.incoming.as_ref()?;
        Some(incoming.transaction.request())
    }

    fn take_target(&mut self, contacts: &[crate::NameAddr]) {
        if let (Some(dialog), Some(contact)) = (&mut self.dialog, contacts.first()) {
            dialog.set_target(&contact.uri);
        }
    }
}
