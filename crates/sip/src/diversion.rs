//! For whom a call was before it was sent on: `History-Info` (RFC 7044, and RFC 4244 before it), `Diversion`
//! (RFC 5806) and the `target` of a voicemail URI (RFC 4458).
//!
//! It reads what the request says. Whether to believe it, and whose mailbox asks, is not decided here.

use crate::{NameAddr, request::Request, text};

/// More entries than any call collects in earnest; what follows is not read.
const MOST: usize = 32;

/// Everybody for whom the call was, the one dialled first in front; also the one it is for now, where the headers
/// name it. Who asked not to be named (RFC 3323 `Privacy`) is left out.
#[must_use]
pub fn called_before(request: &Request) -> Vec<NameAddr> {
    if hides(request.header("Privacy").unwrap_or("")) {
        return Vec::new();
    }
    let mut called = history(request);
    called.extend(diversions(request));
    called.extend(target(request));
    called
}

/// Entries of `History-Info` by their index (RFC 7044 section 10.3): `1` was dialled, `1.1` came of it.
fn history(request: &Request) -> Vec<NameAddr> {
    let mut entries: Vec<(Vec<u32>, NameAddr)> = values(request, "History-Info")
        .filter_map(|value| value.parse().ok())
        .map(|entry: NameAddr| (index(&entry), entry))
        .filter(|(_, entry)| !entry.uri.headers.get("Privacy").is_some_and(hides))
        .collect();
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn index(entry: &NameAddr) -> Vec<u32> {
    let index = entry.params.get("index").unwrap_or("");
    index.split('.').flat_map(str::parse).collect()
}

/// Entries of `Diversion`: the newest stands in front (RFC 5806 section 4), so the last one was dialled.
fn diversions(request: &Request) -> Vec<NameAddr> {
    let mut entries: Vec<NameAddr> = values(request, "Diversion")
        .filter_map(|value| value.parse().ok())
        .filter(|entry: &NameAddr| !is_private(entry))
        .collect();
    entries.reverse();
    entries
}

/// `privacy=full`, `name` or `uri` of an entry (RFC 5806 section 4).
fn is_private(entry: &NameAddr) -> bool {
    let privacy = entry.params.get("privacy").unwrap_or("off");
    !privacy.eq_ignore_ascii_case("off")
}

fn target(request: &Request) -> Option<NameAddr> {
    let uri = request.uri().param("target")?.parse().ok()?;
    Some(NameAddr::new(uri))
}

/// Whether a `Privacy` value asks for the history to be hidden (RFC 7044 section 10.1).
fn hides(privacy: &str) -> bool {
    let privacy =
        text::percent_decoded(privacy).map_or_else(String::new, |bytes| text::owned(&bytes));
    privacy
        .split([';', ','])
        .any(|word| ["history", "header", "session"].contains(&word.trim().to_lowercase().as_str()))
}

fn values<'a>(request: &'a Request, name: &'a str) -> impl Iterator<Item = &'a str> {
    request
        .headers(name)
        .flat_map(|value| text::split(value, ','))
        .take(MOST)
}

#[cfg(test)]
mod tests {
    use super::called_before;
    use crate::Message;

    fn called(uri: &str, extra: &str) -> Vec<String> {
        let text = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKa\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n{extra}\r\n"
        );
        let message = Message::parse(text.as_bytes()).expect("a message");
        let request = message.as_request().expect("a request").clone();
        let users = called_before(&request).into_iter();
        users
            .map(|entry| entry.uri.decoded_user().unwrap_or_default())
            .collect()
    }

    #[test]
    fn the_one_dialled_first_stands_in_front_whatever_the_header() {
        let bob = "sip:bob@example.com";
        for (extra, expected) in [
            ("", vec![]),
            (
                "Diversion: <sip:carol@example.com>;reason=no-answer;counter=1\r\n",
                vec!["carol"],
            ),
            (
                "Diversion: \"Carol, C.\" <sip:carol@example.com>;reason=user-busy, <sip:dave@example.com>;reason=unconditional\r\n",
                vec!["dave", "carol"],
            ),
            (
                "Diversion: <tel:+12015550123>;privacy=\"off\"\r\nDiversion: <sip:dave@example.com>;privacy=full\r\n",
                vec!["+12015550123"],
            ),
            // RFC 7044, folded over two fields and out of order.
            (
                "History-Info: <sip:bob@example.com>;index=1.1;mp=1\r\nHistory-Info: <sip:carol@example.com?Reason=SIP%3Bcause%3D302>;index=1;rc=1\r\n",
                vec!["carol", "bob"],
            ),
            // RFC 4244: quoted reasons, no rc or mp.
            (
                "History-Info: <sip:carol@example.com?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%22>;index=1, <sip:dave@example.com>;index=1.1, <sip:bob@example.com>;index=1.10, <sip:eve@example.com>;index=1.2\r\n",
                vec!["carol", "dave", "eve", "bob"],
            ),
            (
                "History-Info: <sip:carol@example.com?Privacy=history>;index=1, <sip:bob@example.com>;index=1.1\r\n",
                vec!["bob"],
            ),
            (
                "Privacy: id; history\r\nHistory-Info: <sip:carol@example.com>;index=1\r\n",
                vec![],
            ),
            (
                "Diversion: nonsense, <<>\r\nHistory-Info: ;index=1\r\n",
                vec![],
            ),
        ] {
            assert_eq!(called(bob, extra), expected, "{extra}");
        }
    }

    #[test]
    fn the_target_of_a_uri_counts_where_no_header_says_more() {
        let uri = "sip:bob@example.com;target=sip:carol%40example.com;cause=302";
        assert_eq!(called(uri, ""), ["carol"]);
        let diverted = "Diversion: <sip:dave@example.com>\r\n";
        assert_eq!(called(uri, diverted), ["dave", "carol"]);
    }
}
