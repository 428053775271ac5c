//! Sign-ins of the owner, and what the owner chooses.

use super::{super::session, Bob, anna, json, request};
use crate::{front, signal::Signal};

fn as_generation(bob: &Bob, generation: &str) -> (u16, serde_json::Value) {
    let mut asked = request("GET", "/mailbox", "");
    asked.headers = vec![(front::GENERATION.to_owned(), generation.to_owned())];
    let response = bob.send(&asked).0;
    (response.status, json(&response)["code"].clone())
}

#[test]
fn a_changed_password_ends_older_sign_ins() {
    let bob = Bob::new();
    assert_eq!(as_generation(&bob, "1").0, 200);
    bob.signal(Signal::AccountChanged {
        display_name: "Bob".to_owned(),
        generation: 2,
    });
    assert_eq!(as_generation(&bob, "1"), (401, "signed_out".into()));
    assert_eq!(as_generation(&bob, "2").0, 200);
    assert_eq!(as_generation(&bob, "x").0, 401);
}

#[test]
fn a_newer_sign_in_is_believed_before_the_news_arrive_and_ends_the_older_one() {
    let bob = Bob::new();
    assert_eq!(as_generation(&bob, "3").0, 200);
    assert_eq!(as_generation(&bob, "2"), (401, "signed_out".into()));
    bob.signal(Signal::AccountChanged {
        display_name: "Bob".to_owned(),
        generation: 2,
    });
    assert_eq!(
        as_generation(&bob, "2").0,
        401,
        "late news of an older change change nothing"
    );
}

#[test]
fn settings_change_by_name_and_are_checked() {
    let bob = Bob::new();
    let (status, settings, _) = bob.call(
        "PATCH",
        "/mailbox/settings",
        r#"{"info_timing":"after","retention_days":7,"answer":"call_back"}"#,
    );
    assert_eq!(status, 200);
    assert_eq!(settings["answer"], "call_back");
    assert_eq!(
        settings["instruction"], "info",
        "what nobody chose is shown too"
    );
    assert_eq!(
        (
            settings["info_timing"].as_str(),
            settings["retention_days"].as_i64()
        ),
        (Some("after"), Some(7))
    );
    for wrong in [
        r#"{"info_timing":"sometimes"}"#,
        r#"{"answer":"never"}"#,
        r#"{"retention_days":0}"#,
        r#"{"unknown":1}"#,
    ] {
        let (status, problem, _) = bob.call("PATCH", "/mailbox/settings", wrong);
        assert_eq!(
            (status, problem["code"].as_str()),
            (422, Some("invalid_field")),
            "{wrong}"
        );
    }
    bob.call("PATCH", "/mailbox/settings", r#"{"retention_days":null}"#);
    let (_, mailbox, _) = bob.call("GET", "/mailbox", "");
    assert_eq!(mailbox["settings"]["info_timing"], "after");
    assert_eq!(
        mailbox["settings"]["retention_days"],
        serde_json::Value::Null
    );
}

#[test]
fn a_body_that_is_no_json_is_a_bad_request() {
    let bob = Bob::new();
    let (status, problem, _) = bob.call("POST", "/mailbox/blocks", "{");
    assert_eq!(
        (status, problem["code"].as_str()),
        (400, Some("bad_request"))
    );
}

#[test]
fn an_erased_mailbox_is_empty_at_once_and_free_soon() {
    let mut bob = Bob::new();
    for index in 0..120 {
        bob.deposit(&format!("m{index}"), 10);
    }
    bob.call("DELETE", "/mailbox/messages/m0", "");
    bob.call(
        "POST",
        "/mailbox/blocks",
        r#"{"address":"sip:alice@localhost"}"#,
    );
    bob.call("PATCH", "/mailbox/settings", r#"{"greeting":"none"}"#);
    let issued = bob.event(|sql, context| session::issue(sql, context, &anna(), "voice"));
    let issued = issued.expect("issued");
    assert_eq!(bob.call("DELETE", "/mailbox", "").0, 204);
    let (_, mailbox, _) = bob.call("GET", "/mailbox", "");
    assert_eq!(mailbox["counts"]["total"], 0);
    assert_eq!(mailbox["blocks"], serde_json::json!([]));
    assert_eq!(mailbox["settings"]["greeting"], "personal");
    assert_eq!(bob.listed(), Vec::<String>::new());
    assert_eq!(bob.call("POST", "/mailbox/messages/m1/restore", "").0, 404);
    let row = bob.event(|sql, _| session::find(sql, &issued.session_id));
    assert_eq!(row.expect("row").state, session::SessionState::Revoked);
    for _ in 0..5 {
        bob.wait(1);
    }
    let left = bob.event(|sql, _| sql.query("SELECT COUNT(*) FROM media_chunks", &[]));
    assert_eq!(left[0].integer(0), 0);
    let (_, mailbox, _) = bob.call("GET", "/mailbox", "");
    assert_eq!(mailbox["storage"]["used"], 0);
}
