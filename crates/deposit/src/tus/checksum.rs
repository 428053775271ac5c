//! Checksums of one request's body (`Upload-Checksum`) and of the whole upload (`Repr-Digest`, RFC 9530).

use super::TusError;
use crate::encoding::base64_bytes;

/// An algorithm of the checksum extension.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Algorithm {
    /// 20 bytes.
    Sha1,
    /// 32 bytes.
    Sha256,
}

/// `Upload-Checksum`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Checksum {
    /// Which algorithm.
    pub algorithm: Algorithm,
    /// What the body must hash to.
    pub digest: Vec<u8>,
}

impl Checksum {
    /// Reads `sha256 <base64>`.
    pub fn parse(text: &str) -> Result<Self, TusError> {
        let (name, digest) = text.split_once(' ').ok_or(TusError::Checksum)?;
        let (algorithm, length) = match name {
            "sha1" => (Algorithm::Sha1, 20),
            "sha256" => (Algorithm::Sha256, 32),
            _ => return Err(TusError::ChecksumAlgorithm),
        };
        let digest = base64_bytes(digest.trim()).ok_or(TusError::Checksum)?;
        if digest.len() != length {
            return Err(TusError::Checksum);
        }
        Ok(Self { algorithm, digest })
    }
}

/// The `sha-256` member of a `Repr-Digest` dictionary; other algorithms are passed over.
pub fn parse_repr_digest(text: &str) -> Result<Option<[u8; 32]>, TusError> {
    for member in text.split(',').map(str::trim) {
        let (name, value) = member.split_once('=').ok_or(TusError::Digest)?;
        if name != "sha-256" {
            continue;
        }
        let inner = value
            .strip_prefix(':')
            .and_then(|rest| rest.strip_suffix(':'));
        let digest = inner.and_then(base64_bytes).ok_or(TusError::Digest)?;
        return digest.try_into().map(Some).map_err(|_| TusError::Digest);
    }
    Ok(None)
}
