//! Telephones and webhooks are told, once, whatever happens in between.

use deposit::webhook::{Secret, verify};

use super::{BOB, Bob};
use crate::{
    effect::Effect,
    object::Object,
    signal::{Reply, Signal},
    testing::Memory,
};

const HOOK: &str = r#"{"url":"http://127.0.0.1:9999/hook"}"#;

struct Post {
    tag: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Post {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        &found.expect(name).1
    }
}

fn posts(effects: Vec<Effect>) -> Vec<Post> {
    let post = |effect| match effect {
        Effect::Post {
            tag, headers, body, ..
        } => Some(Post { tag, headers, body }),
        _ => None,
    };
    effects.into_iter().filter_map(post).collect()
}

fn answer(bob: &Bob, post: &Post, status: u16, retry_after_s: Option<u32>) {
    bob.signal(Signal::Posted {
        tag: post.tag.clone(),
        status,
        retry_after_s,
    });
}

#[test]
fn a_webhook_down_three_times_then_up_is_delivered_once_by_id() {
    let mut bob = Bob::new();
    let (status, hook, _) = bob.call("POST", "/mailbox/webhooks", HOOK);
    assert_eq!(status, 201);
    let secret = Secret::parse(hook["secret"].as_str().expect("secret")).expect("whsec");
    let mut tries = posts(bob.deposit("m1", 10));
    for delay in [1_000, 2_000, 4_000] {
        assert_eq!(tries.len(), 1);
        let post = tries.remove(0);
        assert_eq!(
            post.header("webhook-id"),
            format!("msg_m1_{}", hook["id"].as_str().expect("id"))
        );
        let timestamp: i64 = post.header("webhook-timestamp").parse().expect("seconds");
        assert_eq!(timestamp, bob.now_ms / 1000, "every try is signed anew");
        let signature = post.header("webhook-signature").to_owned();
        let id = post.header("webhook-id").to_owned();
        assert!(verify(
            &secret, &id, timestamp, &post.body, &signature, timestamp
        ));
        answer(&bob, &post, 503, None);
        assert!(
            posts(bob.wait(delay - 1)).is_empty(),
            "not before {delay} ms"
        );
        tries = posts(bob.wait(1 + delay / 5));
    }
    answer(&bob, &tries[0], 204, None);
    let body: serde_json::Value = serde_json::from_slice(&tries[0].body).expect("JSON");
    assert_eq!(body["type"], "message.deposited");
    assert_eq!(body["data"]["mailbox"], BOB);
    assert_eq!(body["data"]["message_id"], "m1");
    assert_eq!(body["data"]["from_verified"], false);
    for _ in 0..20 {
        assert!(
            posts(bob.wait(86_400_000)).is_empty(),
            "nothing after success"
        );
    }
}

