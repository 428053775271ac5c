//! The voicemail behind a proxy whose part these tests speak, message by message.

mod challenge;
mod ladders;
mod lost;
mod realms;

use sip::{Message, Method, Request, Response, Uri, credentials::Credentials};

use super::{Standing, Task};
use crate::{
    settings::{
        Settings,
        tests::{settings, value},
    },
    testing::{Answers, OFFER, World},
};

const PROXY_URL: &str = "ws://127.0.0.1:5066";
/// The proxy's own hop.
const ROUTE: &str = "<sip:proxy.test;transport=ws;lr>";

fn behind_a_proxy() -> Settings {
    Settings::read(|name| match name {
        "AFTERBEEP_SIP_UPSTREAM" => Some(PROXY_URL.to_owned()),
        "AFTERBEEP_SIP_UPSTREAM_PASSWORD" => Some("secret".to_owned()),
        name => value(name),
    })
    .expect("settings")
}

/// A world whose connection to the proxy stands, registered.
fn registered() -> World {
    let mut world = World::with_settings(behind_a_proxy());
    world.open_upstream();
    registers(&mut world);
    world
}

/// The proxy lets us register, as who we prove to be.
fn registers(world: &mut World) {
    let register = world.proxy_request("REGISTER");
    world.proxy_says(&challenge::challenge(&register, 401, "registration", ""));
    let register = world.proxy_request("REGISTER");
    world.proxy_says(&Response::reply_to(&register, 200, "OK", Some("p")).to_bytes());
    assert_eq!(world.standing(), Standing::Registered);
}

/// A call that the proxy sends on to the contact that we registered.
fn diverted(to: &str, extra: &[(&str, &str)]) -> Request {
    let contact = "sip:voicemail@x.invalid;transport=ws".parse().expect("URI");
    let mut invite = Request::new(Method::Invite, contact);
    invite.add_header("Via", "SIP/2.0/WSS proxy.test;branch=z9hG4bKproxy1");
    invite.add_header("Via", "SIP/2.0/UDP caller.test;branch=z9hG4bKcaller1");
    invite.add_header("Record-Route", ROUTE);
    invite.add_header("From", "\"Dora\" <sip:dora@caller.test>;tag=d");
    invite.add_header("To", &format!("<{to}>"));
    invite.add_header("Call-ID", "diverted-1");
    invite.set_cseq(1, &Method::Invite);
    invite.add_header("Contact", "<sip:dora@caller.test:5062>");
    for (name, value) in extra {
        invite.add_header(name, value);
    }
    invite.set_body("application/sdp", OFFER.as_bytes());
    invite
}

/// A request of the caller inside the dialog that this answer made: to our contact, the proxy's own route used up.
fn inside(method: &Method, answer: &Response, sequence: u32) -> Request {
    let contact = answer.contacts().first().expect("a contact").uri.clone();
    let mut request = Request::new(method.clone(), contact);
    let via = format!("SIP/2.0/WSS proxy.test;branch=z9hG4bKproxy{method}{sequence}");
    request.add_header("Via", &via);
    request.add_header("From", &answer.from().to_string());
    request.add_header("To", &answer.to().to_string());
    request.add_header("Call-ID", answer.call_id());
    request.set_cseq(sequence, method);
    request
}

#[test]
fn it_registers_with_the_password_and_says_where_it_stands() {
    let mut world = World::with_settings(behind_a_proxy());
    world.open_upstream();
    assert_eq!(world.standing(), Standing::Registering);
    let register = world.proxy_request("REGISTER");
    assert_eq!(register.to().uri.to_string(), "sip:voicemail@localhost");
    let challenge = Response::reply_to(&register, 401, "Unauthorized", Some("p")).with_header(
        "WWW-Authenticate",
        "Digest realm=\"proxy.test\", nonce=\"n\", qop=\"auth\", algorithm=MD5",
    );
    world.proxy_says(&challenge.to_bytes());
    let register = world.proxy_request("REGISTER");
    let proof = register
        .header("Authorization")
        .expect("a proof")
        .to_owned();
    assert!(proof.contains("username=\"voicemail\""), "{proof}");
    let refused = Response::reply_to(&register, 403, "Forbidden", Some("p"));
    world.proxy_says(&refused.to_bytes());
    assert_eq!(world.standing(), Standing::Refused { status: 403 });
    world.now_ms += super::REFUSED_PAUSE_MS;
    let tasks = world.wake_upstream();
    assert!(matches!(tasks.as_slice(), [Task::Send(_), ..]), "{tasks:?}");
}

