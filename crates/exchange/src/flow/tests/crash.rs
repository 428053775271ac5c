//! A crash at every single statement of a call: whatever is lost, both ends come to rest, nothing is left
//! behind, and the next call works.

use deposit::token::verify_session;
use sip::{
    call::event::Event, credentials::Credentials, session_info::SessionInfo, user_agent::UserAgent,
};

use crate::{
    object::Object,
    testing::{Answers, World},
};

const BOB: &str = "sip:bob@localhost";
/// More statements than any of these calls takes.
const MANY: u64 = 120;
/// Long enough for any greeting.
const GREETING_MS: i64 = 30_000;
/// Long enough for every timer of a call.
const REST_MS: i64 = 160_000;

fn objects() -> [Object; 2] {
    [
        Object::Line(BOB.to_owned()),
        Object::Mailbox(BOB.to_owned()),
    ]
}

/// Plays `story` with a crash at every statement of each of Bob's objects in turn.
fn crash_everywhere(story: impl Fn(&mut World)) {
    crash_everywhere_with("{}", story);
}

/// The same where Bob has made these choices.
fn crash_everywhere_with(settings: &str, story: impl Fn(&mut World)) {
    for object in objects() {
        let mut crashes = 0;
        for nth in 0..MANY {
            let mut world = World::new();
            world.phone("anna", None, Credentials::None);
            world.registered("bob", "bob", Answers::Reject(486));
            choose(&mut world, settings);
            world.crash(&object, nth);
            story(&mut world);
            world.advance(REST_MS);
            if !world.has_crashed(&object, nth) {
                break;
            }
            crashes += 1;
            let place = format!("{settings}, {object:?}, statement {nth}");
            rests(&mut world, &place);
        }
        assert!(crashes > 10, "{object:?}: {crashes} crashes");
    }
}

fn choose(world: &mut World, settings: &str) {
    let chosen = format!("UPDATE mailbox SET settings = '{settings}' RETURNING 1");
    world.count(&Object::Mailbox(BOB.to_owned()), &chosen);
}

/// Both ends have come to rest, and no session that the caller acknowledged is gone.
fn rests(world: &mut World, place: &str) {
    let events = world.call_events("anna");
    let ended = events
        .iter()
        .any(|event| matches!(event, Event::Ended { .. } | Event::Rejected { .. }));
    assert!(ended, "{place}: {events:?}");
    let [line, mailbox] = objects();
    for (object, table) in [
        (&line, "calls"),
        (&line, "branches"),
        (&mailbox, "mailbox_calls WHERE state IS NOT NULL"),
    ] {
        let left = world.count(object, &format!("SELECT COUNT(*) FROM {table}"));
        assert_eq!(left, 0, "{place}: rows in {table}");
    }
    for token in world.call_events("anna").iter().filter_map(token_of) {
        let claims = verify_session(&token, &world.settings.token_keys).expect("a token");
        let kept = format!(
            "SELECT COUNT(*) FROM sessions WHERE id = '{}'",
            claims.session()
        );
        assert_eq!(
            world.count(&mailbox, &kept),
            1,
            "{place}: the session is lost"
        );
    }
    choose(world, "{}");
    world.answer("bob", Answers::Reject(486));
    world.phone("second", None, Credentials::None);
    world.call("second", BOB);
    let events = world.call_events("second");
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Info { .. })),
        "{place}: the next call gets {events:?}"
    );
}

/// The session that an event brought, by INFO or in the BYE.
fn token_of(event: &Event) -> Option<String> {
    let body = match event {
        Event::Info { body, .. } => body,
        Event::Ended {
            body: Some(body), ..
        } => &body.bytes,
        _ => return None,
    };
    Some(SessionInfo::parse(body).ok()?.id)
}

#[test]
fn a_call_to_the_voicemail_survives_a_crash_at_every_statement() {
    crash_everywhere(|world| {
        world.call("anna", BOB);
    });
}

#[test]
fn every_variant_survives_a_crash_at_every_statement() {
    for settings in [
        r#"{"info_timing":"after"}"#,
        r#"{"instruction":"bye"}"#,
        r#"{"instruction":"none"}"#,
    ] {
        crash_everywhere_with(settings, |world| {
            world.call("anna", BOB);
        });
    }
}

#[test]
fn a_call_back_survives_a_crash_at_every_statement() {
    for (settings, answers) in [
        (r#"{"answer":"call_back"}"#, Answers::Accept),
        (r#"{"answer":"call_back"}"#, Answers::Ring),
    ] {
        crash_everywhere_with(settings, |world| {
            world.answer("anna", answers);
            world.call("anna", BOB);
        });
    }
}

#[test]
fn a_second_call_survives_a_crash_at_every_statement() {
    crash_everywhere(|world| {
        let call = world.call("anna", BOB);
        let token = world.call_events("anna").iter().find_map(token_of);
        let body = format!("Session Type=video\r\nID={}\r\n", token.unwrap_or_default());
        world.act("anna", |agent, now| {
            agent.send_info(call, "text/plain", body.as_bytes(), now)
        });
    });
}

#[test]
fn a_skipped_greeting_survives_a_crash_at_every_statement() {
    crash_everywhere(|world| {
        let call = world.call("anna", BOB);
        world.act("anna", |agent, now| {
            agent.send_info(call, "application/dtmf-relay", b"Signal=#", now)
        });
    });
}

#[test]
fn a_cancelled_call_survives_a_crash_at_every_statement() {
    crash_everywhere(|world| {
        world.answer("bob", Answers::Ring);
        let call = world.call("anna", BOB);
        world.act("anna", |agent, now| agent.hang_up(call, None, None, now));
    });
}

#[test]
fn a_vanishing_caller_survives_a_crash_at_every_statement() {
    crash_everywhere(|world| {
        world.answer("bob", Answers::Ring);
        world.call("anna", BOB);
        world.disconnect("anna");
        world.act("anna", UserAgent::disconnected);
    });
}

/// Whichever end vanishes without a word, after whatever frame: nothing is left behind.
#[test]
fn either_end_may_vanish_after_every_frame() {
    for (phone, answers) in [
        ("anna", Answers::Reject(486)),
        ("anna", Answers::Accept),
        ("bob", Answers::Reject(486)),
        ("bob", Answers::Accept),
    ] {
        for frames in 0..12 {
            let mut world = World::new();
            world.phone("anna", None, Credentials::None);
            world.registered("bob", "bob", answers);
            world.die_after(phone, frames);
            let call = world.call("anna", BOB);
            world.advance(GREETING_MS);
            world.act("anna", |agent, now| agent.hang_up(call, None, None, now));
            world.advance(REST_MS);
            world.act("anna", UserAgent::disconnected);
            rests(
                &mut world,
                &format!("{phone} vanishes after {frames} frames"),
            );
        }
    }
}
