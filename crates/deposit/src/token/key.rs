//! The secrets that sign tokens, newest first, so that keys rotate without losing pending sessions.

use core::fmt;

use thiserror::Error;

use crate::encoding::base64url_bytes;

/// The shortest secret that is taken.
const MIN_SECRET_BYTES: usize = 16;
/// The longest key id, so that tokens stay short.
const MAX_KID_LENGTH: usize = 16;

/// Signing keys: the first signs, all verify.
#[derive(Clone, Eq, PartialEq)]
pub struct Keys {
    newest: Key,
    older: Vec<Key>,
}

#[derive(Clone, Eq, PartialEq)]
struct Key {
    kid: String,
    secret: Vec<u8>,
}

/// Why a list of keys is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum KeysError {
    /// Nothing in it.
    #[error("there is no key")]
    Empty,
    /// An entry is not `kid:base64url` with 1 to 16 letters and digits and at least 16 bytes.
    #[error("key {0} is not of the form kid:base64url with at least 16 bytes")]
    Entry(usize),
    /// Two entries have one name.
    #[error("key id {0} is there twice")]
    Twice(String),
}

impl Keys {
    /// Reads `kid:base64url,kid:base64url`, newest first.
    pub fn read(text: &str) -> Result<Self, KeysError> {
        let mut keys: Vec<Key> = Vec::new();
        for (index, entry) in text.split(',').map(str::trim).enumerate() {
            if entry.is_empty() {
                continue;
            }
            let key = Key::read(entry).ok_or(KeysError::Entry(index))?;
            if keys.iter().any(|other| other.kid == key.kid) {
                return Err(KeysError::Twice(key.kid));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let newest = keys.next().ok_or(KeysError::Empty)?;
        Ok(Self {
            newest,
            older: keys.collect(),
        })
    }

    /// Name and secret of the key that signs.
    #[must_use]
    pub fn newest(&self) -> (&str, &[u8]) {
        (&self.newest.kid, &self.newest.secret)
    }

    /// The secret with this name.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&[u8]> {
        core::iter::once(&self.newest)
            .chain(&self.older)
            .find(|key| key.kid == kid)
            .map(|key| key.secret.as_slice())
    }
}

impl Key {
    fn read(entry: &str) -> Option<Self> {
        let (kid, secret) = entry.split_once(':')?;
        let named = (1..=MAX_KID_LENGTH).contains(&kid.len())
            && kid.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let secret = base64url_bytes(secret.trim_end_matches('='))?;
        (named && secret.len() >= MIN_SECRET_BYTES).then(|| Self {
            kid: kid.to_owned(),
            secret,
        })
    }
}

impl fmt::Debug for Keys {
    /// Names only: secrets never get into logs.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = core::iter::once(&self.newest)
            .chain(&self.older)
            .map(|key| &key.kid);
        formatter.debug_list().entries(names).finish()
    }
}
