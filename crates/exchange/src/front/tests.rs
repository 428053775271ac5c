//! Routes and refusals, from heads alone.

mod pages;

use deposit::token::{LoginClaims, MediaClaims, SessionClaims, SessionType, Token, mint};

use super::{BodyRule, Forward, GENERATION, REQUEST_ID, Route, finish, refusal, route, route_body};
use crate::{
    http::{Body, Request, Response},
    object::Object,
    settings::{Origins, Settings, tests::settings},
    signal::Reply,
};

const NOW: i64 = 1_790_000_000_000;
const HOUR: i64 = 3_600_000;
const BOB: &str = "sip:bob@localhost";
/// Sixteen bytes of 7 in base64url.
const SESSION: &str = "BwcHBwcHBwcHBwcHBwcHBw";

fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers
            .chain([(REQUEST_ID.to_owned(), "0f".repeat(16))])
            .collect(),
        body: Vec::new(),
    }
}

fn asked(method: &str, target: &str, headers: &[(&str, &str)]) -> Route {
    route(&head(method, target, headers), &settings(), NOW)
}

fn forwarded(route: Route) -> Forward {
    match route {
        Route::Forward(forward) => *forward,
        other => panic!("a forward expected: {other:?}"),
    }
}

fn answered(route: Route) -> Response {
    match route {
        Route::Answer(response) => response,
        other => panic!("an answer expected: {other:?}"),
    }
}

fn refused(route: Route) -> (u16, String) {
    let response = answered(route);
    let Body::Bytes(bytes) = &response.body else {
        panic!("bytes expected");
    };
    let problem: serde_json::Value = serde_json::from_slice(bytes).expect("problem+json");
    assert_eq!(problem["status"], response.status);
    assert_eq!(problem["request_id"], "0f".repeat(16));
    (
        response.status,
        problem["code"].as_str().expect("code").to_owned(),
    )
}

fn session(expires_at_ms: i64) -> SessionClaims {
    SessionClaims {
        session_id: [7; 16],
        session_type: SessionType::Voice,
        caller: [0; 8],
        size_limit: 1 << 24,
        expires_at_ms,
        mailbox: BOB.to_owned(),
    }
}

fn bearer(token: &Token) -> String {
    format!(
        "Bearer {}",
        mint(token, &settings().token_keys).expect("token")
    )
}

fn session_bearer(expires_at_ms: i64) -> String {
    bearer(&Token::Session(session(expires_at_ms)))
}

fn login_bearer(expires_at_ms: i64) -> String {
    bearer(&Token::Login(LoginClaims {
        generation: 4,
        expires_at_ms,
        address: BOB.to_owned(),
    }))
}

/// A creation with this authorization.
fn creation(authorization: &str, more: &[(&str, &str)]) -> Route {
    let mut headers = vec![
        ("authorization", authorization),
        ("tus-resumable", "1.0.0"),
        ("upload-length", "500000"),
    ];
    headers.extend(more);
    asked("POST", "/deposits", &headers)
}

#[test]
fn every_bad_token_is_refused_from_the_head_with_its_own_code() {
    let good = session_bearer(NOW + HOUR);
    let forged = format!("{}AAAA", good.get(..good.len() - 4).expect("token"));
    let unknown_key = good.replacen(".t1.", ".t9.", 1);
    for (authorization, expected) in [
        (forged, (401, "token_forged")),
        (unknown_key, (401, "token_unknown_key")),
        (session_bearer(NOW - 1000), (401, "token_expired")),
        (login_bearer(NOW + HOUR), (401, "token_foreign")),
        ("Bearer nonsense".to_owned(), (401, "token_malformed")),
        ("Basic Ym9iOmJvYg==".to_owned(), (401, "session_required")),
    ] {
        let (status, code) = refused(creation(&authorization, &[]));
        assert_eq!((status, code.as_str()), expected, "{authorization}");
    }
}

#[test]
fn a_token_says_for_whom_it_is() {
    let good = session_bearer(NOW + HOUR);
    // "sip:carol@localhost" and "bob" in base64.
    let carol = [("upload-metadata", "callee c2lwOmNhcm9sQGxvY2FsaG9zdA==")];
    assert_eq!(refused(creation(&good, &carol)).1, "token_foreign");
    let bob = [("upload-metadata", "callee Ym9i")];
    assert!(matches!(creation(&good, &bob), Route::Forward(_)));
}

