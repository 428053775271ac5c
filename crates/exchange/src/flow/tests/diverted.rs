//! Calls that were for somebody else before (D2), and numbers (D23).

use sip::{call::event::Event, credentials::Credentials, session_info::SessionInfo};

use crate::{
    object::Object,
    settings::{Settings, tests::value},
    testing::World,
};

const BOB: &str = "sip:bob@localhost";

fn invite(uri: &str, extra: &str) -> String {
    format!(
        "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKsent\r\nMax-Forwards: 70\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <sip:carol@example.com>\r\nCall-ID: sent\r\nCSeq: 1 INVITE\r\nContact: <sip:a@x.invalid;transport=ws>\r\n{extra}Content-Length: 0\r\n\r\n"
    )
}

/// Calls with literal text and acknowledges; what the session of it says.
fn forwarded_from(uri: &str, extra: &str) -> (Option<String>, i64) {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    world.raw("anna", &invite(uri, extra));
    let answer = world.get("anna").received.iter().find_map(|message| {
        let response = message.as_response()?;
        response.is_success().then(|| response.clone())
    });
    let answer = answer.expect("200");
    let route = answer.record_routes().remove(0);
    let ack = format!(
        "ACK {} SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bKack\r\nRoute: {route}\r\nMax-Forwards: 70\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: {}\r\nCall-ID: sent\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
        answer.contacts().remove(0).uri,
        answer.to()
    );
    world.raw("anna", &ack);
    let info = world.get("anna").received.iter().find_map(|message| {
        let request = message.as_request()?;
        SessionInfo::parse(request.body()).ok()
    });
    let info = info.expect("an INFO");
    let bobs = Object::Mailbox(BOB.to_owned());
    let kept = "SELECT COUNT(*) FROM sessions WHERE forwarded_from IS NOT NULL";
    (info.forwarded_from, world.count(&bobs, kept))
}

#[test]
fn a_diverted_call_says_whom_the_caller_had_dialled() {
    let carol = Some("sip:carol@example.com");
    let target = "sip:bob@localhost;target=sip:Carol%40example.com;cause=302";
    let voicemail = "sip:voicemail@localhost;target=sip:bob%40localhost;cause=486";
    for (uri, extra, from) in [
        (BOB, "", None),
        (
            BOB,
            "Diversion: <sip:bob@localhost>;reason=no-answer\r\n",
            None,
        ),
        (
            BOB,
            "Diversion: <sip:Carol@Example.com:5060>;reason=unconditional\r\n",
            carol,
        ),
        (
            BOB,
            "History-Info: <sip:carol@example.com?Reason=SIP%3Bcause%3D302>;index=1;rc=1, <sip:bob@localhost>;index=1.1;mp=1\r\n",
            carol,
        ),
        (
            BOB,
            "Diversion: \"The desk\" <sip:anonymous@anonymous.invalid>\r\n",
            Some("The desk"),
        ),
        (target, "", carol),
        (voicemail, "", None),
        (
            voicemail,
            "Diversion: <sip:bob@localhost>;reason=user-busy, <sip:carol@example.com>;reason=unconditional\r\n",
            carol,
        ),
    ] {
        let (told, kept) = forwarded_from(uri, extra);
        assert_eq!(told.as_deref(), from, "{uri} {extra}");
        assert_eq!(kept, i64::from(from.is_some()), "{uri} {extra}");
    }
}

#[test]
fn numbers_reach_whom_the_dial_plan_names() {
    let plan =
        r#"{"country":"49","trunk":"0","international":"00","aliases":{"+4930123456":"bob"}}"#;
    let settings = Settings::read(|name| match name {
        "AFTERBEEP_DIAL_PLAN" => Some(plan.to_owned()),
        name => value(name),
    });
    let settings = settings.expect("settings");
    for (dialled, reached) in [
        ("tel:+49-30-123456", true),
        ("tel:030-123456", true),
        ("sip:004930123456@127.0.0.1;user=phone", true),
        ("sip:030123456@localhost", true),
        (
            "sip:voicemail@localhost;target=tel:030123456;cause=302",
            true,
        ),
        ("tel:+49-30-999", false),
    ] {
        let mut world = World::with_settings(settings.clone());
        world.phone("anna", None, Credentials::None);
        world.call("anna", dialled);
        let events = world.call_events("anna");
        let info = events
            .iter()
            .any(|event| matches!(event, Event::Info { .. }));
        assert_eq!(info, reached, "{dialled}: {events:?}");
        let unknown = matches!(events[0], Event::Rejected { status: 404, .. });
        assert_eq!(unknown, !reached, "{dialled}: {events:?}");
    }
}
