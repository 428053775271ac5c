//! Challenges in realms that may be anybody's: only the proxy itself gets a proof.

use sip::{
    Request, Response,
    digest::{Authorization, Ha1},
};

use super::{
    PROXY_URL,
    challenge::{answered, branch, calling, challenge, heard},
    registers,
};
use crate::{
    settings::{Settings, tests::value},
    testing::World,
};

/// A challenge in this realm.
fn asks(request: &Request, status: u16, realm: &str, nonce: &str) -> Vec<u8> {
    let text = challenge(request, status, nonce, "");
    let text = String::from_utf8(text).expect("text");
    text.replace("proxy.test", realm).into_bytes()
}

fn says(request: &Request, status: u16, reason: &str) -> Vec<u8> {
    Response::reply_to(request, status, reason, Some("p")).to_bytes()
}

/// The realm and nonce of a proof by the configured user.
fn proof(request: &Request, field: &str) -> Option<(String, String)> {
    let Authorization::Digest(digest) = Authorization::parse(request.header(field)?) else {
        panic!("no digest: {request:?}");
    };
    let realm = digest.realm.clone();
    assert!(digest.verify(&Ha1::new("voicemail", &realm, "secret"), request));
    Some((realm, digest.nonce))
}

fn has_proof(request: &Request) -> bool {
    request.header("Authorization").is_some() || request.header("Proxy-Authorization").is_some()
}

#[test]
fn whoever_is_called_gets_no_proof_in_a_realm_of_its_own() {
    for status in [407, 401] {
        let (mut world, _) = calling();
        let first = world.proxy_request("INVITE");
        world.proxy_says(&asks(&first, status, "eve.test", "n1"));
        let probe = world.proxy_request("INVITE");
        assert_eq!(probe.max_forwards(), 0, "nobody behind the proxy sees it");
        assert_eq!(probe.uri(), first.uri());
        assert!(probe.cseq().0 > first.cseq().0 && !has_proof(&probe));
        let count = world.proxy_count();
        world.proxy_says(&says(&probe, 483, "Too Many Hops"));
        assert_eq!(heard(&mut world), ["503 INVITE"], "{status}");
        assert_eq!(world.proxy_count(), count + 1, "the ACK");
        let ack = world.proxy_request("ACK");
        assert_eq!(ack.cseq().0, probe.cseq().0);
        assert_eq!(branch(&ack), branch(&probe), "RFC 3261 17.1.1.3");
        assert!(world.told[0].contains("\"eve.test\""), "{:?}", world.told);
    }
}

#[test]
fn a_realm_in_which_the_proxy_itself_asks_is_learned_and_asked_for_once() {
    let (mut world, _) = calling();
    let first = world.proxy_request("INVITE");
    world.proxy_says(&asks(&first, 407, "toll.test", "n1"));
    let probe = world.proxy_request("INVITE");
    world.proxy_says(&asks(&probe, 407, "toll.test", "n2"));
    let invite = world.proxy_request("INVITE");
    let own = |nonce: &str| Some(("toll.test".to_owned(), nonce.to_owned()));
    assert_eq!(proof(&invite, "Proxy-Authorization"), own("n2"));
    assert_eq!(invite.max_forwards(), first.max_forwards());
    assert!(invite.cseq().0 > probe.cseq().0);
    world.proxy_says(&answered(&invite));
    assert_eq!(heard(&mut world), ["200 INVITE"]);

    world.call("alice", "sip:fred@toll-free.test");
    let next = world.proxy_request("INVITE");
    assert!(
        !has_proof(&next),
        "the proxy did not ask for calls to there"
    );
    world.proxy_says(&asks(&next, 407, "toll.test", "n3"));
    let next = world.proxy_request("INVITE");
    assert_eq!(proof(&next, "Proxy-Authorization"), own("n3"));
    assert!(world.told.is_empty());
}

#[test]
fn a_callee_who_asks_in_a_foreign_realm_behind_a_proxy_that_asked_in_its_own_gets_nothing() {
    let (mut world, _) = calling();
    let first = world.proxy_request("INVITE");
    world.proxy_says(&challenge(&first, 407, "n1", ""));
    let proven = world.proxy_request("INVITE");
    world.proxy_says(&asks(&proven, 401, "eve.test", "e1"));
    let probe = world.proxy_request("INVITE");
    assert_eq!(probe.max_forwards(), 0);
    world.proxy_says(&challenge(&probe, 407, "n2", ", stale=true"));
    let again = world.proxy_request("INVITE");
    assert_eq!(again.header("Authorization"), None);
    world.proxy_says(&asks(&again, 401, "eve.test", "e2"));
    assert_eq!(heard(&mut world), ["503 INVITE"]);
}

/// The answer of a callee who knows the first attempt, and guesses how the one that asks the proxy looks.
fn guessed(first: &Request, probe: &Request, attempt: &str, answer: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(answer.to_vec()).expect("text");
    let guess = format!("{}~{attempt}", branch(first));
    text.replace(&branch(probe), &guess).into_bytes()
}

