//! SUBSCRIBE to the state of a mailbox (RFC 6665, RFC 3842).

use sip::{Message, Method, Request, message_summary::MessageSummary};

use super::access::invite;
use crate::{
    object::Object,
    signal::Signal,
    testing::{Answers, World},
};

const BOB: &str = "sip:bob@localhost";
const EVENT: &str = "Event: message-summary\r\n";

/// A SUBSCRIBE of bob's with these header lines more; `number` stands in CSeq and branch.
fn subscribe(world: &mut World, phone: &str, number: u32, extra: &str) {
    let token = world.token("bob");
    let proof = format!("Authorization: Bearer {token}\r\n{extra}");
    raw(world, phone, number, &proof);
}

fn raw(world: &mut World, phone: &str, number: u32, extra: &str) {
    let text = invite(BOB, BOB, extra)
        .replace("INVITE", "SUBSCRIBE")
        .replace("CSeq: 1", &format!("CSeq: {number}"))
        .replace("z9hG4bKraw", &format!("z9hG4bKraw{number}"));
    world.raw(phone, &text);
}

/// The same in the dialog that the first answer made.
fn again(world: &mut World, phone: &str, to: &str, number: u32, extra: &str) {
    let token = world.token("bob");
    let proof = format!("Authorization: Bearer {token}\r\n{extra}");
    let text = invite(BOB, BOB, &proof)
        .replace("INVITE", "SUBSCRIBE")
        .replace("CSeq: 1", &format!("CSeq: {number}"))
        .replace(&format!("To: <{BOB}>"), &format!("To: {to}"));
    world.raw(phone, &text);
}

/// The To of the last answer, with its tag.
fn dialog(world: &mut World, phone: &str) -> String {
    let received = world.get(phone).received.iter();
    let mut answers = received.filter_map(Message::as_response);
    answers.next_back().expect("an answer").to().to_string()
}

fn notifies(world: &mut World, phone: &str) -> Vec<Request> {
    let received = world.get(phone).received.iter();
    let requests = received.filter_map(Message::as_request);
    requests
        .filter(|request| *request.method() == Method::Notify)
        .cloned()
        .collect()
}

/// Subscription-State and counts of every NOTIFY.
fn told(world: &mut World, phone: &str) -> Vec<(String, Option<(u32, u32)>)> {
    let told = notifies(world, phone).into_iter().map(|request| {
        let state = request.header("Subscription-State").expect("a state");
        let summary = MessageSummary::parse(request.body()).ok();
        (state.to_owned(), summary.map(|told| (told.new, told.old)))
    });
    told.collect()
}

fn set_counts(world: &mut World, new: u32) {
    let mailbox = Object::Mailbox(BOB.to_owned());
    let statement = format!("UPDATE mailbox SET new_count = {new}, old_count = 0 RETURNING 1");
    assert_eq!(world.count(&mailbox, &statement), 1);
    world.signal_line(BOB, Signal::MessageSummary { new, old: 0 });
}

fn rows(world: &World) -> i64 {
    let line = Object::Line(BOB.to_owned());
    world.count(&line, "SELECT COUNT(*) FROM subscriptions")
}

fn subscribed() -> World {
    let mut world = World::new();
    world.user("desk", "bob");
    subscribe(&mut world, "desk", 1, &format!("{EVENT}Expires: 600\r\n"));
    world
}

#[test]
fn a_subscriber_is_told_at_once_and_of_every_change_in_one_dialog() {
    let mut world = subscribed();
    set_counts(&mut world, 1);
    set_counts(&mut world, 2);
    let states = told(&mut world, "desk");
    let expected = [0, 1, 2].map(|new| ("active;expires=600".to_owned(), Some((new, 0))));
    assert_eq!(states, expected);
    let all = notifies(&mut world, "desk");
    let numbers: Vec<u32> = all.iter().map(|request| request.cseq().0).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let answer_tag = dialog(&mut world, "desk");
    for request in &all {
        assert_eq!(request.call_id(), "raw");
        assert_eq!(request.to().tag(), Some("1"));
        assert_eq!(request.from().to_string(), answer_tag);
        assert_eq!(request.header("Event"), Some("message-summary"));
        assert_eq!(request.uri().to_string(), "sip:a@x.invalid;transport=ws");
    }
}

