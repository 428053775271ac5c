//! Whole calls on virtual time, and what their ladders say of them: the same as the wires.

use sip::credentials::Credentials;

use super::{End, Entry, Sheet, Viewer, ladder, sheet::Outcome};
use crate::{
    object::Object,
    settings::{Ladder, tests::settings},
    signal::Signal,
    testing::{Answers, World},
};

const BOB: &str = "sip:bob@localhost";
const DAY_MS: i64 = 86_400_000;

fn mailbox() -> Object {
    Object::Mailbox(BOB.to_owned())
}

/// First line and size.
type Seen = Vec<(String, usize)>;

fn sheets(world: &World) -> Vec<Sheet> {
    let rows = world.rows(&mailbox(), "SELECT sheet FROM mailbox_calls ORDER BY key");
    let sheet = |text: String| serde_json::from_str(&text).expect("a sheet");
    rows.iter().map(|row| sheet(row.text(0))).collect()
}

fn only(world: &World) -> Sheet {
    let mut sheets = sheets(world);
    assert_eq!(sheets.len(), 1);
    sheets.pop().expect("one")
}

/// Start lines and sizes of what this connection sent and got, as the ladder has it.
fn leg(sheet: &Sheet, flow: &str) -> (Seen, Seen) {
    let end = End::Flow(flow.to_owned());
    let line = |entry: &Entry| (entry.start().to_owned(), entry.size);
    let of = |mine: fn(&Entry) -> &End| {
        let entries = sheet.entries.iter().filter(|entry| *mine(entry) == end);
        entries.map(line).collect()
    };
    (of(|entry| &entry.from), of(|entry| &entry.to))
}

/// The same of the phone's own records; what is no call is left out.
fn wire(world: &mut World, phone: &str) -> (Seen, Seen) {
    let phone = world.get(phone);
    let line = |bytes: &[u8]| {
        let note = super::Note::read(bytes, End::Edge, End::Edge, 0)?;
        Some((note.entry.start().to_owned(), bytes.len()))
    };
    let sent = phone.sent.iter().filter_map(|frame| line(frame)).collect();
    let got = phone
        .received
        .iter()
        .filter_map(|message| line(&message.to_bytes()))
        .collect();
    (sent, got)
}

fn methods(sheet: &Sheet) -> Vec<String> {
    let word = |entry: &Entry| match entry.status() {
        Some(status) => format!("{status} {}", entry.method()),
        None => entry.method().to_owned(),
    };
    sheet.entries.iter().map(word).collect()
}

/// A whole call to the voicemail, and how often its row was written.
fn written(ladder: Ladder) -> (World, i64) {
    let mut settings = settings();
    settings.ladder = ladder;
    let mut world = World::with_settings(settings);
    world.rows(&mailbox(), "CREATE TABLE written (id TEXT)");
    for (event, row) in [("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old")] {
        let trigger = format!(
            "CREATE TRIGGER at_{event} AFTER {event} ON mailbox_calls BEGIN INSERT INTO written VALUES ({row}.id); END"
        );
        world.rows(&mailbox(), &trigger);
    }
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    world.advance(120_000);
    let written = world.count(&mailbox(), "SELECT COUNT(*) FROM written");
    (world, written)
}

#[test]
fn the_ladder_of_a_call_to_the_voicemail_costs_one_row_more_and_says_what_the_wire_said() {
    let (mut world, with) = written(Ladder::All);
    let (bare, without) = written(Ladder::Off);
    assert_eq!(
        bare.count(&mailbox(), "SELECT COUNT(*) FROM mailbox_calls"),
        0
    );
    assert_eq!(without, 3, "at the INVITE, at the ACK, at the end");
    assert_eq!(with, 4, "and for the last answer");
    let flow = world.get("anna").flow.clone();
    let sheet = only(&world);
    assert_eq!(leg(&sheet, &flow), wire(&mut world, "anna"));
    assert_eq!(
        methods(&sheet),
        [
            "INVITE",
            "INVITE",
            "180 INVITE",
            "200 INVITE",
            "ACK",
            "INFO",
            "200 INFO",
            "BYE",
            "200 BYE"
        ]
    );
    assert_eq!(sheet.outcome(), (Outcome::Voicemail, Some(200)));
    assert!(sheet.session.is_some(), "the session is known");
}

#[test]
fn many_calls_of_one_network_push_out_only_each_other() {
    let mut world = World::new();
    world.user("alice", "alice");
    world.call("alice", BOB);
    world.advance(120_000);
    world.phone("anna", None, Credentials::None);
    for _ in 0..60 {
        world.call("anna", BOB);
        world.advance(120_000);
    }
    let sheets = sheets(&world);
    assert_eq!(sheets.len(), 51, "50 of the network, and hers");
    let first = sheets.first().expect("the oldest");
    assert_eq!(first.caller.address.as_deref(), Some("sip:alice@localhost"));
}

