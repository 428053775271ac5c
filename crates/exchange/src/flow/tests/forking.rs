//! What becomes of a call that several contacts, or none, can take: groups of one preference, redirections, loops,
//! the glare of CANCEL and 200 (RFC 3261 section 16, RFC 5393).

use sip::{
    Message, Request,
    call::event::Event,
    credentials::Credentials,
    session_info::SessionInfo,
    user_agent::{UserAgent, event::Event as AgentEvent},
};

use super::access::{invite, talking};
use crate::{
    object::Object,
    testing::{ANSWER, Answers, World},
};

const BOB: &str = "sip:bob@localhost";

/// A contact of a user by literal REGISTER, which does this when it is called.
fn contact(world: &mut World, phone: &str, user: &str, parameters: &str, answers: Answers) {
    let token = world.token(user);
    world.phone(phone, None, Credentials::None);
    world.answer(phone, answers);
    let text = format!(
        "REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/WS b.invalid;branch=z9hG4bK{phone}\r\nMax-Forwards: 70\r\nFrom: <sip:{user}@localhost>;tag=1\r\nTo: <sip:{user}@localhost>\r\nCall-ID: {phone}\r\nCSeq: 1 REGISTER\r\nAuthorization: Bearer {token}\r\nContact: <sip:{phone}@b.invalid>{parameters}\r\nContent-Length: 0\r\n\r\n"
    );
    world.raw(phone, &text);
    let statuses = world.statuses(phone);
    assert!(
        statuses.contains(&"200 REGISTER".to_owned()),
        "{statuses:?}"
    );
}

/// The last INVITE that a phone received.
fn invited(world: &mut World, phone: &str) -> Request {
    let mut received = world.get(phone).received.iter().rev();
    let invite = received.find_map(|message| match message {
        Message::Request(request) if request.method() == "INVITE" => Some(request.clone()),
        _ => None,
    });
    invite.unwrap_or_else(|| panic!("{phone} did not ring"))
}

fn rang(world: &mut World, phone: &str) -> bool {
    world.statuses(phone).contains(&"INVITE".to_owned())
}

/// A literal answer to the last INVITE that a phone received.
fn respond(world: &mut World, phone: &str, status: &str, lines: &str) {
    let invite = invited(world, phone);
    let mut text = format!("SIP/2.0 {status}\r\n");
    for via in invite.headers("Via") {
        text.push_str(&format!("Via: {via}\r\n"));
    }
    for name in ["From", "Call-ID", "CSeq"] {
        let value = invite.header(name).expect("a header");
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let to = invite.header("To").expect("a header");
    text.push_str(&format!(
        "To: {to};tag={phone}\r\n{lines}Content-Length: 0\r\n\r\n"
    ));
    world.raw(phone, &text);
}

/// Anna calls Bob with a telephone that only does what it is told.
fn call(world: &mut World, extra: &str) {
    world.phone("anna", None, Credentials::None);
    world.raw("anna", &invite(BOB, "sip:a@x.invalid", extra));
}

fn count(world: &mut World, phone: &str, status: &str) -> usize {
    let statuses = world.statuses(phone);
    statuses.iter().filter(|known| *known == status).count()
}

#[test]
fn less_preferred_contacts_ring_after_the_others_and_within_the_same_time() {
    let mut world = World::new();
    contact(&mut world, "desk", "bob", ";q=0.9", Answers::Ring);
    contact(&mut world, "lab", "bob", ";q=0.9", Answers::Reject(486));
    contact(&mut world, "home", "bob", ";q=0.2", Answers::Ring);
    call(&mut world, "");
    assert!(rang(&mut world, "desk") && rang(&mut world, "lab"));
    assert!(!rang(&mut world, "home"));
    world.advance(10_000);
    assert!(world.statuses("desk").contains(&"CANCEL".to_owned()));
    assert!(rang(&mut world, "home"));
    assert!(world.sessions.is_empty());
    world.advance(9_000);
    assert_eq!(count(&mut world, "anna", "200 INVITE"), 0);
    world.advance(1_000);
    assert!(
        count(&mut world, "anna", "200 INVITE") > 0,
        "the voicemail, after 20 s in all"
    );
}

#[test]
fn who_stops_ringing_hears_whether_somebody_else_has_answered() {
    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Ring);
    contact(&mut world, "lab", "bob", "", Answers::Ring);
    let why = |world: &mut World, phone: &str| {
        let received = &world.get(phone).received;
        received.iter().rev().find_map(|message| match message {
            Message::Request(request) if request.method() == "CANCEL" => {
                Some(request.header("Reason").unwrap_or_default().to_owned())
            }
            _ => None,
        })
    };
    call(&mut world, "");
    respond(
        &mut world,
        "lab",
        "200 OK",
        "Contact: <sip:lab@b.invalid>\r\n",
    );
    let elsewhere = "SIP;cause=200;text=\"Call completed elsewhere\"";
    assert_eq!(why(&mut world, "desk").as_deref(), Some(elsewhere));
    assert_eq!(why(&mut world, "lab"), None);

    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Ring);
    call(&mut world, "");
    world.advance(20_000);
    assert_eq!(why(&mut world, "desk").as_deref(), Some(""), "nobody has");
}

