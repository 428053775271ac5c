//! Who may do what: credentials, limits, no open relay.

use sip::{
    Message,
    call::event::Event,
    credentials::Credentials,
    user_agent::{UserAgent, event::Event as AgentEvent},
};

use crate::{
    object::Object,
    testing::{Answers, World},
};

const BOB: &str = "sip:bob@localhost";

pub(super) fn invite(uri: &str, from: &str, extra: &str) -> String {
    format!(
        "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKraw\r\nMax-Forwards: 70\r\nFrom: <{from}>;tag=1\r\nTo: <{uri}>\r\nCall-ID: raw\r\nCSeq: 1 INVITE\r\nContact: <sip:a@x.invalid;transport=ws>\r\n{extra}Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn a_registration_needs_the_password() {
    let mut world = World::new();
    for (phone, password) in [("wrong", "guess"), ("nobody", "")] {
        let credentials = Credentials::Password {
            user: "bob".to_owned(),
            password: password.to_owned(),
        };
        world.phone(phone, Some(BOB), credentials);
        world.act(phone, UserAgent::register);
        assert_eq!(
            world.get(phone).events,
            [AgentEvent::RegistrationFailed { status: 401 }]
        );
    }
    world.registered("bob", "bob", Answers::Ring);
}

#[test]
fn passwords_are_guessed_over_sip_only_as_often_as_at_a_sign_in() {
    let mut world = World::new();
    let register = |world: &mut World, phone: &str, user: &str, password: &str| {
        let credentials = Credentials::Password {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        world.phone(phone, Some(&format!("sip:{user}@localhost")), credentials);
        world.act(phone, UserAgent::register);
        let answers = world.statuses(phone);
        let last = answers.iter().rfind(|answer| answer.ends_with("REGISTER"));
        last.expect("an answer").clone()
    };
    for user in ["bob", "nobody"] {
        let answers: Vec<String> = (0..21)
            .map(|guess| register(&mut world, &format!("{user}{guess}"), user, "guess"))
            .collect();
        assert_eq!(answers[..20], ["401 REGISTER"; 20], "{user}");
        assert_eq!(answers[20], "503 REGISTER", "{user}");
    }
    assert_eq!(
        register(&mut world, "late", "bob", "bob-demo"),
        "503 REGISTER"
    );
    world.advance(300_000);
    assert_eq!(
        register(&mut world, "bob", "bob", "bob-demo"),
        "200 REGISTER"
    );
}

#[test]
fn many_guesses_in_one_request_are_many() {
    let mut world = World::new();
    let credentials = Credentials::Password {
        user: "bob".to_owned(),
        password: "guess".to_owned(),
    };
    world.phone("m", Some(BOB), credentials);
    world.act("m", UserAgent::register);
    let tried = world.last_sent("m", "REGISTER");
    let guess = tried
        .lines()
        .find(|line| line.starts_with("Authorization"))
        .expect("a proof");
    let many = format!("{guess}\r\n").repeat(30);
    world.raw("m", &tried.replacen(&format!("{guess}\r\n"), &many, 1));
    let last = world.statuses("m").pop();
    assert_eq!(last.as_deref(), Some("503 REGISTER"));
}

#[test]
fn unknown_users_are_refused_as_wrong_passwords_are() {
    let mut world = World::new();
    let credentials = Credentials::Password {
        user: "mallory".to_owned(),
        password: "x".to_owned(),
    };
    world.phone("m", Some("sip:mallory@localhost"), credentials);
    world.act("m", UserAgent::register);
    assert_eq!(world.statuses("m"), ["401 REGISTER", "401 REGISTER"]);
}

#[test]
fn a_challenge_offers_sha_256_first_and_md5_last() {
    let mut world = World::new();
    world.user("bob", "bob");
    world.act("bob", UserAgent::register);
    let Some(Message::Response(challenge)) = world.get("bob").received.first() else {
        panic!("no answer");
    };
    let offers: Vec<&str> = challenge.headers("WWW-Authenticate").collect();
    assert_eq!(offers.len(), 2);
    assert!(offers[0].contains("SHA-256"), "{offers:?}");
    assert!(offers[1].contains("MD5"), "{offers:?}");
}

#[test]
fn a_login_token_registers_and_calls_without_a_challenge() {
    let mut world = World::new();
    let token = world.token("alice");
    world.phone(
        "alice",
        Some("sip:alice@localhost"),
        Credentials::Bearer(token),
    );
    world.act("alice", UserAgent::register);
    assert_eq!(world.statuses("alice")[0], "200 REGISTER");
    world.registered("bob", "bob", Answers::Ring);
    world.call("alice", BOB);
    assert!(!world.statuses("alice").contains(&"407 INVITE".to_owned()));
    let received = &world.get("bob").received;
    let seen = received.iter().find_map(|message| match message {
        Message::Request(request) if *request.method() == sip::Method::Invite => Some(request),
        _ => None,
    });
    let seen = seen.expect("INVITE");
    assert_eq!(
        seen.header("Authorization"),
        None,
        "the token goes no further"
    );
    assert_eq!(seen.header("Proxy-Authorization"), None);
}

#[test]
fn a_caller_of_ours_must_prove_it_and_is_then_verified() {
    let mut world = World::new();
    world.user("alice", "alice");
    world.call("alice", BOB);
    assert_eq!(world.statuses("alice")[0], "407 INVITE");
    let mailbox = Object::Mailbox(BOB.to_owned());
    let verified = "SELECT COUNT(*) FROM sessions WHERE caller_verified = 1 AND caller_address = 'sip:alice@localhost'";
    assert_eq!(world.count(&mailbox, verified), 1);
}

#[test]
fn a_foreign_or_anonymous_caller_is_not_verified() {
    let mut world = World::new();
    world.phone(
        "anna",
        Some("sip:anna@elsewhere.example"),
        Credentials::None,
    );
    world.call("anna", BOB);
    let mailbox = Object::Mailbox(BOB.to_owned());
    let rows = "SELECT COUNT(*) FROM sessions WHERE caller_verified = 0 AND caller_address = 'sip:anna@elsewhere.example'";
    assert_eq!(world.count(&mailbox, rows), 1);
}

#[test]
fn a_callers_name_brings_nothing_invisible_into_the_mailbox() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    let name = format!("\u{202e}annA\u{1b} {}", "x".repeat(500));
    let text =
        invite(BOB, "sip:a@x.invalid", "").replacen("From: ", &format!("From: \"{name}\" "), 1);
    world.raw("anna", &text);
    let mailbox = Object::Mailbox(BOB.to_owned());
    let kept = "SELECT COUNT(*) FROM mailbox_calls WHERE json_extract(state, '$.caller.display_name') GLOB 'annA x*' AND length(json_extract(state, '$.caller.display_name')) = 120";
    assert_eq!(world.count(&mailbox, kept), 1);
}

#[test]
fn another_users_proof_is_refused() {
    let mut world = World::new();
    let credentials = Credentials::Password {
        user: "bob".to_owned(),
        password: "bob-demo".to_owned(),
    };
    world.phone("bob", Some("sip:alice@localhost"), credentials);
    world.call("bob", BOB);
    assert!(matches!(
        world.call_events("bob").last(),
        Some(Event::Rejected { status: 403, .. })
    ));
}

#[test]
fn a_proof_serves_only_once() {
    let mut world = World::new();
    world.user("bob", "bob");
    world.act("bob", UserAgent::register);
    let proven = world.last_sent("bob", "REGISTER");
    assert!(proven.contains("Authorization: Digest"), "{proven}");
    world.raw("bob", &proven);
    let statuses = world.statuses("bob");
    assert_eq!(statuses.last().map(String::as_str), Some("401 REGISTER"));
}

#[test]
fn anonymous_callers_may_be_forbidden() {
    let mut settings = crate::settings::tests::settings();
    settings.anonymous_callers = false;
    let mut world = World::with_settings(settings);
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    assert!(matches!(
        world.call_events("anna").last(),
        Some(Event::Rejected { status: 403, .. })
    ));
}

#[test]
fn an_address_that_does_not_exist_is_not_found() {
    for to in [
        "sip:nobody@localhost",
        "sip:voicemail@localhost;target=sip:nobody%40localhost",
    ] {
        let mut world = World::new();
        world.phone("anna", None, Credentials::None);
        world.call("anna", to);
        assert!(
            matches!(
                world.call_events("anna").last(),
                Some(Event::Rejected { status: 404, .. })
            ),
            "{to}"
        );
    }
}

#[test]
fn nothing_is_relayed_to_strangers() {
    for text in [
        invite("sip:x@elsewhere.example", "sip:a@x.invalid", ""),
        invite(
            "sip:bob@localhost",
            "sip:a@x.invalid",
            "Route: <sip:elsewhere.example;lr>\r\n",
        ),
        invite(
            "sip:x@elsewhere.example",
            "sip:a@x.invalid",
            "Route: <sip:forged.token@localhost;lr>\r\n",
        ),
        invite("sip:x@elsewhere.example", "sip:bob@localhost", ""),
    ] {
        let mut world = World::new();
        world.phone("anna", None, Credentials::None);
        world.raw("anna", &text);
        assert_eq!(world.statuses("anna"), ["403 INVITE"], "{text}");
    }
}

/// Anna talks to Bob; the route of their dialog.
pub(super) fn talking(world: &mut World) -> String {
    world.registered("bob", "bob", Answers::Accept);
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    let mut received = world.get("bob").received.iter();
    let route = received.find_map(|message| match message {
        Message::Request(request) => request.record_routes().first().map(ToString::to_string),
        Message::Response(_) => None,
    });
    route.expect("Record-Route")
}

#[test]
fn nobody_asserts_a_name_or_passes_a_proof_inside_a_dialog() {
    let mut world = World::new();
    let route = talking(&mut world);
    let info = format!(
        "INFO sip:bob@x.invalid SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKinfo\r\nMax-Forwards: 70\r\nRoute: {route}\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:bob@localhost>;tag=2\r\nCall-ID: raw\r\nCSeq: 2 INFO\r\nP-Asserted-Identity: <sip:alice@localhost>\r\nP-Preferred-Identity: <sip:alice@localhost>\r\nAuthorization: Bearer l1.secret\r\nProxy-Authorization: Bearer l1.secret\r\nSubject: kept\r\nContent-Length: 0\r\n\r\n"
    );
    world.raw("anna", &info);
    let Some(Message::Request(passed)) = world.get("bob").received.last() else {
        panic!("nothing came through");
    };
    assert_eq!(passed.header("Subject"), Some("kept"));
    for name in crate::flow::hop::NOT_PASSED_ON {
        assert_eq!(passed.header(name), None, "{name}");
    }
}

#[test]
fn a_dialog_of_others_cannot_be_entered() {
    let mut world = World::new();
    let route = talking(&mut world);
    world.phone("mallory", None, Credentials::None);
    let bye = format!(
        "BYE sip:bob@x.invalid SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKbye\r\nMax-Forwards: 70\r\nRoute: {route}\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:bob@localhost>;tag=2\r\nCall-ID: raw\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n\r\n"
    );
    world.raw("mallory", &bye);
    assert_eq!(world.statuses("mallory"), ["403 BYE"]);
    assert!(!world.statuses("bob").contains(&"BYE".to_owned()));
}

#[test]
fn what_nobody_here_understands_is_refused_with_its_code() {
    let session = "Content-Type: application/unknownformat\r\n";
    for (text, status, header) in [
        (
            invite(BOB, "sip:a@x.invalid", "Require: x\r\n"),
            420,
            "Unsupported",
        ),
        (
            invite(BOB, "sip:a@x.invalid", "Proxy-Require: x\r\n"),
            420,
            "Unsupported",
        ),
        (
            invite(BOB, "sip:a@x.invalid", session)
                .replace("Length: 0\r\n\r\n", "Length: 1\r\n\r\nx"),
            415,
            "Accept",
        ),
        (
            invite(BOB, "sip:a@x.invalid", "Accept: text/x\r\n"),
            406,
            "To",
        ),
        (invite("isbn:2983792873", "sip:a@x.invalid", ""), 416, "To"),
    ] {
        let mut world = World::new();
        world.phone("anna", None, Credentials::None);
        world.raw("anna", &text);
        let Some(Message::Response(last)) = world.get("anna").received.last() else {
            panic!("no answer to {text}");
        };
        assert_eq!(last.status(), status, "{text}");
        assert!(last.header(header).is_some(), "{text}");
    }
}

#[test]
fn a_registrar_knows_only_addresses_and_asks_again_after_a_scheme_it_does_not_know() {
    let register = |to: &str, extra: &str| {
        format!(
            "REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKr\r\nMax-Forwards: 70\r\nFrom: <{to}>;tag=1\r\nTo: <{to}>\r\nCall-ID: r\r\nCSeq: 1 REGISTER\r\n{extra}Content-Length: 0\r\n\r\n"
        )
    };
    for (to, extra, answer) in [
        ("isbn:2983792873", "", "400 REGISTER"),
        (
            BOB,
            "Authorization: NoOneKnowsThisScheme opaque-data=here\r\n",
            "401 REGISTER",
        ),
        (BOB, "Require: x\r\n", "420 REGISTER"),
    ] {
        let mut world = World::new();
        world.phone("anna", None, Credentials::None);
        world.raw("anna", &register(to, extra));
        assert_eq!(world.statuses("anna"), [answer], "{to} {extra}");
    }
}

#[test]
fn options_say_what_is_understood() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    world.raw("anna", "OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKo\r\nMax-Forwards: 70\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:localhost>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
    let Some(Message::Response(response)) = world.get("anna").received.first() else {
        panic!("no answer");
    };
    assert_eq!(response.status(), 200);
    for name in ["Allow", "Accept", "Supported"] {
        assert!(response.header(name).is_some(), "{name}");
    }
}

#[test]
fn what_a_connection_remembers_fits_however_long_the_addresses_are() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    for number in 0..10 {
        // The world checks the size of what is remembered after every frame.
        let to = format!("sip:{}{number}@localhost", "n".repeat(230));
        world.raw("anna", &invite(&to, "sip:a@x.invalid", ""));
        let answer = world.statuses("anna").pop();
        assert_eq!(answer.as_deref(), Some("404 INVITE"));
    }
}

