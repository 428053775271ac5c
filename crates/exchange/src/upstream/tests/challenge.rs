//! A proxy that wants a proof of whom it serves.

use sip::{
    Method, Request, Response,
    digest::{Authorization, Ha1},
};

use super::{ROUTE, behind_a_proxy, diverted, inside, registered, registers};
use crate::{
    settings::Settings,
    testing::{OFFER, World},
    upstream::Standing,
};

const EVE: &str = "sip:eve@elsewhere.test";

/// A world with Alice, who calls elsewhere.
pub(super) fn calling() -> (World, sip::user_agent::event::CallHandle) {
    let mut world = registered();
    world.user("alice", "alice");
    let call = world.call("alice", EVE);
    (world, call)
}

pub(super) fn challenge(request: &Request, status: u16, nonce: &str, more: &str) -> Vec<u8> {
    let name = match status {
        401 => "WWW-Authenticate",
        _ => "Proxy-Authenticate",
    };
    let mut response = Response::reply_to(request, status, "Who Are You", Some("p"));
    for algorithm in ["MD5", "SHA-256"] {
        let value = format!(
            "Digest realm=\"proxy.test\", nonce=\"{nonce}\", qop=\"auth\", algorithm={algorithm}{more}"
        );
        response.add_header(name, &value);
    }
    response.to_bytes()
}

pub(super) fn answered(invite: &Request) -> Vec<u8> {
    let mut ok = Response::reply_to(invite, 200, "OK", Some("e"))
        .with_header("Record-Route", ROUTE)
        .with_header("Contact", "<sip:eve@elsewhere.test:5062>");
    ok.set_body("application/sdp", OFFER.as_bytes());
    ok.to_bytes()
}

fn ok(request: &Request) -> Vec<u8> {
    Response::reply_to(request, 200, "OK", None).to_bytes()
}

/// The nonce of the request's proof, which is right for it, and how often that nonce was used.
fn proof(request: &Request, field: &str) -> (String, u32) {
    let value = request
        .header(field)
        .unwrap_or_else(|| panic!("no {field}"));
    assert!(value.contains("algorithm=SHA-256"), "{value}");
    let Authorization::Digest(digest) = Authorization::parse(value) else {
        panic!("no digest: {value}");
    };
    let account = Ha1::new("voicemail", "proxy.test", "secret");
    assert!(digest.verify(&account, request), "{value}");
    (digest.nonce, digest.nonce_count)
}

fn proxy_proof(request: &Request) -> (String, u32) {
    proof(request, "Proxy-Authorization")
}

pub(super) fn branch(request: &Request) -> String {
    let via = request.top_via().expect("a Via");
    via.branch().to_owned()
}

fn number(request: &Request) -> u32 {
    request.cseq().0
}

/// What Alice got after her own server had let her in.
pub(super) fn heard(world: &mut World) -> Vec<String> {
    let all = world.statuses("alice");
    let own = all.iter().position(|status| status == "407 INVITE");
    own.map_or_else(Vec::new, |at| all[at + 1..].to_vec())
}

#[test]
fn a_challenged_call_is_repeated_with_a_proof_and_its_dialog_outlives_a_restart() {
    let (mut world, call) = calling();
    let first = world.proxy_request("INVITE");
    assert_eq!(first.header("Proxy-Authorization"), None);
    world.proxy_says(&challenge(&first, 407, "n1", ""));
    let ack = world.proxy_request("ACK");
    assert_eq!(
        (branch(&ack), number(&ack)),
        (branch(&first), number(&first))
    );
    assert_eq!(ack.to().tag(), Some("p"));
    let again = world.proxy_request("INVITE");
    assert_eq!(proxy_proof(&again), ("n1".to_owned(), 1));
    assert!(number(&again) > number(&first));
    assert_ne!(branch(&again), branch(&first));
    assert_eq!(again.call_id(), first.call_id());
    let count = world.proxy_count();
    world.proxy_says(&challenge(&first, 407, "n1", ""));
    assert_eq!(
        world.proxy_count(),
        count + 1,
        "only an ACK for what came twice"
    );
    assert_eq!(number(&world.proxy_request("ACK")), number(&first));

    world.proxy_says(&answered(&again));
    assert_eq!(
        heard(&mut world),
        ["200 INVITE"],
        "of the challenge nobody heard"
    );
    let ack = world.proxy_request("ACK");
    assert_eq!(number(&ack), number(&again));
    assert_eq!(ack.uri().to_string(), "sip:eve@elsewhere.test:5062");
    world.open_upstream();
    registers(&mut world);

    world.act("alice", |agent, now| agent.hang_up(call, None, None, now));
    let bye = world.proxy_request("BYE");
    assert!(number(&bye) > number(&again));
    assert_eq!(bye.uri().to_string(), "sip:eve@elsewhere.test:5062");
    world.proxy_says(&challenge(&bye, 407, "n2", ""));
    let repeated = world.proxy_request("BYE");
    assert!(number(&repeated) > number(&bye));
    assert_eq!(proxy_proof(&repeated), ("n2".to_owned(), 1));
    world.proxy_says(&ok(&repeated));
    assert_eq!(heard(&mut world), ["200 INVITE", "200 BYE"]);
}

