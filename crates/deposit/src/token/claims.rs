//! What the payload of each kind of token says, and its bytes. Numbers are big-endian; times are whole
//! seconds in 32 bits (until 2106).

use serde::{Deserialize, Serialize};

/// What a session is meant for; each part may still be of any kind.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionType {
    /// `voice` on the wire.
    Voice,
    /// `video` on the wire.
    Video,
}

/// The right to deposit into one mailbox.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionClaims {
    /// Drawn at random when the session was made; first in the payload.
    pub session_id: [u8; 16],
    /// What it is meant for.
    pub session_type: SessionType,
    /// See [`super::caller_hash`]; zeros for an anonymous caller.
    pub caller: [u8; 8],
    /// No part may be longer, in bytes.
    pub size_limit: u32,
    /// When the right to begin a deposit ends, Unix time in milliseconds (whole seconds are kept).
    pub expires_at_ms: i64,
    /// Normalised address of the callee.
    pub mailbox: String,
}

/// A sign-in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LoginClaims {
    /// Generation of the account when it was issued; a changed password ends all older ones.
    pub generation: u32,
    /// When it ends, Unix time in milliseconds (whole seconds are kept).
    pub expires_at_ms: i64,
    /// Normalised address.
    pub address: String,
}

/// The right to read one thing of one mailbox; of media and link tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MediaClaims {
    /// When it ends, Unix time in milliseconds (whole seconds are kept).
    pub expires_at_ms: i64,
    /// Normalised address whose mailbox holds it.
    pub mailbox: String,
    /// The mailbox's own name for it, at most 255 bytes.
    pub resource: String,
}

impl SessionType {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Video => "video",
        }
    }

    /// Reads the word on the wire, in any case.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Voice, Self::Video]
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(word))
    }
}

impl SessionClaims {
    /// The session id in base64url (22 characters), the form in object names, keys and rows.
    #[must_use]
    pub fn session(&self) -> String {
        crate::encoding::base64url(&self.session_id)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(self.session_id);
        bytes.push(match self.session_type {
            SessionType::Voice => 0,
            SessionType::Video => 1,
        });
        bytes.extend(self.caller);
        bytes.extend(self.size_limit.to_be_bytes());
        bytes.extend(seconds(self.expires_at_ms));
        bytes.extend(self.mailbox.as_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        Some(Self {
            session_id: bytes.take()?,
            session_type: match bytes.take()? {
                [0] => SessionType::Voice,
                [1] => SessionType::Video,
                _ => return None,
            },
            caller: bytes.take()?,
            size_limit: u32::from_be_bytes(bytes.take()?),
            expires_at_ms: bytes.time()?,
            mailbox: bytes.rest()?,
        })
    }
}

impl LoginClaims {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(self.generation.to_be_bytes());
        bytes.extend(seconds(self.expires_at_ms));
        bytes.extend(self.address.as_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        Some(Self {
            generation: u32::from_be_bytes(bytes.take()?),
            expires_at_ms: bytes.time()?,
            address: bytes.rest()?,
        })
    }
}

impl MediaClaims {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::from(seconds(self.expires_at_ms));
        // A resource too long for its length byte makes a token longer than the limit, which minting refuses.
        bytes.push(u8::try_from(self.resource.len()).unwrap_or(u8::MAX));
        bytes.extend(self.resource.as_bytes());
        bytes.extend(self.mailbox.as_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let expires_at_ms = bytes.time()?;
        let [length] = bytes.take()?;
        Some(Self {
            expires_at_ms,
            resource: bytes.text(usize::from(length))?,
            mailbox: bytes.rest()?,
        })
    }
}

fn seconds(time_ms: i64) -> [u8; 4] {
    u32::try_from(time_ms.div_euclid(1000))
        .unwrap_or(if time_ms < 0 { 0 } else { u32::MAX })
        .to_be_bytes()
}

/// What is left to read of a payload.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    fn time(&mut self) -> Option<i64> {
        i64::from(u32::from_be_bytes(self.take()?)).checked_mul(1000)
    }

    fn text(&mut self, length: usize) -> Option<String> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        String::from_utf8(head.to_vec()).ok()
    }

    fn rest(&mut self) -> Option<String> {
        self.text(self.0.len())
    }
}