#[test]
fn every_start_registers_as_the_same_instance() {
    let registers = || {
        let mut world = World::with_settings(behind_a_proxy());
        world.open_upstream();
        let first = world.proxy_request("REGISTER");
        world.open_upstream();
        [first, world.proxy_request("REGISTER")]
    };
    let [first, second] = registers().map(|register| {
        assert!(
            register
                .headers("Supported")
                .any(|value| value.contains("outbound"))
        );
        register.contacts().remove(0)
    });
    assert_eq!(first.params.get("reg-id"), Some("1"));
    let instance = first.params.get("+sip.instance").expect("an instance");
    assert!(instance.starts_with("<urn:uuid:"), "{instance}");
    assert_eq!(second.params.get("+sip.instance"), Some(instance));
    assert_ne!(first.uri, second.uri, "another connection");
}

#[test]
fn a_lost_connection_is_tried_again_later_every_time_and_never_at_one_moment() {
    let mut world = registered();
    let pauses: Vec<i64> = (0..12).map(|_| world.lose_upstream()).collect();
    assert_eq!(world.standing(), Standing::Connecting);
    for (number, pause) in pauses.iter().enumerate() {
        let longest = (super::FIRST_PAUSE_MS << number.min(10)).min(super::LONGEST_PAUSE_MS);
        // What keeps the object awake comes at the latest.
        let least = (longest / 2).min(super::AWAKE_MS);
        assert!(
            (least..=longest.min(super::AWAKE_MS)).contains(pause),
            "{pauses:?}"
        );
    }
    world.now_ms += super::LONGEST_PAUSE_MS;
    assert_eq!(world.wake_upstream(), [Task::Connect]);
    assert_eq!(world.wake_upstream(), [], "one connection at a time");
}

#[test]
fn a_diverted_call_becomes_a_voicemail_whose_requests_go_by_the_proxys_route() {
    let mut world = registered();
    let history = "<sip:bob@localhost?Reason=SIP%3Bcause%3D486>;index=1";
    let invite = diverted("sip:4711@caller.test", &[("History-Info", history)]);
    world.proxy_says(&invite.to_bytes());
    let answer = world.proxy_response();
    assert_eq!(answer.status(), 200);
    let routes: Vec<String> = answer.headers("Record-Route").map(str::to_owned).collect();
    assert_eq!(
        routes,
        [ROUTE],
        "the proxy sees one user agent, no other proxy"
    );
    assert!(answer.contacts()[0].uri.host.ends_with(".invalid"));

    world.proxy_says(&inside(&Method::Ack, &answer, 1).to_bytes());
    let info = world.proxy_request("INFO");
    assert_eq!(info.uri().to_string(), "sip:dora@caller.test:5062");
    assert_eq!(info.header("Route"), Some(ROUTE));
    let body = info.body_text().expect("text");
    assert!(body.contains("Called Party=sip:bob@localhost"), "{body}");
    world.proxy_says(&Response::reply_to(&info, 200, "OK", None).to_bytes());

    let keys = inside(&Method::Info, &answer, 2);
    let mut skip = keys.clone();
    skip.set_body("application/dtmf-relay", b"Signal=#\r\n");
    world.proxy_says(&skip.to_bytes());
    assert_eq!(world.proxy_response().status(), 200);
    assert_eq!(
        world.proxy_response().vias().len(),
        1,
        "only the proxy's own hop is left"
    );
    let bye = world.proxy_request("BYE");
    assert_eq!(bye.header("Route"), Some(ROUTE));
    assert!(
        bye.header("Reason")
            .expect("a reason")
            .contains("record offline")
    );
    world.proxy_says(&Response::reply_to(&bye, 200, "OK", None).to_bytes());
    assert_eq!(world.sessions.len(), 1);
}

