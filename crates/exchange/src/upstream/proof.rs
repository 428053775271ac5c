//! What the proxy challenges is answered here, with the operator's password, so that our people never see a challenge
//! (RFC 3261 22.3). Whoever is called can challenge too: only realms that asked for proof at our registration, which
//! nobody but the proxy answers, get one. The newest challenge of the proxy is kept: later requests show a proof at once and need no second
//! round. Transactions live in memory and end with the connection; of dialogs nothing is kept (`sequence` says how).

use std::collections::VecDeque;

use sip::{
    Method, Request, Response, Uri,
    credentials::Credentials,
    digest::{self, Challenge, Login, Signed},
};

use super::sequence::{self, LAST_ATTEMPT};
use crate::context::Context;

/// So many requests of the newest can be answered for.
const RECENT_REQUESTS: usize = 256;
/// Random bytes of a cnonce.
const CNONCE_BYTES: usize = 8;
/// So many realms of the proxy are known at a time.
const MAX_REALMS: usize = 4;
/// Fields that prove something.
const PROOFS: [&str; 2] = ["Proxy-Authorization", "Authorization"];
/// What a caller is told in a Warning (RFC 3261 20.43) where no proof helps.
const REFUSED: &str = "The SIP proxy does not accept the credentials of this server";

/// Answers the proxy's challenges.
#[derive(Debug)]
pub(super) struct Prover {
    credentials: Credentials,
    /// Realms of the proxy itself.
    realms: VecDeque<String>,
    /// The proxy's newest challenge.
    known: Option<Known>,
    sent: VecDeque<Sent>,
}

/// A challenge that is answered more than once.
#[derive(Clone, Debug)]
struct Known {
    challenge: Challenge,
    cnonce: String,
    uses: u32,
}

/// A request that was sent not long ago.
#[derive(Debug)]
struct Sent {
    /// As it was sent the last time, but for its number and branch, which are those that it has here.
    request: Request,
    branch: String,
    attempt: u32,
    /// Nonces that were answered, by the field of the proof.
    nonces: Vec<(&'static str, String)>,
    /// A stale nonce was replaced already.
    renewed: bool,
    cancelled: bool,
    /// An INVITE that was refused: its ACK belongs to its own transaction (RFC 3261 17.1.1.3).
    failed: bool,
}

/// What a response leads to.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// To the proxy, in this order.
    pub(super) requests: Vec<Request>,
    /// To whoever asked.
    pub(super) response: Option<Response>,
}

