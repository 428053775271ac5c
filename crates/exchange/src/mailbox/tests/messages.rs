//! Lists, media, states, removal and its undo.

use super::{Bob, body, bytes, header, json, request};
use crate::{effect::Effect, front};

const DAY_MS: i64 = 86_400_000;

#[test]
fn pages_lead_through_all_messages_newest_first() {
    let bob = Bob::new();
    for index in 0..120 {
        bob.deposit(&format!("m{index}"), 10);
    }
    let mut after = String::new();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (_, page, _) = bob.call("GET", &format!("/mailbox/messages?after={after}"), "");
        let messages = page["messages"].as_array().expect("messages").clone();
        assert!(messages.len() <= 50);
        seen.extend(
            messages
                .iter()
                .map(|message| message["id"].as_str().expect("id").to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<String> = (0..120).rev().map(|index| format!("m{index}")).collect();
    assert_eq!(seen, expected);
}

#[test]
fn a_list_costs_the_same_number_of_statements_in_a_large_mailbox() {
    let cost = |messages: usize| {
        let bob = Bob::new();
        for index in 0..messages {
            bob.deposit(&format!("m{index}"), 1);
        }
        bob.sql.crash_at(None);
        bob.call("GET", "/mailbox/messages?limit=10", "");
        bob.sql.statements()
    };
    assert_eq!(cost(10), cost(1000));
}

#[test]
fn a_message_says_who_called_and_whether_that_is_proven() {
    let bob = Bob::new();
    bob.deposit("m1", 10);
    let (status, message, _) = bob.call("GET", "/mailbox/messages/m1", "");
    assert_eq!(status, 200);
    assert_eq!(message["from"], serde_json::Value::Null);
    assert_eq!(message["from_name"], "Anna");
    assert_eq!(message["from_verified"], false);
    assert_eq!(message["state"], "new");
    assert_eq!(message["duration_ms"], 8000);
    assert_eq!(message["waveform"], serde_json::json!([0, 50, 255]));
    assert_eq!(message["received_at"], deposit::time::rfc3339(bob.now_ms));
    assert_eq!(bob.call("GET", "/mailbox/messages/other", "").0, 404);
}

#[test]
fn lists_can_be_of_one_state() {
    let bob = Bob::new();
    bob.deposit("m1", 1);
    bob.deposit("m2", 1);
    bob.call("PATCH", "/mailbox/messages/m1", r#"{"state":"heard"}"#);
    for (state, expected) in [("new", "m2"), ("heard", "m1")] {
        let (_, list, _) = bob.call("GET", &format!("/mailbox/messages?state={state}"), "");
        assert_eq!(
            list["messages"].as_array().map(Vec::len),
            Some(1),
            "{state}"
        );
        assert_eq!(list["messages"][0]["id"], expected);
    }
    assert_eq!(bob.call("GET", "/mailbox/messages?state=lost", "").0, 422);
    assert_eq!(bob.call("GET", "/mailbox/messages?after=x", "").0, 422);
}

#[test]
fn states_move_counters_and_are_refused_when_unknown() {
    let bob = Bob::new();
    bob.deposit("m1", 10);
    let counts = || bob.call("GET", "/mailbox", "").1["counts"].clone();
    assert_eq!(
        counts(),
        serde_json::json!({"new": 1, "old": 0, "total": 1})
    );
    bob.call("PATCH", "/mailbox/messages/m1", r#"{"state":"heard"}"#);
    assert_eq!(
        counts(),
        serde_json::json!({"new": 0, "old": 1, "total": 1})
    );
    bob.call("PATCH", "/mailbox/messages/m1", r#"{"state":"saved"}"#);
    assert_eq!(
        counts(),
        serde_json::json!({"new": 0, "old": 1, "total": 1})
    );
    bob.call("PATCH", "/mailbox/messages/m1", r#"{"state":"new"}"#);
    assert_eq!(
        counts(),
        serde_json::json!({"new": 1, "old": 0, "total": 1})
    );
    assert_eq!(
        bob.call("PATCH", "/mailbox/messages/m1", r#"{"state":"lost"}"#)
            .0,
        422
    );
    assert_eq!(
        bob.call("PATCH", "/mailbox/messages/m1", r#"{"sate":"heard"}"#)
            .0,
        400
    );
}

#[test]
fn media_are_served_whole_and_in_ranges_over_row_borders() {
    let bob = Bob::new();
    let size = 1_000_020;
    bob.deposit("m1", size);
    let whole = bob
        .send(&request("GET", "/mailbox/messages/m1/media", ""))
        .0;
    assert_eq!(whole.status, 200);
    assert_eq!(body(&whole), bytes(size));
    assert_eq!(header(&whole, "content-type"), Some("audio/ogg"));
    assert_eq!(header(&whole, "x-content-type-options"), Some("nosniff"));
    assert_eq!(header(&whole, "accept-ranges"), Some("bytes"));
    for (range, first, last) in [
        ("bytes=10-19", 10, 19),
        ("bytes=999990-1000009", 999_990, 1_000_009),
        ("bytes=-5", size - 5, size - 1),
        ("bytes=1000000-", 1_000_000, size - 1),
    ] {
        let mut asked = request("GET", "/mailbox/messages/m1/media", "");
        asked.headers.push(("range".to_owned(), range.to_owned()));
        let part = bob.send(&asked).0;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(body(&part), bytes(size)[first..=last], "{range}");
        let expected = format!("bytes {first}-{last}/{size}");
        assert_eq!(header(&part, "content-range"), Some(expected.as_str()));
    }
    let mut beyond = request("GET", "/mailbox/messages/m1/media", "");
    beyond
        .headers
        .push(("range".to_owned(), format!("bytes={size}-")));
    let refused = bob.send(&beyond).0;
    assert_eq!(refused.status, 416);
    assert_eq!(json(&refused)["code"], "range_not_satisfiable");
    let (_, message, _) = bob.call("GET", "/mailbox/messages/m1", "");
    assert_eq!(message["state"], "new", "no GET changes the state");
}

#[test]
fn the_address_of_a_medium_opens_this_medium_only() {
    let bob = Bob::new();
    bob.deposit("m1", 10);
    bob.deposit("m2", 10);
    let with = |path: &str, resource: &str| {
        let mut asked = request("GET", path, "");
        asked.headers = vec![(front::RESOURCE.to_owned(), resource.to_owned())];
        let response = bob.send(&asked).0;
        (response.status, json(&response)["code"].clone())
    };
    assert_eq!(with("/mailbox/messages/m1/media", "m1/0").0, 200);
    let refused = with("/mailbox/messages/m2/media", "m1/0");
    assert_eq!(refused, (401, "token_foreign".into()));
    assert_eq!(with("/mailbox/messages/m1/media", "greeting").0, 401);
    let mut no_one = request("GET", "/mailbox/messages/m1/media", "");
    no_one.headers.clear();
    assert_eq!(bob.send(&no_one).0.status, 401);
}

#[test]
fn a_removed_message_can_be_restored_for_a_day() {
    let mut bob = Bob::new();
    bob.deposit("m1", 10);
    let (status, _, effects) = bob.call("DELETE", "/mailbox/messages/m1", "");
    assert_eq!(status, 204);
    assert!(
        matches!(effects.as_slice(), [Effect::Signal { .. }]),
        "the lamp goes out: {effects:?}"
    );
    assert_eq!(bob.listed(), Vec::<String>::new());
    assert_eq!(bob.call("GET", "/mailbox/messages/m1/media", "").0, 404);
    assert_eq!(bob.call("DELETE", "/mailbox/messages/m1", "").0, 404);
    bob.wait(DAY_MS - 1);
    assert_eq!(bob.call("POST", "/mailbox/messages/m1/restore", "").0, 200);
    assert_eq!(bob.listed(), ["m1"]);
    assert_eq!(bob.call("GET", "/mailbox", "").1["counts"]["new"], 1);
    bob.wait(DAY_MS * 2);
    assert_eq!(
        bob.listed(),
        ["m1"],
        "the undo also ended the removal's wake-up"
    );
}

#[test]
fn after_a_day_a_removed_message_is_gone_with_its_bytes() {
    let mut bob = Bob::new();
    bob.deposit("m1", 10);
    bob.call("DELETE", "/mailbox/messages/m1", "");
    assert_eq!(bob.call("GET", "/mailbox", "").1["storage"]["used"], 10);
    bob.wait(DAY_MS);
    assert_eq!(bob.call("POST", "/mailbox/messages/m1/restore", "").0, 404);
    assert_eq!(bob.call("GET", "/mailbox", "").1["storage"]["used"], 0);
    let left = bob.event(|sql, _| super::super::media::read(sql, "upload-m1", 0, 10));
    assert!(left.is_empty());
}

#[test]
fn retention_counts_from_heard_and_unheard_lives_three_times_as_long() {
    let mut bob = Bob::new();
    bob.deposit("heard", 1);
    bob.deposit("unheard", 1);
    bob.deposit("saved", 1);
    bob.call("PATCH", "/mailbox/messages/heard", r#"{"state":"heard"}"#);
    bob.call("PATCH", "/mailbox/messages/saved", r#"{"state":"saved"}"#);
    bob.wait(30 * DAY_MS - 1);
    assert_eq!(bob.listed(), ["saved", "unheard", "heard"]);
    bob.wait(1);
    assert_eq!(bob.listed(), ["saved", "unheard"]);
    bob.wait(60 * DAY_MS);
    assert_eq!(bob.listed(), ["saved"]);
    bob.wait(3650 * DAY_MS);
    assert_eq!(bob.listed(), ["saved"]);
}

#[test]
fn where_the_owner_wishes_it_a_delivered_message_is_removed() {
    let bob = Bob::new();
    bob.deposit("m1", 1);
    assert_eq!(
        bob.call(
            "PATCH",
            "/mailbox/settings",
            r#"{"delete_after_delivery":true}"#
        )
        .0,
        200
    );
    let other = format!(r#"{{"sha256":"{}"}}"#, "cd".repeat(32));
    assert_eq!(bob.call("PATCH", "/mailbox/messages/m1", &other).0, 409);
    assert_eq!(bob.listed(), ["m1"]);
    let same = format!(r#"{{"sha256":"{}"}}"#, "AB".repeat(32));
    assert_eq!(bob.call("PATCH", "/mailbox/messages/m1", &same).0, 200);
    assert_eq!(bob.listed(), Vec::<String>::new());
}

#[test]
fn a_crash_at_any_statement_of_a_removal_leaves_all_or_nothing() {
    for nth in 0..40 {
        let bob = Bob::new();
        bob.deposit("m1", 1);
        bob.sql.crash_at(Some(nth));
        let removal = request("DELETE", "/mailbox/messages/m1", "");
        let result = bob.try_event(|sql, context| super::super::on_http(sql, context, &removal));
        bob.sql.crash_at(None);
        let new = bob.call("GET", "/mailbox", "").1["counts"]["new"].clone();
        if result.is_ok() {
            assert_eq!((bob.listed().len(), new), (0, 0.into()));
            assert!(nth > 3, "the removal has several statements to crash at");
            return;
        }
        assert_eq!((bob.listed().len(), new), (1, 1.into()), "crash at {nth}");
    }
    panic!("the removal never came through");
}

#[test]
fn a_longer_retention_counts_for_messages_that_are_there_already() {
    let mut bob = Bob::new();
    bob.deposit("m1", 1);
    bob.call("PATCH", "/mailbox/messages/m1", r#"{"state":"heard"}"#);
    bob.call("PATCH", "/mailbox/settings", r#"{"retention_days":60}"#);
    bob.wait(60 * DAY_MS - 1);
    assert_eq!(bob.listed(), ["m1"]);
    bob.wait(1);
    assert_eq!(bob.listed(), Vec::<String>::new());
}