#[test]
fn a_group_that_fails_gives_way_to_the_next_at_once() {
    let mut world = World::new();
    contact(&mut world, "desk", "bob", ";q=0.9", Answers::Reject(486));
    contact(&mut world, "home", "bob", ";q=0.2", Answers::Accept);
    call(&mut world, "");
    assert!(rang(&mut world, "home"));
    assert_eq!(count(&mut world, "anna", "200 INVITE"), 1);
    let declined = |status| {
        let mut world = World::new();
        contact(&mut world, "desk", "bob", ";q=0.9", Answers::Reject(status));
        contact(&mut world, "home", "bob", ";q=0.2", Answers::Ring);
        call(&mut world, "");
        !rang(&mut world, "home")
    };
    assert!(declined(603), "6xx is the last word");
}

#[test]
fn a_call_fans_out_only_as_far_as_it_may() {
    let mut world = World::new();
    for phone in ["one", "two", "three"] {
        contact(&mut world, phone, "bob", "", Answers::Reject(486));
    }
    call(&mut world, "Max-Breadth: 0\r\n");
    assert_eq!(world.statuses("anna"), ["440 INVITE"]);
    let mut shares = Vec::new();
    let mut world = World::new();
    for phone in ["one", "two", "three"] {
        contact(&mut world, phone, "bob", "", Answers::Ring);
    }
    call(&mut world, "Max-Breadth: 2\r\n");
    for phone in ["one", "two", "three"] {
        if rang(&mut world, phone) {
            let invite = invited(&mut world, phone);
            shares.extend(invite.header("Max-Breadth").map(str::to_owned));
        }
    }
    assert_eq!(shares, ["1", "1"]);
}

#[test]
fn a_request_that_comes_back_to_the_same_target_is_a_loop_and_another_target_is_not() {
    let mut world = World::new();
    contact(&mut world, "gate", "bob", "", Answers::Ring);
    call(&mut world, "");
    let passed = invited(&mut world, "gate");
    let again = |world: &mut World, uri: &str, branch: &str| {
        let mut request = passed.clone();
        request.set_uri(uri.parse().expect("a URI"));
        let via = format!("SIP/2.0/WS gate.invalid;branch={branch}");
        request.push_via(&via.parse().expect("a Via"));
        let text = String::from_utf8(request.to_bytes()).expect("text");
        world.raw("gate", &text);
        let answers = world.statuses("gate").into_iter().rev();
        answers
            .into_iter()
            .find(|status| status.ends_with("INVITE") && status.len() > 6)
            .expect("an answer")
    };
    assert_eq!(again(&mut world, BOB, "z9hG4bKl1"), "482 INVITE");
    let elsewhere = again(&mut world, "sip:nobody@localhost", "z9hG4bKl2");
    assert_eq!(elsewhere, "404 INVITE");
}