#[test]
fn options_do_not_tell_which_addresses_exist() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    let answer = |world: &mut World, user: &str| {
        let text = format!(
            "OPTIONS sip:{user}@localhost SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKo\r\nMax-Forwards: 70\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:you@localhost>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        world.raw("anna", &text);
        let Some(Message::Response(mut response)) = world.get("anna").received.pop() else {
            panic!("no answer");
        };
        response.set_header("To", "");
        response
    };
    let known = answer(&mut world, "bob");
    assert_eq!(known.status(), 200);
    assert_eq!(known, answer(&mut world, "nobody"));
}

#[test]
fn a_registration_is_refreshed_listed_and_removed() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Ring);
    let line = Object::Line(BOB.to_owned());
    world.advance(3_600_000);
    let current = "SELECT COUNT(*) FROM bindings";
    assert_eq!(world.count(&line, current), 1, "refreshed in time");
    let expires = world.count(&line, "SELECT expires FROM bindings");
    assert!(expires > world.now_ms);
    world.act("bob", UserAgent::unregister);
    assert_eq!(world.count(&line, current), 0);
    assert_eq!(
        world.get("bob").events.last(),
        Some(&AgentEvent::Unregistered)
    );
}

#[test]
fn nobody_calls_or_writes_by_what_only_looks_like_an_address_of_ours() {
    let long = format!("sip:alice;{}@localhost", "x".repeat(300));
    for from in [
        "sip:alice%20@localhost",
        "sip:alice%ff@LOCALHOST:5060",
        "sip:alice%09@127.0.0.1",
        &long,
    ] {
        let mut world = World::new();
        world.registered("desk", "bob", Answers::Ring);
        world.phone("anna", None, Credentials::None);
        let call = invite(BOB, from, "");
        world.raw("anna", &call);
        world.raw("anna", &call.replace("INVITE", "MESSAGE"));
        let said = world.statuses("anna");
        assert_eq!(said, ["403 INVITE", "403 MESSAGE"], "{from}");
        let heard = world.get("desk").received.iter();
        let called = heard.filter_map(Message::as_request).count();
        assert_eq!(called, 1, "nothing but what registering brings: {from}");
    }
}
