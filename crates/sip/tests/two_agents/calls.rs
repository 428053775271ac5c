//! Single rules of a call, with literal messages.

use sip::{
    Message, NameAddr, Request, Uri, Via,
    call::{
        Call, Local, Placing,
        event::{EndCause, Event, Output},
    },
    credentials::Credentials,
};

pub(crate) const T0: i64 = 5_000;
pub(crate) const ANSWER: &str =
    "v=0\r\no=- 2 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";

pub(crate) fn local(user: &str) -> Local {
    Local {
        contact: NameAddr::new(Uri::sip(user, "here.invalid")),
        via: Via::new("WSS", "here.invalid", ""),
    }
}

fn placed(offer: Option<&str>, credentials: Credentials) -> Call {
    let placing = Placing {
        to: "sip:bob@example.com".parse().expect("URI"),
        from: "<sip:anna@example.com>".parse().expect("address"),
        local: local("anna"),
        offer: offer.map(ToOwned::to_owned),
        credentials,
    };
    Call::place(placing, [1; 32], T0)
}

pub(crate) fn drain(call: &mut Call) -> (Vec<Message>, Vec<Event>) {
    let (mut sent, mut events) = (Vec::new(), Vec::new());
    while let Some(output) = call.poll() {
        match output {
            Output::Send(bytes) => sent.push(Message::parse(&bytes).expect("a message")),
            Output::Event(event) => events.push(event),
        }
    }
    (sent, events)
}

pub(crate) fn request(messages: &[Message], at: usize) -> Request {
    messages[at].as_request().expect("a request").clone()
}

pub(crate) fn methods(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .map(|message| match message {
            Message::Request(request) => request.method().to_string(),
            Message::Response(response) => response.status().to_string(),
        })
        .collect()
}

/// The peer's response to a request of ours, as text.
pub(crate) fn respond(
    call: &mut Call,
    request: &Request,
    status: u16,
    tag: &str,
    extra: &str,
    now: i64,
) {
    let via = request.header("Via").expect("Via");
    let to = request.to();
    let to = if to.tag().is_some() {
        to.to_string()
    } else {
        format!("{to};tag={tag}")
    };
    let (number, method) = request.cseq();
    let text = format!(
        "SIP/2.0 {status} Text\r\nVia: {via}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {number} {method}\r\nContact: <sip:bob-{tag}@there.invalid>\r\n{extra}\r\n",
        request.header("From").expect("From"),
        request.call_id(),
    );
    let message = Message::parse(text.as_bytes()).expect("a response");
    assert!(call.owns(&message), "{text}");
    call.receive(&message, now);
}

#[test]
fn a_call_that_nobody_hears_is_rejected_after_32_seconds() {
    let mut call = placed(Some(ANSWER), Credentials::None);
    drain(&mut call);
    assert_eq!(call.wake_at(), Some(T0 + 32_000));
    call.elapse(T0 + 32_000);
    let (_, events) = drain(&mut call);
    assert!(matches!(events[..], [Event::Rejected { status: 408, .. }]));
    assert!(call.is_over());
}

#[test]
fn a_cancel_waits_for_a_provisional_response() {
    let mut call = placed(Some(ANSWER), Credentials::None);
    let (sent, _) = drain(&mut call);
    let invite = request(&sent, 0);
    call.hang_up(None, None, T0);
    let (sent, events) = drain(&mut call);
    assert!(sent.is_empty(), "not yet (RFC 3261 9.1)");
    assert!(matches!(
        events[..],
        [Event::Ended {
            cause: EndCause::Cancelled,
            ..
        }]
    ));
    respond(&mut call, &invite, 180, "b", "", T0 + 10);
    let (sent, _) = drain(&mut call);
    assert_eq!(methods(&sent), ["CANCEL"]);
    let cancel = request(&sent, 0);
    assert_eq!(cancel.header("Via"), invite.header("Via"));
    assert_eq!(cancel.cseq().0, invite.cseq().0);
    respond(&mut call, &cancel, 200, "b", "", T0 + 20);
    respond(&mut call, &invite, 487, "b", "", T0 + 20);
    let (sent, events) = drain(&mut call);
    assert_eq!(methods(&sent), ["ACK"]);
    assert!(events.is_empty(), "the end was told once");
    assert!(call.is_over());
}