#[test]
fn whoever_is_unknown_here_is_not_found_and_a_late_cancel_is_answered() {
    for (to, status) in [
        ("sip:nobody@localhost", 404),
        ("sip:bob@elsewhere.test", 404),
        ("sip:voicemail@localhost", 404),
        ("sip:bob@localhost", 200),
    ] {
        let mut world = registered();
        let invite = diverted(to, &[]);
        world.proxy_says(&invite.to_bytes());
        assert_eq!(world.proxy_response().status(), status, "{to}");
        let text = String::from_utf8(invite.to_bytes()).expect("text");
        let cancel = text
            .replace("INVITE sip:", "CANCEL sip:")
            .replace("1 INVITE", "1 CANCEL");
        world.proxy_says(cancel.as_bytes());
        assert_eq!(world.proxy_response().cseq().1, Method::Cancel, "{to}");
        let count = world.proxy_count();
        let ack = text
            .replace("INVITE sip:", "ACK sip:")
            .replace("1 INVITE", "1 ACK");
        world.proxy_says(ack.as_bytes());
        assert_eq!(world.proxy_count(), count, "an ACK is never answered");
    }
}

#[test]
fn only_the_proxy_may_say_who_calls() {
    let mut world = registered();
    let asserted = "\"Alice\" <sip:alice@localhost>";
    let invite = diverted("sip:bob@localhost", &[("P-Asserted-Identity", asserted)]);
    world.proxy_says(&invite.to_bytes());
    let ack = inside(&Method::Ack, &world.proxy_response(), 1);
    world.proxy_says(&ack.to_bytes());
    let bob = crate::object::Object::Mailbox("sip:bob@localhost".to_owned());
    let rows = world.rows(&bob, "SELECT caller_address, caller_verified FROM sessions");
    assert_eq!(rows[0].text(0), "sip:alice@localhost");
    assert_eq!(rows[0].integer(1), 1);

    let mut world = registered();
    let text = String::from_utf8(diverted("sip:bob@localhost", &[]).to_bytes()).expect("text");
    let lying = text.replace("sip:dora@caller.test>;tag", "sip:alice@localhost>;tag");
    world.proxy_says(lying.as_bytes());
    let ack = inside(&Method::Ack, &world.proxy_response(), 1);
    world.proxy_says(&ack.to_bytes());
    let unverified = "SELECT COUNT(*) FROM sessions WHERE caller_verified = 0";
    assert_eq!(world.count(&bob, unverified), 1);
}

#[test]
fn an_asserted_identity_that_its_owner_hides_is_shown_to_nobody() {
    let bob = crate::object::Object::Mailbox("sip:bob@localhost".to_owned());
    for (privacy, shown) in [("none", 1), ("id", 0), ("session; ID", 0), ("user", 0)] {
        let mut world = registered();
        let asserted = ("P-Asserted-Identity", "\"Alice\" <sip:alice@caller.test>");
        let invite = diverted("sip:bob@localhost", &[asserted, ("Privacy", privacy)]);
        let hidden = String::from_utf8(invite.to_bytes()).expect("text").replace(
            "\"Dora\" <sip:dora@caller.test>",
            "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
        );
        world.proxy_says(hidden.as_bytes());
        let ack = inside(&Method::Ack, &world.proxy_response(), 1);
        world.proxy_says(&ack.to_bytes());
        let named = "SELECT COUNT(*) FROM sessions WHERE caller_address IS NOT NULL OR caller_verified = 1 OR caller_name = 'Alice'";
        assert_eq!(world.count(&bob, named), shown, "{privacy}");
        let sessions = "SELECT COUNT(*) FROM sessions";
        assert_eq!(world.count(&bob, sessions), 1, "{privacy}");
    }
}

#[test]
fn a_contact_of_ours_opens_its_dialog_and_no_other_call() {
    let mut world = registered();
    let mailbox = crate::object::Object::Mailbox("sip:alice@localhost".to_owned());
    let chosen = r#"UPDATE mailbox SET settings = '{"answer":"call_back"}' RETURNING 1"#;
    assert_eq!(world.count(&mailbox, chosen), 1);
    world.registered("desk", "bob", Answers::Ring);
    world.proxy_says(&diverted("sip:bob@localhost", &[]).to_bytes());
    let contact = world.proxy_response().contacts().remove(0).uri;
    for user in ["bob", "alice"] {
        let own = contact
            .clone()
            .with_param("of", &format!("sip:{user}@localhost"));
        let to = format!("sip:{user}@localhost");
        let text = String::from_utf8(diverted(&to, &[]).to_bytes()).expect("text");
        let again = text
            .replace("sip:voicemail@x.invalid;transport=ws", &own.to_string())
            .replace("sip:dora@caller.test:5062", "sip:+19005550100@pay.test")
            .replace("diverted-1", user)
            .replace("z9hG4bK", &format!("z9hG4bK{user}"));
        world.proxy_says(again.as_bytes());
        let answer = world.proxy_response();
        assert_eq!((answer.call_id(), answer.status()), (user, 200));
    }
    let rung = world.get("desk").received.iter();
    let mut rung = rung.filter_map(Message::as_request);
    assert!(rung.all(|request| *request.method() != Method::Invite));
}

