//! Whole messages as text: what goes in, what comes out, and one fault at a time.

use sip::{Message, Method, NameAddr, Request, Response, Uri, Via, message::parse};

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/WSS abc.invalid;branch=z9hG4bK776asdhds\r\n\
    Max-Forwards: 70\r\n\
    To: Bob <sip:bob@example.com>\r\n\
    From: \"Alice, at home\" <sip:alice@example.com>;tag=1928301774\r\n\
    Call-ID: a84b4c76e66710@abc.invalid\r\n\
    CSeq: 314159 INVITE\r\n\
    Contact: <sip:x@abc.invalid;transport=ws>\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 4\r\n\r\nbody";

pub(crate) const MESSAGES: [&str; 3] = [
    INVITE,
    "SIP/2.0 200 OK\r\nv: SIP/2.0/WS a;branch=z9hG4bK1, SIP/2.0/WS b;branch=z9hG4bK2\r\nf: <sip:a@b>;tag=1\r\n\
     t: <sip:c@d>;tag=2\r\ni: 1\r\nCSeq: 1 INVITE\r\nm: <sip:c@[2001:db8::1]:5060>\r\nl: 0\r\n\r\n",
    "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK3;rport\r\nFrom: <sip:a@b>;tag=1\r\n\
     To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nContact: <sip:a@c>;+sip.instance=\"<urn:uuid:0>\";reg-id=1, *\r\n\
     Authorization: Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:b\", response=\"d\"\r\nExpires: 600\r\n\r\n",
];

