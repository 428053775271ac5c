//! A response (RFC 3261 7.2).

use crate::{
    header::Headers, message::common_accessors, method::Method, name_addr::NameAddr,
    request::Request, via::Via,
};

/// A response. What [`crate::message::parse`] returns is whole: From, To, Call-ID, CSeq and Via are there and
/// well formed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

common_accessors!(Response);

impl Response {
    /// The answer to a request by RFC 3261 8.2.6: Via, From, To, Call-ID and CSeq are copied, and
    /// Record-Route where the status may make a dialog (101 to 299). The To gets `to_tag` if the request had none.
    #[must_use]
    pub fn reply_to(request: &Request, status: u16, reason: &str, to_tag: Option<&str>) -> Self {
        let mut response = Self {
            status,
            reason: crate::text::one_line(reason),
            headers: Headers::default(),
            body: Vec::new(),
        };
        response.copy(request, "Via");
        if (101..300).contains(&status) {
            response.copy(request, "Record-Route");
        }
        for name in ["From", "To", "Call-ID", "CSeq"] {
            response.copy(request, name);
        }
        if let Some(tag) = to_tag
            && request.to().tag().is_none()
        {
            response.set_header("To", &request.to().with_tag(tag).to_string());
        }
        response
    }

    fn copy(&mut self, request: &Request, name: &str) {
        for value in request.headers(name) {
            self.headers.add(name, value);
        }
    }

    /// The status code, 100 to 699.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase; may be empty.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// 100 to 199.
    #[must_use]
    pub const fn is_provisional(&self) -> bool {
        self.status < 200
    }

    /// 200 to 299.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The message on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let start = format!("SIP/2.0 {} {}", self.status, self.reason);
        self.write_behind(start)
    }
}
