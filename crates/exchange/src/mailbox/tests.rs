//! The mailbox as its owner uses it, on a real SQLite.

mod greetings;
mod messages;
mod notices;
mod owner;
mod renditions;
mod sessions;

use serde_json::Value as Json;

use super::{
    message::{self, NewMessage, NewPart},
    notification,
};
use crate::{
    context::{Context, Entropy},
    effect::Effect,
    front,
    http::{Body, Request, Response},
    object::Object,
    settings::{Settings, tests::settings},
    signal::{Caller, Signal},
    sql::{Sql, SqlError},
    testing::Memory,
};

pub(super) const NOW: i64 = 1_790_000_000_000;
pub(super) const BOB: &str = "sip:bob@localhost";

/// Bob's mailbox with its clock.
pub(super) struct Bob {
    pub(super) sql: Memory,
    pub(super) settings: Settings,
    pub(super) now_ms: i64,
    events: std::cell::Cell<u8>,
}

impl Bob {
    pub(super) fn new() -> Self {
        Self::on(Memory::new())
    }

    pub(super) fn on(sql: Memory) -> Self {
        sql.transaction(super::migrate).expect("schema");
        Self {
            sql,
            settings: settings(),
            now_ms: NOW,
            events: std::cell::Cell::new(0),
        }
    }

    /// One event in its transaction.
    pub(super) fn event<T>(
        &self,
        rule: impl FnOnce(&dyn Sql, &Context<'_>) -> Result<T, SqlError>,
    ) -> T {
        self.try_event(rule).expect("storage")
    }

    pub(super) fn try_event<T>(
        &self,
        rule: impl FnOnce(&dyn Sql, &Context<'_>) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        self.events.set(self.events.get().wrapping_add(1));
        let context = Context {
            object: Object::Mailbox(BOB.to_owned()),
            settings: &self.settings,
            now_ms: self.now_ms,
            entropy: Entropy::new([self.events.get(); 32]),
            trace: crate::trace::Notebook::default(),
        };
        self.sql.transaction(|sql| rule(sql, &context))
    }

    pub(super) fn send(&self, request: &Request) -> (Response, Vec<Effect>) {
        self.event(|sql, context| super::on_http(sql, context, request))
    }

    /// A call of the signed-in owner with a JSON body.
    pub(super) fn call(&self, method: &str, path: &str, body: &str) -> (u16, Json, Vec<Effect>) {
        let (response, effects) = self.send(&request(method, path, body));
        (response.status, json(&response), effects)
    }

    pub(super) fn signal(&self, signal: Signal) -> Vec<Effect> {
        self.event(|sql, context| super::on_signal(sql, context, signal))
            .effects
    }

    /// The clock moves, and what is due is done.
    pub(super) fn wait(&mut self, ms: i64) -> Vec<Effect> {
        self.now_ms += ms;
        self.event(super::on_wakeup)
    }

    /// A message of `size` bytes, as a commit writes it.
    pub(super) fn deposit(&self, id: &str, size: usize) -> Vec<Effect> {
        self.event(|sql, context| {
            let message = voice_message(id, size);
            super::media::store(sql, &message.parts[0].media_id, &bytes(size))?;
            message::insert(sql, context, &message)?;
            notification::announce(sql, context, id)
        })
    }

    pub(super) fn listed(&self) -> Vec<String> {
        let (_, list, _) = self.call("GET", "/mailbox/messages", "");
        let messages = list["messages"].as_array().expect("messages");
        messages
            .iter()
            .map(|message| message["id"].as_str().expect("id").to_owned())
            .collect()
    }
}

pub(super) fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index % 251) as u8).collect()
}

pub(super) fn anna() -> Caller {
    Caller {
        address: None,
        display_name: Some("Anna".to_owned()),
        verified: false,
        network: Some("203.0.113.7".to_owned()),
        forwarded_from: None,
    }
}

fn voice_message(id: &str, size: usize) -> NewMessage {
    NewMessage {
        id: id.to_owned(),
        session_id: "00112233445566778899aabbccddeeff".to_owned(),
        deposit_id: format!("deposit-{id}"),
        caller: anna(),
        recorded_at: None,
        kind: "voice".to_owned(),
        duration_ms: 8_000,
        waveform: "[0,50,255]".to_owned(),
        parts: vec![NewPart {
            part: 0,
            kind: "voice".to_owned(),
            content_type: "audio/ogg".to_owned(),
            size: size as u64,
            sha256: "ab".repeat(32),
            duration_ms: 8_000,
            media_id: format!("upload-{id}"),
            blob_key: None,
            metadata: "{}".to_owned(),
        }],
    }
}

pub(super) fn request(method: &str, target: &str, body: &str) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: vec![(front::GENERATION.to_owned(), "1".to_owned())],
        body: body.as_bytes().to_vec(),
    }
}

pub(super) fn json(response: &Response) -> Json {
    serde_json::from_slice(&body(response)).unwrap_or(Json::Null)
}

pub(super) fn body(response: &Response) -> Vec<u8> {
    match &response.body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Blob { key, .. } => panic!("unexpected blob {key}"),
    }
}

pub(super) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    let found = response.headers.iter().find(|(header, _)| header == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn no_table_is_left_that_nobody_reads() {
    let bob = Bob::new();
    let tables = bob.event(|sql, _| {
        let old = "SELECT name FROM sqlite_master WHERE name LIKE 'voicemail%'";
        sql.query(old, &[])
    });
    assert_eq!(tables, []);
}
