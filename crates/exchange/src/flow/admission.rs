//! What a request must satisfy before anybody works on it: as at every hop (RFC 3261 16.3), and as at an
//! end point that answers it itself (8.2).

use sip::{Method, Request, Scheme};

use super::initial::SUPPORTED;

/// The body that a call of ours may begin with.
const SESSION: &str = "application/sdp";

/// Why a request is not taken, and the header that says what would be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    /// Status of the answer.
    pub(crate) status: u16,
    /// Its reason phrase.
    pub(crate) reason: &'static str,
    /// Name and value of one header more.
    pub(crate) header: Option<(&'static str, String)>,
}

impl Refusal {
    const fn plain(status: u16, reason: &'static str) -> Self {
        Self {
            status,
            reason,
            header: None,
        }
    }

    const fn with(status: u16, reason: &'static str, header: &'static str, value: String) -> Self {
        Self {
            status,
            reason,
            header: Some((header, value)),
        }
    }

    /// Its headers as answers take them.
    pub(crate) fn headers(&self) -> Vec<(&str, &str)> {
        let header = self.header.as_ref();
        header
            .map(|(name, value)| (*name, value.as_str()))
            .into_iter()
            .collect()
    }
}

/// What every hop refuses: a scheme that leads nowhere, hops used up, demands on proxies.
pub(crate) fn at_hop(request: &Request) -> Option<Refusal> {
    if matches!(request.uri().scheme, Scheme::Other(_)) {
        return Some(Refusal::plain(416, "Unsupported URI Scheme"));
    }
    if request.max_forwards() == 0 {
        return Some(Refusal::plain(483, "Too Many Hops"));
    }
    unsupported(request, "Proxy-Require")
}

/// What an end point refuses whatever the method: extensions that it does not have.
pub(super) fn at_end(request: &Request) -> Option<Refusal> {
    unsupported(request, "Require")
}

/// What an end point that answers calls refuses besides: a body that is no session, or a caller who would
/// not read one.
pub(crate) fn of_call(invite: &Request) -> Option<Refusal> {
    if let Some(refusal) = at_end(invite) {
        return Some(refusal);
    }
    if !invite.body().is_empty() && invite.content_type() != SESSION && !is_optional(invite) {
        let accept = SESSION.to_owned();
        return Some(Refusal::with(
            415,
            "Unsupported Media Type",
            "Accept",
            accept,
        ));
    }
    (!reads_sessions(invite)).then(|| Refusal::plain(406, "Not Acceptable"))
}

/// What an end point says to an INVITE that it has already, which a proxy forked to it (8.2.2.2).
pub(crate) fn of_merged() -> Refusal {
    Refusal::plain(482, "Loop Detected")
}

/// Option tags in this header that are not ours (8.2.2.3); an ACK or a CANCEL may not be refused for them.
fn unsupported(request: &Request, header: &str) -> Option<Refusal> {
    if matches!(request.method(), Method::Ack | Method::Cancel) {
        return None;
    }
    let unknown: Vec<&str> = items(request, header)
        .filter(|tag| !is_supported(tag))
        .collect();
    (!unknown.is_empty())
        .then(|| Refusal::with(420, "Bad Extension", "Unsupported", unknown.join(", ")))
}

fn is_supported(tag: &str) -> bool {
    SUPPORTED
        .split(", ")
        .any(|known| known.eq_ignore_ascii_case(tag))
}

/// Whether the sender says to understand this extension.
pub(crate) fn supports(request: &Request, tag: &str) -> bool {
    items(request, "Supported").any(|known| known.eq_ignore_ascii_case(tag))
}

/// Whether the body may be ignored (RFC 3261 20.11).
fn is_optional(invite: &Request) -> bool {
    let disposition = invite.header("Content-Disposition").unwrap_or("");
    disposition
        .split(';')
        .skip(1)
        .any(|parameter| parameter.trim().eq_ignore_ascii_case("handling=optional"))
}

/// Whether the caller reads SDP: nothing said means yes (RFC 3261 20.1).
fn reads_sessions(invite: &Request) -> bool {
    if invite.header("Accept").is_none() {
        return true;
    }
    items(invite, "Accept").any(|range| {
        let media = range.split(';').next().unwrap_or("").trim();
        [SESSION, "application/*", "*/*"]
            .iter()
            .any(|good| good.eq_ignore_ascii_case(media))
    })
}

fn items<'a>(request: &'a Request, header: &'a str) -> impl Iterator<Item = &'a str> {
    request
        .headers(header)
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use sip::{Message, Request};

    use super::{at_end, at_hop, of_call};

    fn request(start: &str, extra: &str) -> Request {
        let method = start.split(' ').next().expect("a method");
        let text = format!(
            "{start} SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKa\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:bob@localhost>\r\nCall-ID: a\r\nCSeq: 1 {method}\r\n{extra}\r\n"
        );
        match Message::parse(text.as_bytes()).expect("a message") {
            Message::Request(request) => request,
            Message::Response(_) => panic!("a response"),
        }
    }

    fn call(extra: &str) -> Option<u16> {
        let invite = request("INVITE sip:bob@localhost", extra);
        of_call(&invite).map(|refusal| refusal.status)
    }

    #[test]
    fn a_hop_refuses_what_leads_nowhere() {
        for (uri, extra, status) in [
            ("sip:bob@localhost", "", None),
            ("sips:bob@localhost", "Max-Forwards: 1\r\n", None),
            ("tel:+493012345678", "", None),
            ("soap.beep://192.0.2.103:3002", "", Some(416)),
            ("sip:bob@localhost", "Max-Forwards: 0\r\n", Some(483)),
            ("sip:bob@localhost", "Proxy-Require: a\r\n", Some(420)),
            ("sip:bob@localhost", "Proxy-Require: Path\r\n", None),
        ] {
            let refusal = at_hop(&request(&format!("OPTIONS {uri}"), extra));
            assert_eq!(
                refusal.map(|refusal| refusal.status),
                status,
                "{uri} {extra}"
            );
        }
    }

    #[test]
    fn unknown_extensions_are_named_and_an_ack_is_never_refused() {
        let demands = "Require: a, outbound\r\nRequire: b\r\n";
        let refusal = at_end(&request("OPTIONS sip:localhost", demands)).expect("a refusal");
        assert_eq!(refusal.headers(), [("Unsupported", "a, b")]);
        assert_eq!(at_end(&request("ACK sip:localhost", demands)), None);
        assert_eq!(at_end(&request("CANCEL sip:localhost", demands)), None);
    }

    #[test]
    fn a_call_is_about_a_session_in_sdp() {
        let body = "Content-Length: 3\r\n\r\nx=1";
        for (extra, status) in [
            (
                "Accept: application/sdp;level=1, text/plain\r\n".to_owned(),
                None,
            ),
            ("Accept: */*\r\n".to_owned(), None),
            ("Accept: text/nobodyKnowsThis\r\n".to_owned(), Some(406)),
            ("Require: 100rel\r\n".to_owned(), Some(420)),
            (format!("Content-Type: Application/SDP\r\n{body}"), None),
            (format!("Content-Type: text/x\r\n{body}"), Some(415)),
            (
                format!(
                    "Content-Type: text/x\r\nContent-Disposition: icon;handling=optional\r\n{body}"
                ),
                None,
            ),
        ] {
            assert_eq!(call(&extra), status, "{extra}");
        }
    }
}
