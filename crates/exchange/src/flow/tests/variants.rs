//! How a caller hears of the session, by the owner's choice (D3, D5 to D8, D10, D16, D17).

use deposit::token::verify_session;
use sip::{
    Message,
    call::event::{Body, EndCause, Event},
    credentials::Credentials,
    session_info::{SessionInfo, SessionType},
};

use crate::{
    front::{self, Route},
    http::{Request, Response},
    mailbox,
    object::Object,
    testing::{Answers, World},
};

const BOB: &str = "sip:bob@localhost";
/// Longer than the system's greeting.
const GREETING_MS: i64 = 30_000;

fn bobs() -> Object {
    Object::Mailbox(BOB.to_owned())
}

/// An exchange where Bob has chosen, and an anonymous phone.
fn world(settings: &str) -> World {
    let mut world = World::new();
    choose(&mut world, settings);
    world.phone("anna", None, Credentials::None);
    world
}

fn choose(world: &mut World, settings: &str) {
    let chosen = format!("UPDATE mailbox SET settings = '{settings}' RETURNING 1");
    assert_eq!(world.count(&bobs(), &chosen), 1);
}

/// The sessions that came by INFO, and what came with the BYE.
fn told(world: &mut World, phone: &str) -> (Vec<SessionInfo>, Option<Option<SessionInfo>>) {
    let read = |body: &[u8]| SessionInfo::parse(body).expect("session information");
    let (mut infos, mut end) = (Vec::new(), None);
    for event in world.call_events(phone) {
        match event {
            Event::Info { body, .. } => infos.push(read(&body)),
            Event::Ended {
                cause: EndCause::HungUpThere,
                reason,
                body,
            } => {
                let reason = reason.expect("a reason");
                assert!(reason.contains("record offline"), "{reason}");
                end = Some(body.map(|Body { bytes, .. }| read(&bytes)));
            }
            _ => {}
        }
    }
    (infos, end)
}

fn press_pound(world: &mut World, call: sip::user_agent::event::CallHandle) {
    world.act("anna", |agent, now| {
        agent.send_info(call, "application/dtmf-relay", b"Signal=#", now)
    });
}

/// The answer to a GET of one of our own addresses.
fn fetch(world: &World, url: &str) -> Response {
    let path = url
        .strip_prefix("http://127.0.0.1:8787")
        .expect("our address");
    let request = Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        ..Request::default()
    };
    match front::route(&request, &world.settings, world.now_ms) {
        Route::Forward(forward) => {
            world
                .at(&forward.object, |sql, context| {
                    mailbox::on_http(sql, context, &forward.request)
                })
                .expect("storage")
                .0
        }
        other => panic!("{other:?}"),
    }
}

fn session_of(response: &Response) -> Option<String> {
    let mut headers = response.headers.iter();
    let found = headers.find(|(name, _)| name == "afterbeep-session");
    found.map(|(_, value)| value.clone())
}

fn greeting_url(world: &mut World, phone: &str) -> String {
    let events = world.call_events(phone);
    let url = events.iter().find_map(|event| match event {
        Event::Answered { greeting_url, .. } => greeting_url.clone(),
        _ => None,
    });
    url.expect("a greeting")
}

