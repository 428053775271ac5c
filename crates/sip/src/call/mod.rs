//! One INVITE session (RFC 3261 sections 12 to 15) as a plain value that can be stored and woken, for
//! both roles: the caller and the answerer.
//!
//! Give it one input (a message, a command or the time), then drain [`Call::poll`] until it is empty,
//! store the call, and come back at [`Call::wake_at`] or with the next input. It has no clock and no
//! randomness: time is milliseconds since an origin the host chose, the seed comes with its making.
//! Outputs and credentials are not stored with it.

mod answerer;
mod caller;
mod change;
mod command;
pub mod event;
mod in_dialog;
mod resumption;
mod timer;

use std::collections::VecDeque;

use event::{EndCause, Event, Output};
use serde::{Deserialize, Serialize};

use crate::{
    NameAddr, Via, credentials::Credentials, dialog::Dialog, message::Message, method::Method,
    request::Request, response::Response, sdp::CONTENT_TYPE as SDP, seed::Seed,
    transaction::ServerTransaction,
};
use answerer::Repetition;
pub use caller::Placing;
pub(crate) use caller::greeting_url;
use change::Session;
use command::WantedBye;
use in_dialog::{IncomingInfo, Outgoing};

/// What we understand (RFC 3261 20.5).
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, NOTIFY";

/// How long a call may ring without a word, in milliseconds.
const RINGING_MS: i64 = 180_000;

/// Our own end: where the peer finds us.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Local {
    /// Goes into Contact.
    pub contact: NameAddr,
    /// Our Via; every request gets a branch of its own.
    pub via: Via,
}

/// One call.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Call {
    seed: Seed,
    local: Local,
    state: State,
    side: Side,
    dialog: Option<Dialog>,
    outgoing: Vec<Outgoing>,
    infos: Vec<IncomingInfo>,
    next_id: u32,
    wanted_bye: Option<WantedBye>,
    ended: bool,
    /// Only where the session may be changed in mid-call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<Box<Session>>,
    #[serde(skip)]
    credentials: Credentials,
    #[serde(skip)]
    outputs: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// No final answer yet.
    Setup,
    /// Answerer: the 2xx is out, the ACK is not here.
    Accepted,
    /// The dialog stands.
    Established,
    /// The host was told of the end; transactions are still running out.
    Closing,
    /// Nothing more is to come.
    Over,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "side", rename_all = "snake_case")]
enum Side {
    Caller(Box<caller::Caller>),
    Answerer {
        invite: Box<ServerTransaction>,
        tag: String,
        repetition: Option<Repetition>,
    },
}

impl Call {
    /// A message came that [`Self::owns`].
    pub fn receive(&mut self, message: &Message, now_ms: i64) {
        match message {
            Message::Request(request) => self.receive_request(request, now_ms),
            Message::Response(response) => self.receive_response(response, now_ms),
        }
        self.settle();
    }

    /// Whether the message belongs to this call.
    #[must_use]
    pub fn owns(&self, message: &Message) -> bool {
        match message {
            Message::Request(request) => self.owns_request(request),
            Message::Response(response) => self.owns_response(response),
        }
    }

    /// Whether a new request is this incoming call's INVITE once more, come another way because a proxy forked it (RFC
    /// 3261 section 8.2.2.2): it is answered with 482.
    #[must_use]
    pub fn has_merged(&self, request: &Request) -> bool {
        match &self.side {
            Side::Answerer { invite, .. } => invite.has_merged(request),
            Side::Caller(_) => false,
        }
    }

    /// Time has come to [`Self::wake_at`] or past it.
    pub fn elapse(&mut self, now_ms: i64) {
        self.elapse_invite(now_ms);
        self.elapse_outgoing(now_ms);
        self.elapse_change(now_ms);
        self.settle();
    }

    /// The connection to the peer is gone for good: the call is over on this side.
    pub fn connection_lost(&mut self) {
        self.end(EndCause::ConnectionLost);
        self.state = State::Over;
    }

    /// The next output; call until nothing comes.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Self::elapse`] must be called next.
    #[must_use]
    pub fn wake_at(&self) -> Option<i64> {
        if self.is_over() {
            return None;
        }
        let outgoing = self.outgoing.iter().filter_map(Outgoing::deadline_ms);
        let change = self.session.as_ref().and_then(|session| session.due_ms());
        outgoing.chain(self.invite_wakes_at()).chain(change).min()
    }

