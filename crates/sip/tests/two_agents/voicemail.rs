//! The call that becomes a deposit, and the loss of the connection at every step of it.

use sip::call::event::{EndCause, Event};

use crate::pair::{GREETING_MS, Pair};

const BOB: &str = "sip:bob@example.com";
const DIRECT: &str = "sip:voicemail@example.com;target=sip:bob%40example.com;cause=302";
const WHOLE_CALL: [&str; 8] = [
    "INVITE",
    "180 INVITE",
    "200 INVITE",
    "ACK",
    "INFO",
    "200 INFO",
    "BYE",
    "200 BYE",
];

#[test]
fn the_whole_call_is_played() {
    let mut pair = Pair::new();
    pair.call(BOB);
    assert_eq!(pair.transcript, WHOLE_CALL[..6]);
    pair.advance(GREETING_MS);
    assert_eq!(pair.transcript, WHOLE_CALL);
    let events = pair.call_events();
    assert_eq!(events[0], Event::Ringing { status: 180 });
    let Event::Answered {
        sdp, greeting_url, ..
    } = &events[1]
    else {
        panic!("{events:?}");
    };
    assert!(sdp.as_deref().is_some_and(|sdp| sdp.contains("m=audio 0 ")));
    assert_eq!(greeting_url.as_deref(), Some("https://example.com/g"));
    assert_eq!(
        events.last(),
        Some(&Event::Ended {
            cause: EndCause::HungUpThere,
            reason: Some("SIP;cause=200;text=\"record offline\"".to_owned()),
            body: None,
        })
    );
    assert_eq!(pair.stored, ["token-1"]);
    assert_eq!(pair.voicemail_calls(), 0);
}

/// Whenever the connection goes, both sides come to rest, what was accepted is on disk, and a second call
/// brings the session that the first did not.
#[test]
fn the_connection_may_go_at_every_step() {
    for cut in 1..=WHOLE_CALL.len() {
        let mut pair = Pair::new();
        pair.cut_after = Some(cut);
        pair.call(BOB);
        pair.advance(GREETING_MS);
        pair.advance(120_000);
        assert_eq!(pair.transcript[..cut], WHOLE_CALL[..cut], "cut after {cut}");
        assert_eq!(pair.voicemail_calls(), 0, "cut after {cut}: a call is left");
        assert_eq!(pair.stored, pair.accepted, "cut after {cut}");
        let ends = ends(&pair);
        assert_eq!(ends.len(), 1, "cut after {cut}: {ends:?}");

        pair.connect();
        if pair.stored.is_empty() {
            pair.call(DIRECT);
            pair.advance(GREETING_MS);
        }
        assert_eq!(pair.stored.len(), 1, "cut after {cut}: one session");
        assert_eq!(pair.voicemail_calls(), 0, "cut after {cut}");
    }
}

fn ends(pair: &Pair) -> Vec<Event> {
    let mut events = pair.call_events();
    events.retain(|event| matches!(event, Event::Ended { .. } | Event::Rejected { .. }));
    events
}

#[test]
fn a_skip_ends_the_greeting_at_once() {
    let mut pair = Pair::new();
    let call = pair.call(BOB);
    pair.act(|agent, now| agent.send_info(call, "application/dtmf-relay", b"Signal=#\r\n", now));
    assert_eq!(pair.transcript[6..], ["INFO", "200 INFO", "BYE", "200 BYE"]);
    assert_eq!(pair.voicemail_calls(), 0);
}

#[test]
fn a_session_that_cannot_be_stored_is_not_accepted() {
    let mut pair = Pair::new();
    pair.disk_works = false;
    pair.call(BOB);
    assert_eq!(pair.transcript[4..6], ["INFO", "500 INFO"]);
    assert!(pair.accepted.is_empty());
    pair.advance(GREETING_MS);
    assert_eq!(pair.transcript[6..], ["BYE", "200 BYE"]);
}

#[test]
fn a_caller_may_hang_up_during_the_greeting() {
    let mut pair = Pair::new();
    let call = pair.call(BOB);
    pair.act(|agent, now| agent.hang_up(call, None, None, now));
    assert_eq!(pair.transcript[6..], ["BYE", "200 BYE"]);
    assert_eq!(pair.voicemail_calls(), 0);
    pair.advance(60_000);
    assert_eq!(pair.transcript.len(), 8, "nothing follows");
}
