//! The client's side: answering a challenge.

use super::{Algorithm, Challenge, Ha1, Ingredients, response};
use crate::text;

/// User name and password.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The name the server knows.
    pub user: &'a str,
    /// The password.
    pub password: &'a str,
}

/// The request that is proved.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its Request-URI, as printed.
    pub uri: &'a str,
    /// The client's own nonce, new for every server nonce.
    pub cnonce: &'a str,
    /// How often this server nonce was used, counting this time.
    pub nonce_count: u32,
    /// Its body, for `auth-int`.
    pub body: &'a [u8],
}

/// The best of `challenges` that can be answered: SHA-256 before MD5.
#[must_use]
pub fn best<'a>(challenges: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let mut known: Vec<Challenge> = challenges.filter_map(Challenge::parse).collect();
    let strong = known
        .iter()
        .position(|challenge| challenge.algorithm == Algorithm::Sha256);
    let at = strong.unwrap_or_default();
    (at < known.len()).then(|| known.swap_remove(at))
}

/// The Authorization or Proxy-Authorization value that answers the [`best`] of `challenges`. `None` where none of
/// them can be answered.
#[must_use]
pub fn answer<'a>(
    challenges: impl Iterator<Item = &'a str>,
    login: &Login<'_>,
    request: &Signed<'_>,
) -> Option<String> {
    Some(best(challenges)?.answer(login, request))
}

impl Challenge {
    /// The Authorization value that answers this challenge.
    #[must_use]
    pub fn answer(&self, login: &Login<'_>, request: &Signed<'_>) -> String {
        let count = format!("{:08x}", request.nonce_count);
        let ha1 = Ha1::new(login.user, &self.realm, login.password);
        let ingredients = Ingredients {
            algorithm: self.algorithm,
            nonce: &self.nonce,
            method: request.method,
            uri: request.uri,
            quality: self
                .quality
                .map(|quality| (count.as_str(), request.cnonce, quality)),
            body: request.body,
        };
        let proof = response(ha1.of(self.algorithm), &ingredients);
        let mut value = self.credentials(login, request);
        value.push_str(&format!(", response=\"{proof}\""));
        if let Some(quality) = self.quality {
            value.push_str(&format!(
                ", qop={quality}, nc={count}, cnonce={}",
                text::quoted(request.cnonce)
            ));
        }
        value
    }

    fn credentials(&self, login: &Login<'_>, request: &Signed<'_>) -> String {
        let mut value = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, algorithm={}",
            text::quoted(login.user),
            text::quoted(&self.realm),
            text::quoted(&self.nonce),
            text::quoted(request.uri),
            self.algorithm.as_str()
        );
        if let Some(opaque) = self.opaque.as_deref() {
            value.push_str(&format!(", opaque={}", text::quoted(opaque)));
        }
        value
    }
}