#[test]
fn later_requests_show_their_proof_at_once() {
    let (mut world, call) = calling();
    let first = world.proxy_request("INVITE");
    world.proxy_says(&challenge(&first, 407, "n1", ""));
    let invite = world.proxy_request("INVITE");
    world.proxy_says(&answered(&invite));
    let ack = world.proxy_request("ACK");
    assert_eq!(
        ack.header("Proxy-Authorization"),
        invite.header("Proxy-Authorization"),
        "nobody can challenge an ACK"
    );
    world.act("alice", |agent, now| {
        agent.command(call, |call| call.propose("held", now))
    });
    let change = world.proxy_request("INVITE");
    assert_eq!(proxy_proof(&change), ("n1".to_owned(), 2));
    world.proxy_says(&challenge(&change, 407, "n2", ""));
    let repeated = world.proxy_request("INVITE");
    assert_eq!(proxy_proof(&repeated), ("n2".to_owned(), 1));
    assert!(number(&repeated) > number(&change) && number(&change) > number(&invite));
    world.proxy_says(&answered(&repeated));
    assert_eq!(number(&world.proxy_request("ACK")), number(&repeated));

    world.call("alice", EVE);
    let next = world.proxy_request("INVITE");
    assert_eq!(proxy_proof(&next), ("n2".to_owned(), 2));
    world.proxy_says(&answered(&next));
    assert_eq!(number(&world.proxy_request("ACK")), number(&next));
}

#[test]
fn a_stale_nonce_is_replaced_once_and_a_second_server_has_its_own_proof() {
    let (mut world, _) = calling();
    let stale = ", stale=true";
    let invite = world.proxy_request("INVITE");
    world.proxy_says(&challenge(&invite, 407, "n1", ""));
    let invite = world.proxy_request("INVITE");
    world.proxy_says(&challenge(&invite, 407, "n2", stale));
    let invite = world.proxy_request("INVITE");
    assert_eq!(proxy_proof(&invite), ("n2".to_owned(), 1));
    world.proxy_says(&challenge(&invite, 401, "n3", ""));
    let invite = world.proxy_request("INVITE");
    assert_eq!(proof(&invite, "Authorization"), ("n3".to_owned(), 1));
    assert_eq!(proxy_proof(&invite), ("n2".to_owned(), 1));
    world.proxy_says(&challenge(&invite, 407, "n4", stale));
    assert_eq!(heard(&mut world), ["503 INVITE"]);
}

