//! WWW-Authenticate and Proxy-Authenticate.

use super::{Algorithm, fields::Fields};
use crate::text;

/// A digest challenge that this crate can answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Challenge {
    /// Whose password is wanted.
    pub realm: String,
    /// The server's nonce.
    pub nonce: String,
    /// Handed back as it came.
    pub opaque: Option<String>,
    /// The hash.
    pub algorithm: Algorithm,
    /// The password was right, only the nonce too old: ask nobody again.
    pub stale: bool,
    /// `auth`, else `auth-int`; nothing where the server offers neither.
    pub quality: Option<&'static str>,
}

impl Challenge {
    /// Reads one header value; `None` for other schemes, unknown algorithms and broken values.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (scheme, fields) = Fields::parse(value)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        Some(Self {
            realm: fields.get("realm")?.to_owned(),
            nonce: fields.get("nonce")?.to_owned(),
            opaque: fields.get("opaque").map(str::to_owned),
            algorithm: Algorithm::parse(fields.get("algorithm"))?,
            stale: fields
                .get("stale")
                .is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            quality: quality(fields.get("qop")),
        })
    }

    /// The header value.
    #[must_use]
    pub fn print(&self) -> String {
        let mut value = format!(
            "Digest realm={}, nonce={}, algorithm={}",
            text::quoted(&self.realm),
            text::quoted(&self.nonce),
            self.algorithm.as_str()
        );
        if let Some(quality) = self.quality {
            value.push_str(&format!(", qop=\"{quality}\""));
        }
        if let Some(opaque) = self.opaque.as_deref() {
            value.push_str(&format!(", opaque={}", text::quoted(opaque)));
        }
        if self.stale {
            value.push_str(", stale=true");
        }
        value
    }
}

/// The two header values of one 401 or 407: SHA-256 first, MD5 last, because JsSIP and SIP.js take the last.
#[must_use]
pub fn challenges(realm: &str, nonce: &str, stale: bool) -> [String; 2] {
    [Algorithm::Sha256, Algorithm::Md5].map(|algorithm| {
        let challenge = Challenge {
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
            opaque: None,
            algorithm,
            stale,
            quality: Some("auth"),
        };
        challenge.print()
    })
}

fn quality(offered: Option<&str>) -> Option<&'static str> {
    let offered = offered?;
    ["auth", "auth-int"].into_iter().find(|known| {
        offered
            .split(',')
            .any(|one| one.trim().eq_ignore_ascii_case(known))
    })
}