#[test]
fn a_call_elsewhere_goes_out_by_the_proxy_and_its_dialog_both_ways() {
    let mut world = registered();
    world.user("alice", "alice");
    let call = world.call("alice", "sip:eve@elsewhere.test");
    let invite = world.proxy_request("INVITE");
    assert_eq!(invite.uri().to_string(), "sip:eve@elsewhere.test");
    assert_eq!(invite.header("Proxy-Authorization"), None);
    let contact = invite.contacts().first().expect("a contact").uri.clone();

    let ok = Response::reply_to(&invite, 200, "OK", Some("e"))
        .with_header("Record-Route", ROUTE)
        .with_header("Contact", "<sip:eve@elsewhere.test:5062>");
    let mut ok = ok;
    ok.set_body("application/sdp", OFFER.as_bytes());
    world.proxy_says(&ok.to_bytes());
    let ack = world.proxy_request("ACK");
    assert_eq!(ack.uri().to_string(), "sip:eve@elsewhere.test:5062");
    assert_eq!(ack.header("Route"), Some(ROUTE));

    let mut info = Request::new(Method::Info, contact);
    info.add_header("Via", "SIP/2.0/WSS proxy.test;branch=z9hG4bKinfo");
    info.add_header("From", &ok.to().to_string());
    info.add_header("To", &invite.from().to_string());
    info.add_header("Call-ID", invite.call_id());
    info.set_cseq(7, &Method::Info);
    info.set_body("text/plain", b"Session Type=voice\r\n");
    world.proxy_says(&info.to_bytes());
    let got = world.get("alice").received.iter().rev();
    let got: Vec<&Request> = got.filter_map(Message::as_request).collect();
    assert_eq!(*got[0].method(), Method::Info);
    let own: Uri = got[0].uri().clone();
    assert_eq!(own.decoded_user().as_deref(), Some("alice"));

    world.act("alice", |agent, now| agent.hang_up(call, None, None, now));
    let bye = world.proxy_request("BYE");
    assert_eq!(bye.header("Route"), Some(ROUTE));
    assert_eq!(bye.uri().to_string(), "sip:eve@elsewhere.test:5062");
}

#[test]
fn a_call_elsewhere_can_be_cancelled() {
    let mut world = registered();
    world.user("alice", "alice");
    let call = world.call("alice", "sip:eve@elsewhere.test");
    let invite = world.proxy_request("INVITE");
    let ringing = Response::reply_to(&invite, 180, "Ringing", Some("e"));
    world.proxy_says(&ringing.to_bytes());
    world.act("alice", |agent, now| agent.hang_up(call, None, None, now));
    let cancel = world.proxy_request("CANCEL");
    let branch = |request: &Request| request.top_via().map(|via| via.branch().to_owned());
    assert_eq!(branch(&cancel), branch(&invite));
    let gone = Response::reply_to(&invite, 487, "Request Terminated", Some("e"));
    world.proxy_says(&gone.to_bytes());
    assert_eq!(branch(&world.proxy_request("ACK")), branch(&invite));
}

#[test]
fn nobody_else_is_let_out() {
    let refused = |settings: Settings, name: Option<&str>, open: bool| {
        let mut world = World::with_settings(settings);
        if open {
            world.open_upstream();
        }
        match name {
            Some(name) => world.user("phone", name),
            None => world.phone("phone", None, Credentials::None),
        }
        world.call("phone", "sip:eve@elsewhere.test");
        world.statuses("phone").pop().expect("an answer")
    };
    assert_eq!(refused(settings(), Some("alice"), false), "403 INVITE");
    assert_eq!(refused(behind_a_proxy(), None, true), "403 INVITE");
    assert_eq!(
        refused(behind_a_proxy(), Some("alice"), false),
        "503 INVITE"
    );
}
