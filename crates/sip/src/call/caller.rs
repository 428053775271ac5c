//! The caller's half of a call: INVITE, its answers, ACK and CANCEL (RFC 3261 sections 9.1 and 13.2).

use serde::{Deserialize, Serialize};

use super::{
    ALLOW, Call, Event, Local, RINGING_MS, SDP, Side, State,
    change::Session,
    event::EndCause,
    in_dialog::{Outgoing, Purpose},
    timer,
};
use crate::{
    NameAddr, Uri, Via, asserted,
    credentials::{self, Credentials},
    dialog::Dialog,
    method::Method,
    request::Request,
    response::Response,
    sdp,
    seed::Seed,
    transaction::{ClientTransaction, PATIENCE_MS, Received, stored_bytes},
};

/// What a new outgoing call needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Placing {
    /// The address dialled: Request-URI and To.
    pub to: Uri,
    /// Who we are, without tag.
    pub from: NameAddr,
    /// Where the peer finds us.
    pub local: Local,
    /// SDP offer; nothing for an INVITE without offer.
    pub offer: Option<String>,
    /// Proof for a challenge, or for sending at once.
    pub credentials: Credentials,
}

/// What the caller's half remembers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Caller {
    transaction: ClientTransaction,
    /// The ACK to the 2xx, sent again when the 2xx is repeated.
    #[serde(with = "stored_bytes")]
    ack: Option<Vec<u8>>,
    /// The host wants no call any more; CANCEL goes out as soon as it may (9.1).
    cancelled: bool,
    cancel_sent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<String>,
    authenticated: bool,
}

impl Caller {
    pub(super) const fn invite(&self) -> &Request {
        self.transaction.request()
    }

    pub(super) const fn wakes_at(&self) -> Option<i64> {
        self.transaction.deadline_ms()
    }

    pub(super) fn is_settled(&self) -> bool {
        self.transaction.is_over()
    }

    /// Its own transaction's responses, and every 2xx to the INVITE, from any branch of a fork.
    pub(super) fn owns(&self, response: &Response) -> bool {
        let invite = self.invite();
        self.transaction.matches(response)
            || (response.cseq() == invite.cseq()
                && response.call_id() == invite.call_id()
                && response.from().tag() == invite.from().tag())
    }
}

impl Call {
    /// Places a call: the INVITE is the first output.
    #[must_use]
    pub fn place(placing: Placing, seed: [u8; 32], now_ms: i64) -> Self {
        Self::start_call(placing, None, seed, now_ms)
    }

    /// Places a call whose session may be changed once it stands, with session timers (RFC 4028): as an answerer's
    /// after [`Self::negotiate`].
    #[must_use]
    pub fn converse(placing: Placing, seed: [u8; 32], now_ms: i64) -> Self {
        Self::start_call(placing, Some(Box::default()), seed, now_ms)
    }

    fn start_call(
        placing: Placing,
        session: Option<Box<Session>>,
        seed: [u8; 32],
        now_ms: i64,
    ) -> Self {
        let mut seed = Seed::new(seed);
        let mut invite = invite(&placing, &mut seed);
        if session.is_some() {
            timer::ask(&mut invite, None);
        }
        let bytes = invite.to_bytes();
        let mut call = Self {
            seed,
            local: placing.local,
            state: State::Setup,
            side: Side::Caller(Box::new(Caller {
                transaction: ClientTransaction::start(invite, now_ms),
                ack: None,
                cancelled: false,
                cancel_sent: false,
                cancel_reason: None,
                authenticated: false,
            })),
            dialog: None,
            outgoing: Vec::new(),
            infos: Vec::new(),
            next_id: 1,
            wanted_bye: None,
            ended: false,
            session,
            credentials: placing.credentials,
            outputs: std::collections::VecDeque::new(),
        };
        call.send(bytes);
        call
    }

    /// Gives a call that was stored its credentials back.
    pub fn set_credentials(&mut self, credentials: Credentials) {
        self.credentials = credentials;
    }

