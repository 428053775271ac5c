//! Calls out whose connection ends before they are answered, with the process or without it.

use sip::{Method, Request, Response};

use super::{
    ROUTE,
    challenge::{answered, calling, challenge, heard},
    registers,
};
use crate::{object::Object, testing::World, upstream::Upstream};

fn kept(world: &World) -> i64 {
    world.count(&Object::Upstream, "SELECT COUNT(*) FROM calls")
}

fn rings(world: &mut World, invite: &Request) {
    let ringing = Response::reply_to(invite, 180, "Ringing", Some("e"));
    world.proxy_says(&ringing.to_bytes());
}

fn name(request: &Request) -> (String, u32) {
    let via = request.top_via().expect("a Via");
    (
        format!("{} {}", via.sent_by(), via.branch()),
        request.cseq().0,
    )
}

/// Alice calls, is challenged, and Eve rings.
fn ringing() -> (World, Request, sip::user_agent::event::CallHandle) {
    let (mut world, call) = calling();
    let first = world.proxy_request("INVITE");
    world.proxy_says(&challenge(&first, 407, "n1", ""));
    let invite = world.proxy_request("INVITE");
    rings(&mut world, &invite);
    assert_eq!(kept(&world), 1);
    (world, invite, call)
}

/// Who was told, and that the call is cancelled over the next connection.
fn is_cancelled(mut world: World, invite: &Request) {
    assert_eq!(heard(&mut world), ["180 INVITE", "503 INVITE"]);
    let last = world.get("alice").received.last().cloned();
    let last = last.and_then(|message| message.as_response().cloned());
    let warning = last
        .expect("a response")
        .header("Warning")
        .map(str::to_owned);
    assert!(warning.expect("a warning").contains("was lost"));

    world.open_upstream_again();
    let cancel = world.proxy_request("CANCEL");
    assert_eq!(name(&cancel), name(invite), "RFC 3261 9.1");
    assert_eq!(
        (cancel.uri(), cancel.call_id()),
        (invite.uri(), invite.call_id())
    );
    assert_eq!(cancel.header("Proxy-Authorization"), None);
    assert_eq!(kept(&world), 0);
    registers(&mut world);

    let before = world.statuses("alice").len();
    world.proxy_says(&Response::reply_to(&cancel, 200, "OK", None).to_bytes());
    let gone = Response::reply_to(invite, 487, "Request Terminated", Some("e"));
    world.proxy_says(&gone.to_bytes());
    assert_eq!(name(&world.proxy_request("ACK")), name(invite));
    assert_eq!(world.statuses("alice").len(), before, "she knows");
}

#[test]
fn a_call_that_rings_when_the_process_dies_is_told_and_cancelled_by_the_next() {
    let (mut world, invite, _) = ringing();
    world.restart_upstream();
    world.tell_upstream_time();
    is_cancelled(world, &invite);
}

#[test]
fn a_call_that_rings_when_the_connection_breaks_is_told_at_once_and_cancelled_later() {
    let (mut world, invite, _) = ringing();
    world.lose_upstream();
    is_cancelled(world, &invite);
}

#[test]
fn whoever_answers_a_call_that_is_lost_is_hung_up() {
    let (mut world, invite, _) = ringing();
    world.lose_upstream();
    world.open_upstream_again();
    let before = world.statuses("alice").len();
    world.proxy_says(&answered(&invite));
    let (ack, bye) = (world.proxy_request("ACK"), world.proxy_request("BYE"));
    for request in [&ack, &bye] {
        assert_eq!(request.uri().to_string(), "sip:eve@elsewhere.test:5062");
        assert_eq!(request.header("Route"), Some(ROUTE));
        assert_eq!(request.from(), invite.from());
        assert_eq!(request.to().tag(), Some("e"));
        assert_eq!(request.call_id(), invite.call_id());
        assert_ne!(name(request).0, name(&invite).0, "RFC 3261 13.2.2.4");
    }
    assert_eq!(ack.cseq().0, invite.cseq().0);
    assert!(bye.cseq().0 > invite.cseq().0);
    let count = world.proxy_count();
    world.proxy_says(&Response::reply_to(&bye, 200, "OK", None).to_bytes());
    assert_eq!(world.proxy_count(), count, "that is all");
    assert_eq!(world.statuses("alice").len(), before, "she knows");
}

#[test]
fn a_call_that_was_given_up_or_answered_is_not_told_twice() {
    let (mut world, _, call) = ringing();
    world.act("alice", |agent, now| agent.hang_up(call, None, None, now));
    world.lose_upstream();
    assert_eq!(heard(&mut world).last().expect("an answer"), "487 INVITE");

    let (mut world, invite, _) = ringing();
    world.proxy_says(&answered(&invite));
    assert_eq!(kept(&world), 0, "nothing waits");
    world.lose_upstream();
    world.restart_upstream();
    world.tell_upstream_time();
    world.open_upstream_again();
    assert_eq!(heard(&mut world), ["180 INVITE", "200 INVITE"]);
    let cancelled = world
        .proxy_requests()
        .any(|request| *request.method() == Method::Cancel);
    assert!(!cancelled);
    assert!(world.has_upstream(Upstream::is_open));
}

#[test]
fn what_is_kept_of_a_call_holds_no_proof_and_not_for_long() {
    let (mut world, _, _) = ringing();
    let rows = world.rows(&Object::Upstream, "SELECT frame, attempt FROM calls");
    let frame = String::from_utf8(rows[0].blob(0)).expect("text");
    assert!(
        frame.starts_with("INVITE ") && !frame.contains("response="),
        "{frame}"
    );
    assert_eq!(rows[0].integer(1), 1);
    world.now_ms += 300_001;
    world.restart_upstream();
    world.tell_upstream_time();
    assert_eq!(kept(&world), 0);
    assert_eq!(heard(&mut world), ["180 INVITE"], "nobody waits so long");
}
