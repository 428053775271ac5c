//! Who gets a session, and how it ends.

use deposit::token::verify_session;

use super::{super::session, Bob, anna};
use crate::{effect::Effect, signal::Caller};

fn issue(bob: &Bob, caller: &Caller) -> Result<session::Issued, session::IssueRefusal> {
    bob.event(|sql, context| session::issue(sql, context, caller, "voice"))
}

#[test]
fn a_session_has_a_signed_token_and_a_row() {
    let bob = Bob::new();
    let issued = issue(&bob, &anna()).expect("issued");
    let claims = verify_session(&issued.token, &bob.settings.token_keys).expect("token");
    assert_eq!(claims.session(), issued.session_id);
    assert_eq!(claims.mailbox, super::BOB);
    assert_eq!(claims.expires_at_ms, issued.expires_at_ms);
    assert_eq!(issued.upload_url, "http://127.0.0.1:8787/deposits");
    assert_eq!(issued.max_duration_s, 300);
    let stored = bob
        .event(|sql, _| session::find(sql, &issued.session_id))
        .expect("row");
    assert_eq!(stored.caller, anna());
    assert_eq!(stored.state, session::SessionState::Pending);
    let [
        Effect::PutSession {
            key,
            value,
            expires_at_ms,
        },
    ] = issued.effects.as_slice()
    else {
        panic!("the store is written");
    };
    assert_eq!(*key, format!("session:{}", issued.session_id));
    assert_eq!(*expires_at_ms, issued.expires_at_ms);
    assert!(!crate::front::is_revoked(value));
}

#[test]
fn a_revoked_session_stays_revoked_and_the_store_says_so() {
    let bob = Bob::new();
    let issued = issue(&bob, &anna()).expect("issued");
    let path = format!("/mailbox/sessions/{}/revoke", issued.session_id);
    let (status, _, effects) = bob.call("POST", &path, "");
    assert_eq!(status, 204);
    let [Effect::PutSession { value, .. }] = effects.as_slice() else {
        panic!("the store is written: {effects:?}");
    };
    assert!(crate::front::is_revoked(value));
    let stored = bob
        .event(|sql, _| session::find(sql, &issued.session_id))
        .expect("row");
    assert_eq!(stored.state, session::SessionState::Revoked);
    assert_eq!(bob.call("POST", "/mailbox/sessions/none/revoke", "").0, 404);
}

#[test]
fn a_blocked_caller_gets_no_session_and_loses_the_present_ones() {
    let bob = Bob::new();
    let alice = Caller {
        address: Some("sip:alice@localhost".to_owned()),
        verified: true,
        ..Caller::default()
    };
    let before = issue(&bob, &alice).expect("issued");
    let (status, _, effects) = bob.call(
        "POST",
        "/mailbox/blocks",
        r#"{"address":"SIP:Alice@127.0.0.1"}"#,
    );
    assert_eq!((status, effects.len()), (204, 1));
    let stored = bob
        .event(|sql, _| session::find(sql, &before.session_id))
        .expect("row");
    assert_eq!(stored.state, session::SessionState::Revoked);
    assert_eq!(issue(&bob, &alice), Err(session::IssueRefusal::Blocked));
    assert!(issue(&bob, &anna()).is_ok(), "others still may");
    assert_eq!(
        bob.call("GET", "/mailbox/blocks", "").1["blocks"][0]["address"],
        "sip:alice@localhost"
    );
    assert_eq!(
        bob.call("DELETE", "/mailbox/blocks/sip%3Aalice%40localhost", "")
            .0,
        204
    );
    assert!(issue(&bob, &alice).is_ok());
}

#[test]
fn one_network_cannot_use_up_the_mailbox_for_others() {
    let mut bob = Bob::new();
    bob.settings.limit_sessions_per_hour = 2;
    bob.settings.limit_mailbox_sessions_per_hour = 3;
    let other = Caller {
        network: Some("198.51.100.1".to_owned()),
        ..anna()
    };
    for _ in 0..2 {
        assert!(issue(&bob, &anna()).is_ok());
    }
    assert_eq!(issue(&bob, &anna()), Err(session::IssueRefusal::Limited));
    assert!(issue(&bob, &other).is_ok());
    assert_eq!(
        issue(&bob, &other),
        Err(session::IssueRefusal::Limited),
        "the mailbox's own limit"
    );
    bob.wait(3_600_000);
    assert!(issue(&bob, &anna()).is_ok(), "an hour later");
}

#[test]
fn a_full_mailbox_gives_no_session() {
    let mut bob = Bob::new();
    bob.settings.mailbox_quota_bytes = 10;
    assert!(issue(&bob, &anna()).is_ok());
    bob.deposit("m1", 10);
    assert_eq!(issue(&bob, &anna()), Err(session::IssueRefusal::Full));
}

#[test]
fn rows_outlive_their_token_by_thirty_days_and_no_more() {
    let mut bob = Bob::new();
    let issued = issue(&bob, &anna()).expect("issued");
    let day = 86_400_000;
    bob.wait(bob.settings.session_ttl_ms + 30 * day - 1_000);
    assert!(
        bob.event(|sql, _| session::find(sql, &issued.session_id))
            .is_some()
    );
    bob.wait(2 * day);
    assert!(
        bob.event(|sql, _| session::find(sql, &issued.session_id))
            .is_none()
    );
}
