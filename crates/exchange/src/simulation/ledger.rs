//! What was once true of deposits, held against what the storage says now.

use std::collections::{BTreeMap, BTreeSet};

use super::caller::Recording;
use crate::{
    object::Object,
    sql::Row,
    testing::{World, sha256},
};

const DAY_MS: i64 = 86_400_000;
/// A receipt outlives its token by so long.
const RECEIPT_KEPT_MS: i64 = 30 * DAY_MS;
/// The shortest time that a message is kept which nobody removed.
const MESSAGE_KEPT_MS: i64 = 30 * DAY_MS;

/// Session and deposit.
type Key = (String, String);

#[derive(Default)]
pub(super) struct Ledger {
    /// Receipt and message of every deposit that was ever committed.
    pub(super) committed: BTreeMap<Key, (String, String)>,
    /// Messages as they were last seen.
    messages: BTreeMap<String, Seen>,
    /// Messages that are gone for good.
    gone: BTreeSet<String>,
    /// Sessions that were revoked before anything was deposited.
    revoked: BTreeSet<String>,
    /// How far each upload stood for good, by upload id.
    settled: BTreeMap<String, u64>,
}

struct Seen {
    received_at_ms: i64,
    removed: bool,
}

fn mailbox() -> Object {
    Object::Mailbox("sip:bob@localhost".to_owned())
}

impl Ledger {
    /// Checks everything. `restores` says that the owner has just restored something.
    pub(super) fn check(&mut self, world: &World, recordings: &[Recording], restores: bool) {
        self.deposits(world, recordings);
        self.messages(world, restores);
        media(world);
        counters(world);
        wakeups(world);
        self.uploads(world, recordings);
    }

    /// Deposits are committed once, with one receipt that never changes and is kept; not after a revocation.
    fn deposits(&mut self, world: &World, recordings: &[Recording]) {
        let rows = world.rows(
            &mailbox(),
            "SELECT session_id, deposit_id, message_id, receipt FROM deposits",
        );
        let mut seen = BTreeSet::new();
        let mut used = BTreeSet::new();
        for row in &rows {
            let key = (row.text(0), row.text(1));
            assert!(
                used.insert(row.text(0)),
                "two deposits of one session: {key:?}"
            );
            seen.insert(key.clone());
            let now = (row.text(3), row.text(2));
            match self.committed.get(&key) {
                Some(known) => assert_eq!(*known, now, "a receipt never changes: {key:?}"),
                None => {
                    assert!(
                        !self.revoked.contains(&key.0),
                        "committed though revoked: {key:?}"
                    );
                    proves(world, recordings, &key, &now);
                    self.committed.insert(key, now);
                }
            }
        }
        for key in self.committed.keys().filter(|key| !seen.contains(*key)) {
            let expires = recordings
                .iter()
                .find(|recording| recording.session == key.0)
                .map_or(i64::MAX, |recording| recording.expires_at_ms);
            let over = world.now_ms.saturating_sub(RECEIPT_KEPT_MS) >= expires;
            assert!(over, "the receipt was forgotten too early: {key:?}");
        }
    }

    /// A deposit is one message with its bytes; a message goes only when its time is over, and never comes back.
    fn messages(&mut self, world: &World, restores: bool) {
        let rows = world.rows(
            &mailbox(),
            "SELECT id, session_id, deposit_id, received_at, removed_at FROM messages",
        );
        let mut now = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for row in &rows {
            let (id, key) = (row.text(0), (row.text(1), row.text(2)));
            assert!(
                keys.insert(key.clone()),
                "two messages of one deposit: {key:?}"
            );
            assert!(!self.gone.contains(&id), "a message came back: {key:?}");
            let known = self.committed.get(&key);
            let message = known.map(|(_, message)| message);
            assert_eq!(message, Some(&id), "a message without its deposit: {key:?}");
            let removed = row.optional_integer(4).is_some();
            if let Some(before) = self.messages.get(&id) {
                let back = before.removed && !removed;
                assert!(!back || restores, "a removed message came back: {key:?}");
            }
            let received_at_ms = row.integer(3);
            now.insert(
                id,
                Seen {
                    received_at_ms,
                    removed,
                },
            );
        }
        for (id, before) in std::mem::replace(&mut self.messages, now) {
            if !self.messages.contains_key(&id) {
                let over = world.now_ms - before.received_at_ms >= MESSAGE_KEPT_MS;
                assert!(before.removed || over, "message {id} is lost");
                self.gone.insert(id);
            }
        }
        for (key, (_, message)) in &self.committed {
            let there = self.messages.contains_key(message) || self.gone.contains(message);
            assert!(there, "a receipt without its message: {key:?}");
        }
        let revoked = "SELECT id FROM sessions WHERE state = 'revoked' AND id NOT IN (SELECT session_id FROM deposits)";
        let rows = world.rows(&mailbox(), revoked);
        self.revoked.extend(rows.iter().map(|row| row.text(0)));
    }