#[test]
fn where_no_proof_helps_the_caller_hears_why_and_the_registration_stands() {
    let without_password = Settings::read(|name| match name {
        "AFTERBEEP_SIP_UPSTREAM" => Some(super::PROXY_URL.to_owned()),
        name => crate::settings::tests::value(name),
    });
    for (settings, tries, nonce) in [
        (behind_a_proxy(), 2, "n2"),
        (behind_a_proxy(), 2, "n1"),
        (without_password.expect("settings"), 1, "n1"),
    ] {
        let mut world = World::with_settings(settings);
        world.open_upstream();
        if tries > 1 {
            registers(&mut world);
        } else {
            let register = world.proxy_request("REGISTER");
            world.proxy_says(&ok(&register));
        }
        world.user("alice", "alice");
        world.call("alice", EVE);
        for number in 1..=tries {
            let invite = world.proxy_request("INVITE");
            let nonce = if number == 1 { "n1" } else { nonce };
            world.proxy_says(&challenge(&invite, 407, nonce, ""));
        }
        assert_eq!(heard(&mut world), ["503 INVITE"]);
        let last = world.get("alice").received.last().cloned();
        let last = last.and_then(|message| message.as_response().cloned());
        let warning = last.expect("a response");
        let warning = warning.header("Warning").expect("a warning").to_owned();
        assert!(
            warning.contains("does not accept the credentials"),
            "{warning}"
        );
        let (ack, invite) = (world.proxy_request("ACK"), world.proxy_request("INVITE"));
        assert_eq!(
            (branch(&ack), number(&ack)),
            (branch(&invite), number(&invite))
        );
        assert_eq!(world.standing(), Standing::Registered);
    }
}

#[test]
fn a_call_that_was_cancelled_before_its_challenge_is_not_repeated() {
    let (mut world, call) = calling();
    let invite = world.proxy_request("INVITE");
    let ringing = Response::reply_to(&invite, 183, "Session Progress", Some("e"));
    world.proxy_says(&ringing.to_bytes());
    world.act("alice", |agent, now| agent.hang_up(call, None, None, now));
    world.proxy_says(&challenge(&invite, 407, "n1", ""));
    assert_eq!(world.proxy_request("INVITE"), invite);
    assert_eq!(heard(&mut world), ["183 INVITE", "487 INVITE"]);
    let ack = world.proxy_request("ACK");
    assert_eq!(
        (branch(&ack), number(&ack)),
        (branch(&invite), number(&invite))
    );
}

#[test]
fn a_cancel_follows_the_attempt_that_is_under_way() {
    let (mut world, call) = calling();
    let invite = world.proxy_request("INVITE");
    world.proxy_says(&challenge(&invite, 407, "n1", ""));
    let invite = world.proxy_request("INVITE");
    let ringing = Response::reply_to(&invite, 180, "Ringing", Some("e"));
    world.proxy_says(&ringing.to_bytes());
    world.act("alice", |agent, now| agent.hang_up(call, None, None, now));
    let cancel = world.proxy_request("CANCEL");
    assert_eq!(
        (branch(&cancel), number(&cancel)),
        (branch(&invite), number(&invite))
    );
    world.proxy_says(&ok(&cancel));
    let gone = Response::reply_to(&invite, 487, "Request Terminated", Some("e"));
    world.proxy_says(&gone.to_bytes());
    let ack = world.proxy_request("ACK");
    assert_eq!(
        (branch(&ack), number(&ack)),
        (branch(&invite), number(&invite))
    );
}

#[test]
fn a_voicemail_proves_who_says_where_to_upload_and_that_it_ends() {
    let mut world = registered();
    world.proxy_says(&diverted("sip:bob@localhost", &[]).to_bytes());
    let answer = world.proxy_response();
    world.proxy_says(&inside(&Method::Ack, &answer, 1).to_bytes());
    let info = world.proxy_request("INFO");
    world.proxy_says(&challenge(&info, 407, "n1", ""));
    let repeated = world.proxy_request("INFO");
    assert!(number(&repeated) > number(&info));
    assert_eq!(proxy_proof(&repeated), ("n1".to_owned(), 1));
    world.proxy_says(&ok(&repeated));
    let mut skip = inside(&Method::Info, &answer, 2);
    skip.set_body("application/dtmf-relay", b"Signal=#\r\n");
    world.proxy_says(&skip.to_bytes());
    let bye = world.proxy_request("BYE");
    assert!(number(&bye) > number(&repeated));
    assert_eq!(proxy_proof(&bye), ("n1".to_owned(), 2));
    let count = world.proxy_count();
    world.proxy_says(&ok(&bye));
    assert_eq!(world.proxy_count(), count, "it is over");
    assert_eq!(world.sessions.len(), 1);
}
