//! One SIP message: bytes to types and back, and the verdict over what is not one.
//!
//! What a message asks for is not judged here.

use crate::{request::Request, response::Response};

pub use crate::verdict::parse;

/// A request or a response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

/// Bytes that are no acceptable message.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("refused message: {reason}")]
pub struct ParseError {
    /// The status to answer with; nothing where the message is to be dropped (responses, ACKs, noise).
    pub status: Option<u16>,
    /// What was met, for people.
    pub reason: &'static str,
    /// The answer to send back, if enough of the request could be read to address one.
    pub answer: Option<Response>,
}

impl Message {
    /// Reads one message; see [`parse`].
    ///
    /// # Errors
    /// As [`parse`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        parse(bytes)
    }

    /// The message on the wire, with the right Content-Length.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }

    /// The request, if it is one.
    #[must_use]
    pub const fn as_request(&self) -> Option<&Request> {
        match self {
            Self::Request(request) => Some(request),
            Self::Response(_) => None,
        }
    }

    /// The response, if it is one.
    #[must_use]
    pub const fn as_response(&self) -> Option<&Response> {
        match self {
            Self::Request(_) => None,
            Self::Response(response) => Some(response),
        }
    }
}

/// What requests and responses read and write alike.
macro_rules! common_accessors {
    ($type:ident) => {
        impl $type {
            /// The first value of a header field, by its full name.
            #[must_use]
            pub fn header(&self, name: &str) -> Option<&str> {
                self.headers.get(name)
            }

            /// All values of a header field, in order.
            pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
                self.headers.all(name)
            }

            /// All header fields, in order.
            #[must_use]
            pub const fn all_headers(&self) -> &Headers {
                &self.headers
            }

            /// Replaces all fields of this name by one.
            pub fn set_header(&mut self, name: &str, value: &str) {
                self.headers.set(name, value);
            }

            /// Adds a field behind the others.
            pub fn add_header(&mut self, name: &str, value: &str) {
                self.headers.add(name, value);
            }

            /// Removes all fields of this name.
            pub fn remove_header(&mut self, name: &str) {
                self.headers.remove(name);
            }

            /// The same message with one more field behind the others.
            #[must_use]
            pub fn with_header(mut self, name: &str, value: &str) -> Self {
                self.headers.add(name, value);
                self
            }

            /// The sender of the request; anonymous where a hand-built message has none.
            #[must_use]
            pub fn from(&self) -> NameAddr {
                self.address("From")
            }

            /// The receiver of the request; anonymous where a hand-built message has none.
            #[must_use]
            pub fn to(&self) -> NameAddr {
                self.address("To")
            }

            /// The Call-ID; empty where a hand-built message has none.
            #[must_use]
            pub fn call_id(&self) -> &str {
                self.header("Call-ID").unwrap_or("")
            }

            /// The CSeq number and method; 0 and the empty method where a hand-built message has none.
            #[must_use]
            pub fn cseq(&self) -> (u32, Method) {
                let mut parts = self.header("CSeq").unwrap_or("").split_ascii_whitespace();
                let number = parts
                    .next()
                    .and_then(|number| number.parse().ok())
                    .unwrap_or(0);
                (number, Method::from(parts.next().unwrap_or("")))
            }

            /// Sets the CSeq.
            pub fn set_cseq(&mut self, number: u32, method: &Method) {
                self.headers.set("CSeq", &format!("{number} {method}"));
            }

            /// The hops, newest first.
            #[must_use]
            pub fn vias(&self) -> Vec<Via> {
                self.headers("Via")
                    .filter_map(|value| value.parse().ok())
                    .collect()
            }

            /// The newest hop.
            #[must_use]
            pub fn top_via(&self) -> Option<Via> {
                self.header("Via")?.parse().ok()
            }

            /// Puts a hop in front.
            pub fn push_via(&mut self, via: &Via) {
                self.headers.add_first("Via", &via.to_string());
            }

            /// Takes the newest hop out.
            pub fn pop_via(&mut self) -> Option<Via> {
                self.headers.remove_first("Via")?.parse().ok()
            }

            /// Record-Route values, newest first.
            #[must_use]
            pub fn record_routes(&self) -> Vec<NameAddr> {
                self.addresses("Record-Route")
            }

            /// Puts a Record-Route value in front.
            pub fn push_record_route(&mut self, route: &NameAddr) {
                self.headers.add_first("Record-Route", &route.to_string());
            }

            /// Contact addresses; the wildcard `*` of REGISTER is not among them, see `has_wildcard_contact`.
            #[must_use]
            pub fn contacts(&self) -> Vec<NameAddr> {
                self.addresses("Contact")
            }

            /// Whether Contact is `*` (RFC 3261 10.2.2).
            #[must_use]
            pub fn has_wildcard_contact(&self) -> bool {
                self.headers("Contact").any(|value| value == "*")
            }

            /// The Expires header in seconds.
            #[must_use]
            pub fn expires(&self) -> Option<u32> {
                self.header("Expires")?.parse().ok()
            }

            /// The body.
            #[must_use]
            pub fn body(&self) -> &[u8] {
                &self.body
            }

            /// The body as text, if it is UTF-8.
            #[must_use]
            pub fn body_text(&self) -> Option<&str> {
                core::str::from_utf8(&self.body).ok()
            }

            /// The Content-Type without parameters, in lower case; empty if there is none.
            #[must_use]
            pub fn content_type(&self) -> String {
                let value = self.header("Content-Type").unwrap_or("");
                value
                    .split(';')
                    .next()
                    .unwrap_or("")
                    .trim()
                    .to_ascii_lowercase()
            }

            /// Gives the message this body.
            pub fn set_body(&mut self, content_type: &str, body: &[u8]) {
                self.headers.set("Content-Type", content_type);
                self.body = body.to_vec();
            }

            fn address(&self, name: &str) -> NameAddr {
                self.header(name)
                    .and_then(|value| value.parse().ok())
                    .unwrap_or_else(NameAddr::anonymous)
            }

            fn addresses(&self, name: &str) -> Vec<NameAddr> {
                self.headers(name)
                    .filter_map(|value| value.parse().ok())
                    .collect()
            }

            fn write_behind(&self, start_line: String) -> Vec<u8> {
                let mut out = start_line.replace(['\r', '\n'], " ").into_bytes();
                out.extend_from_slice(b"\r\n");
                self.headers.write_to(&mut out);
                let length = format!("Content-Length: {}\r\n\r\n", self.body.len());
                out.extend_from_slice(length.as_bytes());
                out.extend_from_slice(&self.body);
                out
            }
        }
    };
}
pub(crate) use common_accessors;
