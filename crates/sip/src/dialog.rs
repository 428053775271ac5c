//! Dialogs (RFC 3261 section 12) as plain values that can be stored.

use serde::{Deserialize, Serialize};

use crate::{method::Method, name_addr::NameAddr, request::Request, response::Response, uri::Uri};

/// What one end remembers of a dialog.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Dialog {
    call_id: String,
    local: NameAddr,
    remote: NameAddr,
    target: Uri,
    routes: Vec<NameAddr>,
    local_sequence: u32,
    remote_sequence: Option<u32>,
}

impl Dialog {
    /// The caller's side, from its INVITE and the response that made the dialog (12.1.2).
    #[must_use]
    pub fn of_caller(request: &Request, response: &Response) -> Self {
        let mut routes = response.record_routes();
        routes.reverse();
        Self {
            call_id: request.call_id().to_owned(),
            local: request.from(),
            remote: response.to(),
            target: target(&response.contacts(), request.uri()),
            routes,
            local_sequence: request.cseq().0,
            remote_sequence: None,
        }
    }

    /// The answerer's side, from the INVITE and the tag it answered with (12.1.1).
    #[must_use]
    pub fn of_answerer(request: &Request, local_tag: &str) -> Self {
        let remote = request.from();
        Self {
            call_id: request.call_id().to_owned(),
            local: request.to().with_tag(local_tag),
            target: target(&request.contacts(), &remote.uri),
            remote,
            routes: request.record_routes(),
            local_sequence: 0,
            remote_sequence: Some(request.cseq().0),
        }
    }

    /// Whether a request from the peer belongs to this dialog (12.2.2).
    #[must_use]
    pub fn owns_request(&self, request: &Request) -> bool {
        request.call_id() == self.call_id
            && request.to().tag() == self.local.tag()
            && request.from().tag() == self.remote.tag()
    }

    /// Whether a response to one of our requests belongs to this dialog.
    #[must_use]
    pub fn owns_response(&self, response: &Response) -> bool {
        response.call_id() == self.call_id
            && response.from().tag() == self.local.tag()
            && response.to().tag() == self.remote.tag()
    }

    /// Takes note of the CSeq of a request from the peer; false if it is out of order (answer 500).
    pub fn advance(&mut self, request: &Request) -> bool {
        let (number, _) = request.cseq();
        if self.remote_sequence.is_some_and(|last| number <= last) {
            return false;
        }
        self.remote_sequence = Some(number);
        true
    }

    /// The next request to the peer (12.2.1.1), without Via and Contact.
    pub fn request(&mut self, method: Method) -> Request {
        self.local_sequence = self.local_sequence.saturating_add(1);
        self.build(method, self.local_sequence)
    }

    /// The ACK to a 2xx of our INVITE with this CSeq number (13.2.2.4), without Via.
    #[must_use]
    pub fn acknowledgement(&self, invite_sequence: u32) -> Request {
        self.build(Method::Ack, invite_sequence)
    }

    /// The peer has another contact from now on (12.2.2).
    pub fn set_target(&mut self, target: &Uri) {
        if self.target != *target {
            self.target = target.clone();
        }
    }

    /// The tag of our own end.
    #[must_use]
    pub fn local_tag(&self) -> &str {
        self.local.tag().unwrap_or_default()
    }

    /// The peer as it named itself.
    #[must_use]
    pub const fn remote(&self) -> &NameAddr {
        &self.remote
    }

    /// A loose router's route set goes into Route; a strict one (12.2.1.1) swaps places with the target.
    fn build(&self, method: Method, sequence: u32) -> Request {
        let mut routes = self.routes.clone();
        let mut uri = self.target.clone();
        let strict = routes
            .first()
            .is_some_and(|first| !first.uri.params.has("lr"));
        if strict {
            let first = routes.remove(0);
            routes.push(NameAddr::new(uri));
            uri = first.uri;
        }
        let mut request = Request::new(method.clone(), uri);
        request.set_max_forwards(70);
        for route in &routes {
            request.add_header("Route", &route.to_string());
        }
        request.add_header("From", &self.local.to_string());
        request.add_header("To", &self.remote.to_string());
        request.add_header("Call-ID", &self.call_id);
        request.set_cseq(sequence, &method);
        request
    }
}

fn target(contacts: &[NameAddr], otherwise: &Uri) -> Uri {
    contacts
        .first()
        .map_or_else(|| otherwise.clone(), |contact| contact.uri.clone())
}