#[test]
fn a_restart_between_post_and_answer_repeats_the_same_id_and_body() {
    let folder = std::env::temp_dir().join(format!("afterbeep-outbox-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("folder");
    let path = folder.join("mailbox.sqlite");
    let first = {
        let bob = Bob::on(Memory::open(&path));
        bob.call("POST", "/mailbox/webhooks", HOOK);
        posts(bob.deposit("m1", 10)).remove(0)
    };
    let mut bob = Bob::on(Memory::open(&path));
    let again = posts(bob.wait(60_000)).remove(0);
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    assert_eq!(again.body, first.body);
    drop(bob);
    std::fs::remove_dir_all(&folder).expect("clean up");
}

#[test]
fn tries_end_after_ten_over_a_day() {
    let mut bob = Bob::new();
    bob.call("POST", "/mailbox/webhooks", HOOK);
    let mut open = posts(bob.deposit("m1", 10));
    let start = bob.now_ms;
    let (mut tries, mut last) = (0, start);
    while let Some(post) = open.pop() {
        tries += 1;
        last = bob.now_ms;
        answer(&bob, &post, 500, None);
        for _ in 0..2000 {
            open = posts(bob.wait(60_000));
            if !open.is_empty() {
                break;
            }
        }
    }
    assert_eq!(tries, 10);
    let hours = (last - start) / 3_600_000;
    assert!((20..30).contains(&hours), "{hours} hours");
}

#[test]
fn retry_after_is_honoured_and_410_ends_the_webhook() {
    let mut bob = Bob::new();
    bob.call("POST", "/mailbox/webhooks", HOOK);
    let post = posts(bob.deposit("m1", 10)).remove(0);
    answer(&bob, &post, 429, Some(600));
    assert!(posts(bob.wait(599_999)).is_empty());
    let post = posts(bob.wait(70_000)).remove(0);
    answer(&bob, &post, 410, None);
    assert_eq!(
        bob.call("GET", "/mailbox/webhooks", "").1["webhooks"],
        serde_json::json!([])
    );
    assert!(posts(bob.wait(86_400_000)).is_empty());
}

#[test]
fn a_removed_webhook_gets_nothing_more() {
    let mut bob = Bob::new();
    let (_, hook, _) = bob.call("POST", "/mailbox/webhooks", HOOK);
    bob.deposit("m1", 10);
    let path = format!("/mailbox/webhooks/{}", hook["id"].as_str().expect("id"));
    assert_eq!(bob.call("DELETE", &path, "").0, 204);
    assert_eq!(bob.call("DELETE", &path, "").0, 404);
    assert!(posts(bob.wait(86_400_000)).is_empty());
}

#[test]
fn unsafe_webhook_addresses_are_refused() {
    let mut bob = Bob::new();
    bob.settings.loopback_webhooks = false;
    for url in [
        "http://example.com/hook",
        "https://127.0.0.1/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://user:secret@example.com/",
    ] {
        let body = serde_json::json!({ "url": url }).to_string();
        let (status, problem, _) = bob.call("POST", "/mailbox/webhooks", &body);
        assert_eq!(
            (status, problem["code"].as_str()),
            (422, Some("unsafe_url")),
            "{url}"
        );
    }
}

#[test]
fn the_lamp_is_told_again_until_the_line_took_the_newest_counts() {
    let mut bob = Bob::new();
    let summary = |effects: &[Effect]| match effects {
        [Effect::Signal { to, signal, tag }] => {
            assert_eq!(*to, Object::Line(BOB.to_owned()));
            (*signal.clone(), tag.clone())
        }
        other => panic!("one signal expected: {other:?}"),
    };
    let (_, old_tag) = summary(&bob.deposit("m1", 1));
    let (signal, tag) = summary(&bob.deposit("m2", 1));
    assert_eq!(signal, Signal::MessageSummary { new: 2, old: 0 });
    let reply = |bob: &Bob, tag: &str, reply| {
        bob.signal(Signal::Replied {
            tag: tag.to_owned(),
            reply,
        })
    };
    reply(&bob, &old_tag, Reply::Done);
    reply(
        &bob,
        &tag,
        Reply::Failed {
            code: "timeout".to_owned(),
        },
    );
    let (signal, tag) = summary(&bob.wait(2_000));
    assert_eq!(signal, Signal::MessageSummary { new: 2, old: 0 });
    assert_eq!(summary(&bob.wait(0)).1, tag, "no reply yet: again");
    let outcome = bob.signal(Signal::Replied {
        tag,
        reply: Reply::Done,
    });
    let (tag, _) = directory_row(&outcome);
    reply(&bob, &tag, Reply::Done);
    assert_eq!(bob.wait(100_000), Vec::new());
}

/// Tag and facts of the one signal to a directory.
fn directory_row(effects: &[Effect]) -> (String, serde_json::Value) {
    let [
        Effect::Signal {
            to: Object::Directory(_),
            signal,
            tag,
        },
    ] = effects
    else {
        panic!("one row of news: {effects:?}");
    };
    let Signal::DirectoryRow { facts, .. } = signal.as_ref() else {
        panic!("a row: {signal:?}");
    };
    (tag.clone(), serde_json::from_str(facts).expect("JSON"))
}

#[test]
fn the_directory_learns_counters_in_one_piece() {
    let mut bob = Bob::new();
    bob.deposit("m1", 7);
    bob.deposit("m2", 7);
    let done = |bob: &Bob, tag: String| {
        let reply = Reply::Done;
        bob.signal(Signal::Replied { tag, reply })
    };
    let line = |bob: &mut Bob, ms| match bob.wait(ms).as_slice() {
        [Effect::Signal { tag, .. }] => tag.clone(),
        other => panic!("the line comes first: {other:?}"),
    };
    let tag = line(&mut bob, 61_000);
    let (tag, facts) = directory_row(&done(&bob, tag));
    assert_eq!(
        (facts["new"].as_i64(), facts["bytes_used"].as_i64()),
        (Some(2), Some(14))
    );
    bob.deposit("m3", 7);
    done(&bob, tag);
    let tag = line(&mut bob, 61_000);
    let (tag, facts) = directory_row(&done(&bob, tag));
    assert_eq!(facts["new"], 3, "what changed meanwhile is told as well");
    done(&bob, tag);
    assert_eq!(bob.wait(600_000), Vec::new());
}

#[test]
fn the_line_learns_how_long_to_ring_when_that_changes() {
    let mut bob = Bob::new();
    let (_, _, effects) = bob.call("PATCH", "/mailbox/settings", r#"{"ring_timeout_s":5}"#);
    let told = |effects: &[Effect]| match effects {
        [Effect::Signal { signal, tag, .. }] => (*signal.clone(), tag.clone()),
        other => panic!("one signal expected: {other:?}"),
    };
    assert_eq!(told(&effects).0, Signal::RingTimeout { seconds: Some(5) });
    let (signal, tag) = told(&bob.wait(2_000));
    assert_eq!(signal, Signal::RingTimeout { seconds: Some(5) });
    bob.signal(Signal::Replied {
        tag,
        reply: Reply::Done,
    });
    assert_eq!(bob.wait(86_400_000), Vec::new());
    let (_, _, effects) = bob.call("PATCH", "/mailbox/settings", r#"{"greeting":"system"}"#);
    assert_eq!(
        effects,
        Vec::new(),
        "other choices are no news for the line"
    );
}
