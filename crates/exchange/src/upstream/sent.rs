//! One request that went out to the proxy, as long as it may be challenged.

use sip::{Method, Request, Response};

use super::{
    proof::PROOFS,
    sequence::{self, Origin},
};

/// An attempt that nobody behind the proxy sees, to ask the proxy itself. They know the attempts before it, so its
/// branch has a part that they cannot guess: without it, an answer is theirs.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) attempt: u32,
    /// The realm in question.
    pub(super) realm: String,
    pub(super) secret: String,
}

/// A request that was sent not long ago.
#[derive(Debug)]
pub(super) struct Sent {
    /// As it was sent the last time, but for its number and branch, which are those that it has here.
    pub(super) request: Request,
    pub(super) branch: String,
    pub(super) attempt: u32,
    /// Nonces that were answered, by the field of the proof.
    pub(super) nonces: Vec<(&'static str, String)>,
    /// A stale nonce was replaced already.
    pub(super) renewed: bool,
    /// The attempt that asked whose challenge it is.
    pub(super) probe: Option<Probe>,
    /// Somebody behind the proxy has it.
    pub(super) passed: bool,
    pub(super) cancelled: bool,
    pub(super) answered: bool,
    /// An INVITE that was refused: its ACK belongs to its own transaction (RFC 3261 17.1.1.3).
    pub(super) failed: bool,
}

impl Sent {
    pub(super) fn new(request: &Request, nonces: Vec<(&'static str, String)>) -> Self {
        let via = request.top_via();
        Self {
            request: request.clone(),
            branch: via.map_or_else(String::new, |via| via.branch().to_owned()),
            attempt: 0,
            nonces,
            renewed: false,
            probe: None,
            passed: false,
            cancelled: false,
            answered: false,
            failed: false,
        }
    }

    /// Whether whoever asked has a final answer.
    pub(super) const fn is_settled(&self) -> bool {
        self.answered || self.failed
    }

    /// Whether the attempt under way is the one that nobody behind the proxy sees.
    pub(super) fn is_probing(&self) -> bool {
        self.probed(self.attempt).is_some()
    }

    /// The realm that this attempt asked about, if it did.
    pub(super) fn probed(&self, attempt: u32) -> Option<&str> {
        let probe = self.probe.as_ref()?;
        (probe.attempt == attempt).then_some(probe.realm.as_str())
    }

    /// Whether an attempt like this one was made.
    pub(super) fn has_made(&self, origin: &Origin) -> bool {
        let probe = self.probe.as_ref();
        let probe = probe.filter(|probe| probe.attempt == origin.attempt);
        let secret = probe.map(|probe| probe.secret.as_str());
        origin.attempt <= self.attempt && origin.secret.as_deref() == secret
    }

    /// Makes another request one of this attempt's transaction, where its branch is that of the probe.
    pub(super) fn sign(&self, request: &mut Request, attempt: u32) {
        let probe = self.probe.as_ref();
        if let Some(probe) = probe.filter(|probe| probe.attempt == attempt) {
            sequence::sign(request, &probe.secret);
        }
    }

    pub(super) fn is_acknowledged_by(&self, ack: &Request) -> bool {
        let invite = &self.request;
        *invite.method() == Method::Invite
            && invite.call_id() == ack.call_id()
            && invite.cseq().0 == ack.cseq().0
            && invite.from().tag() == ack.from().tag()
    }

    /// The proofs that an ACK repeats (RFC 3261 22.1).
    pub(super) fn proofs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = PROOFS.into_iter();
        all.flat_map(|name| self.request.headers(name).map(move |proof| (name, proof)))
    }

    /// The request as its newest attempt.
    pub(super) fn attempted(&self) -> Request {
        let mut request = self.request.clone();
        if self.is_probing() {
            request.set_max_forwards(0);
        }
        sequence::leave(&mut request, self.attempt, 0);
        self.sign(&mut request, self.attempt);
        request
    }

    /// The ACK of a challenged INVITE (RFC 3261 17.1.1.3).
    pub(super) fn acknowledgement(&self, response: &Response, attempt: u32) -> Option<Request> {
        let invite = &self.request;
        if *invite.method() != Method::Invite {
            return None;
        }
        let mut ack = Request::new(Method::Ack, invite.uri().clone());
        ack.push_via(&invite.top_via()?);
        ack.set_max_forwards(70);
        for route in invite.headers("Route") {
            ack.add_header("Route", route);
        }
        ack.add_header("From", invite.header("From")?);
        ack.add_header("To", response.header("To")?);
        ack.add_header("Call-ID", invite.call_id());
        ack.set_cseq(invite.cseq().0, &Method::Ack);
        sequence::leave(&mut ack, attempt, 0);
        self.sign(&mut ack, attempt);
        Some(ack)
    }
}