#[test]
fn a_small_whole_deposit_goes_straight_to_the_mailbox_and_others_to_an_upload() {
    let good = session_bearer(NOW + HOUR);
    let id = "upload-metadata";
    let metadata =
        "deposit_id MDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAx,part MQ==,parts Mg==";
    let whole = [
        ("content-type", "application/offset+octet-stream"),
        ("content-length", "500000"),
        (id, metadata),
    ];
    let forward = forwarded(creation(&good, &whole));
    assert_eq!(forward.object, Object::Mailbox(BOB.to_owned()));
    assert_eq!(forward.body, BodyRule::Whole(1 << 20));
    assert_eq!(forward.session_key, Some(format!("session:{}", SESSION)));
    let later = forwarded(creation(&good, &[(id, metadata)]));
    let name = format!("{}/00000000-0000-4000-8000-000000000001/1", SESSION);
    assert_eq!(later.object, Object::Upload(name.clone()));
    let path = "/deposits/00000000-0000-4000-8000-000000000001.1";
    let headers = [("authorization", good.as_str()), ("tus-resumable", "1.0.0")];
    let found = forwarded(asked("HEAD", path, &headers));
    assert_eq!(found.object, Object::Upload(name));
    let unnamed = forwarded(creation(&good, &[]));
    assert_eq!(
        unnamed.object,
        Object::Upload(format!("{}/{}/0", SESSION, "0f".repeat(16)))
    );
}

#[test]
fn an_expired_token_may_finish_and_look_but_not_begin() {
    let expired = session_bearer(NOW - HOUR);
    let headers = [
        ("authorization", expired.as_str()),
        ("tus-resumable", "1.0.0"),
    ];
    assert!(matches!(
        asked("PATCH", "/deposits/a.0", &headers),
        Route::Forward(_)
    ));
    assert!(matches!(
        asked("GET", "/sessions/current", &headers),
        Route::Forward(_)
    ));
    assert_eq!(refused(creation(&expired, &[])).1, "token_expired");
}

