//! How often one connection and one network may call and register.

use sip::{call::event::Event, credentials::Credentials};

use super::access::invite;
use crate::{object::Object, testing::World};

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
