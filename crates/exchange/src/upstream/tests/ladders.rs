//! What is kept of calls that the proxy diverted, all of which come over its one connection.

use sip::{Method, Request};

use super::{diverted, inside, registered};
use crate::{object::Object, testing::World, trace::Sheet};

const BOB: &str = "sip:bob@localhost";

fn mailbox(name: &str) -> Object {
    Object::Mailbox(format!("sip:{name}@localhost"))
}

/// A call to Bob by this caller, as far as the session.
fn call(world: &mut World, from: &str, call_id: &str, extra: &[(&str, &str)]) {
    let text = String::from_utf8(diverted(BOB, extra).to_bytes()).expect("text");
    let branch = format!("z9hG4bK{}{call_id}", from.replace(['@', ':'], ""));
    let text = text
        .replace(
            "\"Dora\" <sip:dora@caller.test>;tag=d",
            &format!("<{from}>;tag=f"),
        )
        .replace("diverted-1", call_id)
        .replace("z9hG4bKproxy1", &branch);
    world.proxy_says(text.as_bytes());
    let ack: Request = inside(&Method::Ack, &world.proxy_response(), 1);
    world.proxy_says(&ack.to_bytes());
}

fn sheets(world: &World) -> Vec<Sheet> {
    let rows = world.rows(
        &mailbox("bob"),
        "SELECT sheet FROM mailbox_calls ORDER BY key",
    );
    let sheet = |text: String| serde_json::from_str(&text).expect("a sheet");
    rows.iter().map(|row| sheet(row.text(0))).collect()
}

#[test]
fn whom_the_proxy_vouches_for_has_made_no_call_here() {
    let mut world = registered();
    let asserted = ("P-Asserted-Identity", "\"Alice\" <sip:alice@localhost>");
    call(&mut world, "sip:alice@localhost", "one", &[asserted]);
    assert_eq!(sheets(&world).len(), 1);
    let made = "SELECT COUNT(*) FROM mailbox_calls";
    assert_eq!(world.count(&mailbox("alice"), made), 0);
}

#[test]
fn many_calls_of_one_caller_push_out_no_others_although_all_come_by_the_proxy() {
    let mut world = registered();
    call(&mut world, "sip:dora@caller.test", "first", &[]);
    for number in 0..60 {
        world.advance(120_000);
        call(
            &mut world,
            "sip:eve@caller.test",
            &format!("e{number}"),
            &[],
        );
    }
    let sheets = sheets(&world);
    assert!(sheets.iter().any(|sheet| sheet.call_id == "first"));
    assert!(sheets.iter().any(|sheet| sheet.call_id == "e59"));
    assert!(sheets.len() < 60, "{}", sheets.len());
}