    pub(super) fn receive_invite_response(&mut self, response: &Response, now_ms: i64) {
        let Side::Caller(caller) = &mut self.side else {
            return;
        };
        if response.is_success() {
            caller.transaction.receive(response);
            return self.receive_answer(response, now_ms);
        }
        match caller.transaction.receive(response) {
            Received::Nothing => {}
            Received::Provisional => self.receive_provisional(response, now_ms),
            Received::Final { acknowledgement } => {
                if let Some(bytes) = acknowledgement {
                    self.send(bytes);
                }
                self.receive_failure(response, now_ms);
            }
        }
    }

    pub(super) fn elapse_caller(&mut self, now_ms: i64) {
        let Side::Caller(caller) = &mut self.side else {
            return;
        };
        let rang = caller.transaction.is_proceeding() && !caller.cancelled;
        if !caller.transaction.elapse(now_ms) {
            return;
        }
        if rang {
            self.end(EndCause::TimedOut);
        } else {
            self.end_with(Event::Rejected {
                status: 408,
                reason: "Request Timeout".to_owned(),
                answerer: None,
            });
        }
    }

    /// Ends a call that was not answered: CANCEL once a provisional response was seen.
    pub(super) fn cancel(&mut self, reason: Option<String>, now_ms: i64) {
        if let Side::Caller(caller) = &mut self.side {
            caller.cancelled = true;
            caller.cancel_reason = reason;
        }
        self.end(EndCause::Cancelled);
        self.send_cancel(now_ms);
    }

    fn receive_provisional(&mut self, response: &Response, now_ms: i64) {
        let Side::Caller(caller) = &mut self.side else {
            return;
        };
        if caller.cancelled {
            return self.send_cancel(now_ms);
        }
        caller
            .transaction
            .wait_until(now_ms.saturating_add(RINGING_MS));
        if response.status() > 100 {
            self.push(Event::Ringing {
                status: response.status(),
            });
        }
    }

    fn send_cancel(&mut self, now_ms: i64) {
        let Side::Caller(caller) = &mut self.side else {
            return;
        };
        if caller.cancel_sent || !caller.transaction.is_proceeding() {
            return;
        }
        caller.cancel_sent = true;
        caller
            .transaction
            .wait_until(now_ms.saturating_add(PATIENCE_MS));
        let mut cancel = caller.transaction.cancel();
        if let Some(reason) = &caller.cancel_reason {
            cancel.add_header("Reason", reason);
        }
        self.start(cancel, Purpose::Cancel, now_ms);
    }

    fn receive_failure(&mut self, response: &Response, now_ms: i64) {
        let may_try = self.state == State::Setup;
        if may_try && (self.place_again(response, now_ms) || self.place_longer(response, now_ms)) {
            return;
        }
        self.end_with(Event::Rejected {
            status: response.status(),
            reason: response.reason().to_owned(),
            answerer: asserted::identity(response.headers(asserted::HEADER)).map(Box::new),
        });
    }

    /// Answers a challenge (22.2): a new INVITE in the same call, once.
    fn place_again(&mut self, response: &Response, now_ms: i64) -> bool {
        let Side::Caller(caller) = &mut self.side else {
            return false;
        };
        if caller.authenticated || caller.cancelled {
            return false;
        }
        let cnonce = self.seed.hex();
        let Some(invite) =
            credentials::answer(caller.invite(), response, &self.credentials, &cnonce)
        else {
            return false;
        };
        caller.authenticated = true;
        self.place_anew(invite, now_ms);
        true
    }

    /// Asks for the longer life that a 422 demands (RFC 4028 7.3), once.
    fn place_longer(&mut self, response: &Response, now_ms: i64) -> bool {
        let Some((session, least)) = self.session.as_mut().zip(timer::least(response)) else {
            return false;
        };
        if session.least_s.replace(least).is_some() {
            return false;
        }
        let mut invite = self.invite_request().clone();
        timer::ask(&mut invite, Some(least));
        self.place_anew(invite, now_ms);
        true
    }

    /// A new INVITE in the same call: next CSeq, own branch.
    fn place_anew(&mut self, mut invite: Request, now_ms: i64) {
        credentials::renew(&mut invite, &self.seed.branch());
        let bytes = invite.to_bytes();
        if let Side::Caller(caller) = &mut self.side {
            caller.transaction = ClientTransaction::start(invite, now_ms);
        }
        self.send(bytes);
    }

