//! Nobody answers: the voicemail does.

use sip::{
    Message,
    call::event::{EndCause, Event},
    credentials::Credentials,
    sdp,
    session_info::SessionInfo,
};

use super::access::invite;
use crate::{
    object::Object,
    testing::{Answers, World},
};

const BOB: &str = "sip:bob@localhost";

fn anonymous_call(world: &mut World, to: &str) {
    world.phone("anna", None, Credentials::None);
    world.call("anna", to);
}

fn session(world: &mut World, phone: &str) -> SessionInfo {
    let events = world.call_events(phone);
    let infos: Vec<&Vec<u8>> = events
        .iter()
        .filter_map(|event| match event {
            Event::Info { body, .. } => Some(body),
            _ => None,
        })
        .collect();
    assert_eq!(infos.len(), 1, "{events:?}");
    assert!(infos[0].len() < 1200, "{} bytes", infos[0].len());
    SessionInfo::parse(infos[0]).expect("session information")
}

fn last_end(world: &mut World, phone: &str) -> Option<(EndCause, Option<String>)> {
    world
        .call_events(phone)
        .iter()
        .find_map(|event| match event {
            Event::Ended { cause, reason, .. } => Some((*cause, reason.clone())),
            _ => None,
        })
}

fn mailbox() -> Object {
    Object::Mailbox(BOB.to_owned())
}

#[test]
fn an_unregistered_callee_has_its_voicemail_answer_and_end_the_call() {
    let mut world = World::new();
    anonymous_call(&mut world, BOB);
    let events = world.call_events("anna");
    assert_eq!(events[0], Event::Ringing { status: 180 });
    let Event::Answered {
        sdp: Some(answer),
        greeting_url: Some(url),
        answerer: None,
    } = &events[1]
    else {
        panic!("{events:?}");
    };
    assert!(!sdp::has_active_media(answer), "{answer}");
    assert!(
        answer.contains("m=audio 0 UDP/TLS/RTP/SAVPF 111"),
        "{answer}"
    );
    assert!(url.starts_with("http://127.0.0.1:8787/"), "{url}");

    let info = session(&mut world, "anna");
    assert_eq!(info.called_party.as_deref(), Some(BOB));
    assert_eq!(
        info.upload.as_deref(),
        Some("http://127.0.0.1:8787/deposits")
    );
    assert_eq!(world.sessions.len(), 1, "the session is in the store");
    assert_eq!(last_end(&mut world, "anna"), None, "the greeting plays");

    world.advance(120_000);
    let (cause, reason) = last_end(&mut world, "anna").expect("BYE");
    assert_eq!(cause, EndCause::HungUpThere);
    assert_eq!(
        reason.as_deref(),
        Some("SIP;cause=200;text=\"record offline\"")
    );
    let left = world.count(
        &mailbox(),
        "SELECT COUNT(*) FROM mailbox_calls WHERE state IS NOT NULL",
    );
    assert_eq!(left, 0, "nothing of the call stays");
    let line = Object::Line(BOB.to_owned());
    assert_eq!(world.count(&line, "SELECT COUNT(*) FROM calls"), 0);
    assert_eq!(world.count(&line, "SELECT COUNT(*) FROM branches"), 0);
}

#[test]
fn where_no_greeting_plays_the_call_ends_once_the_session_is_told() {
    let mut world = World::new();
    let silent = r#"UPDATE mailbox SET settings = '{"greeting":"none"}' RETURNING 1"#;
    assert_eq!(world.count(&mailbox(), silent), 1);
    anonymous_call(&mut world, BOB);
    session(&mut world, "anna");
    assert!(last_end(&mut world, "anna").is_some(), "without any wait");
}

#[test]
fn provisional_answers_of_the_voicemail_carry_no_sdp() {
    let mut world = World::new();
    anonymous_call(&mut world, BOB);
    for message in &world.get("anna").received {
        if let Message::Response(response) = message
            && response.is_provisional()
        {
            assert!(response.body().is_empty(), "{response:?}");
        }
    }
    assert_eq!(world.statuses("anna")[..2], ["180 INVITE", "200 INVITE"]);
}

#[test]
fn every_failure_of_the_contact_leads_to_the_voicemail() {
    for status in [404, 408, 415, 480, 486, 488, 500, 603] {
        let mut world = World::new();
        world.registered("bob", "bob", Answers::Reject(status));
        anonymous_call(&mut world, BOB);
        session(&mut world, "anna");
        assert!(
            world.statuses("bob").contains(&"ACK".to_owned()),
            "{status} is acknowledged"
        );
    }
}

#[test]
fn a_contact_that_only_rings_is_cancelled_and_the_voicemail_answers() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Ring);
    anonymous_call(&mut world, BOB);
    world.advance(19_000);
    assert!(
        !world.statuses("bob").contains(&"CANCEL".to_owned()),
        "it still rings"
    );
    world.advance(2_000);
    assert!(world.statuses("bob").contains(&"CANCEL".to_owned()));
    session(&mut world, "anna");
    assert_eq!(
        world.call_events("bob").last(),
        Some(&Event::Ended {
            cause: EndCause::Cancelled,
            reason: None,
            body: None
        })
    );
}

#[test]
fn a_dead_connection_is_no_contact_any_more() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Accept);
    world.die("bob");
    anonymous_call(&mut world, BOB);
    session(&mut world, "anna");
    let line = Object::Line(BOB.to_owned());
    assert_eq!(world.count(&line, "SELECT COUNT(*) FROM bindings"), 0);
}

