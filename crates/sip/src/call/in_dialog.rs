//! Requests inside the dialog, both ways (RFC 3261 section 12.2).

use serde::{Deserialize, Serialize};

use super::{
    ALLOW, Call, Event, State,
    event::{Body, EndCause},
};
use crate::{
    credentials,
    method::Method,
    request::Request,
    response::Response,
    transaction::{ClientTransaction, PATIENCE_MS, Received, stored},
};

/// A request of ours that waits for its answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Outgoing {
    transaction: ClientTransaction,
    purpose: Purpose,
    authenticated: bool,
}

/// What an outgoing request is for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub(super) enum Purpose {
    Bye,
    Cancel,
    Info { id: u32 },
    Reinvite,
    Update { offered: bool },
}

/// An INFO that the host has not answered yet.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct IncomingInfo {
    pub(super) id: u32,
    #[serde(with = "stored")]
    pub(super) request: Request,
}

impl Outgoing {
    pub(super) const fn new(request: Request, purpose: Purpose, now_ms: i64) -> Self {
        Self {
            transaction: ClientTransaction::start(request, now_ms),
            purpose,
            authenticated: false,
        }
    }

    pub(super) fn matches(&self, response: &Response) -> bool {
        self.transaction.matches(response)
    }

    /// Whether an offer of ours waits for its answer.
    pub(super) const fn is_offer(&self) -> bool {
        matches!(
            self.purpose,
            Purpose::Reinvite | Purpose::Update { offered: true }
        )
    }

    /// The request once more, as it was.
    pub(super) fn repetition(&self) -> Vec<u8> {
        self.transaction.request().to_bytes()
    }

    pub(super) const fn deadline_ms(&self) -> Option<i64> {
        self.transaction.deadline_ms()
    }
}

impl Call {
    pub(super) fn receive_outgoing(&mut self, at: usize, response: &Response, now_ms: i64) {
        let Some(sent) = self.outgoing.get_mut(at) else {
            return;
        };
        let acknowledgement = match sent.transaction.receive(response) {
            Received::Final { acknowledgement } => acknowledgement,
            Received::Provisional => {
                return sent
                    .transaction
                    .wait_until(now_ms.saturating_add(PATIENCE_MS));
            }
            Received::Nothing => return,
        };
        if let Some(bytes) = acknowledgement {
            self.send(bytes);
        }
        let sent = self.outgoing.swap_remove(at);
        if self.send_again(&sent, response, now_ms) {
            return;
        }
        match sent.purpose {
            Purpose::Reinvite | Purpose::Update { .. } => {
                self.receive_change_answer(response, sent.is_offer(), now_ms);
            }
            purpose => self.outgoing_settled(purpose, response.status()),
        }
    }

    pub(super) fn elapse_outgoing(&mut self, now_ms: i64) {
        let (late, waiting) = core::mem::take(&mut self.outgoing)
            .into_iter()
            .partition(|sent: &Outgoing| sent.deadline_ms().is_some_and(|due| due <= now_ms));
        self.outgoing = waiting;
        let late: Vec<Outgoing> = late;
        for sent in late {
            match sent.purpose {
                Purpose::Reinvite | Purpose::Update { .. } => {
                    self.change_failed(408, sent.is_offer(), now_ms);
                }
                purpose => self.outgoing_settled(purpose, 408),
            }
        }
    }

    /// A challenge to a request in the dialog is answered once, with a new CSeq.
    fn send_again(&mut self, sent: &Outgoing, response: &Response, now_ms: i64) -> bool {
        if sent.authenticated || sent.purpose == Purpose::Cancel {
            return false;
        }
        let cnonce = self.seed.hex();
        let request = sent.transaction.request();
        let answer = credentials::answer(request, response, &self.credentials, &cnonce);
        let Some((mut request, dialog)) = answer.zip(self.dialog.as_mut()) else {
            return false;
        };
        let (number, method) = dialog.request(request.method().clone()).cseq();
        request.set_cseq(number, &method);
        credentials::set_branch(&mut request, &self.seed.branch());
        self.send(request.to_bytes());
        let mut again = Outgoing::new(request, sent.purpose, now_ms);
        again.authenticated = true;
        self.outgoing.push(again);
        true
    }

    /// An INFO that fails ends only itself (RFC 6086), unless the peer knows no such dialog (RFC 5057).
    fn outgoing_settled(&mut self, purpose: Purpose, status: u16) {
        let Purpose::Info { id } = purpose else {
            return;
        };
        self.push(Event::InfoAnswered { id, status });
        if status == 481 {
            self.end(EndCause::HungUpThere);
        }
    }

    pub(super) fn receive_in_dialog(&mut self, request: &Request, now_ms: i64) {
        let repeated = self
            .infos
            .iter()
            .any(|info| info.request.cseq() == request.cseq());
        if repeated {
            return;
        }
        let in_order = self
            .dialog
            .as_mut()
            .is_some_and(|dialog| dialog.advance(request));
        if !in_order && self.repeat_in_dialog(request) {
            return;
        }
        if !in_order {
            return self.refuse(request, 500, "CSeq Out Of Order");
        }
        match request.method() {
            Method::Bye => self.receive_bye(request, now_ms),
            Method::Info => self.receive_info(request, now_ms),
            Method::Options => {
                let response = Response::reply_to(request, 200, "OK", None);
                self.answer_in_dialog(&response.with_header("Allow", ALLOW));
            }
            Method::Invite | Method::Update => self.receive_change(request, now_ms),
            method if method.is_known() => self.refuse(request, 405, "Method Not Allowed"),
            _ => self.refuse(request, 501, "Not Implemented"),
        }
    }

    fn receive_bye(&mut self, request: &Request, now_ms: i64) {
        self.drop_change(now_ms);
        let response = Response::reply_to(request, 200, "OK", None);
        self.send(response.to_bytes());
        self.stop_repetition();
        let body = (!request.body().is_empty()).then(|| Body {
            content_type: request.content_type(),
            bytes: request.body().to_vec(),
        });
        self.end_with(Event::Ended {
            cause: EndCause::HungUpThere,
            reason: request.header("Reason").map(ToOwned::to_owned),
            body,
        });
    }

    /// An INFO is the host's to answer; after the end there is no host to ask.
    fn receive_info(&mut self, request: &Request, _now_ms: i64) {
        if !matches!(self.state, State::Accepted | State::Established) {
            return self.refuse(request, 481, "Call Does Not Exist");
        }
        let id = self.next_id;
        self.next_id = id.saturating_add(1);
        self.infos.push(IncomingInfo {
            id,
            request: request.clone(),
        });
        self.push(Event::Info {
            id,
            content_type: request.content_type(),
            body: request.body().to_vec(),
        });
    }

    pub(super) fn refuse(&mut self, request: &Request, status: u16, reason: &str) {
        if *request.method() == Method::Ack {
            return;
        }
        let mut response = Response::reply_to(request, status, reason, None);
        if status == 405 {
            response.add_header("Allow", ALLOW);
        }
        self.send(response.to_bytes());
    }
}
