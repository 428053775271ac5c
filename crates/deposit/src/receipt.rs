//! The receipt of a committed deposit: a compact JWS (RFC 7515) signed with ES256 (RFC 7518 section 3.4).
//! It proves what was taken, when and for whom; it authorises nothing.

#[cfg(feature = "sign")]
mod sign;

use serde::{Deserialize, Serialize};
use thiserror::Error;

#[cfg(feature = "sign")]
pub use self::sign::{ReceiptKeys, ReceiptKeysError, sign, verify};
use crate::encoding::base64url_bytes;

/// The only algorithm that receipts are signed with.
pub const ALGORITHM: &str = "ES256";

/// A receipt is shorter than this.
pub const MAX_LENGTH: usize = 4096;

/// What a receipt says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Receipt {
    /// Public URL of the edge that took the deposit.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Normalised address of the mailbox.
    #[serde(rename = "sub")]
    pub mailbox: String,
    /// When it was committed, Unix time in milliseconds.
    pub committed_at_ms: i64,
    /// Message in the mailbox.
    #[serde(rename = "jti")]
    pub message_id: String,
    /// Session id in base64url.
    pub session_id: String,
    /// The client's name for the deposit.
    pub deposit_id: String,
    /// One entry per part, in the order of their numbers.
    pub parts: Vec<ReceiptPart>,
}

/// What a receipt says of one part.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ReceiptPart {
    /// Number from 0.
    pub part: u32,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the bytes, 64 hexadecimal digits.
    pub sha256: String,
}

/// Why a receipt cannot be read or believed.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ReceiptError {
    /// Not a compact JWS with our claims.
    #[error("the receipt is malformed")]
    Malformed,
    /// Signed with something other than ES256.
    #[error("the receipt's algorithm is not ES256")]
    Algorithm,
    /// Signed with an unknown key.
    #[error("the receipt's key is unknown")]
    Key,
    /// The signature does not fit.
    #[error("the receipt's signature is wrong")]
    Signature,
}

#[derive(Deserialize, Serialize)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

impl Receipt {
    /// Whether it covers a part with this length and hash (64 hexadecimal digits, any case): only then may
    /// the device let the sound go.
    #[must_use]
    pub fn covers(&self, part: u32, size: u64, sha256: &str) -> bool {
        self.parts.iter().any(|entry| {
            entry.part == part && entry.size == size && entry.sha256.eq_ignore_ascii_case(sha256)
        })
    }
}

/// Reads a receipt without checking its signature: enough to compare hashes on a connection that is
/// already trusted. [`verify`] (feature `sign`) or WebCrypto checks the signature.
pub fn parse(compact: &str) -> Result<Receipt, ReceiptError> {
    let (_, receipt) = split(compact)?;
    Ok(receipt)
}

/// Header and claims as the JSON texts that they are, for hosts with a reader of their own.
pub fn texts(compact: &str) -> Result<(String, String), ReceiptError> {
    let mut parts = compact.split('.');
    let (Some(header), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(ReceiptError::Malformed);
    };
    Ok((text(header)?, text(claims)?))
}

fn text(part: &str) -> Result<String, ReceiptError> {
    let bytes = base64url_bytes(part).ok_or(ReceiptError::Malformed)?;
    String::from_utf8(bytes).map_err(|_| ReceiptError::Malformed)
}

fn split(compact: &str) -> Result<(Header, Receipt), ReceiptError> {
    let (header, claims) = texts(compact)?;
    let header: Header = json(&header)?;
    if header.alg != ALGORITHM {
        return Err(ReceiptError::Algorithm);
    }
    Ok((header, json(&claims)?))
}

fn json<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, ReceiptError> {
    serde_json::from_str(text).map_err(|_| ReceiptError::Malformed)
}

#[cfg(test)]
#[cfg(feature = "sign")]
mod tests;
