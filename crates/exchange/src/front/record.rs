//! What the log says of a request: one line of JSON without a secret, an identifier of a thing, or a whole address.

use std::sync::OnceLock;

use serde_json::json;

use super::request_id;
use crate::{http::Request, object::Object, openapi};

/// The log's line about a request that was answered; `whose` is the object that it went to, if any.
#[must_use]
pub fn record(head: &Request, whose: Option<&Object>, status: u16, took_ms: i64) -> String {
    let address = match whose {
        Some(Object::Line(address) | Object::Mailbox(address)) => Some(masked(address)),
        _ => None,
    };
    let mut line = json!({
        "event": "request",
        "method": head.method,
        "route": pattern(&head.path),
        "status": status,
        "ms": took_ms,
        "request_id": request_id(head),
    });
    if let (Some(address), Some(line)) = (address, line.as_object_mut()) {
        line.insert("address".to_owned(), address.into());
    }
    line.to_string()
}

/// The documented path that a request's path is an example of; others are not told apart.
#[must_use]
pub fn pattern(path: &str) -> &'static str {
    static PATTERNS: OnceLock<Vec<String>> = OnceLock::new();
    let patterns = PATTERNS.get_or_init(patterns);
    patterns
        .iter()
        .find(|pattern| is_example(path, pattern))
        .map_or("other", String::as_str)
}

fn patterns() -> Vec<String> {
    let document = openapi::document("");
    let paths = document.get("paths").and_then(|paths| paths.as_object());
    let paths = paths.into_iter().flat_map(|paths| paths.keys().cloned());
    core::iter::once("/sip".to_owned()).chain(paths).collect()
}

fn is_example(path: &str, pattern: &str) -> bool {
    let mut segments = path.split('/');
    let fits = pattern.split('/').all(|expected| {
        let segment = segments.next();
        segment.is_some_and(|segment| expected.starts_with('{') || segment == expected)
    });
    fits && segments.next().is_none()
}

/// The same text with every SIP address in it shortened: `sip:b***@example.com`.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut parts = text.split("sip:");
    let mut safe = parts.next().unwrap_or("").to_owned();
    for part in parts {
        safe.push_str("sip:");
        match part.split_once('@') {
            Some((user, rest)) if !user.contains(char::is_whitespace) => {
                safe.extend(user.chars().next());
                safe.push_str("***@");
                safe.push_str(rest);
            }
            _ => safe.push_str(part),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::{masked, pattern, record};
    use crate::{front::REQUEST_ID, http::Request, object::Object, openapi};

    #[test]
    fn addresses_keep_their_first_letter_and_their_domain() {
        assert_eq!(masked("sip:bob@example.com"), "sip:b***@example.com");
        assert_eq!(
            masked("from sip:anna@a.example to sip:élan@b.example"),
            "from sip:a***@a.example to sip:é***@b.example"
        );
        assert_eq!(masked("sip:gateway.example"), "sip:gateway.example");
        assert_eq!(masked("no address"), "no address");
    }

    #[test]
    fn every_documented_path_is_its_own_pattern() {
        let document = openapi::document("");
        for path in document["paths"].as_object().expect("paths").keys() {
            let example = path
                .split('/')
                .map(|segment| {
                    if segment.starts_with('{') {
                        "x1"
                    } else {
                        segment
                    }
                })
                .collect::<Vec<_>>()
                .join("/");
            assert_eq!(pattern(&example), path);
        }
        assert_eq!(pattern("/sip"), "/sip");
        assert_eq!(pattern("/assets/call.js"), "other");
    }

    #[test]
    fn a_line_says_what_happened_and_gives_nothing_away() {
        let head = Request {
            method: "GET".to_owned(),
            path: "/mailbox/messages/m77/media".to_owned(),
            query: "token=m1.secret".to_owned(),
            headers: vec![
                (REQUEST_ID.to_owned(), "r-1".to_owned()),
                ("authorization".to_owned(), "Bearer l1.secret".to_owned()),
            ],
            ..Request::default()
        };
        let whose = Object::Mailbox("sip:bob@example.com".to_owned());
        let line = record(&head, Some(&whose), 206, 12);
        let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            line,
            serde_json::json!({
                "event": "request", "method": "GET", "route": "/mailbox/messages/{id}/media", "status": 206,
                "ms": 12, "request_id": "r-1", "address": "sip:b***@example.com",
            })
        );
    }
}
