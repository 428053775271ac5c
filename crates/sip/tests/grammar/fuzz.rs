//! Every reader survives whatever is thrown at it: seeded changes of good input, three seconds each here, and as long
//! as one likes by `cargo xtask fuzz NAME --time SECONDS`. What was found once stays in the corpus.

mod mutator;

use sip::{
    Message, NameAddr, Request, Uri, Via, address,
    digest::{Authorization, Challenge, Ha1, check_nonce, issue_nonce},
    message::parse,
    message_summary::MessageSummary,
    sdp,
    session_info::SessionInfo,
    websocket,
};

use self::mutator::storm;
use crate::{literal::MESSAGES, torture};

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Whole messages: read or refused, and what is read prints readably.
#[test]
fn message() {
    let mut corpus = texts(&MESSAGES);
    corpus.extend(torture::messages());
    storm(&corpus, |bytes| {
        let _ = websocket::classify(bytes);
        match parse(bytes) {
            Ok(message) => {
                let printed = message.to_bytes();
                let again = parse(&printed).unwrap_or_else(|error| {
                    panic!("{error}\n{}", String::from_utf8_lossy(&printed))
                });
                assert_eq!(again.to_bytes(), printed);
            }
            Err(error) => drop(error.answer.map(|answer| answer.to_bytes())),
        }
    });
}

/// URIs and addresses: what is read prints and reads again as the same.
#[test]
fn uri() {
    let corpus = texts(&[
        "sip:bob@example.com;transport=ws?a=b",
        "sips:%61lice:secret@[2001:db8::1]:5061;user=phone;lr;maddr=a",
        "tel:+1-201-555-0123;phone-context=+1",
        "tel:030%2F901820;isub=1;ext=2",
        "sip:voicemail@localhost;target=sip:bob%40localhost;cause=302",
        "sip:+493012345678@localhost;user=phone",
        "soap.beep://192.0.2.103:3002",
    ]);
    storm(&corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(uri) = text.parse::<Uri>() {
            let again = uri.to_string().parse::<Uri>();
            assert_eq!(again.map(|again| again.to_string()), Ok(uri.to_string()));
            let _ = (uri.decoded_user(), uri.param("target"), uri.is_sip());
        }
        if let Ok(address) = address::normalise(&text, &["localhost", "127.0.0.1"]) {
            assert_eq!(address.as_str().parse(), Ok(address.clone()));
            assert_eq!(
                address::normalise(address.as_str(), &["localhost", "127.0.0.1"]).as_ref(),
                Ok(&address)
            );
        }
    });
}

/// Header values, each alone and in a request whose every typed reader is asked.
#[test]
fn headers() {
    let corpus = texts(&[
        "\"B\\\"ob\" <sip:b%20ob@[2001:db8::1]:5060>;tag=1;q=\"x\"",
        "SIP/2.0/WS a.invalid:80;branch=z9hG4bK1;received=[::1]",
        "<sip:a@x.invalid;transport=ws>;expires=60;+sip.instance=\"<urn:uuid:0>\";reg-id=1, *",
        "<sip:proxy.example.com;lr>, <sip:other;lr>;a=b",
        "4711 INVITE",
        "SIP;cause=200;text=\"record offline\", Q.850;cause=16",
        "<sip:bob@x?Reason=SIP%3Bcause%3D486>;index=1",
        "application/sdp;level=1, text/*;q=0.5",
        "message-summary;id=1",
    ]);
    storm(&corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(value) = text.parse::<NameAddr>() {
            let printed = value.to_string();
            assert!(printed.parse::<NameAddr>().is_ok(), "{text:?} {printed}");
        }
        if let Ok(via) = text.parse::<Via>() {
            assert!(via.to_string().parse::<Via>().is_ok(), "{text:?} {via}");
        }
        for name in [
            "From",
            "To",
            "Via",
            "Contact",
            "Route",
            "Record-Route",
            "CSeq",
            "History-Info",
        ] {
            ask_everything(&with_header(name, &text));
        }
    });
}

