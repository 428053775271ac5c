//! The settings that the tests of this crate use, and what is refused.

use super::{Origins, Settings, SettingsError};

/// The settings that the tests of this crate use.
pub(crate) fn value(name: &str) -> Option<String> {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    Some(match name {
        "AFTERBEEP_DOMAIN" => "localhost".to_owned(),
        "AFTERBEEP_PUBLIC_URL" => "http://127.0.0.1:8787".to_owned(),
        "AFTERBEEP_TOKEN_KEYS" => format!("t1:{key}"),
        "AFTERBEEP_ACCOUNT_KEYS" => format!("a1:{key}"),
        "AFTERBEEP_ADMIN_TOKEN" => "dev-admin-token".to_owned(),
        "AFTERBEEP_DEV_LOOPBACK" => "1".to_owned(),
        "AFTERBEEP_ALLOWED_ORIGINS" => "*".to_owned(),
        "AFTERBEEP_RECEIPT_KEYS" => RECEIPT_KEYS.to_owned(),
        name if name.starts_with("AFTERBEEP_LIMIT_") => "0".to_owned(),
        _ => return None,
    })
}

/// The P-256 key of RFC 7515 appendix A.3.
const RECEIPT_KEYS: &str = r#"[{"kty":"EC","crv":"P-256","kid":"r1","alg":"ES256",
    "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}]"#;

/// Settings of a local deployment.
pub(crate) fn settings() -> Settings {
    Settings::read(value).expect("test settings")
}

#[test]
fn a_local_deployment_has_one_domain_with_three_names() {
    let settings = settings();
    assert_eq!(settings.domain(), "localhost");
    assert_eq!(settings.domains(), ["localhost", "127.0.0.1", "[::1]"]);
}

#[test]
fn younger_keys_beside_older_ones_sign_and_the_older_ones_stay_known() {
    let young = "k2:HR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw";
    let rotated = |name: &str| match name {
        "AFTERBEEP_TOKEN_KEYS_2" => Some(young.to_owned()),
        "AFTERBEEP_RECEIPT_KEYS_2" => Some(RECEIPT_KEYS.replace("\"r1\"", "\"r2\"")),
        name => value(name),
    };
    let settings = Settings::read(rotated).expect("settings");
    assert_eq!(settings.token_keys.newest().0, "k2");
    assert!(settings.token_keys.find("t1").is_some());
    let published = settings.receipt_keys.jwks();
    assert!(published.find("\"r2\"") < published.find("\"r1\""));
    assert!(published.contains("\"r1\"") && published.contains("\"r2\""));
    let retired = |name: &str| rotated(name).filter(|_| name != "AFTERBEEP_TOKEN_KEYS");
    let settings = Settings::read(retired).expect("settings");
    assert!(settings.token_keys.find("t1").is_none());
}

#[test]
fn the_public_host_is_an_alias() {
    let settings = Settings::read(|name| match name {
        "AFTERBEEP_DOMAIN" => Some("Example.COM".to_owned()),
        "AFTERBEEP_PUBLIC_URL" => Some("https://edge.example.com:8443/".to_owned()),
        _ => value(name),
    })
    .expect("settings");
    assert_eq!(settings.domains(), ["example.com", "edge.example.com"]);
    assert_eq!(settings.public_url, "https://edge.example.com:8443");
}

#[test]
fn a_broken_value_is_refused_by_name() {
    for (broken, bad, message) in [
        (
            "AFTERBEEP_RING_TIMEOUT_S",
            "soon",
            "AFTERBEEP_RING_TIMEOUT_S is not a whole number",
        ),
        (
            "AFTERBEEP_TOKEN_KEYS",
            "",
            "AFTERBEEP_TOKEN_KEYS is not set",
        ),
        (
            "AFTERBEEP_TOKEN_KEYS",
            "k:AAAA",
            "AFTERBEEP_TOKEN_KEYS: key 0 is not of the form kid:base64url with at least 16 bytes",
        ),
        (
            "AFTERBEEP_ANONYMOUS_CALLERS",
            "maybe",
            "AFTERBEEP_ANONYMOUS_CALLERS is not true or false",
        ),
        (
            "AFTERBEEP_DIAL_PLAN",
            r#"{"country":"de"}"#,
            "AFTERBEEP_DIAL_PLAN is not a dial plan: {\"country\", \"trunk\", \"international\", \"national_digits\", \"aliases\"}",
        ),
    ] {
        let read = |name: &str| {
            if name == broken {
                Some(bad.to_owned())
            } else {
                value(name)
            }
        };
        let error: SettingsError = Settings::read(read).expect_err(broken);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn only_listed_origins_and_the_own_one_are_allowed() {
    let mut settings = settings();
    settings.allowed_origins = Origins::List(vec!["https://shop.example".to_owned()]);
    assert!(settings.allows_origin("https://shop.example", None));
    assert!(settings.allows_origin("http://127.0.0.1:8787", None));
    assert!(settings.allows_origin("http://localhost:8787", Some("localhost:8787")));
    assert!(!settings.allows_origin("https://shop.example.evil", None));
    assert!(!settings.allows_origin("null", None));
}
