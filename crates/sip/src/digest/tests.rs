use super::{
    Authorization, Challenge, DigestResponse, Ha1, Login, NonceState, Signed, answer, challenges,
    check_nonce, issue_nonce,
};
use crate::{Method, Request};

const LOGIN: Login<'_> = Login {
    user: "bob",
    password: "zanzibar",
};

fn signed<'a>(method: &'a str, uri: &'a str) -> Signed<'a> {
    Signed {
        method,
        uri,
        cnonce: "0a4f113b",
        nonce_count: 1,
        body: b"",
    }
}

fn register() -> Request {
    Request::new(Method::Register, "sip:example.com".parse().unwrap())
}

fn digest(value: &str) -> DigestResponse {
    match Authorization::parse(value) {
        Authorization::Digest(digest) => *digest,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_hashes_answer_the_example_of_rfc_7616() {
    let login = Login {
        user: "Mufasa",
        password: "Circle of Life",
    };
    let request = Signed {
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        ..signed("GET", "/dir/index.html")
    };
    for (algorithm, response) in [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ] {
        let challenge = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let value = Challenge::parse(&challenge)
            .unwrap()
            .answer(&login, &request);
        assert!(
            value.contains(&format!("response=\"{response}\"")),
            "{value}"
        );
        assert!(value.contains("qop=auth, nc=00000001"), "{value}");
        assert!(
            value.contains("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""),
            "{value}"
        );
    }
}

#[test]
fn a_challenge_without_quality_is_answered_in_the_old_form() {
    // RFC 2617 3.5, as corrected by RFC 2069's errata: no qop, no cnonce.
    let challenge = Challenge::parse(
        "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
    )
    .unwrap();
    let login = Login {
        user: "Mufasa",
        password: "CircleOfLife",
    };
    let value = challenge.answer(&login, &signed("GET", "/dir/index.html"));
    assert!(
        value.contains("response=\"1949323746fe6a43ef61f9606e7febea\""),
        "{value}"
    );
    assert!(!value.contains("qop"), "{value}");
}

#[test]
fn the_server_offers_sha256_first_and_md5_last() {
    let [first, last] = challenges("example.com", "abc", true);
    assert_eq!(
        first,
        "Digest realm=\"example.com\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth\", stale=true"
    );
    assert_eq!(
        last,
        "Digest realm=\"example.com\", nonce=\"abc\", algorithm=MD5, qop=\"auth\", stale=true"
    );
    assert!(
        !challenges("example.com", "abc", false)
            .concat()
            .contains("stale")
    );
}

#[test]
fn a_client_prefers_sha256_and_the_server_accepts_both() {
    let ha1 = Ha1::new("bob", "example.com", "zanzibar");
    let both = challenges("example.com", "abc", false);
    let request = signed("REGISTER", "sip:example.com");
    let best = answer(both.iter().map(String::as_str), &LOGIN, &request).unwrap();
    assert!(best.contains("algorithm=SHA-256"), "{best}");
    let md5 = answer(both.iter().skip(1).map(String::as_str), &LOGIN, &request).unwrap();
    for value in [best, md5] {
        let digest = digest(&value);
        assert!(digest.verify(&ha1, &register()), "{value}");
        assert_eq!((digest.nonce.as_str(), digest.nonce_count), ("abc", 1));
        assert_eq!(
            (digest.user.as_str(), digest.realm.as_str()),
            ("bob", "example.com")
        );
    }
}

#[test]
fn a_wrong_password_method_uri_or_nonce_is_refused() {
    let ha1 = Ha1::new("bob", "example.com", "zanzibar");
    let both = challenges("example.com", "abc", false);
    let prove = |login: &Login<'_>, request: &Signed<'_>| {
        answer(both.iter().map(String::as_str), login, request).unwrap()
    };
    let right = prove(&LOGIN, &signed("REGISTER", "sip:example.com"));
    let wrong_password = prove(
        &Login {
            user: "bob",
            password: "x",
        },
        &signed("REGISTER", "sip:example.com"),
    );
    let wrong_method = prove(&LOGIN, &signed("INVITE", "sip:example.com"));
    let wrong_uri = prove(&LOGIN, &signed("REGISTER", "sip:other.example"));
    assert!(digest(&right).verify(&ha1, &register()));
    for value in [
        wrong_password,
        wrong_method,
        wrong_uri,
        right.replace("nonce=\"abc\"", "nonce=\"abd\""),
    ] {
        assert!(!digest(&value).verify(&ha1, &register()), "{value}");
    }
    assert!(!digest(&right.replace("response=\"", "response=\"0")).verify(&ha1, &register()));
}

#[test]
fn integrity_protection_covers_the_body() {
    let challenge =
        Challenge::parse("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\", algorithm=SHA-256")
            .unwrap();
    let value = challenge.answer(
        &LOGIN,
        &Signed {
            body: b"hello",
            ..signed("MESSAGE", "sip:a@example.com")
        },
    );
    let mut request = Request::new(Method::Message, "sip:a@example.com".parse().unwrap());
    request.set_body("text/plain", b"hello");
    let ha1 = Ha1::new("bob", "r", "zanzibar");
    assert!(digest(&value).verify(&ha1, &request));
    request.set_body("text/plain", b"hullo");
    assert!(!digest(&value).verify(&ha1, &request));
}

#[test]
fn other_schemes_and_broken_values_are_unknown() {
    assert_eq!(
        Authorization::parse("Bearer l1.k.p.m"),
        Authorization::Bearer("l1.k.p.m".into())
    );
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Basic Ym9iOmI=",
        "NoOneKnowsThisScheme opaque-data=here",
        "Digest username=\"bob\"",
        "Digest username=\"bob\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\", algorithm=MD4",
        "Digest username=\"bob\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\", qop=auth",
        "Digest username=\"bob\", username=\"eve\", realm=\"r\", nonce=\"n\", uri=\"u\", response=\"x\"",
    ] {
        assert_eq!(
            Authorization::parse(value),
            Authorization::Unknown,
            "{value}"
        );
    }
}

#[test]
fn quotes_and_commas_in_names_survive() {
    let login = Login {
        user: "b\"o,b\\",
        password: "p",
    };
    let [first, _] = challenges("a, \"realm\"", "n", false);
    let value = Challenge::parse(&first)
        .unwrap()
        .answer(&login, &signed("REGISTER", "sip:example.com"));
    assert!(
        digest(&value).verify(&Ha1::new(login.user, "a, \"realm\"", "p"), &register()),
        "{value}"
    );
}

#[test]
fn nonces_age_and_cannot_be_forged() {
    let nonce = issue_nonce(b"key", 1_000_000, [7; 8]);
    assert_eq!(
        check_nonce(b"key", &nonce, 1_000_000, 60_000),
        NonceState::Fresh
    );
    assert_eq!(
        check_nonce(b"key", &nonce, 1_060_000, 60_000),
        NonceState::Fresh
    );
    assert_eq!(
        check_nonce(b"key", &nonce, 1_060_001, 60_000),
        NonceState::Stale
    );
    assert_eq!(
        check_nonce(b"other", &nonce, 1_000_000, 60_000),
        NonceState::Foreign
    );
    assert_eq!(check_nonce(b"key", &nonce, 0, 60_000), NonceState::Foreign);
    for at in 0..nonce.len() {
        let mut forged = nonce.clone().into_bytes();
        forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
        let forged = String::from_utf8(forged).unwrap();
        assert_eq!(
            check_nonce(b"key", &forged, 1_000_000, 60_000),
            NonceState::Foreign
        );
    }
    for text in ["", "abc", "\u{e9}\u{e9}"] {
        assert_eq!(check_nonce(b"key", text, 0, 1), NonceState::Foreign);
    }
}
