//! Pages, their origins, sockets, and what is open to everybody.

use super::*;

#[test]
fn pages_of_unlisted_origins_get_no_permission() {
    let mut strict = settings();
    strict.allowed_origins = Origins::List(vec!["https://shop.example".to_owned()]);
    let allow = |origin: &str, path: &str| {
        let asked = head(
            "GET",
            path,
            &[("origin", origin), ("host", "127.0.0.1:8787")],
        );
        let response = finish(&asked, &strict, Response::status(200));
        let found = response
            .headers
            .iter()
            .find(|(name, _)| name == "access-control-allow-origin");
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(
        allow("https://shop.example", "/mailbox").as_deref(),
        Some("https://shop.example")
    );
    assert_eq!(
        allow("http://127.0.0.1:8787", "/mailbox").as_deref(),
        Some("http://127.0.0.1:8787")
    );
    assert_eq!(allow("https://evil.example", "/mailbox"), None);
    assert_eq!(
        allow("https://evil.example", "/embed/check").as_deref(),
        Some("https://evil.example")
    );
    let socket = |origin: &str| {
        let head = head(
            "GET",
            "/sip",
            &[
                ("upgrade", "websocket"),
                ("sec-websocket-protocol", "chat, sip"),
                ("origin", origin),
            ],
        );
        route(&head, &strict, NOW)
    };
    let opened = Route::Socket { resumes: None };
    assert_eq!(socket("https://shop.example"), opened);
    assert_eq!(
        refused(socket("https://evil.example")),
        (403, "forbidden".to_owned())
    );
    let plain = [("upgrade", "websocket"), ("sec-websocket-protocol", "sip")];
    assert_eq!(asked("GET", "/sip", &plain), opened);
}

#[test]
fn a_socket_is_opened_only_for_sip() {
    for headers in [
        &[][..],
        &[("upgrade", "websocket")],
        &[
            ("upgrade", "websocket"),
            ("sec-websocket-protocol", "chat, sips"),
        ],
        &[("sec-websocket-protocol", "sip")],
    ] {
        let refusal = refused(asked("GET", "/sip", headers));
        assert_eq!(refusal, (400, "bad_request".to_owned()), "{headers:?}");
    }
}

#[test]
fn a_client_names_the_connection_that_it_comes_back_to() {
    let upgrade = [("upgrade", "websocket"), ("sec-websocket-protocol", "sip")];
    let socket = |value: &str| asked("GET", &format!("/sip?flow={value}"), &upgrade);
    let value = "00112233445566778899aabbccddeeff";
    let Route::Socket {
        resumes: Some(name),
    } = socket(value)
    else {
        panic!("a socket expected");
    };
    assert_ne!(name, value, "the name is public, the value is not");
    for wrong in [
        "",
        "1",
        "00112233445566778899aabbccddee",
        "0011223344556677889 aabbccddeeff",
    ] {
        let refusal = refused(socket(wrong));
        assert_eq!(refusal, (400, "bad_request".to_owned()), "{wrong}");
    }
}

#[test]
fn calls_are_told_which_servers_help_them() {
    let response = answered(asked("GET", "/ice-servers", &[]));
    assert_eq!(response.status, 200);
    assert_eq!(response.body, Body::Bytes(b"[]".to_vec()));
    let cache = (
        "cache-control".to_owned(),
        "public, max-age=3600".to_owned(),
    );
    assert!(response.headers.contains(&cache));
}

#[test]
fn a_larger_body_may_take_longer() {
    assert_eq!(super::super::body_within(16 << 10).as_secs(), 10);
    assert_eq!(super::super::body_within(64 << 10).as_secs(), 266);
    assert_eq!(super::super::body_within(4 << 20).as_secs(), 600);
}

#[test]
fn options_say_what_is_spoken_without_a_token() {
    let response = answered(asked("OPTIONS", "/deposits", &[]));
    assert_eq!(response.status, 204);
    for (name, value) in [("tus-version", "1.0.0"), ("tus-resumable", "1.0.0")] {
        assert!(
            response
                .headers
                .contains(&(name.to_owned(), value.to_owned())),
            "{name}"
        );
    }
    let preflight = answered(asked(
        "OPTIONS",
        "/mailbox",
        &[
            ("origin", "https://shop.example"),
            ("access-control-request-method", "PATCH"),
        ],
    ));
    assert!(
        preflight
            .headers
            .iter()
            .any(|(name, _)| name == "access-control-allow-methods")
    );
}

#[test]
fn pages_and_unknown_paths_are_left_to_the_files() {
    for (path, file) in [
        ("/", "/index.html"),
        ("/inbox", "/inbox.html"),
        ("/ladder", "/ladder.html"),
        ("/assets/page.css", "/assets/page.css"),
    ] {
        assert_eq!(
            asked("GET", path, &[]),
            Route::Assets {
                path: file.to_owned()
            }
        );
    }
    assert_eq!(
        refused(asked("POST", "/", &[])),
        (405, "method_not_allowed".to_owned())
    );
    assert_eq!(asked("GET", "/readyz", &[]), Route::Readiness);
    assert_eq!(answered(asked("GET", "/healthz", &[])).status, 200);
}

#[test]
fn published_keys_have_no_private_part() {
    let response = answered(asked("GET", "/.well-known/jwks.json", &[]));
    let Body::Bytes(bytes) = response.body else {
        panic!("bytes");
    };
    let keys: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    assert_eq!(keys["keys"][0]["kid"], "r1");
    assert_eq!(keys["keys"][0].get("d"), None);
}

#[test]
fn calls_go_to_the_mailbox_of_whoever_may_look() {
    let login = login_bearer(NOW + HOUR);
    let own = [("authorization", login.as_str())];
    let admin = [("authorization", "Bearer dev-admin-token")];
    for (path, headers) in [
        ("/calls", own),
        ("/calls/abc", own),
        ("/admin/calls", admin),
    ] {
        let request = Request {
            query: "address=bob".to_owned(),
            ..head("GET", path, &headers)
        };
        let forward = forwarded(route(&request, &settings(), NOW));
        assert_eq!(forward.object, Object::Mailbox(BOB.to_owned()), "{path}");
        assert!(forward.request.path.starts_with("/calls"), "{path}");
    }
    assert_eq!(refused(asked("GET", "/admin/calls", &admin)).0, 422);
    assert_eq!(refused(asked("GET", "/admin/calls", &own)).0, 401);
    assert_eq!(refused(asked("GET", "/calls", &admin)).0, 401);
    let session = session_bearer(NOW - HOUR);
    let expired = [("authorization", session.as_str())];
    let forward = forwarded(asked("GET", "/sessions/current/calls", &expired));
    assert_eq!(forward.object, Object::Mailbox(BOB.to_owned()));
}
