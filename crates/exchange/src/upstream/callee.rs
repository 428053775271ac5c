//! For whom a call comes that the proxy diverted to us.

use sip::{Request, Uri};

use crate::{
    context::Context,
    flow::{VOICEMAIL_USER, own_address},
};

/// The mailbox that a diverted call is for, and why it was diverted, as far as somebody says so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Diverted {
    /// Normalised address in our domain.
    pub(super) callee: String,
    /// Status for which the call was diverted (RFC 4458 section 2.2).
    pub(super) cause: Option<String>,
}

impl Diverted {
    /// `sip:voicemail@DOMAIN;target=CALLEE;cause=STATUS` (RFC 4458).
    pub(super) fn uri(&self, context: &Context<'_>) -> Uri {
        let domain = context.settings.domain();
        let uri = Uri::sip(VOICEMAIL_USER, domain).with_param("target", &self.callee);
        match &self.cause {
            Some(cause) => uri.with_param("cause", cause),
            None => uri,
        }
    }
}

/// The callee by the first of these that names somebody of ours: the `target` of the Request-URI (RFC 4458), the
/// newest History-Info (RFC 7044) or Diversion (RFC 5806), the Request-URI itself, To. Our own name at the proxy is
/// nobody.
pub(super) fn callee(
    request: &Request,
    voicemail: &str,
    context: &Context<'_>,
) -> Option<Diverted> {
    let person = |text: &str| own_address(text, context).filter(|address| address != voicemail);
    let history: Vec<String> = addresses(request, "History-Info");
    let named = request
        .uri()
        .param("target")
        .into_iter()
        .chain(history.iter().rev().cloned())
        .chain(addresses(request, "Diversion"))
        // Proxies put our contact into the Request-URI; what was dialled stands in To, also a voicemail's `target`.
        .chain(request.to().uri.param("target"))
        .chain([request.uri().to_string(), request.to().uri.to_string()]);
    let callee = named.into_iter().find_map(|text| person(&text))?;
    let stated = request.uri().param("cause");
    let cause = stated.or_else(|| history.iter().rev().find_map(|text| reason(text)));
    let is_status = |cause: &String| cause.len() == 3 && cause.bytes().all(|c| c.is_ascii_digit());
    Some(Diverted {
        callee,
        cause: cause.filter(is_status),
    })
}

/// What stands in angle brackets in all fields of this name, in order.
fn addresses(request: &Request, name: &str) -> Vec<String> {
    let fields = request.headers(name).flat_map(|value| {
        let parts = value.split('<').skip(1);
        parts.filter_map(|part| part.split_once('>').map(|(address, _)| address.to_owned()))
    });
    fields.collect()
}

/// The SIP cause that an entry of the history carries in its Reason (RFC 7044 section 5.1).
fn reason(entry: &str) -> Option<String> {
    let uri: Uri = entry.parse().ok()?;
    let reason = uri.headers.get("Reason")?.to_ascii_lowercase();
    let plain = reason.replace("%3b", ";").replace("%3d", "=");
    let cause = plain
        .split(';')
        .find_map(|part| part.strip_prefix("cause="))?;
    plain.starts_with("sip").then(|| cause.to_owned())
}

#[cfg(test)]
mod tests {
    use sip::{Message, Request};

    use super::callee;
    use crate::{
        context::{Context, Entropy},
        object::Object,
        settings::tests::settings,
    };

    fn invite(uri: &str, to: &str, extra: &str) -> Request {
        let text = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKa\r\nFrom: <sip:a@x.test>;tag=1\r\nTo: <{to}>\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n{extra}\r\n"
        );
        match Message::parse(text.as_bytes()).expect("a message") {
            Message::Request(request) => request,
            Message::Response(_) => panic!("a response"),
        }
    }

    #[test]
    fn whoever_was_called_last_before_the_voicemail_is_the_callee() {
        let settings = settings();
        let context = Context {
            object: Object::Upstream,
            settings: &settings,
            now_ms: 0,
            entropy: Entropy::new([1; 32]),
            trace: crate::trace::Notebook::default(),
        };
        let contact = "sip:voicemail@x.invalid;transport=ws";
        let bob = "sip:bob@localhost";
        for (uri, to, extra, expected) in [
            (contact, bob, "", Some(("bob", None))),
            (
                "sip:voicemail@localhost;target=sip:carol%40localhost;cause=486",
                bob,
                "",
                Some(("carol", Some("486"))),
            ),
            (
                contact,
                "sip:voicemail@localhost",
                "History-Info: <sip:bob@localhost?Reason=SIP%3Bcause%3D486>;index=1, <sip:voicemail@localhost>;index=1.1\r\n",
                Some(("bob", Some("486"))),
            ),
            (
                contact,
                bob,
                "History-Info: <sip:bob@localhost?Reason=SIP%3Bcause%3D302>;index=1\r\nHistory-Info: <sip:carol@localhost?Reason=SIP%3Bcause%3D408>;index=1.1\r\n",
                Some(("carol", Some("408"))),
            ),
            (
                contact,
                bob,
                "Diversion: \"Carol\" <sip:carol@localhost>;reason=user-busy, <sip:bob@localhost>\r\n",
                Some(("carol", None)),
            ),
            ("sip:carol@localhost", bob, "", Some(("carol", None))),
            (contact, "sip:bob@elsewhere.test", "", None),
            (
                contact,
                "sip:voicemail@localhost;target=sip:bob%40localhost;cause=302",
                "",
                Some(("bob", None)),
            ),
            (contact, "sip:voicemail@localhost", "", None),
            (
                "sip:voicemail@localhost;target=sip:eve%40elsewhere.test;cause=1%0d%0ax",
                bob,
                "",
                Some(("bob", None)),
            ),
        ] {
            let invite = invite(uri, to, extra);
            let found = callee(&invite, "sip:voicemail@localhost", &context);
            let found = found.map(|found| (found.callee, found.cause));
            let expected = expected
                .map(|(user, cause)| (format!("sip:{user}@localhost"), cause.map(str::to_owned)));
            assert_eq!(found, expected, "{uri} {to} {extra}");
        }
    }
}