#[test]
fn who_picks_up_while_the_caller_gives_up_has_answered() {
    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Ring);
    world.phone("anna", None, Credentials::None);
    let text = invite(BOB, "sip:a@x.invalid", "");
    world.raw("anna", &text);
    let ringing = world
        .get("desk")
        .events
        .iter()
        .find_map(|event| match event {
            AgentEvent::Incoming { call, .. } => Some(*call),
            _ => None,
        })
        .expect("a call");
    // The 200 is on its way when the CANCEL comes: the telephone answers before it reads it.
    let now = world.now_ms;
    world.get("desk").agent.answer(ringing, ANSWER, now);
    let cancel = text
        .replacen("INVITE", "CANCEL", 1)
        .replace("1 INVITE", "1 CANCEL");
    world.raw("anna", &cancel);
    assert_eq!(count(&mut world, "anna", "200 CANCEL"), 1);
    assert_eq!(count(&mut world, "anna", "200 INVITE"), 1);
    assert_eq!(
        count(&mut world, "anna", "487 INVITE"),
        0,
        "one final answer"
    );
}

#[test]
fn a_caller_who_gives_up_hears_so_at_the_latest_when_patience_ends() {
    let mut world = World::new();
    contact(&mut world, "mute", "bob", "", Answers::Mute);
    let text = invite(BOB, "sip:a@x.invalid", "");
    call(&mut world, "");
    let cancel = text
        .replacen("INVITE", "CANCEL", 1)
        .replace("1 INVITE", "1 CANCEL");
    world.raw("anna", &cancel);
    assert_eq!(count(&mut world, "anna", "487 INVITE"), 0);
    world.advance(33_000);
    assert_eq!(count(&mut world, "anna", "487 INVITE"), 1);
    world.advance(120_000);
    assert!(world.sessions.is_empty(), "and no voicemail");
    let line = Object::Line(BOB.to_owned());
    assert_eq!(world.count(&line, "SELECT COUNT(*) FROM calls"), 0);
}

#[test]
fn a_redirection_to_one_of_ours_is_followed_and_tells_where_the_call_was() {
    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Mute);
    contact(&mut world, "alices", "alice", "", Answers::Accept);
    call(&mut world, "");
    respond(
        &mut world,
        "desk",
        "302 Moved Temporarily",
        "Contact: <sip:x@elsewhere.example>;q=1, <sip:alice@localhost>;q=0.5\r\n",
    );
    assert_eq!(count(&mut world, "anna", "200 INVITE"), 1);
    assert!(
        world.statuses("desk").contains(&"ACK".to_owned()),
        "the redirection is acknowledged"
    );
    let passed = invited(&mut world, "alices");
    let history: Vec<&str> = passed.headers("History-Info").collect();
    assert_eq!(
        history,
        [
            "<sip:bob@localhost>;index=1",
            "<sip:alice@localhost>;index=1.1;mp=1"
        ]
    );
    assert_eq!(
        passed.header("Diversion"),
        Some("<sip:bob@localhost>;reason=deflection")
    );
    assert_eq!(passed.max_forwards(), 68);
}

/// Who answered the last call of a phone, as its 200 says.
fn answerer(world: &mut World, phone: &str) -> Vec<String> {
    let mut received = world.get(phone).received.iter().rev();
    let answer = received.find_map(|message| message.as_response().filter(|it| it.is_success()));
    let answer = answer.expect("200");
    let identities = answer.headers("P-Asserted-Identity");
    identities.map(str::to_owned).collect()
}