#[test]
fn whoever_is_called_cannot_answer_in_the_place_of_the_proxy() {
    for attempt in ["1", "1.", "2", "3", "7", "1.0000000000000000"] {
        let (mut world, _) = calling();
        let first = world.proxy_request("INVITE");
        world.proxy_says(&asks(&first, 401, "eve.test", "n1"));
        let probe = world.proxy_request("INVITE");
        let (heard_before, count) = (heard(&mut world), world.proxy_count());
        for answer in [
            asks(&probe, 407, "eve.test", "n2"),
            says(&probe, 180, "Ringing"),
            says(&probe, 603, "Decline"),
        ] {
            world.proxy_says(&guessed(&first, &probe, attempt, &answer));
        }
        assert_eq!(world.proxy_count(), count, "{attempt}: no proof, no ACK");
        assert_eq!(heard(&mut world), heard_before, "{attempt}");
        world.proxy_says(&asks(&probe, 407, "proxy.test", "n3"));
        let invite = world.proxy_request("INVITE");
        let own = Some(("proxy.test".to_owned(), "n3".to_owned()));
        assert_eq!(proof(&invite, "Proxy-Authorization"), own, "{attempt}");
    }
}

#[test]
fn nobody_pushes_out_the_realm_of_the_registration() {
    let (mut world, _) = calling();
    for realm in 0..6 {
        world.call("alice", "sip:eve@elsewhere.test");
        let first = world.proxy_request("INVITE");
        let realm = format!("toll{realm}.test");
        world.proxy_says(&asks(&first, 407, &realm, "n1"));
        let probe = world.proxy_request("INVITE");
        assert_eq!(probe.max_forwards(), 0);
        world.proxy_says(&asks(&probe, 407, &realm, "n2"));
        world.proxy_says(&answered(&world.proxy_request("INVITE")));
    }
    world.call("alice", "sip:fred@elsewhere2.test");
    let next = world.proxy_request("INVITE");
    world.proxy_says(&challenge(&next, 407, "n3", ""));
    let next = world.proxy_request("INVITE");
    let own = Some(("proxy.test".to_owned(), "n3".to_owned()));
    assert_eq!(proof(&next, "Proxy-Authorization"), own);
}

#[test]
fn what_looks_like_an_answer_to_a_registration_teaches_nothing() {
    let (mut world, _) = calling();
    let stray = asks(&world.proxy_request("REGISTER"), 401, "eve.test", "n1");
    world.proxy_says(&stray);
    let first = world.proxy_request("INVITE");
    world.proxy_says(&asks(&first, 407, "eve.test", "n2"));
    let next = world.proxy_request("INVITE");
    assert_eq!((next.max_forwards(), has_proof(&next)), (0, false));
}

#[test]
fn the_operator_may_name_realms_of_the_proxy() {
    let settings = Settings::read(|name| match name {
        "AFTERBEEP_SIP_UPSTREAM" => Some(PROXY_URL.to_owned()),
        "AFTERBEEP_SIP_UPSTREAM_PASSWORD" => Some("secret".to_owned()),
        "AFTERBEEP_SIP_UPSTREAM_REALMS" => Some("calls.test, The Toll ,".to_owned()),
        name => value(name),
    });
    for realm in ["calls.test", "The Toll"] {
        let mut world = World::with_settings(settings.clone().expect("settings"));
        world.open_upstream();
        registers(&mut world);
        world.user("alice", "alice");
        world.call("alice", "sip:eve@elsewhere.test");
        let first = world.proxy_request("INVITE");
        world.proxy_says(&asks(&first, 401, realm, "n1"));
        let invite = world.proxy_request("INVITE");
        let own = Some((realm.to_owned(), "n1".to_owned()));
        assert_eq!(proof(&invite, "Authorization"), own);
    }
}

#[test]
fn after_somebody_rang_a_challenge_is_not_the_proxys_whatever_it_says() {
    let (mut world, _) = calling();
    let first = world.proxy_request("INVITE");
    world.proxy_says(&says(&first, 180, "Ringing"));
    world.proxy_says(&challenge(&first, 407, "n1", ""));
    assert_eq!(world.proxy_request("INVITE"), first);
    assert_eq!(heard(&mut world), ["180 INVITE", "503 INVITE"]);
}

#[test]
fn a_caller_who_hangs_up_while_the_proxy_is_asked_is_told_so() {
    let (mut world, call) = calling();
    let first = world.proxy_request("INVITE");
    world.proxy_says(&says(&first, 100, "Trying"));
    world.proxy_says(&asks(&first, 407, "toll.test", "n1"));
    let probe = world.proxy_request("INVITE");
    assert_eq!(probe.max_forwards(), 0, "100 is the proxy's own word");
    world.act("alice", |agent, now| agent.hang_up(call, None, None, now));
    assert_eq!(branch(&world.proxy_request("CANCEL")), branch(&probe));
    world.proxy_says(&says(&probe, 483, "Too Many Hops"));
    assert_eq!(heard(&mut world).last().expect("an answer"), "487 INVITE");
}

#[test]
fn without_a_password_nobody_is_asked() {
    let settings = Settings::read(|name| match name {
        "AFTERBEEP_SIP_UPSTREAM_PASSWORD" => None,
        "AFTERBEEP_SIP_UPSTREAM" => Some(PROXY_URL.to_owned()),
        name => value(name),
    });
    let mut world = World::with_settings(settings.expect("settings"));
    world.open_upstream();
    let register = world.proxy_request("REGISTER");
    world.proxy_says(&says(&register, 200, "OK"));
    world.user("alice", "alice");
    world.call("alice", "sip:eve@elsewhere.test");
    let first = world.proxy_request("INVITE");
    world.proxy_says(&asks(&first, 407, "toll.test", "n1"));
    assert_eq!(world.proxy_request("INVITE"), first);
    assert_eq!(heard(&mut world), ["503 INVITE"]);
}