fn request(text: &str) -> Request {
    match parse(text.as_bytes()) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_invite_is_read_into_its_parts() {
    let invite = request(INVITE);
    assert_eq!(invite.method(), &Method::Invite);
    assert_eq!(invite.uri().to_string(), "sip:bob@example.com");
    assert_eq!(
        invite.from().display_name.as_deref(),
        Some("Alice, at home")
    );
    assert_eq!(invite.from().tag(), Some("1928301774"));
    assert_eq!(invite.to().tag(), None);
    assert_eq!(invite.call_id(), "a84b4c76e66710@abc.invalid");
    assert_eq!(invite.cseq(), (314_159, Method::Invite));
    assert_eq!(invite.top_via().unwrap().branch(), "z9hG4bK776asdhds");
    assert_eq!(
        invite.contacts()[0].uri.param("transport").as_deref(),
        Some("ws")
    );
    assert_eq!(
        (invite.content_type().as_str(), invite.body()),
        ("text/plain", &b"body"[..])
    );
}

#[test]
fn a_message_that_was_not_changed_prints_as_it_came() {
    assert_eq!(
        String::from_utf8(request(INVITE).to_bytes()).unwrap(),
        INVITE
    );
}

#[test]
fn compact_forms_folding_and_joined_rows_are_one_form() {
    let text = "OPTIONS sip:a@b SIP/2.0\r\nv: SIP/2.0/WS one;branch=z9hG4bK1 ,\r\n SIP/2.0/WS two;branch=z9hG4bK2\r\n\
        f: <sip:a@b>;tag=1\r\nt: <sip:a@b>\r\ni: x\r\nCSeq: 1\r\n  OPTIONS\r\nl: 0\r\n\r\n";
    let mut options = request(text);
    assert_eq!(options.cseq(), (1, Method::Options));
    assert_eq!(options.headers("Via").count(), 2);
    assert_eq!(options.pop_via().map(|via| via.host), Some("one".into()));
    assert_eq!(options.top_via().map(|via| via.host), Some("two".into()));
    assert_eq!(options.header("call-id"), Some("x"));
    assert_eq!(options.max_forwards(), 70);
}

#[test]
fn a_proxy_pushes_and_pops_in_the_order_of_the_way() {
    let mut invite = request(INVITE);
    invite.push_via(&Via::new("WS", "edge.invalid", "two").with_param("line", "c2lw"));
    invite.push_record_route(&"<sip:t1@edge;lr>".parse().unwrap());
    invite.push_record_route(&"<sip:t2@edge;lr>".parse().unwrap());
    invite.push_route(&"<sip:r2@edge;lr>".parse().unwrap());
    invite.push_route(&"<sip:r1@edge;lr>".parse().unwrap());
    let mut again = request(&String::from_utf8(invite.to_bytes()).unwrap());
    assert_eq!(again.record_routes()[0].uri.user.as_deref(), Some("t2"));
    assert_eq!(again.pop_route().unwrap().uri.user.as_deref(), Some("r1"));
    assert_eq!(again.routes().len(), 1);
    let via = again.pop_via().unwrap();
    assert_eq!(
        (via.branch(), via.params.get("line")),
        ("z9hG4bKtwo", Some("c2lw"))
    );
    assert_eq!(again.vias().len(), 1);
}

#[test]
fn a_reply_copies_what_rfc_3261_8_2_6_names() {
    let mut invite = request(INVITE);
    invite.push_record_route(&"<sip:token@edge;lr>".parse().unwrap());
    let ringing = Response::reply_to(&invite, 180, "Ringing", Some("b1"));
    assert_eq!(
        String::from_utf8(ringing.to_bytes()).unwrap(),
        "SIP/2.0 180 Ringing\r\n\
         Via: SIP/2.0/WSS abc.invalid;branch=z9hG4bK776asdhds\r\n\
         Record-Route: <sip:token@edge;lr>\r\n\
         From: \"Alice, at home\" <sip:alice@example.com>;tag=1928301774\r\n\
         To: \"Bob\" <sip:bob@example.com>;tag=b1\r\n\
         Call-ID: a84b4c76e66710@abc.invalid\r\n\
         CSeq: 314159 INVITE\r\n\
         Content-Length: 0\r\n\r\n"
    );
    for (status, has_route) in [(100, false), (200, true), (404, false)] {
        let reply = Response::reply_to(&invite, status, "", Some("b1"));
        assert_eq!(
            reply.header("Record-Route").is_some(),
            has_route,
            "{status}"
        );
    }
    let trying = Response::reply_to(&invite, 100, "Trying", None);
    assert_eq!(trying.to().tag(), None);
    invite.set_header("To", "<sip:bob@example.com>;tag=old");
    assert_eq!(
        Response::reply_to(&invite, 200, "OK", Some("new"))
            .to()
            .tag(),
        Some("old")
    );
}

#[test]
fn no_value_can_add_a_header_line() {
    let mut invite = request(INVITE);
    invite.set_header("Subject", "x\r\nRoute: <sip:evil>\r\n\r\nbody");
    let from =
        NameAddr::new("sip:a@b".parse().unwrap()).with_display_name("x\r\n\"Route: <sip:evil>");
    invite.set_header("From", &from.to_string());
    let reply = Response::reply_to(&invite, 400, "no\r\nX: y", None);
    invite.set_uri(Uri::sip_host("example.com\r\nX: y"));
    assert!(
        !String::from_utf8(invite.to_bytes())
            .unwrap()
            .contains("\nX:")
    );
    invite.set_uri(Uri::sip_host("example.com"));
    for bytes in [invite.to_bytes(), reply.to_bytes()] {
        let Ok(message) = parse(&bytes) else {
            panic!("{}", String::from_utf8_lossy(&bytes))
        };
        let headers = match &message {
            Message::Request(request) => request.all_headers(),
            Message::Response(response) => response.all_headers(),
        };
        assert!(headers.get("Route").is_none() && headers.get("X").is_none());
    }
}

/// One fault in an otherwise good INVITE: what is replaced, by what, and the status it is refused with.
const FAULTS: [(&str, &str, u16); 24] = [
    ("SIP/2.0\r\nVia", "SIP/7.0\r\nVia", 505),
    (
        "INVITE sip:bob@example.com",
        "INVITE <sip:bob@example.com>",
        400,
    ),
    (
        "INVITE sip:bob@example.com",
        "INVITE sip:bob@example.com; lr",
        400,
    ),
    (
        "INVITE sip:bob@example.com",
        "INVITE  sip:bob@example.com",
        400,
    ),
    (
        "INVITE sip:bob@example.com",
        "INVITE sip:bob@example.com?Route=x",
        400,
    ),
    (
        "INVITE sip:bob@example.com",
        "INVITE sip:b%zzb@example.com",
        400,
    ),
    ("CSeq: 314159 INVITE", "CSeq: 314159 OPTIONS", 400),
    (
        "CSeq: 314159 INVITE",
        "CSeq: 36893488147419103232 INVITE",
        400,
    ),
    ("Max-Forwards: 70", "Max-Forwards: 300", 400),
    (
        "Max-Forwards: 70",
        "Max-Forwards: 70\r\nMax-Forwards: 71",
        400,
    ),
    ("Max-Forwards: 70", "Expires: 36893488147419103232", 400),
    ("Content-Length: 4", "Content-Length: -4", 400),
    ("Content-Length: 4", "Content-Length: 5", 400),
    (
        "Content-Length: 4",
        "Content-Length: 4\r\nContent-Length: 3",
        400,
    ),
    (
        "To: Bob <sip:bob@example.com>",
        "To: \"Bob <sip:bob@example.com>",
        400,
    ),
    ("To: Bob <sip:bob@example.com>", "X-To: Bob", 400),
    ("From: \"Alice, at home\"", "From: Alice, at home", 400),
    ("Call-ID: a84b4c76e66710@abc.invalid\r\n", "", 400),
    ("branch=z9hG4bK776asdhds", "branch=z9hG4bK776asdhds;;", 400),
    ("Via: ", "Via: ,", 400),
    (
        "Contact: <sip:x@abc.invalid;transport=ws>",
        "Contact: sip:x@abc.invalid?Route=y",
        400,
    ),
    (
        "Contact: <sip:x@abc.invalid;transport=ws>",
        "Contact: <sip:x@abc.invalid>, ;",
        400,
    ),
    ("Max-Forwards: 70", "Route: nobody", 400),
    ("Max-Forwards: 70", "no colon", 400),
];

#[test]
fn one_fault_is_enough_to_be_refused_with_its_status() {
    for (good, bad, status) in FAULTS {
        let text = INVITE.replacen(good, bad, 1);
        assert_ne!(text, INVITE, "{good}");
        let error = parse(text.as_bytes())
            .err()
            .unwrap_or_else(|| panic!("accepted: {bad}"));
        assert_eq!(error.status, Some(status), "{bad}: {error}");
    }
}

#[test]
fn a_refusal_brings_its_answer_where_there_is_a_way_back() {
    let refused = |text: String| parse(text.as_bytes()).unwrap_err();
    let answer = refused(INVITE.replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"))
        .answer
        .unwrap();
    assert_eq!(
        (answer.status(), answer.reason()),
        (505, "Version Not Supported")
    );
    assert_eq!(answer.top_via().unwrap().branch(), "z9hG4bK776asdhds");
    assert_eq!(answer.cseq(), (314_159, Method::Invite));
    let unaddressed = refused(INVITE.replace("Via:", "X-Via:"));
    assert_eq!((unaddressed.status, unaddressed.answer), (Some(400), None));
    let ack = refused(
        INVITE
            .replace("INVITE", "ACK")
            .replace("Max-Forwards: 70", "Max-Forwards: 300"),
    );
    assert_eq!((ack.status, ack.answer), (None, None));
}

#[test]
fn missing_and_repeated_headers_are_answered_with_what_there_is() {
    let call_id = "Call-ID: a84b4c76e66710@abc.invalid\r\n";
    for (text, left) in [
        (INVITE.replace(call_id, ""), 0),
        (
            INVITE.replace(call_id, &format!("{call_id}i: other\r\n")),
            1,
        ),
    ] {
        let answer = parse(text.as_bytes()).unwrap_err().answer.unwrap();
        assert_eq!(answer.status(), 400);
        let ids: Vec<&str> = answer.headers("Call-ID").collect();
        assert_eq!(ids, vec!["a84b4c76e66710@abc.invalid"; left]);
    }
}

#[test]
fn broken_responses_and_noise_are_dropped() {
    let ok =
        String::from_utf8(Response::reply_to(&request(INVITE), 200, "OK", Some("b")).to_bytes())
            .unwrap();
    assert!(parse(ok.as_bytes()).is_ok());
    for text in [
        ok.replace("SIP/2.0 200", "SIP/2.0 4294967301"),
        ok.replace("SIP/2.0 200", "SIP/2.0 99"),
        ok.replace("CSeq: 314159", "CSeq: 3141593141593141590"),
        String::new(),
        "\r\n\r\n".to_owned(),
    ] {
        let error = parse(text.as_bytes()).unwrap_err();
        assert_eq!((error.status, error.answer), (None, None), "{text:?}");
    }
}

#[test]
fn an_info_whose_length_leaves_line_ends_out_keeps_its_whole_body() {
    let body = "Session Type=voice\r\nCalled Party=sip:bob@example.com\r\nID=s1.token\r\n";
    let info = INVITE.replace("INVITE", "INFO").replace("body", body);
    for uncounted in [0, 3, 6] {
        let length = format!("Content-Length: {}", body.len() - uncounted);
        let read = request(&info.replace("Content-Length: 4", &length));
        assert_eq!(read.body_text(), Some(body), "{uncounted}");
    }
    let far_too_short = info.replace(
        "Content-Length: 4",
        &format!("Content-Length: {}", body.len() - 7),
    );
    assert_eq!(request(&far_too_short).body().len(), body.len() - 7);
}

#[test]
fn too_large_a_message_is_refused_with_513() {
    let body = "x".repeat(70_000);
    let text = INVITE.replace(
        "Content-Length: 4\r\n\r\nbody",
        &format!("Content-Length: 70000\r\n\r\n{body}"),
    );
    assert_eq!(parse(text.as_bytes()).unwrap_err().status, Some(513));
    let header = INVITE.replace(
        "Max-Forwards: 70",
        &format!("Subject: {}", "x".repeat(9_000)),
    );
    assert_eq!(parse(header.as_bytes()).unwrap_err().status, Some(513));
}

#[test]
fn uris_keep_what_they_hold() {
    for text in [
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4:5070",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        "sip:[2001:db8::9:1]:5070;lr",
        "tel:+1-201-555-0123",
        "tel:7042;phone-context=example.com",
        "urn:service:sos",
    ] {
        assert_eq!(
            text.parse::<Uri>().map(|uri| uri.to_string()).as_deref(),
            Ok(text)
        );
    }
    let uri = Uri::sip("a b@c", "example.com")
        .with_param("target", "sip:bob@example.com;x=1")
        .with_flag("lr");
    assert_eq!(
        uri.to_string(),
        "sip:a%20b%40c@example.com;target=sip:bob%40example.com%3Bx%3D1;lr"
    );
    let again: Uri = uri.to_string().parse().unwrap();
    assert_eq!(
        again.param("target").as_deref(),
        Some("sip:bob@example.com;x=1")
    );
    assert_eq!(again.decoded_user().as_deref(), Some("a b@c"));
    for (one, two, same) in [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp",
            true,
        ),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com;newparam=5",
            true,
        ),
        ("SIP:ALICE@AtLanTa.CoM", "sip:alice@AtLanTa.CoM", false),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false),
    ] {
        let (one, two): (Uri, Uri) = (one.parse().unwrap(), two.parse().unwrap());
        assert_eq!(one.equivalent(&two), same, "{one} {two}");
    }
    for text in [
        "",
        "bob",
        "sip:",
        "sip:bob@",
        "sip:bob@exa mple.com",
        "sip:bob@example.com:99999",
    ] {
        assert!(text.parse::<Uri>().is_err(), "{text}");
    }
}

#[test]
fn name_addresses_are_printed_so_that_they_read_the_same() {
    for text in [
        "<sip:a@b>",
        "\"A. G. Bell\" <sip:agb@bell-telephone.com>;tag=a48s",
        "\"quote \\\" and \\\\\" <sip:a@b;lr>;q=0.5;expires=60",
        "<sip:a@b>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1",
    ] {
        assert_eq!(
            text.parse::<NameAddr>()
                .map(|address| address.to_string())
                .as_deref(),
            Ok(text)
        );
    }
    assert!("sip:a@b?x=y".parse::<NameAddr>().is_err());
    let bare: NameAddr = "sip:a@b;tag=1".parse().unwrap();
    assert_eq!(
        (bare.tag(), bare.uri.to_string().as_str()),
        (Some("1"), "sip:a@b")
    );
}
