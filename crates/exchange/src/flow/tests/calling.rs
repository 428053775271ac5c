//! Somebody answers, or the caller gives up.

use sip::{
    call::event::{EndCause, Event},
    credentials::Credentials,
    user_agent::event::Event as AgentEvent,
};

use crate::{
    object::Object,
    testing::{ANSWER, Answers, OFFER, World},
};

const BOB: &str = "sip:bob@localhost";

#[test]
fn an_answered_call_is_the_callees_and_its_requests_find_their_way() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Accept);
    world.phone("anna", None, Credentials::None);
    let call = world.call("anna", BOB);
    let events = world.call_events("anna");
    assert_eq!(
        events,
        [
            Event::Ringing { status: 180 },
            Event::Answered {
                sdp: Some(ANSWER.to_owned()),
                greeting_url: None,
                answerer: None
            }
        ]
    );
    assert!(world.get("bob").events.iter().any(|event| matches!(
        event,
        AgentEvent::Incoming { sdp: Some(sdp), .. } if sdp == OFFER
    )));
    assert_eq!(
        world.call_events("bob"),
        [Event::Acknowledged { sdp: None }],
        "the ACK came through"
    );
    let id = world.act("anna", |agent, now| {
        agent.send_info(call, "text/plain", b"hello", now)
    });
    assert!(world.call_events("anna").contains(&Event::InfoAnswered {
        id: id.expect("established"),
        status: 200
    }));
    world.act("anna", |agent, now| agent.hang_up(call, None, None, now));
    assert!(matches!(
        world.call_events("bob").last(),
        Some(Event::Ended {
            cause: EndCause::HungUpThere,
            ..
        })
    ));
    world.advance(120_000);
    assert!(world.sessions.is_empty(), "no voicemail");
}

#[test]
fn the_callee_may_hang_up_too() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Accept);
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    let call = world
        .get("bob")
        .events
        .iter()
        .find_map(|event| match event {
            AgentEvent::Incoming { call, .. } => Some(*call),
            _ => None,
        })
        .expect("call");
    world.act("bob", |agent, now| agent.hang_up(call, None, None, now));
    assert!(matches!(
        world.call_events("anna").last(),
        Some(Event::Ended {
            cause: EndCause::HungUpThere,
            ..
        })
    ));
    assert!(world.statuses("bob").contains(&"200 BYE".to_owned()));
}

#[test]
fn all_contacts_ring_and_the_first_answer_ends_the_others() {
    let mut world = World::new();
    world.registered("desk", "bob", Answers::Ring);
    world.registered("kitchen", "bob", Answers::Accept);
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    assert!(world.statuses("desk").contains(&"INVITE".to_owned()));
    assert!(world.statuses("desk").contains(&"CANCEL".to_owned()));
    assert!(world.statuses("kitchen").contains(&"ACK".to_owned()));
    assert!(world.sessions.is_empty());
}

#[test]
fn one_busy_contact_does_not_silence_the_others_but_a_decline_does() {
    for (status, rings_on) in [(486, true), (603, false)] {
        let mut world = World::new();
        world.registered("desk", "bob", Answers::Ring);
        world.registered("kitchen", "bob", Answers::Reject(status));
        world.phone("anna", None, Credentials::None);
        world.call("anna", BOB);
        let cancelled = world.statuses("desk").contains(&"CANCEL".to_owned());
        assert_eq!(cancelled, !rings_on, "{status}");
        assert_eq!(world.sessions.is_empty(), rings_on, "{status}");
    }
}

#[test]
fn a_cancelled_call_stops_ringing_and_reaches_no_voicemail() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Ring);
    world.phone("anna", None, Credentials::None);
    let call = world.call("anna", BOB);
    world.act("anna", |agent, now| agent.hang_up(call, None, None, now));
    let statuses = world.statuses("anna");
    assert!(statuses.contains(&"200 CANCEL".to_owned()), "{statuses:?}");
    assert!(statuses.contains(&"487 INVITE".to_owned()), "{statuses:?}");
    assert!(world.statuses("bob").contains(&"CANCEL".to_owned()));
    world.advance(120_000);
    assert!(world.sessions.is_empty());
    let line = Object::Line(BOB.to_owned());
    assert_eq!(world.count(&line, "SELECT COUNT(*) FROM calls"), 0);
}

#[test]
fn a_caller_who_is_gone_lets_nobody_ring() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Ring);
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    world.disconnect("anna");
    assert!(world.statuses("bob").contains(&"CANCEL".to_owned()));
    world.advance(120_000);
    assert!(world.sessions.is_empty());
}

#[test]
fn in_a_call_a_dead_peer_is_told_with_430() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Accept);
    world.phone("anna", None, Credentials::None);
    let call = world.call("anna", BOB);
    world.die("bob");
    let id = world.act("anna", |agent, now| {
        agent.send_info(call, "text/plain", b"hello", now)
    });
    assert!(world.call_events("anna").contains(&Event::InfoAnswered {
        id: id.expect("established"),
        status: 430
    }));
}

#[test]
fn new_messages_are_told_to_every_contact_at_once_and_at_registration() {
    use crate::signal::Signal;
    let mut world = World::new();
    world.registered("desk", "bob", Answers::Ring);
    let counts = "UPDATE mailbox SET new_count = 2, old_count = 1 RETURNING 1";
    let mailbox = Object::Mailbox(BOB.to_owned());
    assert_eq!(world.count(&mailbox, counts), 1);
    for _ in 0..2 {
        world.signal_line(BOB, Signal::MessageSummary { new: 2, old: 1 });
    }
    let told = world.statuses("desk");
    let told = told.iter().filter(|status| *status == "NOTIFY").count();
    assert_eq!(
        told, 2,
        "at registration and once more; counts that it knows are no news"
    );
    world.registered("kitchen", "bob", Answers::Ring);
    for phone in ["desk", "kitchen"] {
        assert!(
            world
                .get(phone)
                .events
                .iter()
                .any(|event| matches!(event, AgentEvent::MessageSummary { new: 2, old: 1 })),
            "{phone}"
        );
    }
}
