//! What the proxy challenges is answered here, with the operator's password, so that our people never see a challenge
//! (RFC 3261 22.3). Whoever is called can challenge too: only the proxy's own realms get an answer (`realms` says which
//! those are). The proxy's newest challenge for calls to a domain is kept: later requests of such calls show a proof at
//! once and need no second round, and others show none that the proxy would pass on. Transactions end with the connection (`kept` says how); of dialogs nothing is kept (`sequence`).

use std::collections::VecDeque;

use sip::{
    Method, Request, Response, Uri,
    credentials::Credentials,
    digest::{Challenge, Login, Signed},
};

use super::{
    kept::Kept,
    realms::{self, Realms},
    sent::{Probe, Sent},
    sequence::{self, LAST_ATTEMPT},
};
use crate::context::Context;

/// So many requests of the newest can be answered for.
const RECENT_REQUESTS: usize = 256;
/// So many challenges of the newest are answered more than once.
const KEPT_CHALLENGES: usize = 16;
/// Random bytes of a cnonce.
const CNONCE_BYTES: usize = 8;
/// Random bytes of a branch that nobody can guess.
const SECRET_BYTES: usize = 8;
/// Fields that prove something.
pub(super) const PROOFS: [&str; 2] = ["Proxy-Authorization", "Authorization"];
/// What a caller is told in a Warning (RFC 3261 20.43) where no proof helps.
const REFUSED: &str = "The SIP proxy does not accept the credentials of this server";

/// Answers the proxy's challenges.
#[derive(Debug)]
pub(super) struct Prover {
    credentials: Credentials,
    realms: Realms,
    known: VecDeque<Known>,
    sent: VecDeque<Sent>,
}

/// A challenge of the proxy for calls to a domain, which is answered more than once.
#[derive(Clone, Debug)]
struct Known {
    domain: String,
    challenge: Challenge,
    cnonce: String,
    uses: u32,
}

/// What a response leads to.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// To the proxy, in this order.
    pub(super) requests: Vec<Request>,
    /// To whoever asked.
    pub(super) response: Option<Response>,
    /// The realm that was not answered, because it may be anybody's.
    pub(super) foreign_realm: Option<String>,
}

impl Prover {
    /// Knows the realms that the operator named.
    pub(super) const fn new(credentials: Credentials, realms: Vec<String>) -> Self {
        Self {
            credentials,
            realms: Realms::new(realms),
            known: VecDeque::new(),
            sent: VecDeque::new(),
        }
    }

    /// The proxy's answer to our registration, which nobody but the proxy sees.
    pub(super) fn registering(&mut self, response: &Response) {
        self.realms.learn_registering(response);
    }

    /// A request of ours as the proxy gets it.
    pub(super) fn send(&mut self, mut request: Request, context: &Context<'_>) -> Request {
        let named = sequence::take_attempt(&mut request);
        match request.method() {
            Method::Ack => self.acknowledge(request, named),
            Method::Cancel => self.cancel(request),
            _ => {
                let mut nonces = Vec::new();
                if let Some(challenge) = self.expected(&request) {
                    let nonce = challenge.nonce.clone();
                    if self.prove(&mut request, PROOFS[0], challenge, context) {
                        nonces.push((PROOFS[0], nonce));
                    }
                }
                self.keep(&request, nonces);
                sequence::leave(&mut request, 0, named.unwrap_or_default());
                request
            }
        }
    }

    /// What the proxy asked for at the last call to there.
    fn expected(&self, request: &Request) -> Option<Challenge> {
        let domain = domain(request);
        let known = self.known.iter().find(|known| known.domain == domain)?;
        Some(known.challenge.clone())
    }