#[test]
fn calls_of_nobody_known_are_not_all_one_callers() {
    let world = World::new();
    let begin = |number: i64| {
        let begun = world.at(&mailbox(), |sql, context| {
            let key = super::new_key(context);
            sql.query(
                "INSERT INTO mailbox_calls (key, id, began, call_id, origin) VALUES (?, '', ?, '', '')",
                &[key.into(), number.into()],
            )?;
            super::began(sql, context, "")
        });
        begun.expect("memory");
        world.count(&mailbox(), "SELECT COUNT(*) FROM mailbox_calls")
    };
    let counts: Vec<i64> = (1..=202).map(begin).collect();
    assert_eq!(counts[198..], [199, 200, 200, 200]);
}

#[test]
fn an_answered_call_is_seen_at_both_ends_although_its_line_sees_only_the_begin() {
    let mut world = World::new();
    world.registered("desk", "bob", Answers::Accept);
    world.phone("anna", None, Credentials::None);
    let call = world.call("anna", BOB);
    world.advance(5_000);
    world.act("anna", |agent, now| agent.hang_up(call, None, None, now));
    let sheet = only(&world);
    for phone in ["anna", "desk"] {
        let flow = world.get(phone).flow.clone();
        assert_eq!(leg(&sheet, &flow), wire(&mut world, phone), "{phone}");
    }
    assert_eq!(sheet.outcome(), (Outcome::Answered, Some(200)));
    let shown = ladder(&sheet, Viewer::Callee, &[]);
    assert_eq!(
        shown["ends"],
        serde_json::json!(["caller", "edge", "contact 1"])
    );
    let own = ladder(&sheet, Viewer::Caller, &[]);
    assert_eq!(own["ends"], serde_json::json!(["caller", "edge"]));
    assert!(!own.to_string().contains("contact 1"), "{own}");
}

#[test]
fn a_refused_call_goes_on_to_the_voicemail_on_the_same_page() {
    let mut world = World::new();
    world.registered("desk", "bob", Answers::Reject(486));
    world.user("alice", "alice");
    world.call("alice", BOB);
    world.advance(120_000);
    let own = Object::Mailbox("sip:alice@localhost".to_owned());
    let made = "SELECT summary FROM mailbox_calls WHERE origin = 'made'";
    let made = world.rows(&own, made);
    assert_eq!(made.len(), 1, "told once");
    let made: serde_json::Value = serde_json::from_str(&made[0].text(0)).expect("JSON");
    assert_eq!((&made["to"], &made["way"]), (&BOB.into(), &"made".into()));
    assert_eq!(made["outcome"], "voicemail");
    let sheet = only(&world);
    let desk = world.get("desk").flow.clone();
    assert_eq!(leg(&sheet, &desk), wire(&mut world, "desk"));
    let alice = world.get("alice").flow.clone();
    let ((sent, got), (all_sent, all_got)) = (leg(&sheet, &alice), wire(&mut world, "alice"));
    // The challenge and what led to it belong to no call of Bob's yet.
    assert_eq!(sent, all_sent[all_sent.len() - sent.len()..]);
    assert_eq!(got, all_got[all_got.len() - got.len()..]);
    assert_eq!(sheet.caller.address.as_deref(), Some("sip:alice@localhost"));
    assert_eq!(sheet.outcome(), (Outcome::Voicemail, Some(200)));
}

#[test]
fn a_call_that_one_made_is_listed_once_however_often_it_is_told() {
    let world = World::new();
    let own = Object::Mailbox("sip:alice@localhost".to_owned());
    let tell = |id: &str, to: &str| {
        let signal = Signal::Made {
            id: id.to_owned(),
            call_id: "call".to_owned(),
            call: serde_json::json!({ "to": to }).to_string(),
        };
        let told = world.at(&own, |sql, context| {
            crate::mailbox::on_signal(sql, context, signal)
        });
        told.expect("memory");
        world.count(&own, "SELECT COUNT(*) FROM mailbox_calls")
    };
    assert_eq!((tell("one", BOB), tell("one", BOB)), (1, 1));
    assert_eq!(tell("one", "sip:carol@localhost"), 2, "sent on to her");
    assert_eq!(tell("two", BOB), 3);
}

#[test]
fn nothing_secret_is_written() {
    let mut world = World::new();
    world.registered("desk", "bob", Answers::Ring);
    world.user("alice", "alice");
    world.call("alice", BOB);
    world.advance(120_000);
    let infos = world.last_sent("alice", "ACK");
    assert!(infos.contains("Route: <sip:"), "{infos}");
    let token = world
        .get("alice")
        .received
        .iter()
        .filter_map(|message| {
            message
                .as_request()?
                .body_text()?
                .lines()
                .find_map(|line| line.strip_prefix("ID=").map(ToOwned::to_owned))
        })
        .next()
        .expect("a session token");
    let stored: String = world
        .rows(&mailbox(), "SELECT sheet || summary FROM mailbox_calls")
        .iter()
        .map(|row| row.text(0))
        .collect();
    let opened = infos
        .split("Route: <sip:")
        .nth(1)
        .and_then(|rest| rest.split('@').next());
    for secret in [
        token.as_str(),
        opened.expect("a flow token"),
        "response=",
        "/greetings/m1",
    ] {
        assert!(!stored.contains(secret), "{secret}");
    }
    assert!(
        stored.contains("ID=***") && stored.contains("/greetings/***"),
        "{stored}"
    );
}

