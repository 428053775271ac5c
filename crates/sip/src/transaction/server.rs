//! Server transactions (RFC 3261 sections 17.2.1 and 17.2.2, with RFC 6026 for 2xx).

use serde::{Deserialize, Serialize};

use super::{PATIENCE_MS, stored, stored_bytes};
use crate::{method::Method, request::Request, response::Response};

/// A request that came, until its answer is settled.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ServerTransaction {
    #[serde(with = "stored")]
    request: Request,
    state: State,
    #[serde(with = "stored_bytes")]
    last: Option<Vec<u8>>,
    deadline_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// "Trying" or "Proceeding": no final answer yet.
    Proceeding,
    /// A 2xx to an INVITE was sent ("Accepted", RFC 6026): its repetition is the user's work.
    Accepted,
    /// A failure of an INVITE was sent; its ACK is awaited for timer H.
    Completed,
    /// Settled.
    Over,
}

/// What a request means to a transaction that already exists.
#[derive(Clone, Debug, PartialEq)]
pub enum Absorbed {
    /// A repetition: this is to be sent again, if anything was sent yet.
    Repeated(Option<Vec<u8>>),
    /// The ACK to our failure.
    Acknowledged,
    /// Not for this transaction.
    Foreign,
}

impl ServerTransaction {
    /// The transaction of a request that came now.
    #[must_use]
    pub const fn start(request: Request) -> Self {
        Self {
            request,
            state: State::Proceeding,
            last: None,
            deadline_ms: None,
        }
    }

    /// The request as it came.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Whether the request belongs here (RFC 3261 17.2.3): same branch and sent-by, same method or its ACK.
    #[must_use]
    pub fn matches(&self, request: &Request) -> bool {
        let same_method = request.method() == self.request.method()
            || (*request.method() == Method::Ack && *self.request.method() == Method::Invite);
        same_method && self.same_hop(request)
    }

    /// Whether this CANCEL means our request (RFC 3261 9.2).
    #[must_use]
    pub fn is_cancelled_by(&self, cancel: &Request) -> bool {
        *cancel.method() == Method::Cancel && self.same_hop(cancel)
    }

    /// Whether the request is ours that has come another way (RFC 3261 8.2.2.2): one of no dialog yet, with the same
    /// From tag, Call-ID and CSeq. Whoever else was called knows these three too, so it must come from the same address
    /// as well; more than that only the host can compare.
    #[must_use]
    pub fn has_merged(&self, request: &Request) -> bool {
        let (ours, theirs) = (self.request.from(), request.from());
        request.to().tag().is_none()
            && ours.tag() == theirs.tag()
            && ours.uri == theirs.uri
            && self.request.call_id() == request.call_id()
            && self.request.cseq() == request.cseq()
            && !self.same_hop(request)
    }

    /// Answers; the bytes are to be sent. Nothing after a final answer.
    pub fn respond(&mut self, response: &Response, now_ms: i64) -> Option<Vec<u8>> {
        if self.state != State::Proceeding {
            return None;
        }
        let bytes = response.to_bytes();
        self.last = Some(bytes.clone());
        if !response.is_provisional() {
            self.state = self.state_after(response);
            self.deadline_ms = matches!(self.state, State::Completed | State::Accepted)
                .then(|| now_ms.saturating_add(PATIENCE_MS));
        }
        Some(bytes)
    }

    /// A request came that may belong here.
    pub fn receive(&mut self, request: &Request) -> Absorbed {
        if !self.matches(request) {
            return Absorbed::Foreign;
        }
        if *request.method() != Method::Ack {
            return Absorbed::Repeated(self.last.clone());
        }
        if self.state == State::Completed {
            self.finish();
            return Absorbed::Acknowledged;
        }
        Absorbed::Foreign
    }

    /// Whether a final answer was given.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.state != State::Proceeding
    }

    /// Whether nothing more is to come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// When timer H or L ends.
    #[must_use]
    pub const fn deadline_ms(&self) -> Option<i64> {
        self.deadline_ms
    }

    /// Ends the transaction when its timer has run out.
    pub fn elapse(&mut self, now_ms: i64) {
        if self.deadline_ms.is_some_and(|deadline| deadline <= now_ms) {
            self.finish();
        }
    }

    fn state_after(&self, response: &Response) -> State {
        match (self.request.method(), response.is_success()) {
            (Method::Invite, true) => State::Accepted,
            (Method::Invite, false) => State::Completed,
            _ => State::Over,
        }
    }

    fn same_hop(&self, request: &Request) -> bool {
        let ours = self.request.top_via();
        let theirs = request.top_via();
        ours.zip(theirs).is_some_and(|(ours, theirs)| {
            ours.branch() == theirs.branch()
                && ours.sent_by().eq_ignore_ascii_case(&theirs.sent_by())
        })
    }

    const fn finish(&mut self) {
        self.state = State::Over;
        self.deadline_ms = None;
    }
}
