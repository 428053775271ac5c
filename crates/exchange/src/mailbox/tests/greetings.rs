//! The greeting: the system's, the owner's own, and what is not taken.

use deposit::token::verify_media;

use super::{super::greeting, Bob, body, header, json, request};
use crate::front;

const OWN: &[u8] = include_bytes!("../../../../../www/src/greeting-bob.ogg");
const SYSTEM: &[u8] = include_bytes!("../../../../../www/src/greeting-system.ogg");

fn put(bob: &Bob, content_type: &str, bytes: &[u8]) -> (u16, serde_json::Value) {
    let mut upload = request("PUT", "/mailbox/greeting", "");
    upload
        .headers
        .push(("content-type".to_owned(), content_type.to_owned()));
    upload.body = bytes.to_vec();
    let response = bob.send(&upload).0;
    (response.status, json(&response))
}

/// What a caller hears who opens the present address.
fn heard(bob: &Bob) -> Vec<u8> {
    let url = bob.event(greeting::current).url.expect("address");
    let token = url
        .strip_prefix("http://127.0.0.1:8787/greetings/")
        .expect(&url);
    let claims = verify_media(token, &bob.settings.token_keys, bob.now_ms).expect("token");
    assert_eq!(claims.mailbox, super::BOB);
    let mut asked = request("GET", "/greeting", "");
    asked.headers = vec![(front::RESOURCE.to_owned(), claims.resource)];
    let response = bob.send(&asked).0;
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "content-type"), Some("audio/ogg"));
    body(&response)
}

#[test]
fn the_system_greets_until_the_owner_does_and_again_afterwards() {
    let bob = Bob::new();
    assert_eq!(heard(&bob), SYSTEM);
    assert_eq!(put(&bob, "audio/ogg", OWN).0, 204);
    assert_eq!(heard(&bob), OWN);
    assert_eq!(
        bob.call("GET", "/mailbox", "").1["greeting"]["personal"],
        true
    );
    assert_eq!(
        bob.call("GET", "/mailbox", "").1["storage"]["used"],
        OWN.len()
    );
    assert_eq!(
        bob.call("PATCH", "/mailbox/settings", r#"{"greeting":"system"}"#)
            .0,
        200
    );
    assert_eq!(heard(&bob), SYSTEM);
    bob.call("PATCH", "/mailbox/settings", r#"{"greeting":null}"#);
    assert_eq!(bob.call("DELETE", "/mailbox/greeting", "").0, 204);
    assert_eq!(heard(&bob), SYSTEM);
    assert_eq!(bob.call("GET", "/mailbox", "").1["storage"]["used"], 0);
}

#[test]
fn durations_are_those_of_the_sound() {
    let bob = Bob::new();
    let system = bob.event(greeting::current);
    assert!(
        (1_000..30_000).contains(&system.duration_ms),
        "{}",
        system.duration_ms
    );
    put(&bob, "audio/ogg", OWN);
    let own = bob.event(greeting::current);
    assert!(
        (1_000..30_000).contains(&own.duration_ms),
        "{}",
        own.duration_ms
    );
    assert_ne!(own.duration_ms, system.duration_ms);
}

#[test]
fn a_mailbox_may_have_no_greeting() {
    let bob = Bob::new();
    bob.call("PATCH", "/mailbox/settings", r#"{"greeting":"none"}"#);
    let none = bob.event(greeting::current);
    assert_eq!((none.url, none.duration_ms), (None, 0));
}

#[test]
fn what_is_not_sound_of_the_declared_type_is_refused() {
    let bob = Bob::new();
    for (content_type, bytes) in [
        ("audio/ogg", &b"<html><script>alert(1)</script>"[..]),
        ("text/html", OWN),
        ("audio/webm", OWN),
        ("audio/ogg", b""),
    ] {
        let (status, problem) = put(&bob, content_type, bytes);
        assert_eq!(
            (status, problem["code"].as_str()),
            (415, Some("unsupported_type"))
        );
    }
    let webm = [&[0x1a, 0x45, 0xdf, 0xa3][..], &[0; 60]].concat();
    assert_eq!(
        put(&bob, "audio/webm", &webm).0,
        422,
        "its duration is not known"
    );
    assert_eq!(heard(&bob), SYSTEM);
}

#[test]
fn callers_read_what_is_spoken() {
    let bob = Bob::new();
    let read = || {
        let response = bob.send(&request("GET", "/mailbox/greeting", "")).0;
        header(&response, "afterbeep-caption")
            .and_then(front::percent_decoded)
            .unwrap_or_default()
    };
    assert!(read().contains("leave a message"), "the system's");
    let mut upload = request(
        "PUT",
        "/mailbox/greeting?caption=Gr%C3%BC%C3%9F%20Gott%0D%0AX%3A%201",
        "",
    );
    upload
        .headers
        .push(("content-type".to_owned(), "audio/ogg".to_owned()));
    upload.body = OWN.to_vec();
    assert_eq!(bob.send(&upload).0.status, 204);
    assert_eq!(read(), "Grüß Gott \nX: 1");
    let changed = bob.call(
        "PATCH",
        "/mailbox/greeting",
        r#"{"caption":" <b>Bob</b> "}"#,
    );
    assert_eq!(changed.0, 204);
    assert_eq!(read(), "<b>Bob</b>");
    let shown = bob.call("GET", "/mailbox", "").1;
    assert_eq!(shown["greeting"]["caption"], "<b>Bob</b>");
    bob.call("PATCH", "/mailbox/greeting", r#"{"caption":""}"#);
    let response = bob.send(&request("GET", "/mailbox/greeting", "")).0;
    assert_eq!(header(&response, "afterbeep-caption"), None);
}

#[test]
fn a_caption_needs_a_greeting_and_has_its_limit() {
    let bob = Bob::new();
    let caption = |text: &str| {
        let body = serde_json::json!({ "caption": text }).to_string();
        bob.call("PATCH", "/mailbox/greeting", &body).0
    };
    assert_eq!(caption("Hello"), 404);
    assert_eq!(put(&bob, "audio/ogg", OWN).0, 204);
    assert_eq!(caption(&"ü".repeat(500)), 204);
    assert_eq!(caption(&"ü".repeat(501)), 422);
    assert_eq!(bob.call("PATCH", "/mailbox/greeting", "{}").0, 400);
}
