//! The registration of a user agent (RFC 3261 section 10.2): made, refreshed, tried again, removed.

use super::{UserAgent, event::Event};
use crate::{
    NameAddr, Uri,
    call::ALLOW,
    credentials,
    method::Method,
    request::Request,
    response::Response,
    seed::Seed,
    transaction::{ClientTransaction, Received},
};

/// First and longest pause before a registration is tried again, in milliseconds.
const FIRST_RETRY_MS: i64 = 2_000;
const LONGEST_RETRY_MS: i64 = 300_000;

/// What is wanted and what is under way.
#[derive(Debug)]
pub(super) struct Registration {
    wanted: bool,
    removing: bool,
    transaction: Option<ClientTransaction>,
    authenticated: bool,
    call_id: String,
    from_tag: String,
    sequence: u32,
    due_ms: Option<i64>,
    /// Until when the registrar sends calls here.
    stands_until_ms: Option<i64>,
    failures: u32,
    min_expires_s: u32,
}

impl Registration {
    pub(super) fn new(seed: &mut Seed) -> Self {
        Self {
            wanted: false,
            removing: false,
            transaction: None,
            authenticated: false,
            call_id: format!("{}{}", seed.hex(), seed.hex()),
            from_tag: seed.hex(),
            sequence: 0,
            due_ms: None,
            stands_until_ms: None,
            failures: 0,
            min_expires_s: 0,
        }
    }

    pub(super) fn owns(&self, response: &Response) -> bool {
        self.transaction
            .as_ref()
            .is_some_and(|transaction| transaction.matches(response))
    }

    pub(super) fn connection_lost(&mut self) {
        self.transaction = None;
        self.due_ms = None;
        self.stands_until_ms = None;
    }

    pub(super) const fn identity_changed(&mut self) {
        self.failures = 0;
    }

    fn stands(&self, now_ms: i64) -> bool {
        self.stands_until_ms.is_some_and(|until| now_ms < until)
    }

    pub(super) fn due_ms(&self) -> Option<i64> {
        let patience = self
            .transaction
            .as_ref()
            .and_then(ClientTransaction::deadline_ms);
        let times = patience.into_iter().chain(self.due_ms);
        times.chain(self.stands_until_ms).min()
    }
}

impl UserAgent {
    /// Registers now and keeps the registration alive over reconnects until [`Self::unregister`].
    pub fn register(&mut self, now_ms: i64) {
        self.registration.wanted = true;
        self.refresh_registration(now_ms);
    }

    /// Whether the registrar sends calls here as far as can be known: it has said so over the connection that
    /// stands, and the time that it granted is not over.
    #[must_use]
    pub fn is_registered(&self, now_ms: i64) -> bool {
        self.registration.stands(now_ms)
    }

    /// Whether the response is one to the REGISTER that waits for its answer, which nobody but the server next to us has
    /// seen.
    #[must_use]
    pub fn is_registering_by(&self, response: &Response) -> bool {
        self.registration.owns(response)
    }

    /// Removes the registration.
    pub fn unregister(&mut self, now_ms: i64) {
        self.registration.wanted = false;
        self.registration.due_ms = None;
        self.registration.stands_until_ms = None;
        if self.connected {
            self.send_register(0, now_ms);
        }
    }

    pub(super) fn refresh_registration(&mut self, now_ms: i64) {
        if self.registration.wanted && self.connected {
            let wish = self.configuration.register_expires_s;
            self.send_register(wish.max(self.registration.min_expires_s), now_ms);
        }
    }

    pub(super) fn elapse_registration(&mut self, now_ms: i64) {
        let registration = &mut self.registration;
        if !registration.stands(now_ms) {
            registration.stands_until_ms = None;
        }
        let late = registration
            .transaction
            .as_mut()
            .is_some_and(|transaction| transaction.elapse(now_ms));
        if late {
            registration.transaction = None;
            return self.registration_failed(408, now_ms);
        }
        if registration.due_ms.is_some_and(|due| due <= now_ms) {
            registration.due_ms = None;
            self.refresh_registration(now_ms);
        }
    }

    pub(super) fn receive_registered(&mut self, response: &Response, now_ms: i64) {
        let Some(mut transaction) = self.registration.transaction.take() else {
            return;
        };
        if !matches!(transaction.receive(response), Received::Final { .. }) {
            self.registration.transaction = Some(transaction);
            return;
        }
        if response.is_success() {
            return self.registration_stands(response, now_ms);
        }
        if !self.send_register_again(transaction.request(), response, now_ms) {
            self.take_min_expires(response);
            self.registration_failed(response.status(), now_ms);
        }
    }

