//! Client transactions (RFC 3261 sections 17.1.1 and 17.1.2).

use serde::{Deserialize, Serialize};

use super::{PATIENCE_MS, stored};
use crate::{method::Method, request::Request, response::Response};

/// A request on its way, until its final answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ClientTransaction {
    #[serde(with = "stored")]
    request: Request,
    state: State,
    deadline_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// "Calling" or "Trying": nothing came yet.
    Waiting,
    /// A provisional response came.
    Proceeding,
    /// The final response came, or time ran out.
    Over,
}

/// What a response means to its transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    /// It came too late, or the transaction is over.
    Nothing,
    /// A provisional response for the user of the transaction.
    Provisional,
    /// The final response. `acknowledgement` is to be sent at once: the ACK to a failed INVITE.
    Final {
        /// The ACK on the wire (RFC 3261 17.1.1.3); nothing for a 2xx or another method.
        acknowledgement: Option<Vec<u8>>,
    },
}

impl ClientTransaction {
    /// The transaction of a request that is being sent now.
    #[must_use]
    pub const fn start(request: Request, now_ms: i64) -> Self {
        Self {
            request,
            state: State::Waiting,
            deadline_ms: Some(now_ms.saturating_add(PATIENCE_MS)),
        }
    }

    /// The request as it was sent.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// Whether the response belongs here (RFC 3261 17.1.3): same branch, same method.
    #[must_use]
    pub fn matches(&self, response: &Response) -> bool {
        let sent = self.request.top_via();
        let came = response.top_via();
        sent.zip(came)
            .is_some_and(|(sent, came)| sent.branch() == came.branch())
            && response.cseq().1 == *self.request.method()
    }

    /// A response that [`Self::matches`] came.
    pub fn receive(&mut self, response: &Response) -> Received {
        if self.state == State::Over {
            return Received::Nothing;
        }
        if response.is_provisional() {
            self.state = State::Proceeding;
            if *self.request.method() == Method::Invite {
                self.deadline_ms = None;
            }
            return Received::Provisional;
        }
        self.finish();
        let failed_invite = *self.request.method() == Method::Invite && !response.is_success();
        Received::Final {
            acknowledgement: failed_invite.then(|| self.acknowledgement(response).to_bytes()),
        }
    }

    /// Whether a provisional response came: only then may an INVITE be cancelled (RFC 3261 9.1).
    #[must_use]
    pub fn is_proceeding(&self) -> bool {
        self.state == State::Proceeding
    }

    /// Whether nothing more is to come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// When the patience of timer B or F ends.
    #[must_use]
    pub const fn deadline_ms(&self) -> Option<i64> {
        self.deadline_ms
    }

    /// Gives an INVITE that was answered provisionally, or cancelled, a new end of patience.
    pub const fn wait_until(&mut self, deadline_ms: i64) {
        self.deadline_ms = Some(deadline_ms);
    }

    /// Whether the patience ended just now; the transaction is over then, as if 408 had come.
    pub fn elapse(&mut self, now_ms: i64) -> bool {
        let late = self.deadline_ms.is_some_and(|deadline| deadline <= now_ms)
            && self.state != State::Over;
        if late {
            self.finish();
        }
        late
    }

    /// The CANCEL of this INVITE (RFC 3261 9.1); it runs in a transaction of its own.
    #[must_use]
    pub fn cancel(&self) -> Request {
        self.companion(
            Method::Cancel,
            self.request.header("To").unwrap_or_default(),
        )
    }

    /// The ACK to a failure: as the INVITE, with the To of the response (RFC 3261 17.1.1.3).
    fn acknowledgement(&self, response: &Response) -> Request {
        self.companion(Method::Ack, response.header("To").unwrap_or_default())
    }

    fn companion(&self, method: Method, to: &str) -> Request {
        let invite = &self.request;
        let mut request = Request::new(method.clone(), invite.uri().clone());
        request.add_header("Via", invite.header("Via").unwrap_or_default());
        request.set_max_forwards(70);
        for route in invite.headers("Route") {
            request.add_header("Route", route);
        }
        request.add_header("From", invite.header("From").unwrap_or_default());
        request.add_header("To", to);
        request.add_header("Call-ID", invite.call_id());
        request.set_cseq(invite.cseq().0, &method);
        request
    }

    const fn finish(&mut self) {
        self.state = State::Over;
        self.deadline_ms = None;
    }
}
