//! Server nonces that need no memory: time, random part and a signature over both.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::text;

/// What a nonce in a client's answer is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NonceState {
    /// Ours and not too old.
    Fresh,
    /// Ours, but too old: challenge again with `stale=true`.
    Stale,
    /// Not ours.
    Foreign,
}

/// Hex digits of the time and of the random part.
const PART_DIGITS: usize = 16;
/// A nonce of the future by more than this is not ours.
const CLOCK_TOLERANCE_MS: i64 = 60_000;

/// A nonce made at `now_ms`; `random` comes from the host's generator.
#[must_use]
pub fn issue_nonce(key: &[u8], now_ms: i64, random: [u8; 8]) -> String {
    let mut nonce = text::hex(&now_ms.to_be_bytes());
    nonce.push_str(&text::hex(&random));
    let signature = sign(key, &nonce);
    nonce.push_str(&signature);
    nonce
}

/// Whether `nonce` was made with `key` and is at most `lifetime_ms` old.
#[must_use]
pub fn check_nonce(key: &[u8], nonce: &str, now_ms: i64, lifetime_ms: i64) -> NonceState {
    match issued_at(key, nonce) {
        Some(issued) if issued > now_ms.saturating_add(CLOCK_TOLERANCE_MS) => NonceState::Foreign,
        Some(issued) if now_ms.saturating_sub(issued) > lifetime_ms => NonceState::Stale,
        Some(_) => NonceState::Fresh,
        None => NonceState::Foreign,
    }
}

fn issued_at(key: &[u8], nonce: &str) -> Option<i64> {
    let (signed, signature) = nonce.split_at_checked(PART_DIGITS.saturating_mul(2))?;
    let is_ours = subtle::ConstantTimeEq::ct_eq(sign(key, signed).as_bytes(), signature.as_bytes());
    if !bool::from(is_ours) {
        return None;
    }
    i64::from_str_radix(signed.get(..PART_DIGITS)?, 16).ok()
}

/// The first 128 bits of the HMAC, in hex.
fn sign(key: &[u8], text: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(b"sip nonce:");
    mac.update(text.as_bytes());
    let tag = mac.finalize().into_bytes();
    text::hex(tag.get(..16).unwrap_or_default())
}