    fn registration_stands(&mut self, response: &Response, now_ms: i64) {
        self.registration.failures = 0;
        if self.registration.removing {
            return self.push(Event::Unregistered);
        }
        let expires_s = self.granted(response);
        let granted = i64::from(expires_s).saturating_mul(1_000);
        self.registration.stands_until_ms = Some(now_ms.saturating_add(granted));
        let refresh = i64::from(expires_s).saturating_mul(800).max(5_000);
        self.registration.due_ms = Some(now_ms.saturating_add(refresh));
        self.push(Event::Registered { expires_s });
    }

    /// Wrong credentials are final; everything else is tried again, later every time, with jitter.
    fn registration_failed(&mut self, status: u16, now_ms: i64) {
        self.push(Event::RegistrationFailed { status });
        let registration = &mut self.registration;
        registration.stands_until_ms = None;
        if matches!(status, 401 | 403 | 404 | 407) || registration.removing {
            registration.wanted = false;
            return;
        }
        let longest = FIRST_RETRY_MS
            .checked_shl(registration.failures.min(10))
            .unwrap_or(LONGEST_RETRY_MS)
            .min(LONGEST_RETRY_MS);
        registration.failures = registration.failures.saturating_add(1);
        let half = longest.checked_div(2).unwrap_or_default();
        let pause = half.saturating_add(self.seed.below(half.saturating_add(1)));
        registration.due_ms = Some(now_ms.saturating_add(pause));
    }

    /// 423 names the least life that the registrar grants (RFC 3261 10.3).
    fn take_min_expires(&mut self, response: &Response) {
        let least = response
            .header("Min-Expires")
            .and_then(|value| value.trim().parse().ok());
        if let Some(least) = least.filter(|_| response.status() == 423) {
            self.registration.min_expires_s = least;
        }
    }

    fn send_register(&mut self, expires_s: u32, now_ms: i64) {
        let request = self.register_request(expires_s);
        self.registration.removing = expires_s == 0;
        self.registration.authenticated = false;
        self.registration.due_ms = None;
        self.send(request.to_bytes());
        self.registration.transaction = Some(ClientTransaction::start(request, now_ms));
    }

    /// Answers a challenge, once.
    fn send_register_again(&mut self, request: &Request, response: &Response, now_ms: i64) -> bool {
        if self.registration.authenticated {
            return false;
        }
        let cnonce = self.seed.hex();
        let proof = &self.configuration.credentials;
        let Some(mut again) = credentials::answer(request, response, proof, &cnonce) else {
            return false;
        };
        credentials::renew(&mut again, &self.seed.branch());
        self.registration.sequence = again.cseq().0;
        self.registration.authenticated = true;
        self.send(again.to_bytes());
        self.registration.transaction = Some(ClientTransaction::start(again, now_ms));
        true
    }

    fn register_request(&mut self, expires_s: u32) -> Request {
        let own = self.own_address();
        let mut request = Request::new(Method::Register, Uri::sip_host(&self.configuration.domain));
        let local = self.local();
        let mut via = local.via;
        via.params.set("branch", self.seed.branch());
        request.push_via(&via);
        request.set_max_forwards(70);
        let registration = &mut self.registration;
        registration.sequence = registration.sequence.saturating_add(1);
        let from = own.clone().with_tag(&registration.from_tag);
        request.add_header("From", &from.to_string());
        request.add_header("To", &NameAddr::new(own.uri).to_string());
        request.add_header("Call-ID", &registration.call_id);
        request.set_cseq(registration.sequence, &Method::Register);
        request.add_header("Contact", &self.contact(local.contact).to_string());
        request.add_header("Expires", &expires_s.to_string());
        request.add_header("Supported", "outbound, path");
        request.add_header("Allow", ALLOW);
        credentials::introduce(&mut request, &self.configuration.credentials);
        request
    }

    fn contact(&self, contact: NameAddr) -> NameAddr {
        match &self.configuration.instance {
            Some(instance) => contact
                .with_param("+sip.instance", &format!("<{instance}>"))
                .with_param("reg-id", "1"),
            None => contact,
        }
    }

    /// The life that was granted to our contact, in seconds.
    fn granted(&self, response: &Response) -> u32 {
        let contacts = response.contacts();
        let ours = contacts
            .iter()
            .find(|contact| contact.uri.host.eq_ignore_ascii_case(&self.host));
        ours.and_then(|contact| contact.params.get("expires"))
            .and_then(|expires| expires.parse().ok())
            .or_else(|| response.expires())
            .unwrap_or(self.configuration.register_expires_s)
    }
}
