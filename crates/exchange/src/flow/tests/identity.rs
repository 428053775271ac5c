//! Who vouches for a caller: the exchange, to the telephones of the callee, and nobody else (RFC 3325).

use sip::{Message, Method, Request, Response, credentials::Credentials, user_agent::event::Event};

use super::access::invite;
use crate::testing::{Answers, World};

const BOB: &str = "sip:bob@localhost";
const ALICE: &str = "sip:alice@localhost";
/// What somebody says who would like to be vouched for. The field has no compact form.
const CLAIMS: [&str; 6] = [
    "P-Asserted-Identity: <sip:boss@localhost>\r\n",
    "p-asserted-identity:sip:boss@localhost\r\n",
    "P-ASSERTED-IDENTITY : \"Boss\" <sip:boss@localhost>\r\n",
    "P-Asserted-Identity:\r\n <sip:boss@localhost>,\r\n\t<tel:+12015550123>\r\n",
    "P-Asserted-Identity: <sip:boss@localhost>\r\np-Asserted-Identity: <sip:alice@localhost>\r\nP-asserted-identity: <tel:+1>\r\n",
    "P-Preferred-Identity: <sip:boss@localhost>\r\n",
];

fn world() -> World {
    let mut world = World::new();
    world.registered("desk", "bob", Answers::Ring);
    world.phone("anna", None, Credentials::None);
    world
}

/// The one request of this method that a telephone got.
fn arrived(world: &mut World, phone: &str, method: &Method) -> Request {
    let received = world.get(phone).received.iter();
    let requests = received.filter_map(Message::as_request);
    let mut found = requests.filter(|request| request.method() == method);
    let first = found.next().expect("a request").clone();
    assert_eq!(found.next(), None, "one {method}");
    first
}

fn identities(request: &Request) -> Vec<&str> {
    assert_eq!(request.header("P-Preferred-Identity"), None);
    request.headers("P-Asserted-Identity").collect()
}

/// Whom its agent tells its host to be vouched for.
fn told(world: &mut World, phone: &str) -> Vec<Option<String>> {
    let events = world.get(phone).events.iter();
    let asserted = events.filter_map(|event| match event {
        Event::Incoming { asserted, .. } => Some(asserted.clone()),
        _ => None,
    });
    asserted.collect()
}

#[test]
fn telephones_are_told_who_has_proven_to_call() {
    for claim in ["", CLAIMS[0], CLAIMS[4]] {
        let mut world = world();
        world.registered("kitchen", "bob", Answers::Ring);
        let token = world.token("alice");
        let proof = format!("Authorization: Bearer {token}\r\n{claim}");
        world.raw("anna", &invite(BOB, "sip:Alice@127.0.0.1:8787", &proof));
        for phone in ["desk", "kitchen"] {
            let call = arrived(&mut world, phone, &Method::Invite);
            assert_eq!(identities(&call), ["<sip:alice@localhost>"], "{claim}");
            assert_eq!(call.header("Authorization"), None);
            assert_eq!(told(&mut world, phone), [Some(ALICE.to_owned())]);
        }
    }
}

#[test]
fn nobody_is_vouched_for_by_what_the_caller_says() {
    for from in [
        "sip:alice@elsewhere.example",
        "sip:anonymous@anonymous.invalid",
    ] {
        for claim in CLAIMS {
            let mut world = world();
            let call = invite(BOB, from, claim);
            world.raw("anna", &call);
            world.raw("anna", &call.replace("INVITE", "MESSAGE"));
            for method in [Method::Invite, Method::Message] {
                let request = arrived(&mut world, "desk", &method);
                assert!(identities(&request).is_empty(), "{from} {method} {claim}");
            }
            assert_eq!(told(&mut world, "desk"), [None], "{from} {claim}");
        }
    }
}

#[test]
fn a_call_that_is_sent_on_keeps_who_has_proven_to_call_and_no_claim() {
    for (from, asserted) in [
        (BOB, Some("<sip:bob@localhost>")),
        ("sip:anna@elsewhere.example", None),
    ] {
        let mut world = world();
        world.registered("office", "alice", Answers::Mute);
        let token = world.token("bob");
        let proof = asserted.map(|_| format!("Authorization: Bearer {token}\r\n"));
        let claims = format!("{}{}", proof.unwrap_or_default(), CLAIMS[0]);
        world.raw("anna", &invite(ALICE, from, &claims));
        let call = arrived(&mut world, "office", &Method::Invite);
        let moved = Response::reply_to(&call, 302, "Moved Temporarily", Some("b"))
            .with_header("Contact", "<sip:bob@localhost>");
        world.raw("office", &String::from_utf8_lossy(&moved.to_bytes()));
        let call = arrived(&mut world, "desk", &Method::Invite);
        assert_eq!(identities(&call), Vec::from_iter(asserted), "{from}");
    }
}