#[test]
fn a_contact_that_goes_away_while_it_rings_leaves_the_call_to_the_voicemail() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Ring);
    anonymous_call(&mut world, BOB);
    world.disconnect("bob");
    session(&mut world, "anna");
}

#[test]
fn the_pound_key_skips_the_greeting() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    let call = world.call("anna", BOB);
    world.act("anna", |agent, now| {
        agent.send_info(
            call,
            "application/dtmf-relay",
            b"Signal=#\r\nDuration=160\r\n",
            now,
        )
    });
    let events = world.call_events("anna");
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::InfoAnswered { status: 200, .. })),
        "{events:?}"
    );
    let (cause, reason) = last_end(&mut world, "anna").expect("BYE at once");
    assert_eq!(cause, EndCause::HungUpThere);
    assert!(reason.expect("reason").contains("record offline"));
}

#[test]
fn the_voicemail_can_be_called_without_ringing() {
    let mut world = World::new();
    world.registered("bob", "bob", Answers::Accept);
    anonymous_call(
        &mut world,
        "sip:voicemail@localhost;target=sip:bob%40localhost;cause=302",
    );
    assert_eq!(
        session(&mut world, "anna").called_party.as_deref(),
        Some(BOB)
    );
    assert!(!world.statuses("bob").contains(&"INVITE".to_owned()));
}

#[test]
fn an_invite_without_offer_gets_an_offer_without_media() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    world.act("anna", |agent, now| agent.call(BOB, None, now));
    let events = world.call_events("anna");
    let Event::Answered {
        sdp: Some(offer), ..
    } = &events[1]
    else {
        panic!("{events:?}");
    };
    assert!(!offer.contains("m="), "{offer}");
    session(&mut world, "anna");
}

#[test]
fn a_caller_who_hangs_up_during_the_greeting_leaves_nothing_behind() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    let call = world.call("anna", BOB);
    world.act("anna", |agent, now| agent.hang_up(call, None, None, now));
    assert!(world.statuses("anna").contains(&"200 BYE".to_owned()));
    assert_eq!(
        world.count(
            &mailbox(),
            "SELECT COUNT(*) FROM mailbox_calls WHERE state IS NOT NULL"
        ),
        0
    );
    assert_eq!(world.count(&mailbox(), "SELECT COUNT(*) FROM sessions"), 1);
}

#[test]
fn a_caller_who_vanishes_during_the_greeting_leaves_its_session() {
    let mut world = World::new();
    anonymous_call(&mut world, BOB);
    world.die("anna");
    world.advance(120_000);
    assert_eq!(
        world.count(
            &mailbox(),
            "SELECT COUNT(*) FROM mailbox_calls WHERE state IS NOT NULL"
        ),
        0
    );
    assert_eq!(world.count(&mailbox(), "SELECT COUNT(*) FROM sessions"), 1);
}

#[test]
fn a_caller_who_never_acknowledges_gets_the_answer_again_and_no_session() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    let invite = "INVITE sip:bob@localhost SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKmute\r\nMax-Forwards: 70\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:bob@localhost>\r\nCall-ID: mute\r\nCSeq: 1 INVITE\r\nContact: <sip:a@x.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n";
    world.raw("anna", invite);
    world.advance(40_000);
    let statuses = world.statuses("anna");
    let answers = statuses.iter().filter(|status| *status == "200 INVITE");
    assert!(answers.count() > 5, "{statuses:?}");
    assert_eq!(statuses.last().map(String::as_str), Some("BYE"));
    assert_eq!(world.count(&mailbox(), "SELECT COUNT(*) FROM sessions"), 0);
}

#[test]
fn a_call_that_a_proxy_forked_is_answered_once_and_its_other_copies_are_refused() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    let copy = |branch: &str, sequence: u32| {
        invite(BOB, "sip:a@x.invalid", "")
            .replace("z9hG4bKraw", branch)
            .replace("CSeq: 1", &format!("CSeq: {sequence}"))
    };
    let count = |world: &mut World, status: &str| {
        let statuses = world.statuses("anna");
        statuses.iter().filter(|known| *known == status).count()
    };
    world.raw("anna", &copy("z9hG4bKone", 1));
    assert_eq!(count(&mut world, "200 INVITE"), 1);
    world.raw("anna", &copy("z9hG4bKtwo", 1));
    assert_eq!(count(&mut world, "482 INVITE"), 1, "RFC 3261 8.2.2.2");
    assert_eq!(count(&mut world, "200 INVITE"), 1);
    world.raw("anna", &copy("z9hG4bKthree", 2));
    assert_eq!(count(&mut world, "482 INVITE"), 1, "another request");
    assert_eq!(count(&mut world, "200 INVITE"), 2);
}

#[test]
fn nobody_elses_copy_of_a_call_keeps_it_from_the_voicemail() {
    let mut world = World::new();
    let call = |branch: &str| {
        let text = invite(BOB, "sip:a@x.invalid", "");
        text.replace("z9hG4bKraw", branch)
    };
    world.phone("eve", None, Credentials::None);
    world.raw("eve", &call("z9hG4bKeve"));
    world.phone("anna", None, Credentials::None);
    world.raw("anna", &call("z9hG4bKanna"));
    for phone in ["eve", "anna"] {
        let statuses = world.statuses(phone);
        assert!(
            statuses.contains(&"200 INVITE".to_owned()),
            "{phone}: {statuses:?}"
        );
    }
    let other = call("z9hG4bKother").replace("From: <sip:a@", "From: <sip:b@");
    world.raw("anna", &other);
    let statuses = world.statuses("anna");
    assert!(
        !statuses.contains(&"482 INVITE".to_owned()),
        "another caller behind the same connection: {statuses:?}"
    );
}
