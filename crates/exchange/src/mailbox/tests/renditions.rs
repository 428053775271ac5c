//! What `?format=` asks of a mailbox, and what the front answers.

use super::{Bob, body, bytes, header, json, request, voice_message};
use crate::{
    http::{Body, Request, Response},
    mailbox::{media, message},
    rendition::{self, ORDER, Order},
};

/// Bob with a message `m` of this type, with what was said of it.
fn with_message(content_type: &str, size: u64, metadata: &str, blob_key: Option<&str>) -> Bob {
    let bob = Bob::new();
    bob.event(|sql, context| {
        let mut message = voice_message("m", 100);
        let part = &mut message.parts[0];
        content_type.clone_into(&mut part.content_type);
        metadata.clone_into(&mut part.metadata);
        part.size = size;
        part.blob_key = blob_key.map(str::to_owned);
        media::store(sql, &part.media_id, &bytes(100))?;
        message::insert(sql, context, &message)
    });
    bob
}

fn get(bob: &Bob, format: &str, headers: &[(&str, &str)]) -> Response {
    bob.send(&asking(format, headers)).0
}

fn asking(format: &str, headers: &[(&str, &str)]) -> Request {
    let target = format!("/mailbox/messages/m/media?format={format}");
    let mut asked = request("GET", &target, "");
    let headers = headers.iter();
    asked
        .headers
        .extend(headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    asked
}

fn order(response: &Response) -> Order {
    let order = header(response, ORDER).expect("an order");
    serde_json::from_str(order).expect("JSON")
}

#[test]
fn a_rendition_is_ordered_with_what_the_sender_said() {
    let said = r#"{"gain_db":"-3.5","trim_start_ms":"700","trim_end_ms":"400"}"#;
    let bob = with_message("audio/webm", 100, said, None);
    let response = get(&bob, "ogg", &[("range", "bytes=5-9")]);
    assert_eq!(response.status, 200);
    assert_eq!(body(&response), bytes(100), "the front needs all of it");
    let order = order(&response);
    assert_eq!(order.format, "ogg");
    assert_eq!(order.gain_db, Some(-3.5));
    assert_eq!((order.trim_start_ms, order.trim_end_ms), (700, 400));
    let shown = bob.call("GET", "/mailbox/messages/m", "").1;
    assert_eq!(shown["gain_db"], -3.5);
    assert_eq!(
        (&shown["trim_start_ms"], &shown["trim_end_ms"]),
        (&700.into(), &400.into())
    );
}

#[test]
fn a_large_message_is_ordered_from_the_blob_store_whole() {
    let bob = with_message("audio/ogg", 3 << 20, "{}", Some("m/bob/1"));
    let expected = Body::Blob {
        key: "m/bob/1".to_owned(),
        offset: 0,
        length: 3 << 20,
    };
    assert_eq!(get(&bob, "mp4", &[]).body, expected);
}

#[test]
fn without_a_format_the_bytes_come_as_deposited() {
    let bob = with_message("audio/ogg", 100, "{}", None);
    let (response, _) = bob.send(&request("GET", "/mailbox/messages/m/media", ""));
    assert_eq!(header(&response, ORDER), None);
    assert_eq!(header(&response, "content-type"), Some("audio/ogg"));
}

#[test]
fn what_is_no_opus_comes_as_deposited_or_not_at_all() {
    for (content_type, size, format, expected) in [
        ("video/webm", 100, "webm", Ok("video/webm")),
        ("video/webm", 100, "mp4", Err("format_unavailable")),
        ("audio/wav", 100, "ogg", Err("format_unavailable")),
        (
            "application/vnd.afterbeep.sealed",
            100,
            "ogg",
            Err("format_unavailable"),
        ),
        ("audio/ogg", 17 << 20, "ogg", Ok("audio/ogg")),
        ("audio/ogg", 17 << 20, "mp4", Err("format_too_large")),
        ("audio/ogg", 100, "wav", Err("invalid_field")),
    ] {
        let bob = with_message(content_type, size, "{}", None);
        let response = get(&bob, format, &[]);
        assert_eq!(header(&response, ORDER), None);
        match expected {
            Ok(served) => assert_eq!(header(&response, "content-type"), Some(served)),
            Err(code) => assert_eq!(json(&response)["code"], code, "{content_type} as {format}"),
        }
    }
}

#[test]
fn the_front_answers_with_ranges_names_and_a_tag_for_each_format() {
    let bob = with_message("audio/ogg", 100, "{}", None);
    let made = bytes(50);
    let mut tags = Vec::new();
    for (format, content_type, ending) in [
        ("ogg", "audio/ogg", ".ogg\""),
        ("webm", "audio/webm", ".webm\""),
        ("mp4", "audio/mp4", ".m4a\""),
    ] {
        let order = order(&get(&bob, format, &[]));
        let asked = asking(format, &[("range", "bytes=10-19")]);
        let response = rendition::answer(&asked, &order, &bytes(100), Some(&made));
        assert_eq!(response.status, 206);
        assert_eq!(body(&response), made[10..20]);
        assert_eq!(header(&response, "content-range"), Some("bytes 10-19/50"));
        assert_eq!(header(&response, "content-type"), Some(content_type));
        assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
        let disposition = header(&response, "content-disposition").expect("a name");
        assert!(disposition.starts_with("inline; filename=\"message-20"));
        assert!(disposition.ends_with(ending), "{disposition}");
        let tag = header(&response, "etag").expect("a tag").to_owned();
        let again = get(&bob, format, &[("if-none-match", &tag)]);
        assert_eq!(again.status, 304, "no second rendition is made");
        assert!(!tags.contains(&tag));
        tags.push(tag);
    }
}

#[test]
fn a_head_request_tells_the_length_of_the_rendition() {
    let bob = with_message("audio/ogg", 100, "{}", None);
    let order = order(&get(&bob, "mp4", &[]));
    let head = Request {
        method: "HEAD".to_owned(),
        ..asking("mp4", &[])
    };
    let response = rendition::answer(&head, &order, &bytes(100), Some(&bytes(70)));
    assert_eq!(header(&response, "content-length"), Some("70"));
    assert!(body(&response).is_empty());
}

#[test]
fn where_nothing_can_be_made_the_same_container_comes_as_deposited() {
    let bob = with_message("audio/mp4", 100, "{}", None);
    let same = order(&get(&bob, "mp4", &[]));
    let response = rendition::answer(&asking("mp4", &[]), &same, &bytes(100), None);
    assert_eq!((response.status, body(&response)), (200, bytes(100)));
    let tag = header(&response, "etag").expect("a tag");
    assert_eq!(tag, format!("\"{}\"", "ab".repeat(32)));
    let other = order(&get(&bob, "ogg", &[]));
    let response = rendition::answer(&asking("ogg", &[]), &other, &bytes(100), None);
    assert_eq!(response.status, 406);
    assert_eq!(json(&response)["code"], "format_unavailable");
}
