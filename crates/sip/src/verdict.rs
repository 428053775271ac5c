//! The verdict over incoming bytes: a whole message, or a refusal and how to answer it.
//!
//! The grammar library frames and reads; this module adds what RFC 3261 8.1.1 wants of every message, and
//! the torture tests of RFC 4475. What a method needs beyond that is judged by who works on the request.

use sipx_sip::{
    HeaderName, Limits, Message as Framed, error::ParseError as Unframed, headers as grammar,
    validate, validate::Finding,
};

use crate::{
    header::Headers,
    message::{Message, ParseError},
    method::Method,
    request::Request,
    response::Response,
    text::owned,
    uri::Uri,
};

const LIMITS: Limits = Limits {
    max_message_bytes: 128 * 1024,
    max_body_bytes: 64 * 1024,
    max_headers: 256,
    max_header_bytes: 8 * 1024,
    max_folding_lines: 32,
};

/// Reads one message from one frame or datagram; bytes behind its body are ignored (RFC 3261 18.3).
///
/// # Errors
/// [`ParseError`] says what to answer: 400, 505 or 513 for a request, nothing for what must be dropped.
pub fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
    let framed = sipx_sip::parse_datagram(bytes.to_vec().into(), &LIMITS)
        .map_err(|error| refusal(bytes, unframed(&error)))?;
    match fault(&framed) {
        Some(fault) => Err(refusal(bytes, fault)),
        None => Ok(message(&framed, bytes)),
    }
}

/// A status and what was met. Plain text: the library's own error texts would double its size in wasm.
type Fault = (u16, &'static str);

const fn unframed(error: &Unframed) -> Fault {
    match error {
        Unframed::StartLine(_) => (400, "the start line is malformed"),
        Unframed::HeaderSyntax { .. } => (400, "a header line is malformed"),
        Unframed::Framing(_) => (400, "the length of the body is missing or wrong"),
        Unframed::Limit { .. } => (513, "the message is too large"),
        _ => (400, "the message is not whole"),
    }
}

/// The first thing that makes a framed message unusable.
fn fault(framed: &Framed) -> Option<Fault> {
    let finding = validate(framed)
        .into_iter()
        .find(|finding| !finding.is_repairable());
    if let Some(finding) = finding {
        return Some((finding.status(), found(&finding)));
    }
    framed.headers().iter().find_map(broken_value)
}

const fn found(finding: &Finding) -> &'static str {
    match finding {
        Finding::UnsupportedVersion => "the version is not SIP/2.0",
        Finding::MissingRequiredHeader(_) => "a required header is missing",
        Finding::MalformedRequiredHeader(_) => "a required header is malformed",
        Finding::RepeatedSingleValueHeader(_) => "a header stands twice",
        Finding::CSeqMethodMismatch => "the CSeq names another method",
        Finding::RequestUriHasHeaders => "the Request-URI has headers",
        _ => "the message is not valid",
    }
}

/// A header that proxies and registrars work on and that cannot be read to its end, or is no text.
fn broken_value(field: &sipx_sip::Header) -> Option<Fault> {
    let value = field.value();
    let is_good = match field.name() {
        _ if core::str::from_utf8(&value).is_err() => false,
        HeaderName::Via => grammar::Via::parse_list(&value).is_ok(),
        HeaderName::Contact => &*value == b"*" || are_addresses(&value),
        HeaderName::Route | HeaderName::RecordRoute | HeaderName::Path => are_addresses(&value),
        HeaderName::Expires => {
            value.trim_ascii().iter().all(u8::is_ascii_digit) && number(&value).is_some()
        }
        _ => true,
    };
    (!is_good).then_some((400, "a header value is malformed"))
}

fn are_addresses(value: &[u8]) -> bool {
    sipx_sip::Address::parse_list(value, "address").is_ok()
}

fn number(value: &[u8]) -> Option<u32> {
    core::str::from_utf8(value).ok()?.trim().parse().ok()
}

