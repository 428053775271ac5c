//! MESSAGE between users (RFC 3428).

use sip::{Message, Method, Request, credentials::Credentials};

use super::access::invite;
use crate::{
    object::Object,
    testing::{Answers, World},
};

const BOB: &str = "sip:bob@localhost";
const ALICE: &str = "sip:alice@localhost";

fn text(from: &str, to: &str, extra: &str, body: &str) -> String {
    let length = format!(
        "Content-Type: text/plain\r\n{extra}Content-Length: {}",
        body.len()
    );
    let head = invite(to, from, "")
        .replace("INVITE", "MESSAGE")
        .replace("Contact: <sip:a@x.invalid;transport=ws>\r\n", "")
        .replace("Content-Length: 0", &length);
    format!("{head}{body}")
}

/// Bob's telephones, each with what it says to a text.
fn world(telephones: &[(&str, u16)]) -> World {
    let mut world = World::new();
    for (name, status) in telephones {
        world.registered(name, "bob", Answers::Ring);
        world.get(name).says = vec![(Method::Message, *status)];
    }
    world.phone("anna", None, Credentials::None);
    world
}

fn arrived(world: &mut World, phone: &str) -> Vec<Request> {
    let received = world.get(phone).received.iter();
    let requests = received.filter_map(Message::as_request);
    requests
        .filter(|request| *request.method() == Method::Message)
        .cloned()
        .collect()
}

fn left(world: &World) -> i64 {
    let line = Object::Line(BOB.to_owned());
    world.count(&line, "SELECT COUNT(*) FROM texts")
        + world.count(&line, "SELECT COUNT(*) FROM wakeups WHERE kind = 'text'")
}

#[test]
fn a_text_reaches_every_contact_and_the_first_that_takes_it_is_the_answer() {
    let mut world = world(&[("desk", 415), ("kitchen", 200)]);
    world.raw(
        "anna",
        &text("sip:anna@elsewhere.example", BOB, "", "come home"),
    );
    assert_eq!(world.statuses("anna"), ["200 MESSAGE"]);
    for phone in ["desk", "kitchen"] {
        let texts = arrived(&mut world, phone);
        assert_eq!(texts.len(), 1, "{phone}");
        assert_eq!(texts[0].body(), b"come home");
        assert_eq!(texts[0].max_forwards(), 69);
        assert_eq!(texts[0].header("P-Asserted-Identity"), None, "{phone}");
        assert_eq!(texts[0].header("Record-Route"), None);
    }
    assert_eq!(left(&world), 0);
}

#[test]
fn a_user_proves_who_writes_and_nobody_else_is_asserted() {
    let mut world = world(&[("desk", 202)]);
    world.raw("anna", &text(ALICE, BOB, "", "hello"));
    assert_eq!(world.statuses("anna"), ["407 MESSAGE"]);
    let token = world.token("alice");
    let proof =
        format!("Authorization: Bearer {token}\r\nP-Asserted-Identity: <sip:boss@localhost>\r\n");
    let proven = text(ALICE, BOB, &proof, "hello").replace("bKraw", "bKraw2");
    world.raw("anna", &proven);
    assert_eq!(world.statuses("anna"), ["407 MESSAGE", "202 MESSAGE"]);
    let texts = arrived(&mut world, "desk");
    assert_eq!(texts.len(), 1);
    let identities: Vec<&str> = texts[0].headers("P-Asserted-Identity").collect();
    assert_eq!(identities, ["\"alice\" <sip:alice@localhost>"]);
    assert_eq!(texts[0].header("Authorization"), None);
}

#[test]
fn where_nobody_takes_a_text_its_sender_learns_why() {
    let anna = "sip:anna@elsewhere.example";
    for (telephones, to, status) in [
        (vec![], BOB, 480),
        (vec![], "sip:nobody@localhost", 404),
        (vec![], "sip:bob@elsewhere.example", 403),
        (vec![("desk", 415)], BOB, 415),
        (vec![("desk", 500), ("kitchen", 486)], BOB, 486),
        (vec![("desk", 600)], BOB, 600),
        (
            vec![("desk", 200)],
            "sip:voicemail@localhost;target=sip:bob%40localhost",
            480,
        ),
    ] {
        let mut world = world(&telephones);
        world.raw("anna", &text(anna, to, "", "x"));
        let said = world.statuses("anna");
        assert_eq!(said, [format!("{status} MESSAGE")], "{telephones:?} {to}");
        assert_eq!(left(&world), 0);
    }
}

#[test]
fn a_dead_or_silent_telephone_holds_up_no_answer() {
    let anna = "sip:anna@elsewhere.example";
    let mut world = world(&[("desk", 200), ("kitchen", 100)]);
    world.die("desk");
    world.raw("anna", &text(anna, BOB, "", "x"));
    world.raw("anna", &text(anna, BOB, "", "x"));
    assert_eq!(arrived(&mut world, "kitchen").len(), 1, "a repetition");
    assert_eq!(world.statuses("anna"), [""; 0]);
    world.advance(20_000);
    assert_eq!(world.statuses("anna"), ["480 MESSAGE"]);
    assert_eq!(left(&world), 0);
}

#[test]
fn texts_are_short_and_not_too_many() {
    let anna = "sip:anna@elsewhere.example";
    let mut settings = crate::settings::tests::settings();
    settings.limit_invites_per_minute = 1;
    let mut world = World::with_settings(settings);
    world.phone("anna", None, Credentials::None);
    world.raw("anna", &text(anna, BOB, "", &"x".repeat(1_300)));
    assert_eq!(world.statuses("anna"), ["413 MESSAGE"]);
    for number in 0..7 {
        let branch = format!("bKraw{number}");
        world.raw("anna", &text(anna, BOB, "", "x").replace("bKraw", &branch));
    }
    let said = world.statuses("anna");
    assert_eq!(said[1..7], ["480 MESSAGE"; 6]);
    assert_eq!(said[7], "503 MESSAGE");
}

#[test]
fn strangers_write_only_where_they_may_call() {
    let mut settings = crate::settings::tests::settings();
    settings.anonymous_callers = false;
    let mut world = World::with_settings(settings);
    world.phone("anna", None, Credentials::None);
    world.raw("anna", &text("sip:anna@elsewhere.example", BOB, "", "x"));
    assert_eq!(world.statuses("anna"), ["403 MESSAGE"]);
}