#[test]
fn the_answer_to_a_call_that_was_sent_on_says_whose_it_is_whatever_a_telephone_says() {
    let voicemail = "<sip:voicemail@localhost;target=sip:alice%40localhost;cause=302>";
    for to in ["<sip:alice@localhost>", voicemail] {
        let mut world = World::new();
        contact(&mut world, "desk", "bob", "", Answers::Mute);
        world.phone("anna", None, Credentials::None);
        world.call("anna", BOB);
        let line = format!("Contact: {to}\r\nP-Asserted-Identity: <sip:bob@localhost>\r\n");
        respond(&mut world, "desk", "302 Moved Temporarily", &line);
        let events = world.call_events("anna");
        let said = events.iter().find_map(|event| match event {
            Event::Answered { answerer, .. } => answerer.clone(),
            _ => None,
        });
        let said = said.expect("an answer").uri.to_string();
        let called = events.iter().find_map(|event| match event {
            Event::Info { body, .. } => SessionInfo::parse(body).ok(),
            _ => None,
        });
        let called = called.expect("an INFO");
        assert_eq!(called.called_party.as_deref(), Some("sip:alice@localhost"));
        assert_eq!(called.forwarded_from.as_deref(), Some(BOB));
        assert_eq!(Some(said), called.called_party, "{to}");
    }
    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Mute);
    contact(&mut world, "alices", "alice", "", Answers::Mute);
    call(&mut world, "");
    let to_alice = "Contact: <sip:alice@localhost>\r\n";
    respond(&mut world, "desk", "302 Moved Temporarily", to_alice);
    let lie = "Contact: <sip:x@b.invalid>\r\nP-Asserted-Identity: <sip:bob@localhost>\r\n";
    respond(&mut world, "alices", "200 OK", lie);
    assert_eq!(
        answerer(&mut world, "anna"),
        ["\"alice\" <sip:alice@localhost>"]
    );
}

#[test]
fn a_caller_may_give_up_after_a_redirection_too() {
    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Mute);
    contact(&mut world, "alices", "alice", "", Answers::Ring);
    call(&mut world, "");
    respond(
        &mut world,
        "desk",
        "302 Moved Temporarily",
        "Contact: <sip:alice@localhost>\r\n",
    );
    let text = invite(BOB, "sip:a@x.invalid", "");
    let cancel = text
        .replacen("INVITE", "CANCEL", 1)
        .replace("1 INVITE", "1 CANCEL");
    world.raw("anna", &cancel);
    assert!(world.statuses("alices").contains(&"CANCEL".to_owned()));
    assert_eq!(count(&mut world, "anna", "200 CANCEL"), 1);
    assert_eq!(count(&mut world, "anna", "487 INVITE"), 1);
    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Mute);
    contact(&mut world, "alices", "alice", "", Answers::Ring);
    call(&mut world, "");
    respond(
        &mut world,
        "desk",
        "302 Moved Temporarily",
        "Contact: <sip:alice@localhost>\r\n",
    );
    world.act("anna", UserAgent::disconnected);
    world.disconnect("anna");
    assert!(world.statuses("alices").contains(&"CANCEL".to_owned()));
}

#[test]
fn redirections_that_lead_out_or_round_end_at_the_voicemail() {
    for contact_of_302 in [
        "<sip:x@elsewhere.example>",
        "<mailto:bob@localhost>",
        "<sip:bob@localhost>",
        "<sip:voicemail@localhost;target=sip:bob%40localhost;cause=302>",
        "<sip:voicemail@localhost>",
    ] {
        let mut world = World::new();
        contact(&mut world, "desk", "bob", "", Answers::Mute);
        call(&mut world, "");
        let line = format!("Contact: {contact_of_302}\r\n");
        respond(&mut world, "desk", "302 Moved Temporarily", &line);
        assert!(
            count(&mut world, "anna", "200 INVITE") > 0,
            "{contact_of_302}"
        );
        let called = "SELECT COUNT(*) FROM mailbox_calls WHERE state IS NOT NULL";
        let mailbox = Object::Mailbox(BOB.to_owned());
        assert_eq!(world.count(&mailbox, called), 1, "{contact_of_302}");
    }
    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Mute);
    contact(&mut world, "alices", "alice", "", Answers::Mute);
    call(&mut world, "");
    for (phone, to) in [("desk", "alice"), ("alices", "bob")] {
        let line = format!("Contact: <sip:{to}@localhost>\r\n");
        respond(&mut world, phone, "302 Moved Temporarily", &line);
    }
    let mailbox = Object::Mailbox("sip:alice@localhost".to_owned());
    let called = "SELECT COUNT(*) FROM mailbox_calls WHERE state IS NOT NULL";
    assert_eq!(world.count(&mailbox, called), 1, "no way back to Bob");
}

