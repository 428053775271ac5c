//! How often one connection and one network may call and register.

use sip::{call::event::Event, credentials::Credentials};

use super::access::invite;
use crate::{
    object::Object,
    testing::{Answers, World},
};

const BOB: &str = "sip:bob@localhost";

#[test]
fn calls_of_one_connection_are_limited_by_the_minute() {
    let mut settings = crate::settings::tests::settings();
    settings.limit_invites_per_minute = 2;
    let mut world = World::with_settings(settings);
    world.phone("anna", None, Credentials::None);
    for _ in 0..3 {
        world.call("anna", "sip:nobody@localhost");
    }
    let refused = |world: &mut World| {
        let events = world.call_events("anna");
        matches!(events.last(), Some(Event::Rejected { status: 503, .. }))
    };
    assert!(refused(&mut world));
    world.advance(60_000);
    world.call("anna", "sip:nobody@localhost");
    assert!(!refused(&mut world));
}

fn limited() -> World {
    let mut settings = crate::settings::tests::settings();
    settings.limit_invites_per_minute = 2;
    World::with_settings(settings)
}

#[test]
fn one_network_calls_only_so_often_however_many_connections_it_has() {
    let mut world = limited();
    let mut sessions = Vec::new();
    for phone in ["one", "two", "three"] {
        world.phone(phone, None, Credentials::None);
        world.call(phone, BOB);
        sessions.push(world.sessions.len());
    }
    assert_eq!(sessions, [1, 2, 2]);
    assert!(matches!(
        world.call_events("three").last(),
        Some(Event::Rejected { status: 503, .. })
    ));
    world.advance(61_000);
    world.phone("four", None, Credentials::None);
    world.call("four", BOB);
    assert_eq!(world.sessions.len(), 3);
}

#[test]
fn whoever_tries_unknown_addresses_leaves_nothing_behind_and_is_limited() {
    let mut world = limited();
    let kept = |world: &World| {
        let lines = world.objects().into_iter();
        lines
            .filter(|object| matches!(object, Object::Line(name) if name.contains("guess")))
            .map(|line| world.count(&line, "SELECT COUNT(*) FROM sqlite_master"))
            .collect::<Vec<_>>()
    };
    for number in 0..5 {
        let phone = format!("caller{number}");
        world.phone(&phone, None, Credentials::None);
        world.call(&phone, &format!("sip:guess{number}@localhost"));
    }
    assert_eq!(world.statuses("caller1"), ["404 INVITE"]);
    assert_eq!(world.statuses("caller4"), ["503 INVITE"]);
    for number in 0..30 {
        let phone = format!("register{number}");
        world.phone(&phone, None, Credentials::None);
        let to = format!("To: <sip:guess{number}@localhost>");
        let text = invite(BOB, "sip:a@x.invalid", "").replace("INVITE", "REGISTER");
        world.raw(&phone, &text.replace(&format!("To: <{BOB}>"), &to));
    }
    assert_eq!(world.statuses("register23"), ["401 REGISTER"]);
    assert_eq!(world.statuses("register24"), ["503 REGISTER"]);
    let tables = kept(&world);
    assert!(tables.len() > 20, "lines were asked: {tables:?}");
    assert!(tables.iter().all(|count| *count == 0), "{tables:?}");
}

#[test]
fn a_connection_that_floods_is_closed_and_nobody_else_feels_it() {
    let mut settings = crate::settings::tests::settings();
    settings.limit_messages_per_minute = 20;
    let mut world = World::with_settings(settings);
    world.registered("bob", "bob", Answers::Accept);
    world.registered("mallory", "alice", Answers::Ring);
    let lines = Object::Line("sip:alice@localhost".to_owned());
    assert_eq!(
        world.count(&lines, "SELECT COUNT(*) FROM bindings"),
        1,
        "she is registered"
    );
    for number in 0..40 {
        let text = invite("sip:localhost", "sip:a@x.invalid", "")
            .replace("INVITE", "OPTIONS")
            .replace("z9hG4bKraw", &format!("z9hG4bK{number}"));
        world.raw("mallory", &text);
    }
    let answered = world.statuses("mallory");
    let answered = answered.iter().filter(|status| *status == "200 OPTIONS");
    assert!(answered.count() < 20, "the rest is not looked at");
    assert_eq!(world.closed, [(1008, "too many messages".to_owned())]);
    assert_eq!(
        world.count(&lines, "SELECT COUNT(*) FROM bindings"),
        0,
        "and gone"
    );
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    assert!(matches!(
        world.call_events("anna").last(),
        Some(Event::Answered { .. })
    ));
}

#[test]
fn a_frame_beyond_all_measure_closes_its_connection() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    let many = "X: y\r\n".repeat(300);
    world.raw("anna", &invite(BOB, "sip:a@x.invalid", &many));
    assert_eq!(world.statuses("anna"), ["513 INVITE"], "too many headers");
    let long = format!("X: {}\r\n", "y".repeat(70_000));
    world.raw("anna", &invite(BOB, "sip:a@x.invalid", &long));
    assert_eq!(world.closed, [(1009, "message too big".to_owned())]);
}

#[test]
fn one_connection_holds_only_so_many_calls_at_once() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Ring);
    world.phone("anna", None, Credentials::None);
    let calls: Vec<_> = (0..25).map(|_| world.call("anna", BOB)).collect();
    let refused = |world: &mut World| {
        let events = world.call_events("anna").into_iter();
        events
            .filter(|event| matches!(event, Event::Rejected { status: 503, .. }))
            .count()
    };
    assert_eq!(refused(&mut world), 1);
    world.act("anna", |agent, now| {
        agent.hang_up(calls[0], None, None, now)
    });
    world.call("anna", BOB);
    assert_eq!(refused(&mut world), 1, "one has ended, another may begin");
    world.call("anna", BOB);
    assert_eq!(refused(&mut world), 2);
}

#[test]
fn calls_that_failed_are_over_whatever_way_their_ack_takes() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    for number in 0..30 {
        let text = invite("sip:nobody@localhost", "sip:a@x.invalid", "")
            .replace("Call-ID: raw", &format!("Call-ID: raw{number}"));
        world.raw("anna", &text);
        let answer = world.statuses("anna").pop();
        assert_eq!(answer.as_deref(), Some("404 INVITE"), "{number}");
        let route = "Route: <sip:localhost;lr>\r\nCSeq: 1 ACK";
        let ack = text.replacen("INVITE", "ACK", 1);
        world.raw("anna", &ack.replace("CSeq: 1 INVITE", route));
    }
}
