//! A request (RFC 3261 7.1) with typed access to what transactions, dialogs and proxies need.

use crate::{
    header::Headers, message::common_accessors, method::Method, name_addr::NameAddr, uri::Uri,
    via::Via,
};

/// A request. What [`crate::message::parse`] returns is whole: From, To, Call-ID, CSeq and Via are there and
/// well formed. One built by hand is as complete as its builder made it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

common_accessors!(Request);

impl Request {
    /// A request without any header field.
    #[must_use]
    pub fn new(method: Method, uri: Uri) -> Self {
        Self {
            method,
            uri,
            headers: Headers::default(),
            body: Vec::new(),
        }
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The Request-URI.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Sends the request to another target.
    pub fn set_uri(&mut self, uri: Uri) {
        self.uri = uri;
    }

    /// Route values, in the order of the way to go.
    #[must_use]
    pub fn routes(&self) -> Vec<NameAddr> {
        self.addresses("Route")
    }

    /// Takes the first Route value out.
    pub fn pop_route(&mut self) -> Option<NameAddr> {
        self.headers.remove_first("Route")?.parse().ok()
    }

    /// Puts a Route value in front of the others.
    pub fn push_route(&mut self, route: &NameAddr) {
        self.headers.add_first("Route", &route.to_string());
    }

    /// Hops left (RFC 3261 20.22); 70 where nothing is said.
    #[must_use]
    pub fn max_forwards(&self) -> u8 {
        self.header("Max-Forwards")
            .and_then(|value| value.parse().ok())
            .unwrap_or(70)
    }

    /// Sets the hops left.
    pub fn set_max_forwards(&mut self, hops: u8) {
        self.headers.set("Max-Forwards", &hops.to_string());
    }

    /// The message on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let start = format!("{} {} SIP/2.0", self.method, self.uri);
        self.write_behind(start)
    }
}
