//! Every reader survives whatever is thrown at it: seeded mutations of good messages, two seconds each.

use std::time::Duration;

use sip::{
    NameAddr, Uri, Via, address,
    digest::{Authorization, Challenge, check_nonce},
    message::parse,
    message_summary::MessageSummary,
    sdp,
    session_info::SessionInfo,
    websocket,
};

use crate::{literal::MESSAGES, torture};

/// A generator that needs no library (xorshift64*), so that a failure repeats from its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap()
    }
}

const BITS: [&[u8]; 16] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\"",
    b"<",
    b">",
    b";",
    b",",
    b"%",
    b"\0",
    b"\xff",
    b"\\",
    b"@",
    b":",
    b"=",
    b" ",
    b"[",
];

fn mutate(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let end = at + random.below(bytes.len() - at + 1).min(40);
        match random.below(5) {
            0 => drop(bytes.splice(at..end, BITS[random.below(BITS.len())].iter().copied())),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, BITS[random.below(BITS.len())].iter().copied())),
            3 => bytes.truncate(at),
            _ => bytes.extend_from_within(at..end),
        }
    }
    bytes
}

/// Calls `read` with mutations for two seconds; a panic in it names the round, which repeats exactly.
fn storm(seeds: &[Vec<u8>], read: impl Fn(&[u8])) {
    let mut random = Random(0x5EED);
    #[allow(
        clippy::disallowed_methods,
        reason = "a test may look at the clock to know when to stop"
    )]
    let begin = std::time::Instant::now();
    let mut rounds = 0_u32;
    while begin.elapsed() < Duration::from_secs(2) {
        read(&mutate(&mut random, seeds));
        rounds += 1;
    }
    assert!(rounds > 1000, "only {rounds} rounds");
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn mutated_messages_are_read_or_refused_and_what_is_read_prints_readably() {
    let mut seeds = texts(&MESSAGES);
    seeds.extend(torture::messages());
    storm(&seeds, |bytes| {
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

#[test]
fn mutated_addresses_stay_canonical() {
    let seeds = texts(&[
        "sip:bob@example.com;transport=ws?a=b",
        "\"B\\\"ob\" <sip:b%20ob@[2001:db8::1]:5060>;tag=1;q=\"x\"",
        "tel:+1-201-555-0123;phone-context=+1",
        "SIP/2.0/WS a.invalid:80;branch=z9hG4bK1;received=[::1]",
    ]);
    storm(&seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(uri) = text.parse::<Uri>() {
            assert_eq!(
                uri.to_string()
                    .parse::<Uri>()
                    .map(|again| again.to_string()),
                Ok(uri.to_string())
            );
        }
        if let Ok(value) = text.parse::<NameAddr>() {
            assert!(
                value.to_string().parse::<NameAddr>().is_ok(),
                "{text:?} {value}"
            );
        }
        if let Ok(via) = text.parse::<Via>() {
            assert!(via.to_string().parse::<Via>().is_ok(), "{text:?} {via}");
        }
        if let Ok(address) = address::normalise(&text, &["localhost", "127.0.0.1"]) {
            assert_eq!(address.as_str().parse(), Ok(address.clone()));
        }
    });
}

#[test]
fn mutated_credentials_never_panic() {
    let seeds = texts(&[
        "Digest realm=\"a\", nonce=\"b\", qop=\"auth,auth-int\", algorithm=SHA-256, stale=TRUE, opaque=\"\"",
        "Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:b\", response=\"d\", qop=auth, nc=00000001, cnonce=\"e\"",
        "Bearer l1.a.b.c",
        "00000000000f42400707070707070707aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]);
    storm(&seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes).replace(['\r', '\n'], " ");
        let _ = Authorization::parse(&text);
        let _ = check_nonce(b"key", &text, 0, 1);
        if let Some(challenge) = Challenge::parse(&text) {
            assert_eq!(Challenge::parse(&challenge.print()), Some(challenge));
        }
    });
}

#[test]
fn mutated_bodies_never_panic() {
    let seeds = texts(&[
        "Session Type=voice\r\nCalled Party=sip:bob@example.com\r\nID=s1.a\r\nMax-Size=1\r\n",
        "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n",
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n",
    ]);
    storm(&seeds, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(session) = SessionInfo::parse(bytes) {
            assert_eq!(SessionInfo::parse(session.print().as_bytes()), Ok(session));
        }
        if let Ok(summary) = MessageSummary::parse(bytes) {
            let counts = MessageSummary::parse(summary.to_string().as_bytes())
                .map(|again| (again.new, again.old));
            assert_eq!(counts, Ok((summary.new, summary.old)));
        }
        if let Ok(answer) = sdp::refuse_all(&text) {
            assert!(!sdp::has_active_media(&answer), "{answer}");
        }
    });
}
