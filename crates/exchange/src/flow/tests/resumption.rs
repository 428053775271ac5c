//! A connection that its client has named lives on when the client comes back to it (`/sip?flow=VALUE`).

use sip::{
    call::event::Event,
    credentials::Credentials,
    user_agent::event::{CallHandle, Event as AgentEvent},
};

use super::access::invite;
use crate::{
    object::Object,
    testing::{Answers, World},
};

const BOB: &str = "sip:bob@localhost";
const ANNAS: &str = "00000000000000000000000000000a0a";
const BOBS: &str = "00000000000000000000000000000b0b";

/// Anna, whom nobody knows, and Bob, who has registered, on connections that they may come back to.
fn world(answers: Answers) -> World {
    let mut world = World::new();
    world.registered("bob", "bob", answers);
    world.connect_as("bob", BOBS);
    world.phone("anna", None, Credentials::None);
    world.connect_as("anna", ANNAS);
    world
}

fn info(world: &mut World, call: CallHandle) {
    let sent = world.act("anna", |agent, now| {
        agent.send_info(call, "text/plain", b"hello", now)
    });
    assert!(sent.is_some(), "the call stands");
}

fn answers_to_info(world: &mut World) -> Vec<u16> {
    let events = world.call_events("anna").into_iter();
    events
        .filter_map(|event| match event {
            Event::InfoAnswered { status, .. } => Some(status),
            _ => None,
        })
        .collect()
}

/// The call that a phone was called with.
fn incoming(world: &mut World, phone: &str) -> CallHandle {
    let mut events = world.get(phone).events.iter();
    let call = events.find_map(|event| match event {
        AgentEvent::Incoming { call, .. } => Some(*call),
        _ => None,
    });
    call.expect("a call")
}

fn bindings(world: &World) -> i64 {
    let line = Object::Line(BOB.to_owned());
    world.count(&line, "SELECT COUNT(*) FROM bindings")
}

#[test]
fn an_established_call_survives_a_reconnect_of_either_end() {
    for (phone, value) in [("bob", BOBS), ("anna", ANNAS)] {
        let mut world = world(Answers::Accept);
        let call = world.call("anna", BOB);
        world.lose(phone);
        world.advance(5_000);
        world.connect_as(phone, value);
        info(&mut world, call);
        assert_eq!(answers_to_info(&mut world), [200], "{phone} is back");
    }
}

#[test]
fn what_was_said_to_a_client_that_was_away_reaches_it_when_it_is_back() {
    let mut world = world(Answers::Accept);
    let call = world.call("anna", BOB);
    world.lose("bob");
    info(&mut world, call);
    assert!(answers_to_info(&mut world).is_empty(), "nobody answers yet");
    world.advance(10_000);
    world.connect_as("bob", BOBS);
    assert_eq!(answers_to_info(&mut world), [200]);
}

#[test]
fn whoever_waits_for_a_client_that_stays_away_is_told_and_its_contacts_go() {
    let mut world = world(Answers::Accept);
    let call = world.call("anna", BOB);
    world.lose("bob");
    world.advance(1_000);
    info(&mut world, call);
    world.advance(30_000);
    let registered = bindings(&world);
    assert!(registered > 0, "until 32 s are over");
    world.advance(2_000);
    assert_eq!(answers_to_info(&mut world), [430]);
    assert!(bindings(&world) < registered);
}

#[test]
fn a_new_call_does_not_wait_for_a_client_that_is_away() {
    let mut world = world(Answers::Accept);
    world.lose("bob");
    world.call("anna", BOB);
    assert_eq!(world.sessions.len(), 1, "the voicemail answered at once");
}

#[test]
fn an_answer_given_while_the_caller_was_away_is_not_lost() {
    let mut world = world(Answers::Ring);
    world.raw("anna", &invite(BOB, "sip:a@x.invalid", ""));
    world.lose("anna");
    let call = incoming(&mut world, "bob");
    world.act("bob", |agent, now| {
        agent.answer(call, crate::testing::ANSWER, now)
    });
    assert!(!world.statuses("anna").contains(&"200 INVITE".to_owned()));
    world.connect_as("anna", ANNAS);
    assert!(world.statuses("anna").contains(&"200 INVITE".to_owned()));
    assert!(!world.statuses("bob").contains(&"CANCEL".to_owned()));
}

#[test]
fn the_newest_socket_of_a_connection_wins() {
    let mut world = world(Answers::Accept);
    let call = world.call("anna", BOB);
    // Bob's telephone has not noticed that its socket is dead when it opens the next.
    world.connect_as("bob", BOBS);
    info(&mut world, call);
    assert_eq!(answers_to_info(&mut world), [200]);
}

#[test]
fn a_contact_on_another_connection_is_found_in_its_calls_both_ways() {
    // Telephones that know nothing of named connections: after a reconnect they register the same contact anew.
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Accept);
    world.user("alice", "alice");
    let call = world.call("alice", BOB);
    let answered = |world: &mut World| {
        let events = world.call_events("alice").into_iter();
        let answers = events.filter_map(|event| match event {
            Event::InfoAnswered { status, .. } => Some(status),
            _ => None,
        });
        answers.collect::<Vec<_>>()
    };
    let ask = |world: &mut World| {
        world.act("alice", |agent, now| {
            agent.send_info(call, "text/plain", b"hello", now)
        });
    };
    world.die("bob");
    world.connect("bob");
    ask(&mut world);
    assert_eq!(
        answered(&mut world),
        [200],
        "Bob is where he registered last"
    );
    // Nobody knows where Alice is before she has registered.
    world.die("alice");
    world.connect("alice");
    ask(&mut world);
    assert_eq!(answered(&mut world), [200, 403]);
    world.act("alice", sip::user_agent::UserAgent::register);
    ask(&mut world);
    assert_eq!(answered(&mut world), [200, 403, 200]);
    let call = incoming(&mut world, "bob");
    world.act("bob", |agent, now| agent.hang_up(call, None, None, now));
    assert!(matches!(
        world.call_events("alice").last(),
        Some(Event::Ended { .. })
    ));
}

#[test]
fn nobody_else_enters_a_call_from_another_connection() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Accept);
    world.user("alice", "alice");
    world.call("alice", BOB);
    let bye = {
        let call = incoming(&mut world, "bob");
        world.die("alice");
        world.act("bob", |agent, now| agent.hang_up(call, None, None, now));
        world.last_sent("bob", "BYE")
    };
    world.phone("mallory", None, Credentials::None);
    world.raw("mallory", &bye);
    assert_eq!(world.statuses("mallory"), ["403 BYE"]);
}