#[test]
fn an_answer_that_crosses_a_cancel_is_acknowledged_and_ended() {
    let mut call = placed(Some(ANSWER), Credentials::None);
    let invite = request(&drain(&mut call).0, 0);
    respond(&mut call, &invite, 180, "b", "", T0);
    call.hang_up(None, None, T0);
    drain(&mut call);
    respond(&mut call, &invite, 200, "b", "", T0 + 5);
    let (sent, events) = drain(&mut call);
    assert_eq!(methods(&sent), ["ACK", "BYE"]);
    assert!(events.is_empty());
    let bye = request(&sent, 1);
    respond(&mut call, &bye, 200, "b", "", T0 + 6);
    call.elapse(T0 + 40_000);
    assert!(
        call.is_over(),
        "the CANCEL's answer is not waited for for ever"
    );
}

#[test]
fn the_answer_of_a_second_branch_is_ended_and_the_first_call_stands() {
    let mut call = placed(Some(ANSWER), Credentials::None);
    let invite = request(&drain(&mut call).0, 0);
    respond(&mut call, &invite, 200, "first", "", T0);
    drain(&mut call);
    respond(&mut call, &invite, 200, "second", "", T0 + 5);
    let (sent, events) = drain(&mut call);
    assert_eq!(methods(&sent), ["ACK", "BYE"]);
    assert_eq!(
        request(&sent, 1).uri().to_string(),
        "sip:bob-second@there.invalid"
    );
    assert!(events.is_empty());
    assert!(call.is_established());
}

#[test]
fn a_repeated_answer_gets_the_same_ack_again() {
    let mut call = placed(Some(ANSWER), Credentials::None);
    let invite = request(&drain(&mut call).0, 0);
    respond(&mut call, &invite, 200, "b", "", T0);
    let (first, _) = drain(&mut call);
    respond(&mut call, &invite, 200, "b", "", T0 + 500);
    let (again, events) = drain(&mut call);
    assert_eq!(first, again);
    assert!(events.is_empty());
}

#[test]
fn requests_follow_the_route_set_of_the_answer() {
    let mut call = placed(Some(ANSWER), Credentials::None);
    let invite = request(&drain(&mut call).0, 0);
    let routes = "Record-Route: <sip:near.example.com;lr>, <sip:far.example.com;lr>\r\n";
    respond(&mut call, &invite, 200, "b", routes, T0);
    let (sent, _) = drain(&mut call);
    let ack = request(&sent, 0);
    let hosts: Vec<String> = ack
        .routes()
        .iter()
        .map(|route| route.uri.host.clone())
        .collect();
    assert_eq!(hosts, ["far.example.com", "near.example.com"]);
    assert_eq!(ack.uri().to_string(), "sip:bob-b@there.invalid");
    assert_eq!(ack.cseq().0, invite.cseq().0);
}

#[test]
fn an_info_that_times_out_ends_only_itself() {
    let mut call = placed(Some(ANSWER), Credentials::None);
    let invite = request(&drain(&mut call).0, 0);
    respond(&mut call, &invite, 200, "b", "", T0);
    drain(&mut call);
    let id = call.send_info("text/plain", b"x", T0).expect("established");
    drain(&mut call);
    call.elapse(T0 + 32_000);
    let (_, events) = drain(&mut call);
    assert_eq!(events, [Event::InfoAnswered { id, status: 408 }]);
    assert!(call.is_established());
}