impl Prover {
    pub(super) const fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            realms: VecDeque::new(),
            known: None,
            sent: VecDeque::new(),
        }
    }

    /// The proxy's answer to our registration: a realm that it asks for there is its own.
    pub(super) fn registering(&mut self, response: &Response) {
        let asks = match response.status() {
            407 => "Proxy-Authenticate",
            401 => "WWW-Authenticate",
            _ => return,
        };
        let Some(challenge) = digest::best(response.headers(asks)) else {
            return;
        };
        if !self.realms.contains(&challenge.realm) {
            self.realms.push_back(challenge.realm);
        }
        if self.realms.len() > MAX_REALMS {
            self.realms.pop_front();
        }
    }

    /// A request of ours as the proxy gets it.
    pub(super) fn send(&mut self, mut request: Request, context: &Context<'_>) -> Request {
        let named = sequence::take_attempt(&mut request);
        match request.method() {
            Method::Ack => self.acknowledge(request, named),
            Method::Cancel => self.cancel(request),
            _ => {
                let mut nonces = Vec::new();
                if let Some(known) = self.known.clone() {
                    let nonce = known.challenge.nonce.clone();
                    if self.prove(&mut request, PROOFS[0], known.challenge, context) {
                        nonces.push((PROOFS[0], nonce));
                    }
                }
                self.keep(&request, nonces);
                sequence::leave(&mut request, 0, named.unwrap_or_default());
                request
            }
        }
    }

    fn keep(&mut self, request: &Request, nonces: Vec<(&'static str, String)>) {
        let via = request.top_via();
        self.sent.push_back(Sent {
            request: request.clone(),
            branch: via.map_or_else(String::new, |via| via.branch().to_owned()),
            attempt: 0,
            nonces,
            renewed: false,
            cancelled: false,
            failed: false,
        });
        if self.sent.len() > RECENT_REQUESTS {
            self.sent.pop_front();
        }
    }

    /// An ACK names the attempt that was answered and shows the proofs of its INVITE (RFC 3261 22.1).
    fn acknowledge(&self, mut ack: Request, named: Option<u32>) -> Request {
        let mut sent = self.sent.iter().rev();
        let invite = sent.find(|sent| sent.is_acknowledged_by(&ack));
        if let Some(invite) = invite {
            for name in PROOFS {
                let proofs: Vec<String> = invite.request.headers(name).map(str::to_owned).collect();
                for proof in proofs {
                    ack.add_header(name, &proof);
                }
            }
            if invite.failed
                && let Some(mut via) = ack.pop_via()
            {
                via.params.set("branch", invite.branch.as_str());
                ack.push_via(&via);
            }
        }
        let attempt = named.or_else(|| invite.map(|invite| invite.attempt));
        sequence::leave(&mut ack, attempt.unwrap_or_default(), 0);
        ack
    }

    /// A CANCEL follows the newest attempt, and there will be none after it.
    fn cancel(&mut self, mut cancel: Request) -> Request {
        let via = cancel.top_via();
        let branch = via.map_or_else(String::new, |via| via.branch().to_owned());
        let mut attempt = 0;
        if let Some(invite) = self.find(&branch, &Method::Invite) {
            invite.cancelled = true;
            attempt = invite.attempt;
        }
        sequence::leave(&mut cancel, attempt, 0);
        cancel
    }

    fn find(&mut self, branch: &str, method: &Method) -> Option<&mut Sent> {
        let mut sent = self.sent.iter_mut().rev();
        sent.find(|sent| sent.branch == branch && sent.request.method() == method)
    }

    /// A response of the proxy to a request that [`Self::send`] let out.
    pub(super) fn hear(&mut self, mut response: Response, context: &Context<'_>) -> Heard {
        if matches!(response.status(), 401 | 407) {
            return self.challenged(response, context);
        }
        let method = response.cseq().1;
        if let Some((branch, _)) = sequence::origin(&response)
            && response.status() >= 200
        {
            if method == Method::Invite {
                if let Some(invite) = self.find(&branch, &method) {
                    invite.failed = response.status() >= 300;
                }
            } else {
                self.sent
                    .retain(|sent| sent.branch != branch || *sent.request.method() != method);
            }
        }
        sequence::arrive(&mut response);
        Heard {
            response: Some(response),
            ..Heard::default()
        }
    }

    fn challenged(&mut self, response: Response, context: &Context<'_>) -> Heard {
        let method = response.cseq().1;
        let origin = sequence::origin(&response);
        let at = origin.and_then(|(branch, attempt)| {
            let mut all = self.sent.iter();
            let at = all.position(|sent| sent.branch == branch && *sent.request.method() == method);
            at.map(|at| (at, attempt))
        });
        let Some((at, attempt)) = at else {
            return refusal(response, 503);
        };
        let Some(mut sent) = self.sent.remove(at) else {
            return refusal(response, 503);
        };
        let mut heard = Heard::default();
        if attempt < sent.attempt {
            // It came twice: the attempt after it is under way.
            heard
                .requests
                .extend(sent.acknowledgement(&response, attempt));
        } else if sent.cancelled {
            sent.failed = true;
            heard = refusal(response, 487);
        } else if let Some((field, challenge)) = self.to_answer(&sent, &response) {
            heard
                .requests
                .extend(sent.acknowledgement(&response, attempt));
            heard
                .requests
                .push(self.again(&mut sent, field, challenge, context));
        } else {
            self.known = None;
            sent.failed = true;
            heard = refusal(response, 503);
        }
        self.sent.push_back(sent);
        heard
    }

    /// The challenge to answer, and the field for the answer. A proof that was no better than none is not given again:
    /// once per nonce, and for a stale nonce once more (RFC 3261 22.1).
    fn to_answer(&self, sent: &Sent, response: &Response) -> Option<(&'static str, Challenge)> {
        let (asks, field) = match response.status() {
            407 => ("Proxy-Authenticate", PROOFS[0]),
            _ => ("WWW-Authenticate", PROOFS[1]),
        };
        let challenge = digest::best(response.headers(asks))?;
        if !self.realms.contains(&challenge.realm) {
            return None;
        }
        let mut nonces = sent.nonces.iter().rev();
        let answered = nonces.find(|(known, _)| *known == field);
        let is_new = answered.is_none_or(|(_, nonce)| *nonce != challenge.nonce);
        // A kept nonce may be too old without anybody saying so.
        let may = answered.is_none() || sent.attempt == 0 || (challenge.stale && !sent.renewed);
        let has_password = matches!(self.credentials, Credentials::Password { .. });
        let answers = has_password && is_new && may && sent.attempt < LAST_ATTEMPT;
        answers.then_some((field, challenge))
    }

    /// The request once more, with a proof.
    fn again(
        &mut self,
        sent: &mut Sent,
        field: &'static str,
        challenge: Challenge,
        context: &Context<'_>,
    ) -> Request {
        sent.renewed |= sent.attempt > 0 && challenge.stale;
        sent.attempt = sent.attempt.saturating_add(1);
        sent.nonces.push((field, challenge.nonce.clone()));
        self.prove(&mut sent.request, field, challenge, context);
        let mut request = sent.request.clone();
        sequence::leave(&mut request, sent.attempt, 0);
        request
    }

    /// Shows a proof; only those for the proxy itself are for later requests too.
    fn prove(
        &mut self,
        request: &mut Request,
        field: &'static str,
        challenge: Challenge,
        context: &Context<'_>,
    ) -> bool {
        let Credentials::Password { user, password } = &self.credentials else {
            return false;
        };
        let kept = self
            .known
            .take_if(|known| field == PROOFS[0] && known.challenge.nonce == challenge.nonce);
        let mut known = kept.unwrap_or_else(|| Known {
            challenge,
            cnonce: context.entropy.hex(CNONCE_BYTES),
            uses: 0,
        });
        known.uses = known.uses.saturating_add(1);
        let uri = request.uri().to_string();
        let proof = known.challenge.answer(
            &Login { user, password },
            &Signed {
                method: request.method().as_str(),
                uri: &uri,
                cnonce: &known.cnonce,
                nonce_count: known.uses,
                body: request.body(),
            },
        );
        request.set_header(field, &proof);
        if field == PROOFS[0] {
            self.known = Some(known);
        }
        true
    }
}

impl Sent {
    fn is_acknowledged_by(&self, ack: &Request) -> bool {
        let invite = &self.request;
        *invite.method() == Method::Invite
            && invite.call_id() == ack.call_id()
            && invite.cseq().0 == ack.cseq().0
            && invite.from().tag() == ack.from().tag()
    }

    /// The ACK of a challenged INVITE (RFC 3261 17.1.1.3).
    fn acknowledgement(&self, response: &Response, attempt: u32) -> Option<Request> {
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
        Some(ack)
    }
}

/// What whoever asked hears in place of a challenge; its To stays, for the ACK.
fn refusal(mut response: Response, status: u16) -> Heard {
    sequence::arrive(&mut response);
    let mut asked = Request::new(response.cseq().1, Uri::sip_host("proxy.invalid"));
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        for value in response.headers(name) {
            asked.add_header(name, value);
        }
    }
    let answer = if status == 487 {
        Response::reply_to(&asked, 487, "Request Terminated", None)
    } else {
        let warning = format!("399 afterbeep \"{REFUSED}\"");
        Response::reply_to(&asked, 503, REFUSED, None).with_header("Warning", &warning)
    };
    Heard {
        response: Some(answer),
        ..Heard::default()
    }
}