    fn keep(&mut self, request: &Request, nonces: Vec<(&'static str, String)>) {
        self.sent.push_back(Sent::new(request, nonces));
        if self.sent.len() > RECENT_REQUESTS {
            self.sent.pop_front();
        }
    }

    /// An ACK names the attempt that was answered and shows the proofs of its INVITE (RFC 3261 22.1).
    fn acknowledge(&self, mut ack: Request, named: Option<u32>) -> Request {
        let mut sent = self.sent.iter().rev();
        let invite = sent.find(|sent| sent.is_acknowledged_by(&ack));
        if let Some(invite) = invite {
            for (name, proof) in invite.proofs() {
                ack.add_header(name, proof);
            }
            if invite.failed
                && let Some(mut via) = ack.pop_via()
            {
                via.params.set("branch", invite.branch.as_str());
                ack.push_via(&via);
            }
        }
        let attempt = named.or_else(|| invite.map(|invite| invite.attempt));
        let attempt = attempt.unwrap_or_default();
        sequence::leave(&mut ack, attempt, 0);
        if let Some(invite) = invite.filter(|invite| invite.failed) {
            invite.sign(&mut ack, attempt);
        }
        ack
    }

    /// A CANCEL follows the newest attempt, and there will be none after it.
    fn cancel(&mut self, mut cancel: Request) -> Request {
        let via = cancel.top_via();
        let branch = via.map_or_else(String::new, |via| via.branch().to_owned());
        if let Some(invite) = self.find(&branch, &Method::Invite) {
            invite.cancelled = true;
            sequence::leave(&mut cancel, invite.attempt, 0);
            invite.sign(&mut cancel, invite.attempt);
        } else {
            sequence::leave(&mut cancel, 0, 0);
        }
        cancel
    }

    fn find(&mut self, branch: &str, method: &Method) -> Option<&mut Sent> {
        let mut sent = self.sent.iter_mut().rev();
        sent.find(|sent| sent.branch == branch && sent.request.method() == method)
    }

    /// A call of this branch, as long as it has no answer.
    pub(super) fn waiting(&self, branch: &str) -> Option<Kept> {
        let mut sent = self.sent.iter().rev().filter(|sent| sent.branch == branch);
        sent.find_map(Kept::of)
    }

    /// The connection is gone, and the answers to these calls with it.
    pub(super) fn lose(&mut self) -> Vec<Kept> {
        let lost: Vec<Kept> = self.sent.iter().filter_map(Kept::of).collect();
        self.sent.retain(|sent| Kept::of(sent).is_none());
        lost
    }

    /// A response of the proxy to a request that [`Self::send`] let out.
    pub(super) fn hear(&mut self, response: Response, context: &Context<'_>) -> Heard {
        if matches!(response.status(), 401 | 407) {
            return self.challenged(response, context);
        }
        let (status, method) = (response.status(), response.cseq().1);
        let Some(origin) = sequence::origin(&response) else {
            return passed_on(response);
        };
        let branch = origin.branch.as_str();
        let mut in_place = None;
        if let Some(sent) = self.find(branch, &method) {
            if !sent.has_made(&origin) {
                return Heard::default();
            }
            sent.passed |= status > 100 && status < 200;
            sent.answered |= (200..300).contains(&status);
            sent.failed |= status >= 300;
            let probed = sent.probed(origin.attempt).filter(|_| status >= 300);
            in_place = probed.map(|realm| (sent.cancelled, realm.to_owned()));
        }
        if status >= 200 && method != Method::Invite {
            self.sent
                .retain(|sent| sent.branch != branch || *sent.request.method() != method);
        }
        match in_place {
            None => passed_on(response),
            Some((true, _)) => refusal(response, 487),
            // Only the proxy saw it, and it did not ask.
            Some((false, realm)) => Heard {
                foreign_realm: Some(realm),
                ..refusal(response, 503)
            },
        }
    }

    fn challenged(&mut self, response: Response, context: &Context<'_>) -> Heard {
        let method = response.cseq().1;
        let origin = sequence::origin(&response);
        let at = origin.and_then(|origin| {
            let mut all = self.sent.iter();
            let is_it =
                |sent: &Sent| sent.branch == origin.branch && *sent.request.method() == method;
            all.position(is_it).map(|at| (at, origin))
        });
        let Some((at, origin)) = at else {
            return refusal(response, 503);
        };
        let Some(mut sent) = self.sent.remove(at) else {
            return refusal(response, 503);
        };
        let mut heard = Heard::default();
        let attempt = origin.attempt;
        if !sent.has_made(&origin) {
            // Nobody who got a request of ours answers like this.
        } else if attempt < sent.attempt {
            // It came twice: the attempt after it is under way.
            heard
                .requests
                .extend(sent.acknowledgement(&response, attempt));
        } else if sent.cancelled {
            sent.failed = true;
            heard = refusal(response, 487);
        } else {
            if sent.is_probing() {
                self.realms.learn(&response);
            }
            heard = self.meet(&mut sent, response, context);
        }
        self.sent.push_back(sent);
        heard
    }

    /// Answers a challenge to the newest attempt, or asks whose it is, or gives up.
    fn meet(&mut self, sent: &mut Sent, response: Response, context: &Context<'_>) -> Heard {
        let mut heard = Heard::default();
        let acknowledgement = sent.acknowledgement(&response, sent.attempt);
        heard.requests.extend(acknowledgement);
        if let Some((field, challenge)) = self.to_answer(sent, &response) {
            let again = self.again(sent, field, challenge, context);
            heard.requests.push(again);
        } else if let Some(realm) = self.to_probe(sent, &response) {
            sent.attempt = sent.attempt.saturating_add(1);
            sent.probe = Some(Probe {
                attempt: sent.attempt,
                realm,
                secret: context.entropy.hex(SECRET_BYTES),
            });
            heard.requests.push(sent.attempted());
        } else {
            let domain = domain(&sent.request);
            self.known.retain(|known| known.domain != domain);
            sent.failed = true;
            let realm = self.foreign_realm(&response);
            heard = refusal(response, 503);
            heard.foreign_realm = realm;
        }
        heard
    }

    /// The realm of a challenge that may be anybody's, if it is to be asked whose it is: once, as long as nobody behind
    /// the proxy has rung, and with a number left for the answer.
    fn to_probe(&self, sent: &Sent, response: &Response) -> Option<String> {
        let may = self.has_password()
            && !sent.passed
            && sent.probe.is_none()
            && sent.attempt.saturating_add(1) < LAST_ATTEMPT;
        self.foreign_realm(response).filter(|_| may)
    }

    /// The realm that a response asks in, if none of its challenges is certainly the proxy's.
    fn foreign_realm(&self, response: &Response) -> Option<String> {
        let own = self.realms.own_challenge(response);
        realms::asked(response).filter(|_| own.is_none())
    }

    const fn has_password(&self) -> bool {
        matches!(self.credentials, Credentials::Password { .. })
    }

    /// The challenge to answer, and the field for the answer. A proof that was no better than none is not given again:
    /// once per nonce, and for a stale nonce once more (RFC 3261 22.1). Once somebody has rung, the proxy has let the
    /// request pass, and it is not the proxy who asks.
    fn to_answer(&self, sent: &Sent, response: &Response) -> Option<(&'static str, Challenge)> {
        let field = match response.status() {
            407 => PROOFS[0],
            _ => PROOFS[1],
        };
        let challenge = self.realms.own_challenge(response)?;
        let mut nonces = sent.nonces.iter().rev();
        let answered = nonces.find(|(known, _)| *known == field);
        let is_new = answered.is_none_or(|(_, nonce)| *nonce != challenge.nonce);
        // A kept nonce may be too old without anybody saying so.
        let first = sent.attempt == 0 || sent.is_probing();
        let may = answered.is_none() || first || (challenge.stale && !sent.renewed);
        let open = sent.attempt < LAST_ATTEMPT && !sent.passed;
        let answers = self.has_password() && is_new && may && open;
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
        sent.attempted()
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
        let domain = domain(request);
        let is_kept = |known: &Known| {
            field == PROOFS[0] && known.domain == domain && known.challenge.nonce == challenge.nonce
        };
        let at = self.known.iter().position(is_kept);
        let kept = at.and_then(|at| self.known.remove(at));
        let mut known = kept.unwrap_or_else(|| Known {
            domain,
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
            self.known.retain(|other| other.domain != known.domain);
            self.known.push_back(known);
        }
        if self.known.len() > KEPT_CHALLENGES {
            self.known.pop_front();
        }
        true
    }
}

/// Whom a request's dialog is with.
fn domain(request: &Request) -> String {
    request.to().uri.host.to_ascii_lowercase()
}

/// A response as whoever asked gets it.
fn passed_on(mut response: Response) -> Heard {
    sequence::arrive(&mut response);
    Heard {
        response: Some(response),
        ..Heard::default()
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