#[test]
fn a_session_that_is_refreshed_too_often_is_told_to_the_caller() {
    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Mute);
    call(&mut world, "Session-Expires: 90\r\nSupported: timer\r\n");
    let passed = invited(&mut world, "desk");
    assert_eq!(passed.header("Session-Expires"), Some("90"));
    respond(
        &mut world,
        "desk",
        "422 Session Interval Too Small",
        "Min-SE: 300\r\n",
    );
    let Some(Message::Response(last)) = world.get("anna").received.last() else {
        panic!("no answer");
    };
    assert_eq!((last.status(), last.header("Min-SE")), (422, Some("300")));
    assert!(world.sessions.is_empty());
}

#[test]
fn the_caller_hears_the_best_that_was_said_when_even_the_voicemail_fails() {
    let mut world = World::new();
    // The mailbox's first statement is to be one of the voicemail's.
    world.settings.ladder = crate::settings::Ladder::Off;
    contact(&mut world, "desk", "bob", "", Answers::Reject(486));
    world.crash(&Object::Mailbox(BOB.to_owned()), 0);
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    assert!(matches!(
        world.call_events("anna").last(),
        Some(Event::Rejected { status: 486, .. })
    ));
}

#[test]
fn inside_a_dialog_every_method_passes_with_what_it_asks_for() {
    let mut world = World::new();
    let route = talking(&mut world);
    for method in [
        "UPDATE", "PRACK", "REFER", "MESSAGE", "NOTIFY", "INFO", "DANCE",
    ] {
        let text = format!(
            "{method} sip:bob@x.invalid SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK{method}\r\nMax-Forwards: 70\r\nRoute: {route}\r\nFrom: <sip:a@x.invalid>;tag=1\r\nTo: <{BOB}>;tag=2\r\nCall-ID: raw\r\nCSeq: 2 {method}\r\nRequire: timer\r\nSession-Expires: 90;refresher=uac\r\nContent-Length: 0\r\n\r\n"
        );
        world.raw("anna", &text);
        let received = world.get("bob").received.last().cloned();
        let Some(Message::Request(passed)) = received else {
            panic!("{method} did not pass");
        };
        assert_eq!(passed.method(), &method);
        assert_eq!(passed.header("Require"), Some("timer"));
        assert_eq!(
            passed.header("Session-Expires"),
            Some("90;refresher=uac"),
            "{method}"
        );
        assert_eq!(passed.max_forwards(), 69);
        let answers = world.statuses("anna");
        let answered = answers
            .iter()
            .any(|status| status.ends_with(&format!(" {method}")));
        assert!(answered, "{method} is answered by the other end");
    }
}

#[test]
fn a_call_is_sent_on_only_so_often() {
    let mut world = World::new();
    contact(&mut world, "desk", "bob", "", Answers::Mute);
    contact(&mut world, "alices", "alice", "", Answers::Ring);
    let been: Vec<String> = (1..=4)
        .map(|number| format!("<sip:user{number}@localhost>;index={number}"))
        .collect();
    call(
        &mut world,
        &format!("History-Info: {}\r\n", been.join(", ")),
    );
    respond(
        &mut world,
        "desk",
        "302 Moved Temporarily",
        "Contact: <sip:alice@localhost>\r\n",
    );
    assert!(!rang(&mut world, "alices"));
    assert!(count(&mut world, "anna", "200 INVITE") > 0, "the voicemail");
}