#[test]
fn a_registered_subscriber_is_told_once_and_other_contacts_unsolicited() {
    let mut world = World::new();
    world.registered("desk", "bob", Answers::Ring);
    world.registered("kitchen", "bob", Answers::Ring);
    subscribe(&mut world, "desk", 1, EVENT);
    let before = notifies(&mut world, "desk").len();
    set_counts(&mut world, 1);
    assert_eq!(notifies(&mut world, "desk").len(), before + 1);
    let kitchen = notifies(&mut world, "kitchen");
    let last = kitchen.last().expect("told");
    assert_eq!(last.to().tag(), None, "outside of any dialog");
    assert_eq!(world.shown_counts("kitchen"), Some((1, 0)));
}

#[test]
fn only_the_owner_may_subscribe_and_only_to_messages() {
    let mut world = World::new();
    world.user("desk", "bob");
    raw(&mut world, "desk", 1, EVENT);
    let alice = world.token("alice");
    raw(
        &mut world,
        "desk",
        2,
        &format!("{EVENT}Authorization: Bearer {alice}\r\n"),
    );
    subscribe(&mut world, "desk", 3, "Event: presence\r\n");
    subscribe(&mut world, "desk", 4, "");
    subscribe(
        &mut world,
        "desk",
        5,
        &format!("{EVENT}Accept: text/plain\r\n"),
    );
    subscribe(&mut world, "desk", 6, &format!("{EVENT}Expires: 5\r\n"));
    subscribe(
        &mut world,
        "desk",
        7,
        &format!("{EVENT}Require: eventlist\r\n"),
    );
    again(&mut world, "desk", &format!("<{BOB}>;tag=none"), 8, EVENT);
    let statuses = ["401", "401", "489", "489", "406", "423", "420", "481"];
    let expected = statuses.map(|status| format!("{status} SUBSCRIBE"));
    assert_eq!(world.statuses("desk"), expected);
    let received = &world.get("desk").received;
    let header = |index: usize, name: &str| {
        let response = received[index].as_response().expect("an answer");
        response.header(name).map(ToOwned::to_owned)
    };
    assert_eq!(
        header(2, "Allow-Events").as_deref(),
        Some("message-summary")
    );
    assert_eq!(header(5, "Min-Expires").as_deref(), Some("60"));
    assert_eq!(rows(&world), 0);
}

#[test]
fn a_subscription_is_refreshed_runs_out_and_can_be_ended() {
    let mut world = subscribed();
    let to = dialog(&mut world, "desk");
    world.advance(500_000);
    again(
        &mut world,
        "desk",
        &to,
        2,
        &format!("{EVENT}Expires: 600\r\n"),
    );
    again(&mut world, "desk", &to, 2, EVENT);
    assert_eq!(
        world.statuses("desk").last().expect("said"),
        "500 SUBSCRIBE"
    );
    world.advance(590_000);
    assert_eq!(rows(&world), 1, "the refresh counts");
    world.advance(20_000);
    let last = told(&mut world, "desk").pop();
    assert_eq!(last, Some(("terminated;reason=timeout".to_owned(), None)));
    assert_eq!(rows(&world), 0);
    again(&mut world, "desk", &to, 3, EVENT);
    assert_eq!(
        world.statuses("desk").last().expect("said"),
        "481 SUBSCRIBE"
    );

    subscribe(&mut world, "desk", 9, EVENT);
    let to = dialog(&mut world, "desk");
    again(
        &mut world,
        "desk",
        &to,
        10,
        &format!("{EVENT}Expires: 0\r\n"),
    );
    let last = told(&mut world, "desk").pop().expect("told");
    assert_eq!(last, ("terminated;reason=timeout".to_owned(), Some((0, 0))));
    set_counts(&mut world, 1);
    assert_eq!(
        told(&mut world, "desk").pop(),
        Some(last),
        "no news any more"
    );
    assert_eq!(rows(&world), 0);
}