#[test]
fn a_call_is_kept_a_week_and_swept_without_anybody_asking() {
    let mut world = World::new();
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    world.advance(120_000);
    world.disconnect("anna");
    world.advance(6 * DAY_MS);
    assert_eq!(sheets(&world).len(), 1);
    world.advance(2 * DAY_MS);
    assert!(sheets(&world).is_empty());
}

#[test]
fn nothing_is_noted_where_ladders_are_off() {
    let mut settings = settings();
    settings.ladder = Ladder::Off;
    let mut world = World::with_settings(settings);
    world.registered("desk", "bob", Answers::Reject(486));
    world.phone("anna", None, Credentials::None);
    world.call("anna", BOB);
    world.advance(120_000);
    assert!(sheets(&world).is_empty());
}

#[test]
fn a_call_that_never_ends_is_kept_only_so_far() {
    let mut sheet = Sheet::new("call", "one", &crate::signal::Caller::default());
    for number in 0..1_000 {
        let text = format!("INFO sip:b@x SIP/2.0\r\nCSeq: {number} INFO\r\nCall-ID: call\r\n\r\n");
        let end = End::Flow("one".to_owned());
        let note = super::Note::read(text.as_bytes(), end, End::Edge, number).expect("a note");
        sheet.add(note);
    }
    assert_eq!(sheet.entries.len() + sheet.left_out, 1_000);
    assert_eq!(sheet.entries.len(), 200);
    assert_eq!(sheet.began_ms(), 0);
}

#[test]
fn what_is_told_late_comes_before_what_can_only_follow_it() {
    let mut sheet = Sheet::new("call", "one", &crate::signal::Caller::default());
    let mut add = |start: &str, method: &str, from: End, to: End, at_ms: i64| {
        let text = format!("{start}\r\nCSeq: 1 {method}\r\nCall-ID: call\r\n\r\n");
        sheet.add(super::Note::read(text.as_bytes(), from, to, at_ms).expect("a note"));
    };
    let caller = || End::Flow("one".to_owned());
    add("ACK sip:b@x SIP/2.0", "ACK", caller(), End::Edge, 7);
    add("INVITE sip:b@x SIP/2.0", "INVITE", caller(), End::Edge, 1);
    add("SIP/2.0 200 OK", "INVITE", End::Edge, caller(), 7);
    add("SIP/2.0 180 Ringing", "INVITE", End::Edge, caller(), 7);
    let info = "INFO sip:b@x SIP/2.0\r\nCSeq: 2 INFO\r\nCall-ID: call\r\n\r\n";
    let bye = "BYE sip:b@x SIP/2.0\r\nCSeq: 3 BYE\r\nCall-ID: call\r\n\r\n";
    let settled = "SIP/2.0 200 OK\r\nCSeq: 2 INFO\r\nCall-ID: call\r\n\r\n";
    let read =
        |text: &str, from, to| super::Note::read(text.as_bytes(), from, to, 9).expect("a note");
    sheet.add(read(info, End::Voicemail, caller()));
    sheet.add(read(bye, End::Voicemail, caller()));
    sheet.add(super::Note {
        late: true,
        ..read(settled, caller(), End::Voicemail)
    });
    assert_eq!(
        methods(&sheet),
        [
            "INVITE",
            "180 INVITE",
            "200 INVITE",
            "ACK",
            "INFO",
            "200 INFO",
            "BYE"
        ]
    );
}

#[test]
fn a_long_message_is_cut_between_two_lines_and_a_long_name_not_traced() {
    let read = |call_id: &str, body: &str| {
        let text = format!(
            "INFO sip:b@x SIP/2.0\r\nCSeq: 1 INFO\r\nCall-ID: {call_id}\r\nAuthorization: Digest x=y\r\n\r\n{body}"
        );
        super::Note::read(text.as_bytes(), End::Edge, End::Edge, 0)
    };
    let lines = "sip:anna:secret@x.invalid\r\n".repeat(2_000);
    let entry = read("call", &lines).expect("a note").entry;
    assert!(entry.text.ends_with("\r\nsip:anna:***@x.invalid\r\n(cut)"));
    assert!(!entry.text.contains("secret"), "{}", entry.text);
    assert!(entry.size > 50_000 && entry.text.len() < 9_000);
    let one = read("call", &"sip:".repeat(15_000)).expect("a note");
    assert!(one.entry.text.ends_with("Digest ***\r\n\r\n(cut)"));
    assert_eq!(read(&"c".repeat(300), ""), None);
}
