//! Signing and checking receipts, and the key set that is published for others to check them.

use p256::{
    EncodedPoint,
    ecdsa::{
        Signature, SigningKey, VerifyingKey,
        signature::{Signer, Verifier},
    },
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Header, Receipt, ReceiptError, split};
use crate::encoding::{base64url, base64url_bytes};

/// The keys of `AFTERBEEP_RECEIPT_KEYS`: the first private one signs; retired ones may be public only.
#[derive(Clone)]
pub struct ReceiptKeys {
    signing: SigningKey,
    signing_kid: String,
    published: Vec<(String, VerifyingKey)>,
}

/// Why the keys are refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ReceiptKeysError {
    /// Not a JSON array or set of JWKs.
    #[error("the receipt keys are not a JSON list of keys")]
    Json,
    /// Entry without kid, of another curve, or with wrong numbers.
    #[error("receipt key {0} is not a P-256 JWK with a kid")]
    Key(usize),
    /// Nothing that can sign.
    #[error("the first receipt key has no private part")]
    NoPrivateKey,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum KeyList {
    Set { keys: Vec<Jwk> },
    List(Vec<Jwk>),
    One(Jwk),
}

#[derive(Deserialize, Serialize)]
struct Jwk {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    y: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
}

impl ReceiptKeys {
    /// Reads one JWK, an array of JWKs or a JWK set, newest first.
    pub fn read(json: &str) -> Result<Self, ReceiptKeysError> {
        let keys = match serde_json::from_str(json).map_err(|_| ReceiptKeysError::Json)? {
            KeyList::Set { keys } | KeyList::List(keys) => keys,
            KeyList::One(key) => vec![key],
        };
        let mut published = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let verifying = key.verifying().ok_or(ReceiptKeysError::Key(index))?;
            published.push((key.kid.clone(), verifying));
        }
        let newest = keys.first().ok_or(ReceiptKeysError::NoPrivateKey)?;
        let signing = newest.signing().ok_or(ReceiptKeysError::NoPrivateKey)?;
        if published.first().map(|(_, key)| key) != Some(signing.verifying_key()) {
            return Err(ReceiptKeysError::Key(0));
        }
        Ok(Self {
            signing,
            signing_kid: newest.kid.clone(),
            published,
        })
    }

    /// The body of `/.well-known/jwks.json`: public parts of all keys (RFC 7517 section 5).
    #[must_use]
    pub fn jwks(&self) -> String {
        let keys: Vec<Jwk> = self
            .published
            .iter()
            .filter_map(|(kid, key)| Jwk::public(kid, key))
            .collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    /// A private JWK made from 32 random bytes, for `AFTERBEEP_RECEIPT_KEYS`; nothing for the few bytes
    /// that are no valid key.
    #[must_use]
    pub fn generate(kid: &str, secret: &[u8; 32]) -> Option<String> {
        let signing = SigningKey::from_slice(secret).ok()?;
        let mut key = Jwk::public(kid, signing.verifying_key())?;
        key.d = Some(base64url(&signing.to_bytes()));
        serde_json::to_string(&[key]).ok()
    }
}

impl core::fmt::Debug for ReceiptKeys {
    /// Names only: secrets never get into logs.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = self.published.iter().map(|(kid, _)| kid);
        formatter.debug_list().entries(names).finish()
    }
}

impl Jwk {
    fn public(kid: &str, key: &VerifyingKey) -> Option<Self> {
        let point = key.to_encoded_point(false);
        Some(Self {
            kty: "EC".to_owned(),
            crv: "P-256".to_owned(),
            kid: kid.to_owned(),
            x: base64url(point.x()?),
            y: base64url(point.y()?),
            d: None,
            alg: Some(super::ALGORITHM.to_owned()),
            usage: Some("sig".to_owned()),
        })
    }

    fn verifying(&self) -> Option<VerifyingKey> {
        if self.kty != "EC" || self.crv != "P-256" || self.kid.is_empty() {
            return None;
        }
        let x: [u8; 32] = base64url_bytes(&self.x)?.try_into().ok()?;
        let y: [u8; 32] = base64url_bytes(&self.y)?.try_into().ok()?;
        let point = EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
        VerifyingKey::from_encoded_point(&point).ok()
    }

    fn signing(&self) -> Option<SigningKey> {
        let secret = base64url_bytes(self.d.as_deref()?)?;
        SigningKey::from_slice(&secret).ok()
    }
}

/// Signs a receipt with the newest key. The signature is deterministic (RFC 6979), so it needs no entropy
/// and is made inside the transaction. Nothing if the receipt does not fit [`super::MAX_LENGTH`].
#[must_use]
pub fn sign(receipt: &Receipt, keys: &ReceiptKeys) -> Option<String> {
    let header = Header {
        alg: super::ALGORITHM.to_owned(),
        kid: keys.signing_kid.clone(),
        typ: "afterbeep-receipt+jws".to_owned(),
    };
    let header = base64url(&serde_json::to_vec(&header).ok()?);
    let claims = base64url(&serde_json::to_vec(receipt).ok()?);
    let signed = format!("{header}.{claims}");
    let signature: Signature = keys.signing.sign(signed.as_bytes());
    let compact = format!("{signed}.{}", base64url(&signature.to_bytes()));
    (compact.len() < super::MAX_LENGTH).then_some(compact)
}

/// Checks a receipt's signature against the published keys and reads it.
pub fn verify(compact: &str, keys: &ReceiptKeys) -> Result<Receipt, ReceiptError> {
    let (header, receipt) = split(compact)?;
    let (signed, signature) = compact.rsplit_once('.').ok_or(ReceiptError::Malformed)?;
    let signature = base64url_bytes(signature).ok_or(ReceiptError::Malformed)?;
    let signature = Signature::from_slice(&signature).map_err(|_| ReceiptError::Malformed)?;
    let (_, key) = keys
        .published
        .iter()
        .find(|(kid, _)| *kid == header.kid)
        .ok_or(ReceiptError::Key)?;
    key.verify(signed.as_bytes(), &signature)
        .map_err(|_| ReceiptError::Signature)?;
    Ok(receipt)
}