    /// Whether nothing more is to come: the value may be thrown away.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether the host was told of the end. What is still to come are answers and acknowledgements that change
    /// nothing: over a reliable transport a host may forget the call now.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether the dialog stands: INFO may be sent.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.state == State::Established
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.invite_request().call_id()
    }

    /// The INVITE of this call, as we sent it last or as it came.
    #[must_use]
    pub fn invite_request(&self) -> &Request {
        match &self.side {
            Side::Caller(caller) => caller.invite(),
            Side::Answerer { invite, .. } => invite.request(),
        }
    }

    fn invite_wakes_at(&self) -> Option<i64> {
        match &self.side {
            Side::Caller(caller) => caller.wakes_at(),
            Side::Answerer {
                invite, repetition, ..
            } => repetition
                .as_ref()
                .map(Repetition::next_ms)
                .into_iter()
                .chain(invite.deadline_ms())
                .min(),
        }
    }

    fn elapse_invite(&mut self, now_ms: i64) {
        match self.side {
            Side::Caller(_) => self.elapse_caller(now_ms),
            Side::Answerer { .. } => self.elapse_answerer(now_ms),
        }
    }

    fn owns_request(&self, request: &Request) -> bool {
        let of_dialog = self
            .dialog
            .as_ref()
            .is_some_and(|dialog| dialog.owns_request(request));
        let of_invite = match &self.side {
            Side::Caller(_) => false,
            Side::Answerer { invite, .. } => {
                invite.matches(request) || invite.is_cancelled_by(request)
            }
        };
        of_dialog || of_invite
    }

    fn owns_response(&self, response: &Response) -> bool {
        let of_outgoing = self.outgoing.iter().any(|sent| sent.matches(response));
        let of_invite = match &self.side {
            Side::Caller(caller) => caller.owns(response),
            Side::Answerer { .. } => false,
        };
        of_outgoing || of_invite || self.is_change_answer(response)
    }

    fn receive_request(&mut self, request: &Request, now_ms: i64) {
        if self.receive_for_change(request) {
            return;
        }
        match (request.method(), &self.side) {
            (Method::Ack | Method::Cancel, Side::Answerer { .. }) => {
                self.receive_for_invite(request, now_ms);
            }
            (Method::Ack | Method::Cancel, Side::Caller(_)) => {}
            (Method::Invite, Side::Answerer { invite, .. }) if invite.matches(request) => {
                self.repeat_answer(request);
            }
            _ => self.receive_in_dialog(request, now_ms),
        }
    }

    fn receive_response(&mut self, response: &Response, now_ms: i64) {
        let known = self.outgoing.iter().position(|sent| sent.matches(response));
        match known {
            Some(at) => self.receive_outgoing(at, response, now_ms),
            None if self.repeat_change_ack(response) => {}
            None => self.receive_invite_response(response, now_ms),
        }
    }

    /// A closing call without running transactions is over; an INFO may be answered even after a BYE.
    fn settle(&mut self) {
        let invite_settled = match &self.side {
            Side::Caller(caller) => caller.is_settled(),
            Side::Answerer {
                invite, repetition, ..
            } => {
                repetition.is_none()
                    && invite.is_answered()
                    && (invite.is_over() || self.dialog.is_some())
            }
        };
        if self.state == State::Closing
            && self.outgoing.is_empty()
            && self.infos.is_empty()
            && invite_settled
        {
            self.state = State::Over;
        }
    }

    /// The 2xx is not repeated any more: the peer has shown that it knows of it.
    fn stop_repetition(&mut self) {
        if let Side::Answerer { repetition, .. } = &mut self.side {
            *repetition = None;
        }
    }

    fn end(&mut self, cause: EndCause) {
        self.end_with(Event::Ended {
            cause,
            reason: None,
            body: None,
        });
    }

    /// Tells the host of the end, once.
    fn end_with(&mut self, event: Event) {
        if !self.ended {
            self.ended = true;
            self.push(event);
        }
        if self.state != State::Over {
            self.state = State::Closing;
        }
    }

    fn push(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn send(&mut self, bytes: Vec<u8>) {
        self.outputs.push_back(Output::Send(bytes));
    }

    /// Completes a request of ours with Via, Contact and Allow.
    fn complete(&mut self, request: &mut Request) {
        let mut via = self.local.via.clone();
        via.params.set("branch", self.seed.branch());
        request.push_via(&via);
        if *request.method() != Method::Bye {
            request.set_header("Contact", &self.local.contact.to_string());
        }
    }
}
