use super::*;

/// The P-256 key of RFC 7515 appendix A.3.
const KEY: &str = r#"{"kty":"EC","crv":"P-256","kid":"r1",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;

fn receipt(parts: u32) -> Receipt {
    Receipt {
        issuer: "https://edge.example.com".to_owned(),
        mailbox: "sip:bob@example.com".to_owned(),
        committed_at_ms: 1_796_126_400_000,
        message_id: "0".repeat(32),
        session_id: "MDEyMzQ1Njc4OWFiY2RlZg".to_owned(),
        deposit_id: "6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned(),
        parts: (0..parts)
            .map(|part| ReceiptPart {
                part,
                size: 99_614_720,
                sha256: "ab".repeat(32),
            })
            .collect(),
    }
}

fn keys() -> ReceiptKeys {
    ReceiptKeys::read(KEY).unwrap()
}

#[test]
fn a_receipt_round_trips_and_is_the_same_every_time() {
    let compact = sign(&receipt(1), &keys()).unwrap();
    assert_eq!(verify(&compact, &keys()), Ok(receipt(1)));
    assert_eq!(parse(&compact), Ok(receipt(1)));
    assert_eq!(sign(&receipt(1), &keys()).unwrap(), compact);
}

#[test]
fn ten_parts_fit_into_four_kilobytes() {
    let compact = sign(&receipt(10), &keys()).unwrap();
    assert!(compact.len() < MAX_LENGTH, "{}", compact.len());
    assert_eq!(sign(&receipt(40), &keys()), None);
}

#[test]
fn a_changed_receipt_is_noticed() {
    let compact = sign(&receipt(1), &keys()).unwrap();
    let (head, signature) = compact.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let other = sign(&receipt(2), &keys()).unwrap();
    let claims = other.split('.').nth(1).unwrap();
    let forged = format!("{header}.{claims}.{signature}");
    assert_eq!(verify(&forged, &keys()), Err(ReceiptError::Signature));
    assert_eq!(verify(head, &keys()), Err(ReceiptError::Malformed));
}

#[test]
fn only_es256_is_believed() {
    let compact = sign(&receipt(1), &keys()).unwrap();
    let (_, rest) = compact.split_once('.').unwrap();
    let none = crate::encoding::base64url(br#"{"alg":"none","kid":"r1","typ":"JWT"}"#);
    assert_eq!(
        verify(&format!("{none}.{rest}"), &keys()),
        Err(ReceiptError::Algorithm)
    );
}

#[test]
fn a_retired_key_still_verifies_what_it_signed() {
    let old = sign(&receipt(1), &keys()).unwrap();
    let newest = ReceiptKeys::generate("r2", &[7; 32]).unwrap();
    let newest = newest
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    let retired = KEY
        .replace(r#","d":"#, r#","was":"#)
        .replace("\n    \"d\"", "\n    \"was\"");
    let rotated = ReceiptKeys::read(&format!("[{newest},{retired}]")).unwrap();
    assert_eq!(verify(&old, &rotated), Ok(receipt(1)));
    let new = sign(&receipt(1), &rotated).unwrap();
    assert_eq!(verify(&new, &keys()), Err(ReceiptError::Key));
    assert_eq!(format!("{rotated:?}"), r#"["r2", "r1"]"#);
}

#[test]
fn the_published_set_holds_no_secret() {
    let set = keys().jwks();
    assert!(set.contains("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"));
    assert!(!set.contains("jpsQnnGQmL"), "{set}");
    assert!(!set.contains("\"d\""), "{set}");
}

#[test]
fn broken_keys_are_refused() {
    for (text, error) in [
        ("", ReceiptKeysError::Json),
        ("[]", ReceiptKeysError::NoPrivateKey),
        (
            &KEY.replace("\"d\"", "\"was\""),
            ReceiptKeysError::NoPrivateKey,
        ),
        (&KEY.replace("P-256", "P-384"), ReceiptKeysError::Key(0)),
        (&KEY.replace("f83OJ3", "f83OJ4"), ReceiptKeysError::Key(0)),
        (&KEY.replace("jpsQnn", "jpsQnm"), ReceiptKeysError::Key(0)),
    ] {
        assert_eq!(ReceiptKeys::read(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn a_receipt_covers_its_own_bytes_only() {
    let receipt = receipt(1);
    assert!(receipt.covers(0, 99_614_720, &"AB".repeat(32)));
    assert!(!receipt.covers(0, 99_614_720, &"ac".repeat(32)));
    assert!(!receipt.covers(0, 99_614_719, &"ab".repeat(32)));
    assert!(!receipt.covers(1, 99_614_720, &"ab".repeat(32)));
}
