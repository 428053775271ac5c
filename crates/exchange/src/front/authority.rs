//! Who may: tokens and the admin's secret, checked before any body byte. What only an object knows
//! (revoked, signed out, used up) is checked there.

use deposit::token::{
    LoginClaims, MediaClaims, SessionClaims, TokenError, verify_login, verify_media, verify_session,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Arrival;
use crate::problem::{self, Problem, Refusal};

/// Whether a value of the session store says that the session was revoked.
#[must_use]
pub fn is_revoked(value: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(value)
        .is_ok_and(|value| value.get("state").is_some_and(|state| state == "revoked"))
}

impl Arrival<'_> {
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.head.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    pub(super) fn login_claims(&self) -> Result<LoginClaims, Refusal> {
        let token = self
            .bearer()
            .ok_or_else(|| self.refuse(problem::UNAUTHORIZED, "Send a login token as Bearer."))?;
        verify_login(token, &self.settings.token_keys, self.now_ms)
            .map_err(|error| self.token_refusal(error))
    }

    /// A session token of any age.
    pub(super) fn session_claims(&self) -> Result<SessionClaims, Refusal> {
        let token = self.bearer().ok_or_else(|| {
            self.refuse(problem::SESSION_REQUIRED, "Send a session token as Bearer.")
        })?;
        verify_session(token, &self.settings.token_keys).map_err(|error| self.token_refusal(error))
    }

    pub(super) fn media_claims(&self, token: &str) -> Result<MediaClaims, Refusal> {
        verify_media(token, &self.settings.token_keys, self.now_ms)
            .map_err(|error| self.token_refusal(error))
    }

    pub(super) fn check_admin(&self) -> Result<(), Refusal> {
        let expected = &self.settings.admin_token;
        // Hashes have one length, so the comparison tells nothing about the secret's.
        let given = Sha256::digest(self.bearer().unwrap_or(""));
        let same: bool = given.ct_eq(&Sha256::digest(expected)).into();
        if same && !expected.is_empty() {
            return Ok(());
        }
        Err(self.refuse(problem::UNAUTHORIZED, "Send the admin token as Bearer."))
    }

    pub(super) fn token_refusal(&self, error: TokenError) -> Refusal {
        self.refuse(token_problem(error), &error.to_string())
    }
}

const fn token_problem(error: TokenError) -> Problem {
    match error {
        TokenError::Malformed | TokenError::TooLong => problem::TOKEN_MALFORMED,
        TokenError::Purpose => problem::TOKEN_FOREIGN,
        TokenError::Key => problem::TOKEN_UNKNOWN_KEY,
        TokenError::Signature => problem::TOKEN_FORGED,
        TokenError::Expired => problem::TOKEN_EXPIRED,
    }
}
