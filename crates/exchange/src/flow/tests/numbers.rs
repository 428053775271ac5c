//! Telephone numbers that the operator gives to people (D23).

use sip::{call::event::Event, credentials::Credentials};

use crate::{
    object::Object,
    settings::{Settings, tests::value},
    testing::{Answers, World},
};

const NUMBER: &str = "+4930123456";

fn path(user: &str, number: &str) -> String {
    format!("/admin/users/{user}/numbers/{number}")
}

/// A world that dials as in Berlin, where Bob has a number.
fn with_number() -> World {
    let settings = Settings::read(|name| match name {
        "AFTERBEEP_DIAL_PLAN" => Some(
            r#"{"country":"49","trunk":"0","international":"00","aliases":{"7042":"alice"}}"#
                .to_owned(),
        ),
        name => value(name),
    });
    let mut world = World::with_settings(settings.expect("settings"));
    let (status, given) = world.admin("PUT", &path("bob", "030%20123456"));
    assert_eq!(status, 201, "{given}");
    assert_eq!(given["number"], NUMBER);
    world
}

#[test]
fn a_call_to_a_number_rings_its_owner_however_it_is_dialled() {
    for dialled in [
        "tel:+49-30-123456",
        "sip:030123456@localhost",
        "sip:004930123456@localhost;user=phone",
    ] {
        let mut world = with_number();
        world.registered("desk", "bob", Answers::Accept);
        world.user("alice", "alice");
        world.call("alice", dialled);
        assert!(
            world
                .call_events("alice")
                .iter()
                .any(|event| matches!(event, Event::Answered { .. })),
            "{dialled}: {:?}",
            world.statuses("alice")
        );
    }
}

#[test]
fn a_number_whose_owner_is_away_leads_to_the_owners_voicemail() {
    let mut world = with_number();
    world.phone("anna", None, Credentials::None);
    world.call("anna", "sip:030123456@localhost");
    assert_eq!(world.sessions.len(), 1);
    let bob = Object::Mailbox("sip:bob@localhost".to_owned());
    assert_eq!(world.count(&bob, "SELECT COUNT(*) FROM sessions"), 1);
    let info = world.get("anna").received.iter();
    let body = info
        .filter_map(|message| message.as_request()?.body_text())
        .collect::<String>();
    assert!(body.contains("Called Party=sip:bob@localhost"), "{body}");
}

#[test]
fn a_caller_may_give_up_a_call_to_a_number_or_vanish() {
    for vanishes in [false, true] {
        let mut world = with_number();
        world.registered("desk", "bob", Answers::Ring);
        world.user("alice", "alice");
        let call = world.call("alice", "tel:+4930123456");
        assert_eq!(world.statuses("desk").last().expect("a call"), "INVITE");
        if vanishes {
            world.disconnect("alice");
        } else {
            world.act("alice", |agent, now| agent.hang_up(call, None, None, now));
        }
        assert!(
            world.statuses("desk").contains(&"CANCEL".to_owned()),
            "{:?}",
            world.statuses("desk")
        );
    }
}

#[test]
fn a_number_is_one_persons_until_it_is_taken_away() {
    let mut world = with_number();
    assert_eq!(world.admin("PUT", &path("bob", NUMBER)).0, 200);
    let (status, refused) = world.admin("PUT", &path("alice", "0049-30-123456"));
    assert_eq!((status, &refused["code"]), (409, &"conflict".into()));
    let detail = refused["detail"].as_str().expect("a detail");
    assert!(detail.contains("sip:bob@localhost"), "{detail}");
    let listed = |world: &mut World, user: &str| {
        let (status, body) = world.admin("GET", &format!("/admin/users/{user}/numbers"));
        assert_eq!(status, 200, "{body}");
        let numbers = body["numbers"].as_array().expect("a list").clone();
        let numbers = numbers.iter().map(|one| one["number"].to_string());
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(listed(&mut world, "bob"), [format!("\"{NUMBER}\"")]);
    assert_eq!(listed(&mut world, "alice"), [""; 0]);

    assert_eq!(world.admin("DELETE", &path("alice", NUMBER)).0, 404);
    assert_eq!(world.admin("PUT", &path("alice", NUMBER)).0, 409);
    assert_eq!(world.admin("DELETE", &path("bob", NUMBER)).0, 204);
    assert_eq!(listed(&mut world, "bob"), [""; 0]);
    assert_eq!(world.admin("PUT", &path("alice", NUMBER)).0, 201);
    world.registered("hers", "alice", Answers::Accept);
    world.user("bob", "bob");
    world.call("bob", "tel:+4930123456");
    assert!(world.statuses("hers").contains(&"INVITE".to_owned()));
}

#[test]
fn what_is_no_number_or_nobodys_is_refused() {
    let mut world = with_number();
    for (method, path, expected) in [
        ("PUT", path("nobody", "030999999"), 404),
        ("PUT", path("bob", "alice"), 422),
        ("PUT", path("bob", "12"), 422),
        ("PUT", path("bob", "%2B1234567890123456"), 422),
        ("PUT", path("bob", "7042"), 409),
        ("PUT", "/admin/users/030123456".to_owned(), 409),
        ("GET", "/admin/users/nobody/numbers".to_owned(), 404),
        ("POST", path("bob", NUMBER), 404),
    ] {
        let (status, body) = world.admin(method, &path);
        assert_eq!(status, expected, "{method} {path}: {body}");
    }
    let line = Object::Line("sip:+4930999999@localhost".to_owned());
    let tables = world.count(&line, "SELECT COUNT(*) FROM sqlite_master");
    assert_eq!(tables, 0, "a number of nobody leaves nothing behind");
}

#[test]
fn a_number_too_many_is_nobodys() {
    let mut world = with_number();
    for short in 100..199 {
        assert_eq!(world.admin("PUT", &path("bob", &short.to_string())).0, 201);
    }
    let (status, refused) = world.admin("PUT", &path("bob", "199"));
    assert_eq!((status, &refused["code"]), (409, &"conflict".into()));
    assert_eq!(world.admin("PUT", &path("alice", "199")).0, 201);
    assert_eq!(world.admin("PUT", &path("bob", "198")).0, 200, "as it was");
}