    /// An upload holds what was sent, and what it acknowledged stays.
    fn uploads(&mut self, world: &World, recordings: &[Recording]) {
        for object in world.objects() {
            let Object::Upload(name) = &object else {
                continue;
            };
            let rows = world.rows(&object, "SELECT state FROM upload");
            let Some(row) = rows.first() else {
                continue;
            };
            let state: serde_json::Value = serde_json::from_str(&row.text(0)).expect("JSON");
            let id = state["reserved"]["upload_id"].as_str().expect("text");
            if state["phase"]["phase"] != "open" {
                self.settled.remove(id);
                continue;
            }
            let number = |value: &serde_json::Value| value.as_u64().expect("a number");
            let settled = number(&state["settled"]["offset"]);
            let before = self.settled.insert(id.to_owned(), settled).unwrap_or(0);
            assert!(before <= settled, "{name} forgot what it acknowledged");
            let held = usize::try_from(number(&state["progress"]["offset"])).expect("small");
            let bytes = world.rows(&object, "SELECT bytes FROM bytes ORDER BY start");
            let bytes: Vec<u8> = bytes.iter().flat_map(|row| row.blob(0)).collect();
            let sent = sent(recordings, name).and_then(|part| part.get(..held));
            assert!(
                sent == Some(&*bytes),
                "{name} holds other bytes than were sent"
            );
        }
    }
}

/// The part that goes into this upload (`session/deposit/part`).
fn sent<'a>(recordings: &'a [Recording], name: &str) -> Option<&'a Vec<u8>> {
    let mut names = name.split('/');
    let (session, deposit, part) = (names.next()?, names.next()?, names.next()?);
    let recording = find(recordings, session, deposit)?;
    recording.parts.get(part.parse::<usize>().ok()?)
}

fn find<'a>(recordings: &'a [Recording], session: &str, deposit: &str) -> Option<&'a Recording> {
    recordings
        .iter()
        .find(|recording| recording.session == session && recording.deposit == deposit)
}

/// The new receipt is signed by a key we publish, and covers what was spoken; the message holds the same bytes.
fn proves(
    world: &World,
    recordings: &[Recording],
    key: &Key,
    (receipt, message): &(String, String),
) {
    let receipt = deposit::receipt::verify(receipt, &world.settings.receipt_keys);
    let receipt = receipt.unwrap_or_else(|error| panic!("{error}: {key:?}"));
    assert_eq!(receipt.message_id, *message);
    let recording = find(recordings, &key.0, &key.1);
    let recording = recording.unwrap_or_else(|| panic!("nobody spoke {key:?}"));
    assert_eq!(receipt.parts.len(), recording.parts.len(), "{key:?}");
    let stored = parts(world, message);
    for ((number, part), stored) in (0..).zip(&recording.parts).zip(&stored) {
        let hash = sha256(part);
        assert!(receipt.covers(number, part.len() as u64, &hash), "{key:?}");
        assert!(stored == part, "the message holds other bytes than {key:?}");
    }
    assert_eq!(stored.len(), recording.parts.len(), "{key:?}");
}

