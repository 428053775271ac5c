//! One connection after another: keep-alive, registration, requests outside of calls.

use sip::{
    Message,
    user_agent::event::{CallHandle, Event},
};

use crate::pair::Pair;

fn register_response(pair: &mut Pair, status: u16, extra: &str) {
    let request = last_sent_register(pair);
    let text = format!(
        "SIP/2.0 {status} Text\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=r\r\nCall-ID: {}\r\nCSeq: {}\r\n{extra}Content-Length: 0\r\n\r\n",
        request.header("Via").expect("Via"),
        request.header("From").expect("From"),
        request.header("To").expect("To"),
        request.call_id(),
        request.header("CSeq").expect("CSeq"),
    );
    pair.give(&text);
}

fn last_sent_register(pair: &Pair) -> sip::Request {
    let sent = pair.sent.iter().rev();
    let mut registers = sent.filter_map(|frame| match Message::parse(frame) {
        Ok(Message::Request(request)) if request.method().as_str() == "REGISTER" => Some(request),
        _ => None,
    });
    registers.next().expect("a REGISTER")
}

fn registers(pair: &Pair) -> usize {
    let names = pair.transcript.iter();
    names.filter(|name| *name == "REGISTER").count()
}

#[test]
fn a_registration_is_refreshed_and_made_anew_after_a_reconnect() {
    let mut pair = Pair::new();
    pair.act(|agent, now| agent.register(now));
    register_response(&mut pair, 200, "Expires: 100\r\n");
    assert_eq!(pair.events, [Event::Registered { expires_s: 100 }]);
    pair.advance(79_000);
    assert_eq!(registers(&pair), 1);
    pair.advance(2_000);
    assert_eq!(registers(&pair), 2, "refreshed at four fifths of its life");
    pair.cut();
    pair.connect();
    assert_eq!(registers(&pair), 3, "made anew");
}

#[test]
fn whether_a_registration_stands_is_known_at_any_time() {
    let mut pair = Pair::new();
    let stands = |pair: &Pair| pair.caller.is_registered(pair.now_ms);
    pair.act(|agent, now| agent.register(now));
    assert!(!stands(&pair), "asked for only");
    register_response(&mut pair, 200, "Expires: 100\r\n");
    pair.advance(80_500);
    assert!(stands(&pair), "while it is refreshed");
    pair.advance(20_000);
    assert!(!stands(&pair), "its time is over, and no answer came");
    register_response(&mut pair, 200, "Expires: 100\r\n");
    pair.cut();
    assert!(!stands(&pair), "without a connection");
    pair.connect();
    assert!(!stands(&pair), "not yet made anew");
    register_response(&mut pair, 200, "Expires: 100\r\n");
    pair.advance(81_000);
    register_response(&mut pair, 503, "");
    assert!(!stands(&pair), "refused");
    pair.advance(5_000);
    register_response(&mut pair, 200, "Expires: 100\r\n");
    pair.act(|agent, now| agent.unregister(now));
    assert!(!stands(&pair), "removed");
}

#[test]
fn a_registrar_that_fails_is_asked_again_later_and_later() {
    let mut pair = Pair::new();
    pair.act(|agent, now| agent.register(now));
    let mut pauses = Vec::new();
    for _ in 0..5 {
        let before = (pair.now_ms, registers(&pair));
        register_response(&mut pair, 503, "");
        while registers(&pair) == before.1 {
            pair.advance(250);
            assert!(pair.now_ms < before.0 + 400_000, "never again");
        }
        pauses.push(pair.now_ms - before.0);
    }
    assert!(pauses[0] <= 2_250, "{pauses:?}");
    assert!(pauses[4] >= 16_000, "{pauses:?}");
}

#[test]
fn a_registration_that_is_too_brief_is_made_longer() {
    let mut pair = Pair::new();
    pair.act(|agent, now| agent.register(now));
    register_response(&mut pair, 423, "Min-Expires: 1800\r\n");
    pair.advance(5_000);
    assert_eq!(last_sent_register(&pair).expires(), Some(1800));
}

#[test]
fn a_peer_that_answers_no_keep_alive_is_stale() {
    let mut pair = Pair::new();
    pair.advance(300_000);
    assert!(pair.events.is_empty(), "answered pings are no news");
    pair.mute = true;
    pair.advance(40_000);
    assert_eq!(pair.events, [Event::ConnectionStale]);
}

#[test]
fn without_a_connection_a_call_is_refused_at_once() {
    let mut pair = Pair::new();
    pair.cut();
    let call = pair.call("sip:bob@example.com");
    assert!(matches!(
        &pair.events[..],
        [Event::Call { call: named, event: sip::call::event::Event::Rejected { status: 503, .. } }] if *named == call
    ));
    assert_ne!(call, CallHandle(0));
}

