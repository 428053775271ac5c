//! Standard Webhooks signatures: HMAC-SHA-256 over `id.timestamp.body`, `whsec_` secrets of 24 to 64
//! bytes, the id as idempotency key.

use core::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::encoding::{base64, base64_bytes};

const PREFIX: &str = "whsec_";

/// How far a webhook's timestamp may be off, in seconds.
pub const TOLERANCE_S: i64 = 300;

/// The secret that sender and receiver share.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret of these bytes; 24 to 64 of them.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (24..=64)
            .contains(&bytes.len())
            .then(|| Self(bytes.to_vec()))
    }

    /// Reads `whsec_<base64>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::new(&base64_bytes(text.strip_prefix(PREFIX)?)?)
    }

    /// `whsec_<base64>`, as shown once to whoever made the webhook.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", base64(&self.0))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// The three headers of a signed webhook: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
#[must_use]
pub fn sign(secret: &Secret, id: &str, timestamp_s: i64, body: &[u8]) -> [(String, String); 3] {
    let signature = mac(secret, id, timestamp_s, body).finalize().into_bytes();
    [
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), timestamp_s.to_string()),
        (
            "webhook-signature".to_owned(),
            format!("v1,{}", base64(&signature)),
        ),
    ]
}

/// Whether one of the signatures in a `webhook-signature` header fits and the timestamp is recent.
#[must_use]
pub fn verify(
    secret: &Secret,
    id: &str,
    timestamp_s: i64,
    body: &[u8],
    signatures: &str,
    now_s: i64,
) -> bool {
    let recent = now_s.abs_diff(timestamp_s) <= TOLERANCE_S.unsigned_abs();
    let fits = |signature: Vec<u8>| {
        mac(secret, id, timestamp_s, body)
            .verify_slice(&signature)
            .is_ok()
    };
    recent
        && signatures
            .split(' ')
            .filter_map(|entry| base64_bytes(entry.strip_prefix("v1,")?))
            .any(fits)
}

fn mac(secret: &Secret, id: &str, timestamp_s: i64, body: &[u8]) -> Hmac<Sha256> {
    // An HMAC takes keys of any length, so the error arm is never taken.
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0)
        .unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
    mac.update(format!("{id}.{timestamp_s}.").as_bytes());
    mac.update(body);
    mac
}

pub use crate::target::{TargetError, check_url};

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    #[test]
    fn signs_as_the_specification_does() {
        let secret = Secret::parse(SECRET).unwrap();
        let [id, timestamp, signature] = sign(&secret, ID, 1_614_265_330, BODY);
        assert_eq!(id, ("webhook-id".to_owned(), ID.to_owned()));
        assert_eq!(timestamp.1, "1614265330");
        assert_eq!(
            signature.1,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn verifies_one_of_several_signatures_within_five_minutes() {
        let secret = Secret::parse(SECRET).unwrap();
        let [_, _, (_, signature)] = sign(&secret, ID, 1000, BODY);
        let both = format!("v1,AAAA {signature} v2,BBBB");
        assert!(verify(&secret, ID, 1000, BODY, &both, 1300));
        assert!(!verify(&secret, ID, 1000, BODY, &both, 1301));
        assert!(!verify(&secret, ID, 1001, BODY, &both, 1300));
        assert!(!verify(&secret, "other", 1000, BODY, &both, 1000));
        assert!(!verify(&secret, ID, 1000, b"{}", &both, 1000));
    }

    #[test]
    fn secrets_have_24_to_64_bytes_and_are_not_printed() {
        assert_eq!(Secret::new(&[0; 23]), None);
        assert_eq!(Secret::new(&[0; 65]), None);
        let secret = Secret::new(&[9; 24]).unwrap();
        assert_eq!(Secret::parse(&secret.reveal()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_eq!(Secret::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), None);
    }
}