/// The bytes of all parts of a message.
fn parts(world: &World, message: &str) -> Vec<Vec<u8>> {
    let rows = world.rows(
        &mailbox(),
        &format!("SELECT media_id, blob_key FROM message_parts WHERE message_id = '{message}' ORDER BY part"),
    );
    let bytes = |row: &Row| match row.optional_text(1) {
        Some(key) => world.blobs.borrow().get(&key).cloned().expect("a blob"),
        None => {
            let media = row.text(0);
            let query = format!(
                "SELECT bytes FROM media_chunks WHERE media_id = '{media}' ORDER BY position"
            );
            let chunks = world.rows(&mailbox(), &query);
            chunks.iter().flat_map(|row| row.blob(0)).collect()
        }
    };
    rows.iter().map(bytes).collect()
}

/// No row points to missing bytes, and no bytes lie about that no row knows.
fn media(world: &World) {
    let none = |what: &str, query: &str| assert_eq!(world.count(&mailbox(), query), 0, "{what}");
    none(
        "a part without its bytes",
        "SELECT COUNT(*) FROM message_parts WHERE blob_key IS NULL AND size <> (SELECT COALESCE(SUM(LENGTH(bytes)), 0) FROM media_chunks WHERE media_chunks.media_id = message_parts.media_id)",
    );
    none(
        "bytes that nobody knows",
        "SELECT COUNT(*) FROM media_chunks WHERE media_id NOT IN (SELECT media_id FROM message_parts) AND media_id NOT IN (SELECT upload_id FROM deposit_parts WHERE state = 'held')",
    );
    let blobs = world.blobs.borrow();
    let rows = world.rows(
        &mailbox(),
        "SELECT blob_key, size FROM message_parts WHERE blob_key IS NOT NULL",
    );
    for row in rows {
        let size = blobs.get(&row.text(0)).map(Vec::len);
        assert_eq!(
            size,
            usize::try_from(row.integer(1)).ok(),
            "a part without its blob"
        );
    }
    if blobs.is_empty() {
        return;
    }
    let known = "SELECT blob_key FROM message_parts WHERE blob_key IS NOT NULL UNION SELECT blob_key FROM deposit_parts WHERE state IN ('reserved', 'held') UNION SELECT key FROM wakeups";
    let known: BTreeSet<String> = world
        .rows(&mailbox(), known)
        .iter()
        .map(|row| row.text(0))
        .collect();
    for key in blobs.keys() {
        assert!(known.contains(key), "a blob that nobody will sweep: {key}");
    }
}

/// The running counters are what a count gives.
fn counters(world: &World) {
    let counted = world.rows(
        &mailbox(),
        "SELECT COUNT(CASE WHEN state = 'new' AND removed_at IS NULL THEN 1 END), COUNT(CASE WHEN state <> 'new' AND removed_at IS NULL THEN 1 END), COALESCE(SUM(size), 0) FROM messages",
    );
    let kept = world.rows(
        &mailbox(),
        "SELECT new_count, old_count, bytes_used FROM mailbox",
    );
    assert_eq!(counted, kept, "the counters are wrong");
}

/// Whatever must happen later has a wake-up.
fn wakeups(world: &World) {
    for (what, query) in [
        (
            "a part on its way",
            "SELECT COUNT(*) FROM deposit_parts WHERE state IN ('reserved', 'held') AND upload_id NOT IN (SELECT key FROM wakeups)",
        ),
        (
            "an intent",
            "SELECT COUNT(*) FROM outbox WHERE state = 'waiting' AND id NOT IN (SELECT key FROM wakeups)",
        ),
        (
            "a message",
            "SELECT COUNT(*) FROM messages WHERE (state <> 'saved' OR removed_at IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM wakeups WHERE kind = 'message' AND key = '' AND due <= CASE WHEN removed_at IS NOT NULL THEN removed_at + 86400000 WHEN state = 'new' THEN MAX(received_at, COALESCE(kept_from, 0)) + 3 * 2592000000 ELSE MAX(COALESCE(heard_at, received_at), COALESCE(kept_from, 0)) + 2592000000 END)",
        ),
        (
            "a session",
            "SELECT COUNT(*) FROM sessions WHERE NOT EXISTS (SELECT 1 FROM wakeups WHERE kind = 'sessions')",
        ),
    ] {
        assert_eq!(world.count(&mailbox(), query), 0, "{what} has no wake-up");
    }
}