fn with_header(name: &str, value: &str) -> Request {
    let frame = b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/WS x;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
    match parse(frame).unwrap() {
        Message::Request(mut request) => {
            request.set_header(name, value);
            request
        }
        Message::Response(_) => panic!("a response"),
    }
}

fn ask_everything(request: &Request) {
    let _ = (request.from().tag().is_some(), request.to().uri.to_string());
    let _ = (request.cseq(), request.expires(), request.max_forwards());
    let _ = (
        request.vias().len(),
        request.top_via().map(|via| via.sent_by()),
    );
    let _ = (request.contacts().len(), request.has_wildcard_contact());
    let _ = (request.routes().len(), request.record_routes().len());
    let _ = sip::diversion::called_before(request).len();
    let printed = request.to_bytes();
    assert!(
        !printed.windows(2).any(|pair| pair == b"\n\n"),
        "a line of its own"
    );
    let _ = parse(&printed);
}

/// Session descriptions: whatever is refused has no active media left.
#[test]
fn sdp() {
    let corpus = texts(&[
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n",
        "v=0\no=a 1 2 IN IP6 ::1\ns= \nc=IN IP6 ::1\nt=0 0\nm=audio 49170/2 RTP/AVP 0\na=inactive\n",
        &sdp::empty_offer(7),
    ]);
    storm(&corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = (sdp::has_video(&text), sdp::is_held(&text));
        if let Ok(answer) = sdp::refuse_all(&text) {
            assert!(!sdp::has_active_media(&answer), "{answer}");
        }
    });
}

/// Proofs and challenges: never a panic, never accepted unless they are ours.
#[test]
fn auth() {
    let nonce = issue_nonce(b"key", 0, [7; 8]);
    let digest = format!(
        "Digest username=\"a\", realm=\"b\", nonce=\"{nonce}\", uri=\"sip:b\", response=\"d\", qop=auth, nc=00000001, cnonce=\"e\", algorithm=MD5"
    );
    let corpus = texts(&[
        "Digest realm=\"a\", nonce=\"b\", qop=\"auth,auth-int\", algorithm=SHA-256, stale=TRUE, opaque=\"\"",
        &digest,
        "Bearer l1.a.b.c",
        &nonce,
    ]);
    storm(&corpus, |bytes| {
        let text = String::from_utf8_lossy(bytes).replace(['\r', '\n'], " ");
        if let Authorization::Digest(digest) = Authorization::parse(&text) {
            let ha1 = Ha1::new("a", "b", "c");
            assert!(
                !digest.verify(&ha1, &with_header("To", "<sip:b>")),
                "{text}"
            );
        }
        let _ = check_nonce(b"key", &text, 0, 1);
        if let Some(challenge) = Challenge::parse(&text) {
            assert_eq!(Challenge::parse(&challenge.print()), Some(challenge));
        }
    });
}

/// The bodies of INFO and NOTIFY: what is read prints and reads again as the same.
#[test]
fn session_info() {
    let corpus = texts(&[
        "Session Type=voice\r\nCalled Party=sip:bob@example.com\r\nID=s1.a\r\nMax-Size=1\r\nExpires=2026-12-01T12:00:00Z\r\nForwarded-From=Bob\r\n",
        "Session Type=video\r\nID=s1.a.b\r\nUpload=https://x/deposits\r\nGreeting=https://x/g\r\nGreeting-Duration=4200\r\n",
        "Messages-Waiting: yes\r\nMessage-Account: sip:bob@x\r\nVoice-Message: 2/8 (0/2)\r\n",
    ]);
    storm(&corpus, |bytes| {
        if let Ok(session) = SessionInfo::parse(bytes) {
            assert_eq!(SessionInfo::parse(session.print().as_bytes()), Ok(session));
        }
        if let Ok(summary) = MessageSummary::parse(bytes) {
            let counts = MessageSummary::parse(summary.to_string().as_bytes())
                .map(|again| (again.new, again.old));
            assert_eq!(counts, Ok((summary.new, summary.old)));
        }
    });
}
