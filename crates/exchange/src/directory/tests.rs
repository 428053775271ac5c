//! The list of users over all shards.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Totals, metrics, migrate, on_http, on_signal, shard};
use crate::{
    context::{Context, Entropy},
    http::{Body, Request},
    object::{DIRECTORY_SHARDS, Object},
    settings::tests::settings,
    signal::{Reply, Signal},
    testing::Memory,
};

/// All shards of one deployment.
struct Directory(BTreeMap<u32, Memory>);

impl Directory {
    fn new() -> Self {
        let fresh = |shard| {
            let sql = Memory::new();
            sql.transaction(migrate).expect("schema");
            (shard, sql)
        };
        Self((0..DIRECTORY_SHARDS).map(fresh).collect())
    }

    fn in_shard<T>(
        &self,
        shard: u32,
        rule: impl FnOnce(&dyn crate::sql::Sql, &Context<'_>) -> Result<T, crate::sql::SqlError>,
    ) -> T {
        let settings = settings();
        let context = Context {
            object: Object::Directory(shard),
            settings: &settings,
            now_ms: 0,
            entropy: Entropy::new([0; 32]),
            trace: crate::trace::Notebook::default(),
        };
        self.0[&shard]
            .transaction(|sql| rule(sql, &context))
            .expect("storage")
    }

    fn note(&self, address: &str, facts: &str) {
        let signal = Signal::DirectoryRow {
            address: address.to_owned(),
            facts: facts.to_owned(),
        };
        self.in_shard(shard(address), |sql, context| {
            on_signal(sql, context, signal)
        });
    }

    fn get(&self, shard: u32, path: &str, query: &str) -> Json {
        let request = Request {
            method: "GET".to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            ..Request::default()
        };
        let (response, _) = self.in_shard(shard, |sql, context| on_http(sql, context, &request));
        match response.body {
            Body::Bytes(bytes) => serde_json::from_slice(&bytes).expect("JSON"),
            Body::Blob { .. } => panic!("bytes expected"),
        }
    }
}

#[test]
fn the_next_pages_lead_through_every_user_of_every_shard_once() {
    let directory = Directory::new();
    let mut expected: Vec<String> = (0..2000)
        .map(|index| format!("sip:user{index}@localhost"))
        .collect();
    for address in &expected {
        directory.note(address, "{}");
    }
    let (mut shard, mut query) = (0, String::new());
    let mut seen = Vec::new();
    for _ in 0..100 {
        let page = directory.get(shard, "/admin/users", &query);
        let users = page["users"].as_array().expect("users");
        seen.extend(
            users
                .iter()
                .map(|user| user["address"].as_str().expect("address").to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        shard = next
            .split(':')
            .next()
            .expect("shard")
            .parse()
            .expect("number");
        query = format!("after={next}");
    }
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);
}

#[test]
fn facts_of_line_and_mailbox_stand_side_by_side() {
    let directory = Directory::new();
    let bob = "sip:bob@localhost";
    directory.note(bob, r#"{"display_name":"Bob"}"#);
    directory.note(bob, r#"{"new":1}"#);
    directory.note(bob, r#"{"new":2}"#);
    let users = directory.get(shard(bob), "/admin/users", "");
    assert_eq!(
        users["users"][0],
        serde_json::json!({"address": bob, "display_name": "Bob", "new": 2})
    );
}

#[test]
fn the_first_run_is_over_for_good_with_the_first_user() {
    let directory = Directory::new();
    assert_eq!(
        directory.get(0, "/admin/first-run", ""),
        serde_json::json!({ "needed": true, "demo": false })
    );
    for _ in 0..2 {
        directory.in_shard(0, |sql, context| {
            on_signal(sql, context, Signal::FirstUser {})
        });
        assert_eq!(directory.get(0, "/admin/first-run", "")["needed"], false);
    }
}

#[test]
fn the_shards_add_up_to_what_prometheus_reads() {
    let directory = Directory::new();
    let told = [
        ("sip:alice@localhost", r#"{"display_name":"Alice"}"#),
        (
            "sip:bob@localhost",
            r#"{"new":2,"old":3,"bytes_used":500,"notifications":{"waiting":1,"failed":4}}"#,
        ),
        ("sip:carol@localhost", r#"{"new":5,"bytes_used":70}"#),
    ];
    for (address, facts) in told {
        directory.note(address, facts);
    }
    let totals = (0..DIRECTORY_SHARDS).map(|shard| {
        let outcome = directory.in_shard(shard, |sql, context| {
            on_signal(sql, context, Signal::Totals {})
        });
        let Reply::Value { value } = outcome.reply else {
            panic!("totals: {:?}", outcome.reply);
        };
        serde_json::from_str::<Totals>(&value).expect("JSON")
    });
    let response = metrics(totals.fold(Totals::default(), Totals::plus));
    let Body::Bytes(text) = response.body else {
        panic!("bytes expected");
    };
    let text = String::from_utf8(text).expect("UTF-8");
    let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        samples,
        [
            "afterbeep_users 3",
            "afterbeep_messages{state=\"new\"} 7",
            "afterbeep_messages{state=\"old\"} 3",
            "afterbeep_storage_bytes 570",
            "afterbeep_notifications{state=\"waiting\"} 1",
            "afterbeep_notifications{state=\"failed\"} 4",
        ]
    );
}