#[test]
fn whoever_asks_once_is_told_once() {
    let mut world = World::new();
    world.user("desk", "bob");
    subscribe(&mut world, "desk", 1, &format!("{EVENT}Expires: 0\r\n"));
    let once = ("terminated;reason=timeout".to_owned(), Some((0, 0)));
    assert_eq!(told(&mut world, "desk"), [once]);
    assert_eq!(rows(&world), 0);
}

#[test]
fn a_subscription_survives_its_connection_and_a_restart() {
    let mut world = World::new();
    world.registered("desk", "bob", Answers::Ring);
    let contact = world.last_sent("desk", "REGISTER");
    let contact = contact.lines().find(|line| line.starts_with("Contact:"));
    let uri = contact.and_then(|line| line.split(['<', '>']).nth(1));
    let uri = uri.expect("a contact").to_owned();
    let token = world.token("bob");
    let text = invite(
        BOB,
        BOB,
        &format!("{EVENT}Authorization: Bearer {token}\r\n"),
    )
    .replace("INVITE", "SUBSCRIBE")
    .replace("sip:a@x.invalid;transport=ws", &uri);
    world.raw("desk", &text);
    let to = dialog(&mut world, "desk");
    world.restart();
    set_counts(&mut world, 1);
    let before = notifies(&mut world, "desk").len();
    world.connect("desk");
    let all = notifies(&mut world, "desk");
    assert!(all.len() > before, "told when it registered again");
    let last = all.last().expect("told");
    assert_eq!(last.from().to_string(), to, "in its dialog");
    assert_eq!(world.shown_counts("desk"), Some((1, 0)));

    world.die("desk");
    set_counts(&mut world, 2);
    world.user("other", "bob");
    again(&mut world, "other", &to, 2, EVENT);
    assert_eq!(world.shown_counts("other"), Some((2, 0)), "by a refresh");
    set_counts(&mut world, 3);
    assert_eq!(world.shown_counts("other"), Some((3, 0)));
}

#[test]
fn a_dialog_that_the_subscriber_does_not_know_has_ended() {
    let mut world = subscribed();
    world.get("desk").says = vec![(Method::Notify, 481)];
    set_counts(&mut world, 1);
    assert_eq!(rows(&world), 0);
}

#[test]
fn the_mailbox_is_asked_until_it_has_answered_whenever_the_process_dies() {
    for points in 0..60 {
        let mut world = World::new();
        world.user("desk", "bob");
        let token = world.token("bob");
        world.kill_after(Some(points));
        let proof = format!("{EVENT}Authorization: Bearer {token}\r\n");
        raw(&mut world, "desk", 1, &proof);
        world.kill_after(None);
        let answered = world.statuses("desk").contains(&"200 SUBSCRIBE".to_owned());
        world.advance(20_000);
        let count = notifies(&mut world, "desk").len();
        assert!(count >= usize::from(answered), "{points}: told nothing");
        assert!(count <= 2, "{points}: {count}");
        let owed = "SELECT COUNT(*) FROM subscriptions WHERE waiting_since IS NOT NULL";
        let line = Object::Line(BOB.to_owned());
        assert_eq!(world.count(&line, owed), 0, "{points}");
    }
}

#[test]
fn a_subscriber_who_never_answers_is_given_up() {
    let mut world = subscribed();
    world.get("desk").says = vec![(Method::Notify, 100)];
    set_counts(&mut world, 1);
    world.advance(50_000);
    assert_eq!(rows(&world), 1);
    world.advance(20_000);
    assert_eq!(rows(&world), 0);
}

#[test]
fn the_oldest_of_too_many_subscriptions_is_given_up() {
    let mut world = World::new();
    world.user("desk", "bob");
    for number in 1..=17 {
        subscribe(&mut world, "desk", number, EVENT);
        world.advance(1_000);
    }
    assert_eq!(rows(&world), 16);
    let ended = ("terminated;reason=giveup".to_owned(), None);
    assert!(told(&mut world, "desk").contains(&ended));
}
