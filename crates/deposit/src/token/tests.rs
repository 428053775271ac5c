use super::*;

const OLD: &str = "old:AAAAAAAAAAAAAAAAAAAAAA";
const NEW: &str = "new:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
const EXPIRES: i64 = 1_796_126_400_000;

fn keys(text: &str) -> Keys {
    Keys::read(text).unwrap()
}

fn session() -> SessionClaims {
    SessionClaims {
        session_id: *b"0123456789abcdef",
        session_type: SessionType::Video,
        caller: caller_hash(Some("sip:anna@example.com")),
        size_limit: 99_614_720,
        expires_at_ms: EXPIRES,
        mailbox: "sip:bob@example.com".to_owned(),
    }
}

fn every_kind() -> [Token; 4] {
    let media = MediaClaims {
        expires_at_ms: EXPIRES,
        mailbox: "sip:bob@example.com".to_owned(),
        resource: "message/17/0".to_owned(),
    };
    let login = LoginClaims {
        generation: 7,
        expires_at_ms: EXPIRES,
        address: "sip:bob@example.com".to_owned(),
    };
    [
        Token::Session(session()),
        Token::Login(login),
        Token::Media(media.clone()),
        Token::Link(media),
    ]
}

#[test]
fn every_kind_round_trips_in_its_form() {
    for (token, prefix) in every_kind().into_iter().zip(["s1", "l1", "m1", "k1"]) {
        let text = mint(&token, &keys(NEW)).unwrap();
        assert!(text.starts_with(&format!("{prefix}.new.")), "{text}");
        assert_eq!(text.split('.').count(), 4);
        assert!(text.len() <= MAX_LENGTH);
        assert_eq!(verify(&text, &keys(NEW), token.purpose()), Ok(token));
    }
}

#[test]
fn no_token_serves_as_another() {
    let purposes = [
        Purpose::Session,
        Purpose::Login,
        Purpose::Media,
        Purpose::Link,
    ];
    for token in every_kind() {
        let text = mint(&token, &keys(NEW)).unwrap();
        for purpose in purposes
            .into_iter()
            .filter(|purpose| *purpose != token.purpose())
        {
            assert_eq!(verify(&text, &keys(NEW), purpose), Err(TokenError::Purpose));
            // Renamed, the signature no longer fits: the purpose is under the MAC.
            let (_, rest) = text.split_once('.').unwrap();
            let renamed = format!("{}.{rest}", purpose.prefix());
            assert_eq!(
                verify(&renamed, &keys(NEW), purpose),
                Err(TokenError::Signature)
            );
        }
    }
}

#[test]
fn the_session_id_comes_first_in_the_payload() {
    let text = mint(&Token::Session(session()), &keys(NEW)).unwrap();
    let payload = base64url_bytes(text.split('.').nth(2).unwrap()).unwrap();
    assert_eq!(&payload[..16], b"0123456789abcdef");
    assert_eq!(session().session(), "MDEyMzQ1Njc4OWFiY2RlZg");
}

#[test]
fn keys_rotate_without_losing_pending_sessions() {
    let issued_before = mint(&Token::Session(session()), &keys(OLD)).unwrap();
    let rotated = keys(&format!("{NEW},{OLD}"));
    assert_eq!(verify_session(&issued_before, &rotated), Ok(session()));
    let issued_after = mint(&Token::Session(session()), &rotated).unwrap();
    assert!(issued_after.starts_with("s1.new."));
    assert_eq!(
        verify_session(&issued_before, &keys(NEW)),
        Err(TokenError::Key)
    );
}

#[test]
fn every_changed_character_is_noticed() {
    let text = mint(&Token::Session(session()), &keys(NEW)).unwrap();
    for index in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(
            verify_session(&changed, &keys(NEW)).is_err(),
            "{index} of {text}"
        );
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let whole = mint(&Token::Session(session()), &keys(NEW)).unwrap();
    let long = format!("{whole}{}", "A".repeat(MAX_LENGTH));
    let cut = whole.split_at(whole.len() - 10).0;
    for text in [
        "",
        ".",
        "...",
        "s1",
        "s1.new",
        "s1.new.AAAA",
        "a.b.c.d.e",
        "nonsense",
        &long,
        "s1.new.\u{e4}.AA",
    ] {
        assert_eq!(
            verify_session(text, &keys(NEW)),
            Err(TokenError::Malformed),
            "{text}"
        );
    }
    assert_eq!(verify_session(cut, &keys(NEW)), Err(TokenError::Signature));
    assert_eq!(
        verify_session("s1.new.AAAA.AA=A", &keys(NEW)),
        Err(TokenError::Signature)
    );
}

#[test]
fn expiry_ends_the_right_to_begin_and_nothing_else() {
    let token = Token::Session(session());
    let text = mint(&token, &keys(NEW)).unwrap();
    assert_eq!(token.check_time(EXPIRES - 1), Ok(()));
    assert_eq!(token.check_time(EXPIRES), Err(TokenError::Expired));
    // Its signature still holds: `/sessions/current` opens with it.
    assert_eq!(verify_session(&text, &keys(NEW)), Ok(session()));
}

#[test]
fn login_and_media_tokens_end_with_their_time() {
    let [_, login, media, _] = every_kind();
    let login = mint(&login, &keys(NEW)).unwrap();
    let media = mint(&media, &keys(NEW)).unwrap();
    assert!(verify_login(&login, &keys(NEW), EXPIRES - 1).is_ok());
    assert_eq!(
        verify_login(&login, &keys(NEW), EXPIRES),
        Err(TokenError::Expired)
    );
    assert_eq!(
        verify_media(&media, &keys(NEW), EXPIRES),
        Err(TokenError::Expired)
    );
    assert_eq!(
        verify_login(&media, &keys(NEW), 0),
        Err(TokenError::Purpose)
    );
}

#[test]
fn an_address_that_does_not_fit_is_refused_when_minting() {
    let with_mailbox = |length: usize| {
        let mut claims = session();
        claims.mailbox = format!("sip:{}", "b".repeat(length));
        mint(&Token::Session(claims), &keys(NEW))
    };
    assert!(with_mailbox(100).is_ok());
    assert_eq!(with_mailbox(200), Err(TokenError::TooLong));
}

#[test]
fn keys_are_read_newest_first_and_never_printed() {
    let two = keys(&format!(" {NEW} , {OLD}"));
    assert_eq!(two.newest().0, "new");
    assert_eq!(format!("{two:?}"), r#"["new", "old"]"#);
    for (text, error) in [
        ("", KeysError::Empty),
        (" , ", KeysError::Empty),
        ("k:AAAA", KeysError::Entry(0)),
        ("AAAAAAAAAAAAAAAAAAAAAA", KeysError::Entry(0)),
        ("k.1:AAAAAAAAAAAAAAAAAAAAAA", KeysError::Entry(0)),
        (
            "seventeenletters1:AAAAAAAAAAAAAAAAAAAAAA",
            KeysError::Entry(0),
        ),
        (
            "a:AAAAAAAAAAAAAAAAAAAAAA,a:AAAAAAAAAAAAAAAAAAAAAA",
            KeysError::Twice("a".to_owned()),
        ),
    ] {
        assert_eq!(Keys::read(text), Err(error), "{text}");
    }
}

#[test]
fn an_anonymous_caller_has_no_hash() {
    assert_eq!(caller_hash(None), [0; 8]);
    assert_ne!(caller_hash(Some("sip:a@x")), caller_hash(Some("sip:b@x")));
}
