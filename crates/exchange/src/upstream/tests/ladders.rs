//! What is kept of calls that the proxy diverted, all of which come over its one connection.

use sip::{Method, Request, Response};

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

#[test]
fn calls_of_one_name_by_the_proxy_have_pages_of_their_own() {
    let anonymous = "sip:anonymous@anonymous.invalid";
    for (one, other) in [
        ("sip:dora@caller.test", "sip:eve@caller.test"),
        (anonymous, anonymous),
    ] {
        let mut world = registered();
        for (number, from) in [one, other].into_iter().enumerate() {
            let subject = ("Subject", format!("call {number}"));
            call(&mut world, from, "same", &[(subject.0, &subject.1)]);
            let info = world.proxy_request("INFO");
            let ok = Response::reply_to(&info, 200, "OK", None);
            world.proxy_says(&ok.to_bytes());
            world.advance(120_000);
            let bye = world.proxy_request("BYE");
            let ok = Response::reply_to(&bye, 200, "OK", None);
            world.proxy_says(&ok.to_bytes());
        }
        let sheets = sheets(&world);
        assert_eq!(sheets.len(), 2, "{one}");
        assert!(sheets[0].session.is_some() && sheets[0].session != sheets[1].session);
        for (number, sheet) in sheets.iter().enumerate() {
            let text = serde_json::to_string(sheet).expect("JSON");
            for subject in 0..2 {
                let shown = text.contains(&format!("Subject: call {subject}"));
                assert_eq!(shown, subject == number, "{one} {number}: {text}");
            }
            let other = [other, one][number];
            let other = format!("<{other}>;tag");
            assert!(one == anonymous || !text.contains(&other), "{text}");
        }
    }
}
