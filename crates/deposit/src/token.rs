//! Signed tokens: `<purpose><version>.<kid>.<payload>.<mac>`, all parts base64url, at most
//! [`MAX_LENGTH`] characters (design section 3). They say what they allow; whether it is still allowed
//! (revoked, used up) only the mailbox knows.

mod claims;
mod key;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use self::{
    claims::{LoginClaims, MediaClaims, SessionClaims, SessionType},
    key::{Keys, KeysError},
};
use crate::encoding::{base64url, base64url_bytes};

/// The longest token that is minted or looked at.
pub const MAX_LENGTH: usize = 256;

/// What a token is for; no token serves as another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// The right to deposit into one mailbox, `s1`.
    Session,
    /// A sign-in to one account, `l1`.
    Login,
    /// The right to read one greeting or recording for a short time, `m1`.
    Media,
    /// A link to one message for somebody without an account, `k1`.
    Link,
}

/// What a token says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Token {
    /// See [`Purpose::Session`].
    Session(SessionClaims),
    /// See [`Purpose::Login`].
    Login(LoginClaims),
    /// See [`Purpose::Media`].
    Media(MediaClaims),
    /// See [`Purpose::Link`].
    Link(MediaClaims),
}

/// Why a token is refused.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum TokenError {
    /// Not of the form of a token.
    #[error("the token is malformed")]
    Malformed,
    /// A token for another purpose, or of a later version.
    #[error("the token is for another purpose")]
    Purpose,
    /// Signed by a key that is not, or no longer, ours.
    #[error(
        "the token was signed with a key that is not, or no longer, the server's: call again, or sign in again"
    )]
    Key,
    /// The signature does not fit.
    #[error("the token's signature is wrong")]
    Signature,
    /// Past its time.
    #[error("the token has expired")]
    Expired,
    /// It would be longer than [`MAX_LENGTH`]: the address is too long.
    #[error("the token would be too long")]
    TooLong,
}

impl TokenError {
    /// The stable code for API answers.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Purpose => "token_wrong_purpose",
            Self::Key => "token_unknown_key",
            Self::Signature => "token_forged",
            Self::Expired => "token_expired",
            Self::TooLong => "token_too_long",
        }
    }
}

impl Purpose {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "s1",
            Self::Login => "l1",
            Self::Media => "m1",
            Self::Link => "k1",
        }
    }
}

impl Token {
    /// What it is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::Session(_) => Purpose::Session,
            Self::Login(_) => Purpose::Login,
            Self::Media(_) => Purpose::Media,
            Self::Link(_) => Purpose::Link,
        }
    }

    /// When it ends, Unix time in milliseconds.
    #[must_use]
    pub const fn expires_at_ms(&self) -> i64 {
        match self {
            Self::Session(claims) => claims.expires_at_ms,
            Self::Login(claims) => claims.expires_at_ms,
            Self::Media(claims) | Self::Link(claims) => claims.expires_at_ms,
        }
    }

    /// Refuses a token past its time. Not asked of a session token that only wants to see what became of
    /// its deposits: expiry ends the right to begin one, nothing else.
    pub const fn check_time(&self, now_ms: i64) -> Result<(), TokenError> {
        if now_ms < self.expires_at_ms() {
            Ok(())
        } else {
            Err(TokenError::Expired)
        }
    }

    fn payload(&self) -> Vec<u8> {
        match self {
            Self::Session(claims) => claims.to_bytes(),
            Self::Login(claims) => claims.to_bytes(),
            Self::Media(claims) | Self::Link(claims) => claims.to_bytes(),
        }
    }

    fn read(purpose: Purpose, payload: &[u8]) -> Option<Self> {
        Some(match purpose {
            Purpose::Session => Self::Session(SessionClaims::from_bytes(payload)?),
            Purpose::Login => Self::Login(LoginClaims::from_bytes(payload)?),
            Purpose::Media => Self::Media(MediaClaims::from_bytes(payload)?),
            Purpose::Link => Self::Link(MediaClaims::from_bytes(payload)?),
        })
    }
}

/// Writes and signs a token with the newest key.
pub fn mint(token: &Token, keys: &Keys) -> Result<String, TokenError> {
    let (kid, secret) = keys.newest();
    let payload = base64url(&token.payload());
    let signed = format!("{}.{kid}.{payload}", token.purpose().prefix());
    let mac = base64url(&mac(secret, &signed).finalize().into_bytes());
    let text = format!("{signed}.{mac}");
    if text.len() > MAX_LENGTH {
        return Err(TokenError::TooLong);
    }
    Ok(text)
}

/// Checks form, purpose and signature of a token and reads it. Time is checked apart, with
/// [`Token::check_time`].
pub fn verify(text: &str, keys: &Keys, purpose: Purpose) -> Result<Token, TokenError> {
    if text.len() > MAX_LENGTH || !text.is_ascii() {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let mut parts = signed.split('.');
    let (Some(prefix), Some(kid), Some(payload), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Malformed);
    };
    if prefix != purpose.prefix() {
        return Err(foreign_prefix(prefix));
    }
    let secret = keys.find(kid).ok_or(TokenError::Key)?;
    let signature = base64url_bytes(signature).ok_or(TokenError::Signature)?;
    mac(secret, signed)
        .verify_slice(&signature)
        .map_err(|_| TokenError::Signature)?;
    let payload = base64url_bytes(payload).ok_or(TokenError::Malformed)?;
    Token::read(purpose, &payload).ok_or(TokenError::Malformed)
}

/// A letter and a version are a token for something else; anything else is none.
fn foreign_prefix(prefix: &str) -> TokenError {
    match prefix.as_bytes() {
        [b'a'..=b'z', b'0'..=b'9'] => TokenError::Purpose,
        _ => TokenError::Malformed,
    }
}

/// [`verify`] for a session token.
pub fn verify_session(text: &str, keys: &Keys) -> Result<SessionClaims, TokenError> {
    match verify(text, keys, Purpose::Session)? {
        Token::Session(claims) => Ok(claims),
        _ => Err(TokenError::Purpose),
    }
}

/// [`verify`] for a login token, time included.
pub fn verify_login(text: &str, keys: &Keys, now_ms: i64) -> Result<LoginClaims, TokenError> {
    let token = verify(text, keys, Purpose::Login)?;
    token.check_time(now_ms)?;
    match token {
        Token::Login(claims) => Ok(claims),
        _ => Err(TokenError::Purpose),
    }
}

/// [`verify`] for a media token, time included.
pub fn verify_media(text: &str, keys: &Keys, now_ms: i64) -> Result<MediaClaims, TokenError> {
    let token = verify(text, keys, Purpose::Media)?;
    token.check_time(now_ms)?;
    match token {
        Token::Media(claims) => Ok(claims),
        _ => Err(TokenError::Purpose),
    }
}

/// The 8 bytes by which a session token names its caller without telling who it is.
#[must_use]
pub fn caller_hash(caller: Option<&str>) -> [u8; 8] {
    let Some(caller) = caller else {
        return [0; 8];
    };
    let digest = Sha256::digest(caller.as_bytes());
    let mut hash = [0; 8];
    hash.iter_mut()
        .zip(digest)
        .for_each(|(target, byte)| *target = byte);
    hash
}

/// HMAC over prefix, kid and payload: purpose and version are under the MAC.
fn mac(secret: &[u8], signed: &str) -> Hmac<Sha256> {
    // An HMAC takes keys of any length, so the error arm is never taken; it yields a key that signs nothing of ours.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret)
        .unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
    mac.update(signed.as_bytes());
    mac
}

#[cfg(test)]
mod tests;