#[test]
fn the_info_comes_before_or_after_the_greeting_or_the_bye_brings_it() {
    for (settings, early, late, by_bye) in [
        ("{}", 1, 1, false),
        (r#"{"info_timing":"after"}"#, 0, 1, false),
        (r#"{"instruction":"bye"}"#, 0, 0, true),
        (r#"{"instruction":"both"}"#, 1, 1, true),
        (
            r#"{"instruction":"both","info_timing":"after"}"#,
            0,
            1,
            true,
        ),
        (r#"{"instruction":"none"}"#, 0, 0, false),
        (r#"{"instruction":"none","greeting":"none"}"#, 1, 1, false),
        (r#"{"instruction":"bye","greeting":"none"}"#, 0, 0, true),
        (r#"{"info_timing":"after","greeting":"none"}"#, 1, 1, false),
    ] {
        let mut world = world(settings);
        world.call("anna", BOB);
        assert_eq!(told(&mut world, "anna").0.len(), early, "{settings}");
        world.advance(GREETING_MS);
        let (infos, end) = told(&mut world, "anna");
        assert_eq!(infos.len(), late, "{settings}");
        let end = end.expect("BYE");
        assert_eq!(end.is_some(), by_bye, "{settings}");
        let ids: Vec<String> = infos.into_iter().chain(end).map(|info| info.id).collect();
        assert!(ids.windows(2).all(|ids| ids[0] == ids[1]), "one session");
        assert_eq!(
            world.count(&bobs(), "SELECT COUNT(*) FROM sessions"),
            1,
            "{settings}"
        );
        let left = world.count(
            &bobs(),
            "SELECT COUNT(*) FROM mailbox_calls WHERE state IS NOT NULL",
        );
        assert_eq!(left, 0, "{settings}");
    }
}

#[test]
fn who_skips_the_greeting_gets_the_session_all_the_same() {
    for (settings, infos, by_bye) in [
        ("{}", 1, false),
        (r#"{"info_timing":"after"}"#, 1, false),
        (r#"{"instruction":"bye"}"#, 0, true),
        (r#"{"instruction":"both","info_timing":"after"}"#, 1, true),
    ] {
        let mut world = world(settings);
        let call = world.call("anna", BOB);
        press_pound(&mut world, call);
        let (told, end) = told(&mut world, "anna");
        assert_eq!(told.len(), infos, "{settings}");
        assert_eq!(end.expect("BYE at once").is_some(), by_bye, "{settings}");
    }
}

#[test]
fn without_any_instruction_the_session_comes_with_the_greeting() {
    let mut world = world(r#"{"instruction":"none"}"#);
    world.call("anna", BOB);
    let url = greeting_url(&mut world, "anna");
    let response = fetch(&world, &url);
    assert_eq!(response.status, 200);
    let token = session_of(&response).expect("a session");
    let claims = verify_session(&token, &world.settings.token_keys).expect("a token");
    assert_eq!(claims.mailbox, BOB);
    let kept = format!(
        "SELECT COUNT(*) FROM sessions WHERE id = '{}'",
        claims.session()
    );
    assert_eq!(world.count(&bobs(), &kept), 1);
    let stored = response
        .headers
        .iter()
        .find(|(name, _)| name == "cache-control");
    assert_eq!(stored.expect("a rule").1, "no-store");

    world.advance(GREETING_MS);
    assert_eq!(
        session_of(&fetch(&world, &url)),
        Some(token),
        "also when the call is over"
    );
    world.count(&bobs(), "UPDATE sessions SET state = 'revoked' RETURNING 1");
    assert_eq!(session_of(&fetch(&world, &url)), None, "revoked");
}

#[test]
fn where_an_info_tells_the_session_the_greeting_does_not() {
    let mut world = world("{}");
    world.call("anna", BOB);
    let url = greeting_url(&mut world, "anna");
    assert_eq!(session_of(&fetch(&world, &url)), None);
}

#[test]
fn a_full_mailbox_says_so_in_every_variant() {
    for settings in [
        "{}",
        r#"{"instruction":"none"}"#,
        r#"{"instruction":"bye"}"#,
    ] {
        let mut world = world(settings);
        world.settings.mailbox_quota_bytes = 0;
        world.call("anna", BOB);
        let events = world.call_events("anna");
        let Some(Event::Ended {
            reason: Some(reason),
            body: None,
            ..
        }) = events.last()
        else {
            panic!("{settings}: {events:?}");
        };
        assert!(reason.contains("mailbox full"), "{reason}");
    }
}

#[test]
fn a_caller_may_hang_up_in_every_variant() {
    for settings in [
        r#"{"info_timing":"after"}"#,
        r#"{"instruction":"bye"}"#,
        r#"{"instruction":"none"}"#,
    ] {
        let mut world = world(settings);
        let call = world.call("anna", BOB);
        world.act("anna", |agent, now| agent.hang_up(call, None, None, now));
        assert!(world.statuses("anna").contains(&"200 BYE".to_owned()));
        let left = world.count(
            &bobs(),
            "SELECT COUNT(*) FROM mailbox_calls WHERE state IS NOT NULL",
        );
        assert_eq!(left, 0, "{settings}");
    }
}

/// Calls the voicemail a second time and says this by INFO; the status of the answer.
fn second_call(world: &mut World, kind: &str, token: &str) -> u16 {
    world.phone("again", None, Credentials::None);
    let voicemail = "sip:voicemail@localhost;target=sip:bob%40localhost;cause=302";
    let call = world.call("again", voicemail);
    let body = format!("Session Type={kind}\r\nID={token}\r\n");
    world.act("again", |agent, now| {
        agent.send_info(call, "text/plain", body.as_bytes(), now)
    });
    let events = world.call_events("again");
    let answered = events.iter().find_map(|event| match event {
        Event::InfoAnswered { status, .. } => Some(*status),
        _ => None,
    });
    answered.expect("an answer")
}

#[test]
fn a_second_call_confirms_a_session_and_may_change_its_type() {
    let mut world = world("{}");
    world.call("anna", BOB);
    let token = told(&mut world, "anna").0.remove(0).id;
    let claims = verify_session(&token, &world.settings.token_keys).expect("a token");
    let kind = format!(
        "SELECT session_type = 'video' FROM sessions WHERE id = '{}'",
        claims.session()
    );
    assert_eq!(world.count(&bobs(), &kind), 0);
    assert_eq!(second_call(&mut world, "video", &token), 200);
    assert_eq!(world.count(&bobs(), &kind), 1);
    assert!(told(&mut world, "again").1.is_some(), "BYE at once");

    assert_eq!(second_call(&mut world, "voice", "s1.k.x.y"), 403, "forged");
    world.phone("other", None, Credentials::None);
    world.call("other", "sip:alice@localhost");
    let foreign = told(&mut world, "other").0.remove(0).id;
    assert_eq!(second_call(&mut world, "voice", &foreign), 403, "foreign");
    assert_eq!(second_call(&mut world, "fax", &token), 400, "no type");
    world.now_ms += world.settings.session_ttl_ms;
    assert_eq!(second_call(&mut world, "voice", &token), 410, "expired");
    let revoked = format!(
        "UPDATE sessions SET state = 'revoked' WHERE id = '{}' RETURNING 1",
        claims.session()
    );
    world.count(&bobs(), &revoked);
    assert_eq!(second_call(&mut world, "voice", &token), 403, "revoked");
}

#[test]
fn the_voicemail_calls_the_caller_back_where_the_owner_wants_it() {
    for (settings, by_info) in [
        (r#"{"answer":"call_back"}"#, true),
        (r#"{"answer":"call_back","instruction":"bye"}"#, false),
        (r#"{"answer":"call_back","instruction":"none"}"#, false),
    ] {
        let mut world = world(settings);
        world.answer("anna", Answers::Accept);
        world.call("anna", BOB);
        let events = world.call_events("anna");
        assert!(
            matches!(events[0], Event::Rejected { status: 480, .. }),
            "{events:?}"
        );
        let statuses = world.statuses("anna");
        let invited = statuses.iter().position(|status| status == "INVITE");
        assert!(
            invited > statuses.iter().position(|status| status == "480 INVITE"),
            "{statuses:?}"
        );
        let url = called_with(&mut world);
        assert_eq!(
            session_of(&fetch(&world, &url)).is_some(),
            settings.contains("none"),
            "{settings}"
        );
        assert_eq!(told(&mut world, "anna").0.len() == 1, by_info, "{settings}");
        assert_eq!(told(&mut world, "anna").1, None, "the greeting plays");
        world.advance(GREETING_MS);
        let end = told(&mut world, "anna").1.expect("BYE");
        assert_eq!(end.is_some(), settings.contains("bye"), "{settings}");
        let left = world.count(
            &bobs(),
            "SELECT COUNT(*) FROM mailbox_calls WHERE state IS NOT NULL",
        );
        assert_eq!(left, 0, "{settings}");
        assert_eq!(world.count(&bobs(), "SELECT COUNT(*) FROM sessions"), 1);
    }
}

/// The greeting's address in the INVITE that the phone got, which comes from Bob without any offer.
fn called_with(world: &mut World) -> String {
    let received = world.get("anna").received.iter();
    let invite = received
        .filter_map(Message::as_request)
        .find(|request| *request.method() == sip::Method::Invite)
        .expect("an INVITE");
    assert_eq!(invite.from().uri.to_string(), BOB);
    assert!(invite.body().is_empty());
    let info = invite.header("Call-Info").expect("a greeting");
    let url = info.split(['<', '>']).nth(1).expect("an address");
    url.to_owned()
}

#[test]
fn a_caller_who_does_not_take_the_call_back_leaves_nothing_behind() {
    for answers in [Answers::Reject(603), Answers::Ring] {
        let mut world = world(r#"{"answer":"call_back"}"#);
        world.answer("anna", answers);
        world.call("anna", BOB);
        world.advance(100_000);
        let cancelled = world.statuses("anna").contains(&"CANCEL".to_owned());
        assert_eq!(cancelled, answers == Answers::Ring);
        let acknowledged = world.statuses("anna").contains(&"ACK".to_owned());
        assert!(acknowledged, "{:?}", world.statuses("anna"));
        assert_eq!(
            world.count(
                &bobs(),
                "SELECT COUNT(*) FROM mailbox_calls WHERE state IS NOT NULL"
            ),
            0
        );
        assert_eq!(world.count(&bobs(), "SELECT COUNT(*) FROM sessions"), 0);
    }
}

#[test]
fn a_call_back_can_be_skipped_and_hung_up() {
    let mut world = world(r#"{"answer":"call_back","info_timing":"after"}"#);
    world.answer("anna", Answers::Accept);
    world.call("anna", BOB);
    let call = world
        .get("anna")
        .events
        .iter()
        .find_map(|event| match event {
            sip::user_agent::event::Event::Incoming { call, .. } => Some(*call),
            _ => None,
        });
    press_pound(&mut world, call.expect("a call"));
    let (infos, end) = told(&mut world, "anna");
    assert_eq!(infos.len(), 1);
    assert_eq!(end, Some(None));
}

#[test]
fn a_caller_whom_a_telephone_refused_is_called_back_too() {
    for answers in [Answers::Reject(486), Answers::Ring] {
        let mut world = world(r#"{"answer":"call_back"}"#);
        world.registered("bob", "bob", answers);
        world.answer("anna", Answers::Accept);
        world.call("anna", BOB);
        world.advance(25_000);
        let events = world.call_events("anna");
        let refused = |event: &Event| matches!(event, Event::Rejected { .. });
        assert!(events.iter().any(refused), "{events:?}");
        assert_eq!(told(&mut world, "anna").0.len(), 1, "{events:?}");
        assert!(!world.statuses("bob").contains(&"INFO".to_owned()));
    }
}

#[test]
fn who_asks_for_the_voicemail_itself_is_never_called_back() {
    let mut world = world(r#"{"answer":"call_back"}"#);
    let voicemail = "sip:voicemail@localhost;target=sip:bob%40localhost;cause=302";
    world.call("anna", voicemail);
    assert_eq!(told(&mut world, "anna").0.len(), 1);
    assert!(!world.statuses("anna").contains(&"INVITE".to_owned()));
}

#[test]
fn video_that_was_offered_is_asked_for_also_by_a_call_back() {
    let mut world = world(r#"{"answer":"call_back"}"#);
    world.answer("anna", Answers::Accept);
    let offer = crate::testing::OFFER.replace("m=audio", "m=video");
    world.act("anna", |agent, now| agent.call(BOB, Some(&offer), now));
    let info = told(&mut world, "anna").0.remove(0);
    assert_eq!(info.session_type, SessionType::Video);
}