#[test]
fn the_upload_protocol_is_checked_before_the_body() {
    let good = session_bearer(NOW + HOUR);
    let authorization = ("authorization", good.as_str());
    let refusal = asked(
        "POST",
        "/deposits",
        &[authorization, ("tus-resumable", "2.0.0")],
    );
    let response = answered(refusal);
    assert_eq!(response.status, 412);
    assert!(
        response
            .headers
            .contains(&("tus-version".to_owned(), "1.0.0".to_owned()))
    );
    let headers = [authorization, ("tus-resumable", "1.0.0")];
    for path in [
        "/deposits/%00",
        "/deposits/a",
        "/deposits/a.99",
        "/deposits/..0",
    ] {
        assert_eq!(
            refused(asked("HEAD", path, &headers)),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
}

#[test]
fn a_method_in_a_header_counts_for_post_only() {
    let good = session_bearer(NOW + HOUR);
    let headers = [
        ("authorization", good.as_str()),
        ("tus-resumable", "1.0.0"),
        ("x-http-method-override", "patch"),
    ];
    assert_eq!(
        forwarded(asked("POST", "/deposits/a.0", &headers))
            .request
            .method,
        "PATCH"
    );
    assert!(matches!(
        asked("GET", "/mailbox", &headers),
        Route::Answer(_)
    ));
}

#[test]
fn a_word_that_is_no_method_goes_no_further() {
    let login = login_bearer(NOW + HOUR);
    for word in ["FOO BAR", "CONNECT", "TRACE", "", "GET"] {
        let headers = [
            ("authorization", login.as_str()),
            ("x-http-method-override", word),
        ];
        let forward = forwarded(asked("POST", "/mailbox/blocks", &headers));
        assert_eq!(forward.request.method, "POST", "{word}");
    }
}

#[test]
fn the_owner_reaches_the_own_mailbox_only() {
    let login = login_bearer(NOW + HOUR);
    let headers = [("authorization", login.as_str()), (GENERATION, "999")];
    let forward = forwarded(asked("GET", "/mailbox/messages?after=3", &headers));
    assert_eq!(forward.object, Object::Mailbox(BOB.to_owned()));
    assert_eq!(
        forward.request.header(GENERATION),
        Some("4"),
        "ours, not the sender's"
    );
    assert_eq!(forward.request.query, "after=3");
    let session = session_bearer(NOW + HOUR);
    let foreign = [("authorization", session.as_str())];
    assert_eq!(
        refused(asked("GET", "/mailbox", &foreign)),
        (401, "token_foreign".to_owned())
    );
    assert_eq!(
        refused(asked("GET", "/mailbox", &[])),
        (401, "unauthorized".to_owned())
    );
    let old = login_bearer(NOW - 1000);
    let headers = [("authorization", old.as_str())];
    assert_eq!(
        refused(asked("GET", "/mailbox", &headers)),
        (401, "token_expired".to_owned())
    );
}

#[test]
fn media_and_greetings_open_with_a_token_in_their_address() {
    let token = |expires_at_ms| {
        let claims = MediaClaims {
            expires_at_ms,
            mailbox: BOB.to_owned(),
            resource: "m1/0".to_owned(),
        };
        mint(&Token::Media(claims), &settings().token_keys).expect("token")
    };
    let good = token(NOW + HOUR);
    let media = forwarded(asked(
        "GET",
        &format!("/mailbox/messages/m1/media?token={good}"),
        &[],
    ));
    assert_eq!(media.object, Object::Mailbox(BOB.to_owned()));
    assert_eq!(media.request.header(super::RESOURCE), Some("m1/0"));
    let greeting = forwarded(asked("GET", &format!("/greetings/{good}"), &[]));
    assert_eq!(greeting.request.path, "/greeting");
    let old = token(NOW - HOUR);
    assert_eq!(
        refused(asked("GET", &format!("/greetings/{old}"), &[])).1,
        "token_expired"
    );
    assert_eq!(
        refused(asked("GET", "/greetings/x", &[])).1,
        "token_malformed"
    );
}

#[test]
fn the_admin_token_opens_users_and_their_mailboxes() {
    let admin = [("authorization", "Bearer dev-admin-token")];
    let user = forwarded(asked("PUT", "/admin/users/sip%3ABob%40LOCALHOST", &admin));
    assert_eq!(user.object, Object::Line(BOB.to_owned()));
    let revoke = forwarded(asked("POST", "/admin/users/bob/sessions/ab/revoke", &admin));
    assert_eq!(revoke.object, Object::Mailbox(BOB.to_owned()));
    assert_eq!(revoke.request.path, "/mailbox/sessions/ab/revoke");
    assert_eq!(revoke.request.header(super::ADMIN), Some("1"));
    assert_eq!(
        forwarded(asked("GET", "/admin/users?after=3:x", &admin)).object,
        Object::Directory(3)
    );
    assert_eq!(
        refused(asked("GET", "/admin/users?after=99:x", &admin)).0,
        422
    );
    assert_eq!(
        forwarded(asked("GET", "/admin/users?after=", &admin)).object,
        Object::Directory(0)
    );
    for wrong in ["Bearer dev-admin-toke", "Bearer ", "Basic dev-admin-token"] {
        let headers = [("authorization", wrong)];
        assert_eq!(
            refused(asked("GET", "/admin/users", &headers)).0,
            401,
            "{wrong}"
        );
    }
    let mut closed: Settings = settings();
    closed.admin_token.clear();
    let empty = head("GET", "/admin/users", &[("authorization", "Bearer ")]);
    assert_eq!(
        refused(route(&empty, &closed, NOW)).0,
        401,
        "no admin token, no admin"
    );
    assert!(matches!(
        asked("GET", "/admin/first-run", &[]),
        Route::Forward(_)
    ));
    let strange = [("authorization", "Bearer dev-admin-token")];
    assert_eq!(
        refused(asked(
            "PUT",
            "/admin/users/bob%40elsewhere.example",
            &strange
        ))
        .0,
        422
    );
}

#[test]
fn a_login_goes_to_the_line_of_its_address_however_it_is_written() {
    let request = |address: &str| Request {
        body: serde_json::json!({ "address": address, "password": "x" })
            .to_string()
            .into_bytes(),
        ..head("POST", "/login", &[])
    };
    assert_eq!(
        asked("POST", "/login", &[]),
        Route::ReadBody { limit: 16 << 10 }
    );
    for address in [
        "bob",
        "Bob@127.0.0.1",
        "sip:bob@localhost:5060",
        "SIP:BOB@[::1]",
    ] {
        let forward = forwarded(route_body(&request(address), &settings(), NOW));
        assert_eq!(forward.object, Object::Line(BOB.to_owned()), "{address}");
    }
    for address in ["bob@elsewhere.example", "", "mailto:bob@localhost"] {
        let refusal = refused(route_body(&request(address), &settings(), NOW));
        assert_eq!(refusal, (401, "bad_credentials".to_owned()), "{address}");
    }
}

#[test]
fn a_network_is_asked_whether_it_may_sign_in_once_more() {
    let mut limited = settings();
    limited.limit_invites_per_minute = 2;
    let peer = [("cf-connecting-ip", "192.0.2.7")];
    let mut head = head("POST", "/login", &peer);
    head.body = br#"{"address":"bob","password":"x"}"#.to_vec();
    let forward = forwarded(route_body(&head, &limited, NOW));
    let [question] = forward.questions.as_slice() else {
        panic!("one question: {forward:?}");
    };
    assert_eq!(question.object, Object::Network("192.0.2.7".to_owned()));
    let told = |reply: Option<Reply>| refusal(&head, question, reply.as_ref());
    let code = "limited".to_owned();
    let refused = told(Some(Reply::Failed { code })).expect("an answer");
    assert_eq!(refused.status, 429);
    assert!(
        refused
            .headers
            .iter()
            .any(|(name, _)| name == "retry-after")
    );
    assert_eq!(told(Some(Reply::Done)), None);
    assert_eq!(told(None), None, "a network that cannot be asked may");
    let unlimited = forwarded(route_body(&head, &settings(), NOW));
    assert_eq!(unlimited.questions, []);
}