fn message(framed: &Framed, bytes: &[u8]) -> Message {
    let headers = headers(framed.headers());
    match framed {
        Framed::Request(request) => {
            let method = Method::from(owned(request.method.as_bytes()).as_str());
            let mut request = Request {
                uri: Uri::from_grammar(&request.uri),
                method,
                headers,
                body: request.body().to_vec(),
            };
            repair_length(&mut request, bytes);
            Message::Request(request)
        }
        Framed::Response(response) => Message::Response(Response {
            status: response.status.code(),
            reason: owned(&response.reason),
            headers,
            body: response.body().to_vec(),
        }),
    }
}

fn headers(fields: &sipx_sip::Headers) -> Headers {
    let mut out = Headers::default();
    for field in fields.iter() {
        out.add_parsed(&owned(field.name().canonical()), &owned(&field.value()));
    }
    out
}

/// Some senders of session information count its characters without the line ends. Where the rest of
/// the frame is no longer than these could be, it belongs to the body.
fn repair_length(request: &mut Request, bytes: &[u8]) {
    if request.method != Method::Info || request.content_type() != crate::session_info::CONTENT_TYPE
    {
        return;
    }
    let Some(whole) = body_of(bytes) else { return };
    let line_ends = whole
        .iter()
        .filter(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let surplus = whole.len().saturating_sub(request.body.len());
    if surplus > 0 && surplus <= line_ends {
        request.body = whole.to_vec();
    }
}

/// Everything behind the empty line.
fn body_of(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    bytes.get(end.checked_add(4)?..)
}

/// A refusal, with the answer to send where the bytes begin a request and name a way back. Nobody may
/// answer a response or an ACK.
fn refusal(bytes: &[u8], (status, reason): Fault) -> ParseError {
    let remains = Remains::read(bytes);
    let is_answerable = remains.as_ref().is_some_and(Remains::is_answerable);
    ParseError {
        status: is_answerable.then_some(status),
        answer: remains.and_then(|remains| remains.answer(status)),
        reason,
    }
}

/// What can still be read of a message that was refused.
struct Remains {
    method: String,
    headers: Headers,
}

impl Remains {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let head = owned(bytes.get(..end.unwrap_or(bytes.len()).min(LIMITS.max_body_bytes))?);
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut lines = unfolded.split("\r\n");
        let method = lines.next()?.split(' ').next()?.to_owned();
        let mut headers = Headers::default();
        for (name, value) in lines
            .filter_map(|line| line.split_once(':'))
            .take(LIMITS.max_headers)
        {
            let name = HeaderName::parse(&name.trim().as_bytes().to_vec().into());
            headers.add_parsed(&owned(name.canonical()), value);
        }
        Some(Self { method, headers })
    }

    fn is_answerable(&self) -> bool {
        let is_response = self
            .method
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("SIP/"));
        !self.method.is_empty() && !is_response && self.method != "ACK"
    }

    /// The answer, if a Via leads back. Of what may stand only once it repeats the first, and of what is
    /// missing nothing: the sender finds its own mistake by the status (RFC 4475 3.3.1 and 3.3.8).
    fn answer(mut self, status: u16) -> Option<Response> {
        if !self.is_answerable() || self.headers.get("Via").is_none() {
            return None;
        }
        for name in ["From", "To", "Call-ID", "CSeq"] {
            if let Some(first) = self.headers.get(name).map(str::to_owned) {
                self.headers.set(name, &first);
            }
        }
        let request = Request {
            method: Method::from(self.method.as_str()),
            uri: Uri::sip_host("invalid"),
            headers: self.headers,
            body: Vec::new(),
        };
        Some(Response::reply_to(
            &request,
            status,
            reason_phrase(status),
            None,
        ))
    }
}

const fn reason_phrase(status: u16) -> &'static str {
    match status {
        505 => "Version Not Supported",
        513 => "Message Too Large",
        _ => "Bad Request",
    }
}