#[test]
fn an_info_to_a_dialog_that_is_gone_ends_the_call() {
    let mut call = placed(Some(ANSWER), Credentials::None);
    let invite = request(&drain(&mut call).0, 0);
    respond(&mut call, &invite, 200, "b", "", T0);
    drain(&mut call);
    call.send_info("text/plain", b"x", T0);
    let info = request(&drain(&mut call).0, 0);
    respond(&mut call, &info, 481, "b", "", T0);
    assert!(call.is_over());
}

#[test]
fn a_challenge_is_answered_once_with_a_new_invite() {
    let credentials = Credentials::Password {
        user: "anna".to_owned(),
        password: "secret".to_owned(),
    };
    let mut call = placed(Some(ANSWER), credentials);
    let first = request(&drain(&mut call).0, 0);
    let challenge = "Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\nProxy-Authenticate: Digest realm=\"example.com\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";
    respond(&mut call, &first, 407, "p", challenge, T0);
    let (sent, events) = drain(&mut call);
    assert_eq!(methods(&sent), ["ACK", "INVITE"]);
    assert!(events.is_empty());
    let second = request(&sent, 1);
    assert_eq!(second.cseq().0, first.cseq().0 + 1);
    assert_ne!(second.header("Via"), first.header("Via"));
    assert_eq!(second.call_id(), first.call_id());
    let proof = second.header("Proxy-Authorization").expect("proof");
    assert!(proof.contains("SHA-256"), "{proof}");
    respond(&mut call, &second, 407, "p", challenge, T0);
    let (_, events) = drain(&mut call);
    assert!(matches!(events[..], [Event::Rejected { status: 407, .. }]));
}

#[test]
fn an_offer_in_the_answer_is_refused_in_the_ack() {
    let mut call = placed(None, Credentials::None);
    let invite = request(&drain(&mut call).0, 0);
    assert!(invite.body().is_empty());
    let body = format!(
        "Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    let text = format!(
        "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: <sip:bob@example.com>;tag=b\r\nCall-ID: {}\r\nCSeq: 1 INVITE\r\nContact: <sip:bob@there.invalid>\r\n{body}",
        invite.header("Via").expect("Via"),
        invite.header("From").expect("From"),
        invite.call_id()
    );
    call.receive(&Message::parse(text.as_bytes()).expect("response"), T0);
    let (sent, _) = drain(&mut call);
    let ack = request(&sent, 0);
    let answer = ack.body_text().expect("text");
    assert!(answer.contains("m=audio 0 RTP/AVP 0"), "{answer}");
}

pub(crate) fn incoming() -> (Call, Request) {
    let text = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bKi\r\nMax-Forwards: 70\r\nRecord-Route: <sip:token@example.com;lr>\r\nFrom: <sip:anna@example.com>;tag=a\r\nTo: <sip:bob@example.com>\r\nCall-ID: c\r\nCSeq: 7 INVITE\r\nContact: <sip:anna@a.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n";
    let message = Message::parse(text.as_bytes()).expect("INVITE");
    let invite = message.as_request().expect("request").clone();
    (Call::incoming(&invite, local("bob"), [2; 32]), invite)
}

pub(crate) fn from_peer(
    call: &mut Call,
    method: &str,
    sequence: u32,
    tag: &str,
    extra: &str,
    now: i64,
) {
    let to = if tag.is_empty() {
        String::new()
    } else {
        format!(";tag={tag}")
    };
    let branch = if method == "CANCEL" { "i" } else { method };
    let text = format!(
        "{method} sip:bob@here.invalid SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\nFrom: <sip:anna@example.com>;tag=a\r\nTo: <sip:bob@example.com>{to}\r\nCall-ID: c\r\nCSeq: {sequence} {method}\r\n{extra}Content-Length: 0\r\n\r\n"
    );
    let message = Message::parse(text.as_bytes()).expect("a request");
    assert!(call.owns(&message), "{text}");
    call.receive(&message, now);
}

fn answered() -> (Call, String) {
    let (mut call, _) = incoming();
    call.answer(ANSWER, &[], T0);
    let (sent, _) = drain(&mut call);
    let response = sent[0].as_response().expect("response");
    assert_eq!(response.status(), 200);
    assert_eq!(response.record_routes().len(), 1);
    let tag = response.to().tag().expect("tag").to_owned();
    (call, tag)
}

