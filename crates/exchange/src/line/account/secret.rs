//! HA1s at rest: AES-256-GCM under the operator's newest account key, bound to the address.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use sip::digest::Ha1;

use super::address;
use crate::context::Context;

const NONCE_BYTES: usize = 12;

/// Encrypts with the newest key. Gives the key's id and nonce with ciphertext.
pub(super) fn seal(context: &Context<'_>, ha1: &Ha1) -> (String, Vec<u8>) {
    let (key, secret) = context.settings.account_keys.newest();
    let nonce = context.entropy.bytes::<NONCE_BYTES>();
    let text = format!("{}:{}", ha1.sha256, ha1.md5);
    let payload = Payload {
        msg: text.as_bytes(),
        aad: address(context).as_bytes(),
    };
    // Only more than 64 GiB of text could fail; a row without ciphertext then opens for no password.
    let sealed = cipher(secret)
        .encrypt(&Nonce::from(nonce), payload)
        .unwrap_or_default();
    (key.to_owned(), [nonce.as_slice(), &sealed].concat())
}

/// Decrypts what [`seal`] made; nothing if the key is gone or the row was tampered with.
pub(super) fn open(context: &Context<'_>, key: &str, sealed: &[u8]) -> Option<Ha1> {
    let secret = context.settings.account_keys.find(key)?;
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload {
        msg: sealed,
        aad: address(context).as_bytes(),
    };
    let plain = cipher(secret).decrypt(&Nonce::from(*nonce), payload).ok()?;
    let text = String::from_utf8(plain).ok()?;
    let (sha256, md5) = text.split_once(':')?;
    Some(Ha1 {
        sha256: sha256.to_owned(),
        md5: md5.to_owned(),
    })
}

/// Hashes for an address without an account: always the same, known to nobody.
pub(super) fn nobody(context: &Context<'_>) -> Ha1 {
    let (_, secret) = context.settings.account_keys.newest();
    let mut hash = Sha256::new();
    hash.update(b"afterbeep nobody ");
    hash.update(secret);
    hash.update(address(context));
    let sha256 = deposit::hex(&hash.finalize());
    let md5 = sha256.chars().take(32).collect();
    Ha1 { sha256, md5 }
}

/// The operator's secrets have any length; the cipher's key has 32 bytes.
fn cipher(secret: &[u8]) -> Aes256Gcm {
    let mut key = Sha256::new();
    key.update(b"afterbeep account key ");
    key.update(secret);
    Aes256Gcm::new(&key.finalize())
}