#[test]
fn whom_the_server_vouches_for_is_told_where_it_is_clear() {
    let alice = Some("sip:alice@example.com");
    for (fields, asserted) in [
        ("", None),
        ("P-Asserted-Identity: <sip:alice@example.com>\r\n", alice),
        ("p-asserted-identity: sip:alice@example.com\r\n", alice),
        (
            "P-Asserted-Identity: \"Smith, Alice\" <sip:alice@example.com>, <tel:+12015550123>\r\n",
            alice,
        ),
        (
            "P-Asserted-Identity: <tel:+12015550123>\r\nP-Asserted-Identity: <sip:alice@example.com>\r\n",
            alice,
        ),
        ("P-Asserted-Identity: <tel:+12015550123>\r\n", None),
        (
            "P-Asserted-Identity: <sip:alice@example.com>, <sip:boss@example.com>\r\n",
            None,
        ),
        (
            "P-Asserted-Identity: <sip:alice@example.com>\r\nP-Asserted-Identity: <sip:boss@example.com>\r\n",
            None,
        ),
        (
            "P-Asserted-Identity: <sip:alice@example.com>\r\nP-Asserted-Identity: nobody\r\n",
            None,
        ),
        ("P-Preferred-Identity: <sip:alice@example.com>\r\n", None),
    ] {
        let mut pair = Pair::new();
        pair.give(&format!(
            "INVITE sip:anna@example.com SIP/2.0\r\nVia: SIP/2.0/WSS example.com;branch=z9hG4bKi\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=f\r\nTo: <sip:anna@example.com>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@there.invalid>\r\n{fields}Content-Length: 0\r\n\r\n"
        ));
        let told = pair.events.iter().find_map(|event| match event {
            Event::Incoming { asserted, .. } => Some(asserted.as_deref()),
            _ => None,
        });
        assert_eq!(told, Some(asserted), "{fields}");
    }
}

#[test]
fn a_call_that_came_another_way_too_rings_once() {
    let mut pair = Pair::new();
    for branch in ["one", "two"] {
        pair.give(&format!(
            "INVITE sip:anna@example.com SIP/2.0\r\nVia: SIP/2.0/WSS example.com;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=f\r\nTo: <sip:anna@example.com>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@there.invalid>\r\nContent-Length: 0\r\n\r\n"
        ));
    }
    let calls = pair.events.iter();
    let calls = calls.filter(|event| matches!(event, Event::Incoming { .. }));
    assert_eq!(calls.count(), 1);
    let answer = pair.transcript.last().map(String::as_str);
    assert_eq!(answer, Some("482 INVITE"), "RFC 3261 8.2.2.2");
}

#[test]
fn nobody_elses_copy_of_a_call_keeps_it_from_ringing() {
    let route = "Record-Route: <sip:one@example.com;lr>\r\n";
    let alice = "P-Asserted-Identity: <sip:alice@example.com>\r\n";
    let eve = "P-Asserted-Identity: <sip:eve@example.com>\r\n";
    let other_route = "Record-Route: <sip:two@example.com;lr>\r\n";
    for (from, fields) in [
        ("eve", [route, alice]),
        ("alice", [other_route, alice]),
        ("alice", [route, eve]),
        ("alice", [route, ""]),
    ] {
        let mut pair = Pair::new();
        for (branch, from, [route, identity]) in
            [("one", from, fields), ("two", "alice", [route, alice])]
        {
            pair.give(&format!(
                "INVITE sip:anna@example.com SIP/2.0\r\nVia: SIP/2.0/WSS example.com;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\nFrom: <sip:{from}@example.com>;tag=f\r\nTo: <sip:anna@example.com>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\n{route}{identity}Contact: <sip:alice@there.invalid>\r\nContent-Length: 0\r\n\r\n"
            ));
        }
        let calls = pair.events.iter();
        let calls = calls.filter(|event| matches!(event, Event::Incoming { .. }));
        assert_eq!(calls.count(), 2, "{from} {fields:?}");
    }
}

#[test]
fn options_and_message_summaries_are_answered_and_strange_requests_refused() {
    let mut pair = Pair::new();
    for (method, extra, body, status) in [
        ("OPTIONS", "", "", 200),
        (
            "NOTIFY",
            "Event: message-summary\r\nSubscription-State: active\r\nContent-Type: application/simple-message-summary\r\n",
            "Messages-Waiting: yes\r\nVoice-Message: 3/4\r\n",
            200,
        ),
        ("NOTIFY", "Event: presence\r\n", "", 489),
        ("BYE", "", "", 481),
        ("MESSAGE", "", "", 405),
        ("FROB", "", "", 501),
    ] {
        pair.give(&format!(
            "{method} sip:anna@x.invalid SIP/2.0\r\nVia: SIP/2.0/WSS example.com;branch=z9hG4bK{method}\r\nMax-Forwards: 70\r\nFrom: <sip:bob@example.com>;tag=1\r\nTo: <sip:anna@example.com>\r\nCall-ID: {method}\r\nCSeq: 1 {method}\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let answer = pair.transcript.last().cloned().unwrap_or_default();
        assert_eq!(answer, format!("{status} {method}"));
    }
    assert_eq!(pair.events, [Event::MessageSummary { new: 3, old: 4 }]);
}