#[test]
fn the_2xx_is_repeated_at_growing_pauses_and_then_ended_with_bye() {
    let (mut call, _) = answered();
    let mut at = Vec::new();
    let mut last = Vec::new();
    while let Some(due) = call.wake_at().filter(|due| *due <= T0 + 32_000) {
        call.elapse(due);
        last = drain(&mut call).0;
        at.push(due - T0);
        assert!(at.len() < 40, "{at:?}");
        if methods(&last) != ["200"] {
            break;
        }
    }
    assert_eq!(at[..5], [500, 1_500, 3_500, 7_500, 11_500]);
    assert_eq!(at.last(), Some(&32_000));
    assert_eq!(methods(&last), ["BYE"]);
    let reason = request(&last, 0).header("Reason").map(ToOwned::to_owned);
    assert_eq!(reason.as_deref(), Some("SIP;cause=408;text=\"no ACK\""));
}

#[test]
fn a_bye_before_the_ack_waits_for_it() {
    let (mut call, tag) = answered();
    call.hang_up(Some("SIP;cause=200"), None, T0 + 10);
    assert_eq!(drain(&mut call), (Vec::new(), Vec::new()));
    from_peer(&mut call, "ACK", 7, &tag, "", T0 + 20);
    let (sent, events) = drain(&mut call);
    assert_eq!(methods(&sent), ["BYE"]);
    assert_eq!(request(&sent, 0).header("Reason"), Some("SIP;cause=200"));
    assert_eq!(events.len(), 2, "{events:?}");
}

#[test]
fn a_cancel_before_the_answer_ends_the_call_and_after_it_changes_nothing() {
    let (mut call, _) = incoming();
    call.ring(T0);
    drain(&mut call);
    from_peer(&mut call, "CANCEL", 7, "", "", T0);
    let (sent, events) = drain(&mut call);
    assert_eq!(methods(&sent), ["200", "487"]);
    assert!(matches!(
        events[..],
        [Event::Ended {
            cause: EndCause::Cancelled,
            ..
        }]
    ));
    let (mut call, _) = answered();
    from_peer(&mut call, "CANCEL", 7, "", "", T0);
    let (sent, events) = drain(&mut call);
    assert_eq!(methods(&sent), ["200"]);
    assert!(events.is_empty());
}

#[test]
fn requests_out_of_order_are_refused_and_unknown_ones_named_so() {
    let (mut call, tag) = answered();
    from_peer(&mut call, "ACK", 7, &tag, "", T0);
    drain(&mut call);
    for (method, sequence, status) in [
        ("OPTIONS", 9, "200"),
        ("OPTIONS", 9, "500"),
        ("INVITE", 10, "488"),
        ("MESSAGE", 11, "405"),
        ("FROB", 12, "501"),
    ] {
        from_peer(&mut call, method, sequence, &tag, "", T0);
        let (sent, _) = drain(&mut call);
        assert_eq!(methods(&sent), [status], "{method} {sequence}");
    }
    assert!(call.is_established());
}

#[test]
fn an_info_is_answered_by_the_host_even_after_the_bye() {
    let (mut call, tag) = answered();
    from_peer(&mut call, "ACK", 7, &tag, "", T0);
    drain(&mut call);
    from_peer(
        &mut call,
        "INFO",
        8,
        &tag,
        "Content-Type: text/plain\r\n",
        T0,
    );
    let (sent, events) = drain(&mut call);
    assert!(sent.is_empty(), "only the host answers");
    let Event::Info { id, .. } = events[0] else {
        panic!("{events:?}");
    };
    from_peer(&mut call, "BYE", 9, &tag, "", T0);
    drain(&mut call);
    call.accept_info(id);
    assert_eq!(methods(&drain(&mut call).0), ["200"]);
    assert!(call.is_over());
}
