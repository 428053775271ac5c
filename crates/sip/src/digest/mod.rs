//! Digest authentication with SHA-256 and MD5 (RFC 3261 22, RFC 7616, RFC 8760) and Bearer tokens
//! (RFC 8898), both sides. It keeps no nonces: a server nonce carries its own time and signature.

mod answer;
mod authorization;
mod challenge;
mod fields;
mod nonce;

use md5::{Digest, Md5};
use sha2::Sha256;

use crate::text;

pub use answer::{Login, Signed, answer, best};
pub use authorization::{Authorization, DigestResponse};
pub use challenge::{Challenge, challenges};
pub use nonce::{NonceState, check_nonce, issue_nonce};

/// A hash function of RFC 8760.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// MD5, for the many clients that know nothing else.
    Md5,
}

/// What a server stores of a password: `H(user:realm:password)` in both algorithms, lower-case hex.
/// Whoever has it can sign in by digest, so it is stored encrypted.
#[derive(Clone, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Ha1 {
    /// With SHA-256.
    pub sha256: String,
    /// With MD5.
    pub md5: String,
}

impl Algorithm {
    /// The name in the `algorithm` parameter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    /// The algorithm of this name; no name at all means MD5 (RFC 3261 22.4).
    fn parse(name: Option<&str>) -> Option<Self> {
        let Some(name) = name else {
            return Some(Self::Md5);
        };
        [Self::Sha256, Self::Md5]
            .into_iter()
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
    }

    /// The hash of the parts joined by colons, lower-case hex.
    fn hash(self, parts: &[&str]) -> String {
        self.hash_bytes(parts.join(":").as_bytes())
    }

    fn hash_bytes(self, bytes: &[u8]) -> String {
        match self {
            Self::Sha256 => text::hex(&Sha256::digest(bytes)),
            Self::Md5 => text::hex(&Md5::digest(bytes)),
        }
    }
}

impl Ha1 {
    /// Hashes a password for a realm.
    #[must_use]
    pub fn new(user: &str, realm: &str, password: &str) -> Self {
        let hash = |algorithm: Algorithm| algorithm.hash(&[user, realm, password]);
        Self {
            sha256: hash(Algorithm::Sha256),
            md5: hash(Algorithm::Md5),
        }
    }

    fn of(&self, algorithm: Algorithm) -> &str {
        match algorithm {
            Algorithm::Sha256 => &self.sha256,
            Algorithm::Md5 => &self.md5,
        }
    }
}

/// What goes into a response hash beside H(A1).
struct Ingredients<'a> {
    algorithm: Algorithm,
    nonce: &'a str,
    method: &'a str,
    uri: &'a str,
    /// Nonce count as eight hex digits, cnonce and qop; nothing for the old form of RFC 2069.
    quality: Option<(&'a str, &'a str, &'a str)>,
    body: &'a [u8],
}

/// The `response` of RFC 7616 3.4.1.
fn response(ha1: &str, ingredients: &Ingredients<'_>) -> String {
    let algorithm = ingredients.algorithm;
    let is_integrity = matches!(ingredients.quality, Some((_, _, "auth-int")));
    let ha2 = if is_integrity {
        algorithm.hash(&[
            ingredients.method,
            ingredients.uri,
            &algorithm.hash_bytes(ingredients.body),
        ])
    } else {
        algorithm.hash(&[ingredients.method, ingredients.uri])
    };
    match ingredients.quality {
        Some((count, cnonce, qop)) => {
            algorithm.hash(&[ha1, ingredients.nonce, count, cnonce, qop, &ha2])
        }
        None => algorithm.hash(&[ha1, ingredients.nonce, &ha2]),
    }
}

#[cfg(test)]
mod tests;
