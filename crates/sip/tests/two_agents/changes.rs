//! Single rules of a session that changes, with literal messages.

use sip::{
    Message, Method,
    call::{
        Call, Placing,
        event::{EndCause, Event},
    },
    credentials::Credentials,
};

use crate::calls::{ANSWER, T0, drain, from_peer, incoming, local, methods, request, respond};

const SDP: &str = "Content-Type: application/sdp\r\n";

/// A call that came, was answered and acknowledged; its own tag.
fn answered() -> (Call, String) {
    let (mut call, _) = incoming();
    assert!(call.negotiate(T0));
    call.answer(ANSWER, &[], T0);
    let (sent, _) = drain(&mut call);
    let tag = sent[0].as_response().expect("200").to();
    let tag = tag.tag().expect("a tag").to_owned();
    from_peer(&mut call, "ACK", 7, &tag, "", T0);
    drain(&mut call);
    (call, tag)
}

/// A request of the peer with an offer.
fn offer(call: &mut Call, method: &str, sequence: u32, tag: &str) {
    let text = format!(
        "{method} sip:bob@here.invalid SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK{method}{sequence}\r\nMax-Forwards: 70\r\nFrom: <sip:anna@example.com>;tag=a\r\nTo: <sip:bob@example.com>;tag={tag}\r\nCall-ID: c\r\nCSeq: {sequence} {method}\r\nContact: <sip:anna@elsewhere.invalid>\r\n{SDP}Content-Length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    let message = Message::parse(text.as_bytes()).expect("an offer");
    assert!(call.owns(&message));
    call.receive(&message, T0);
}

fn offered(events: &[Event]) -> u32 {
    match events {
        [Event::Offered { id, .. }] => *id,
        events => panic!("{events:?}"),
    }
}

#[test]
fn a_re_invite_without_an_offer_gets_ours_and_its_ack_brings_the_answer() {
    let (mut call, tag) = answered();
    from_peer(&mut call, "INVITE", 8, &tag, "", T0);
    let (sent, events) = drain(&mut call);
    assert!(sent.is_empty(), "only the host knows what to offer");
    assert!(matches!(events[..], [Event::Offered { sdp: None, .. }]));
    call.accept_change(offered(&events), ANSWER, T0);
    let (sent, _) = drain(&mut call);
    let ok = sent[0].as_response().expect("200");
    assert_eq!(ok.content_type(), "application/sdp");
    let body = format!("{SDP}Content-Length: {}\r\n\r\n{ANSWER}", ANSWER.len());
    let text = format!(
        "ACK sip:bob@here.invalid SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKack8\r\nFrom: <sip:anna@example.com>;tag=a\r\nTo: <sip:bob@example.com>;tag={tag}\r\nCall-ID: c\r\nCSeq: 8 ACK\r\n{body}"
    );
    call.receive(&Message::parse(text.as_bytes()).expect("ACK"), T0);
    let (_, events) = drain(&mut call);
    let sdp = Some(ANSWER.to_owned());
    assert_eq!(events, [Event::Acknowledged { sdp }]);
}

#[test]
fn the_answer_to_a_re_invite_is_repeated_and_without_its_ack_the_call_ends() {
    let (mut call, tag) = answered();
    offer(&mut call, "INVITE", 8, &tag);
    let (_, events) = drain(&mut call);
    call.accept_change(offered(&events), ANSWER, T0);
    drain(&mut call);
    let mut copies = 0;
    while let Some(due) = call.wake_at().filter(|due| *due <= T0 + 32_000) {
        call.elapse(due);
        let (sent, events) = drain(&mut call);
        match methods(&sent).join(" ").as_str() {
            "200" => copies += 1,
            "BYE" => {
                let cause = EndCause::NotAcknowledged;
                let ended = Event::Ended {
                    cause,
                    reason: None,
                    body: None,
                };
                assert_eq!(events, [ended]);
                break;
            }
            _ => panic!("{sent:?}"),
        }
    }
    assert!(copies > 5, "{copies}");
}

#[test]
fn a_change_while_another_is_open_is_put_off_and_one_against_ours_is_refused() {
    let (mut call, tag) = answered();
    offer(&mut call, "INVITE", 8, &tag);
    let (_, events) = drain(&mut call);
    offer(&mut call, "UPDATE", 9, &tag);
    let (sent, _) = drain(&mut call);
    let put_off = sent[0].as_response().expect("a response");
    assert_eq!(put_off.status(), 500);
    let pause: u32 = put_off
        .header("Retry-After")
        .and_then(|pause| pause.parse().ok())
        .expect("a pause");
    assert!(pause <= 10);
    call.reject_change(offered(&events), 488, T0);
    assert_eq!(methods(&drain(&mut call).0), ["488"]);
    let text = format!(
        "ACK sip:bob@here.invalid SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKINVITE8\r\nFrom: <sip:anna@example.com>;tag=a\r\nTo: <sip:bob@example.com>;tag={tag}\r\nCall-ID: c\r\nCSeq: 8 ACK\r\n\r\n"
    );
    call.receive(&Message::parse(text.as_bytes()).expect("ACK"), T0);
    assert!(call.propose(ANSWER, T0));
    drain(&mut call);
    offer(&mut call, "INVITE", 10, &tag);
    assert_eq!(methods(&drain(&mut call).0), ["491"]);
}

#[test]
fn the_peer_may_move_and_a_repeated_request_gets_its_answer_again() {
    let (mut call, tag) = answered();
    offer(&mut call, "UPDATE", 8, &tag);
    let (_, events) = drain(&mut call);
    call.accept_change(offered(&events), ANSWER, T0);
    let (first, _) = drain(&mut call);
    assert_eq!(methods(&first), ["200"]);
    offer(&mut call, "UPDATE", 8, &tag);
    let (again, events) = drain(&mut call);
    assert_eq!(first, again);
    assert!(events.is_empty());
    call.hang_up(None, None, T0);
    let bye = request(&drain(&mut call).0, 0);
    assert_eq!(bye.uri().to_string(), "sip:anna@elsewhere.invalid");
}

#[test]
fn a_bye_answers_what_the_peer_still_asked_for() {
    let (mut call, tag) = answered();
    offer(&mut call, "INVITE", 8, &tag);
    let (_, events) = drain(&mut call);
    from_peer(&mut call, "BYE", 9, &tag, "", T0);
    assert_eq!(methods(&drain(&mut call).0), ["487", "200"]);
    call.accept_change(offered(&events), ANSWER, T0);
    assert_eq!(drain(&mut call), (Vec::new(), Vec::new()), "too late");
}

#[test]
fn session_timers_are_agreed_on_by_what_both_can() {
    let timer = "Supported: timer\r\n";
    for (asked, granted, demanded) in [
        (
            format!("{timer}Session-Expires: 300\r\n"),
            "300;refresher=uac",
            true,
        ),
        (
            format!("{timer}Session-Expires: 300;refresher=uas\r\n"),
            "300;refresher=uas",
            false,
        ),
        (
            "Session-Expires: 300\r\n".to_owned(),
            "300;refresher=uas",
            false,
        ),
        (timer.to_owned(), "1800;refresher=uac", true),
        ("Subject: none\r\n".to_owned(), "", false),
    ] {
        let (_, invite) = incoming();
        let text = String::from_utf8(invite.to_bytes()).expect("text");
        let text = text.replacen("Contact:", &format!("{asked}Contact:"), 1);
        let message = Message::parse(text.as_bytes()).expect("INVITE");
        let mut call = Call::incoming(
            message.as_request().expect("a request"),
            local("bob"),
            [2; 32],
        );
        assert!(call.negotiate(T0), "{asked}");
        call.answer(ANSWER, &[], T0);
        let (sent, _) = drain(&mut call);
        let ok = sent[0].as_response().expect("200");
        assert_eq!(ok.header("Session-Expires").unwrap_or_default(), granted);
        assert_eq!(ok.header("Require") == Some("timer"), demanded, "{asked}");
    }
}

#[test]
fn a_session_that_is_to_be_too_short_is_refused_with_what_is_taken() {
    let (_, invite) = incoming();
    let text = String::from_utf8(invite.to_bytes()).expect("text");
    let short = "Supported: timer\r\nSession-Expires: 60\r\nContact:";
    let text = text.replacen("Contact:", short, 1);
    let message = Message::parse(text.as_bytes()).expect("INVITE");
    let mut call = Call::incoming(
        message.as_request().expect("a request"),
        local("bob"),
        [2; 32],
    );
    assert!(!call.negotiate(T0));
    let (sent, _) = drain(&mut call);
    let refusal = sent[0].as_response().expect("a response");
    assert_eq!(refusal.status(), 422);
    assert_eq!(refusal.header("Min-SE"), Some("90"));
}

fn conversing() -> Call {
    let placing = Placing {
        to: "sip:bob@example.com".parse().expect("URI"),
        from: "<sip:anna@example.com>".parse().expect("address"),
        local: local("anna"),
        offer: Some(ANSWER.to_owned()),
        credentials: Credentials::None,
    };
    Call::converse(placing, [1; 32], T0)
}

#[test]
fn a_422_is_answered_with_the_life_that_it_asks_for() {
    let mut call = conversing();
    let first = request(&drain(&mut call).0, 0);
    assert_eq!(first.header("Session-Expires"), Some("1800"));
    respond(&mut call, &first, 422, "p", "Min-SE: 3600\r\n", T0);
    let (sent, events) = drain(&mut call);
    assert_eq!(methods(&sent), ["ACK", "INVITE"]);
    assert!(events.is_empty());
    let second = request(&sent, 1);
    assert_eq!(second.header("Session-Expires"), Some("3600"));
    assert_eq!(second.header("Min-SE"), Some("3600"));
    assert_eq!(second.cseq().0, first.cseq().0 + 1);
    respond(&mut call, &second, 422, "p", "Min-SE: 7200\r\n", T0);
    let (_, events) = drain(&mut call);
    assert!(matches!(events[..], [Event::Rejected { status: 422, .. }]));
}

/// A peer without UPDATE is shown by the host's own offer that we live; without timers nobody is.
#[test]
fn the_session_is_refreshed_by_what_the_peer_takes() {
    for (allow, expected) in [("Allow: INVITE, UPDATE\r\n", "UPDATE"), ("", "an offer")] {
        let mut call = conversing();
        let invite = request(&drain(&mut call).0, 0);
        let extra = format!("Session-Expires: 90;refresher=uac\r\n{allow}");
        respond(&mut call, &invite, 200, "b", &extra, T0);
        drain(&mut call);
        assert_eq!(call.peer_allows(&Method::Update), expected == "UPDATE");
        assert_eq!(call.wake_at(), Some(T0 + 45_000));
        call.elapse(T0 + 45_000);
        let (sent, events) = drain(&mut call);
        match expected {
            "UPDATE" => {
                let update = request(&sent, 0);
                let expires = update.header("Session-Expires");
                assert_eq!(expires, Some("90;refresher=uac"));
                assert_eq!(update.method().as_str(), "UPDATE");
            }
            _ => assert_eq!(events, [Event::MayOffer]),
        }
    }
}

#[test]
fn a_cancel_says_why_and_the_other_side_hears_it() {
    let mut call = conversing();
    let invite = request(&drain(&mut call).0, 0);
    respond(&mut call, &invite, 180, "b", "", T0);
    call.hang_up(Some("SIP;cause=480"), None, T0);
    let (sent, _) = drain(&mut call);
    assert_eq!(request(&sent, 0).header("Reason"), Some("SIP;cause=480"));
    let (mut call, _) = incoming();
    let reason = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n";
    from_peer(&mut call, "CANCEL", 7, "", reason, T0);
    let (_, events) = drain(&mut call);
    let [Event::Ended { cause, reason, .. }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(*cause, EndCause::Cancelled);
    assert!(
        reason
            .as_deref()
            .is_some_and(|why| why.contains("elsewhere"))
    );
}