    /// A 2xx: the first makes the dialog, its repetition gets the ACK again, one of another branch is
    /// taken and ended at once (13.2.2.4).
    fn receive_answer(&mut self, response: &Response, now_ms: i64) {
        let repeated = self
            .dialog
            .as_ref()
            .is_some_and(|dialog| dialog.owns_response(response));
        if repeated {
            return self.repeat_ack();
        }
        let mut dialog = Dialog::of_caller(self.invite_request(), response);
        let ack = self.acknowledge(&dialog, response);
        if self.dialog.is_some() || self.state != State::Setup {
            let bye = dialog.request(Method::Bye);
            self.start_in_dialog(bye, Purpose::Bye, now_ms);
            return;
        }
        if let Side::Caller(caller) = &mut self.side {
            caller.ack = Some(ack);
        }
        self.dialog = Some(dialog);
        self.state = State::Established;
        self.take_timer(response, now_ms);
        self.push(Event::Answered {
            sdp: sdp_of(response),
            greeting_url: greeting_url(response.headers("Call-Info")),
            answerer: asserted::identity(response.headers(asserted::HEADER)).map(Box::new),
        });
    }

    fn acknowledge(&mut self, dialog: &Dialog, response: &Response) -> Vec<u8> {
        let mut ack = dialog.acknowledgement(response.cseq().0);
        self.complete(&mut ack);
        let offered = self.invite_request().content_type() == SDP;
        if let Some(offer) = sdp_of(response).filter(|_| !offered)
            && let Ok(answer) = sdp::refuse_all(&offer)
        {
            ack.set_body(SDP, answer.as_bytes());
        }
        let bytes = ack.to_bytes();
        self.send(bytes.clone());
        bytes
    }

    fn repeat_ack(&mut self) {
        let ack = match &self.side {
            Side::Caller(caller) => caller.ack.clone(),
            Side::Answerer { .. } => None,
        };
        if let Some(bytes) = ack {
            self.send(bytes);
        }
    }

    /// Completes a request of a dialog and starts its transaction.
    pub(super) fn start_in_dialog(&mut self, mut request: Request, purpose: Purpose, now_ms: i64) {
        self.complete(&mut request);
        self.start(request, purpose, now_ms);
    }

    fn start(&mut self, request: Request, purpose: Purpose, now_ms: i64) {
        self.send(request.to_bytes());
        self.outgoing.push(Outgoing::new(request, purpose, now_ms));
    }
}

fn invite(placing: &Placing, seed: &mut Seed) -> Request {
    let mut request = Request::new(Method::Invite, placing.to.clone());
    let mut via: Via = placing.local.via.clone();
    via.params.set("branch", seed.branch());
    request.push_via(&via);
    request.set_max_forwards(70);
    let from = placing.from.clone().with_tag(&seed.hex());
    request.add_header("From", &from.to_string());
    request.add_header("To", &NameAddr::new(placing.to.clone()).to_string());
    request.add_header("Call-ID", &format!("{}{}", seed.hex(), seed.hex()));
    request.set_cseq(1, &Method::Invite);
    request.add_header("Contact", &placing.local.contact.to_string());
    request.add_header("Allow", ALLOW);
    request.add_header("Accept", "application/sdp, text/plain");
    credentials::introduce(&mut request, &placing.credentials);
    if let Some(offer) = &placing.offer {
        request.set_body(SDP, offer.as_bytes());
    }
    request
}

pub(super) fn sdp_of(response: &Response) -> Option<String> {
    (response.content_type() == SDP)
        .then(|| response.body_text().map(ToOwned::to_owned))
        .flatten()
}

/// The URL in `Call-Info: <URL>;purpose=afterbeep-greeting`.
pub(crate) fn greeting_url<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    let value = values
        .flat_map(|value| crate::text::split(value, ','))
        .find(|value| value.contains("purpose=afterbeep-greeting"))?;
    let (_, rest) = value.split_once('<')?;
    rest.split_once('>').map(|(url, _)| url.to_owned())
}
