//! The server's side: reading and checking Authorization and Proxy-Authorization.

use subtle::ConstantTimeEq as _;

use super::{Algorithm, Ha1, Ingredients, fields::Fields, response};
use crate::{request::Request, uri::Uri};

/// One Authorization or Proxy-Authorization value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Authorization {
    /// A digest response; boxed because it is much larger than the rest.
    Digest(Box<DigestResponse>),
    /// A token (RFC 8898).
    Bearer(String),
    /// A scheme or form that is not known; to be treated as if it were absent.
    Unknown,
}

/// A client's proof. Whether its nonce is ours and new is [`super::check_nonce`]'s matter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DigestResponse {
    /// The user name.
    pub user: String,
    /// The realm it is for.
    pub realm: String,
    /// The server's nonce.
    pub nonce: String,
    /// The URI the client signed.
    pub uri: String,
    /// How often the client used the nonce; 0 in the old form without `qop`.
    pub nonce_count: u32,
    algorithm: Algorithm,
    response: String,
    quality: Option<Quality>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Quality {
    count: String,
    cnonce: String,
    name: String,
}

impl Authorization {
    /// Reads one header value.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        if let Some(token) = bearer(value) {
            return Self::Bearer(token.to_owned());
        }
        DigestResponse::parse(value).map_or(Self::Unknown, |digest| Self::Digest(Box::new(digest)))
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

impl DigestResponse {
    fn parse(value: &str) -> Option<Self> {
        let (scheme, fields) = Fields::parse(value)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let quality = Quality::parse(&fields)?;
        Some(Self {
            user: fields.get("username")?.to_owned(),
            realm: fields.get("realm")?.to_owned(),
            nonce: fields.get("nonce")?.to_owned(),
            uri: fields.get("uri")?.to_owned(),
            nonce_count: quality.as_ref().map_or(Some(0), |quality| {
                u32::from_str_radix(&quality.count, 16).ok()
            })?,
            algorithm: Algorithm::parse(fields.get("algorithm"))?,
            response: fields.get("response")?.to_ascii_lowercase(),
            quality,
        })
    }

    /// Whether the proof is right for this account and this request. Takes the same time whether or not
    /// it is; the signed URI must be the Request-URI (RFC 3261 22.4).
    #[must_use]
    pub fn verify(&self, ha1: &Ha1, request: &Request) -> bool {
        let quality = self.quality.as_ref().map(|quality| {
            (
                quality.count.as_str(),
                quality.cnonce.as_str(),
                quality.name.as_str(),
            )
        });
        let ingredients = Ingredients {
            algorithm: self.algorithm,
            nonce: &self.nonce,
            method: request.method().as_str(),
            uri: &self.uri,
            quality,
            body: request.body(),
        };
        let expected = response(ha1.of(self.algorithm), &ingredients);
        let is_right = bool::from(expected.as_bytes().ct_eq(self.response.as_bytes()));
        is_right && self.is_for(request.uri())
    }

    fn is_for(&self, uri: &Uri) -> bool {
        self.uri == uri.to_string()
            || self
                .uri
                .parse::<Uri>()
                .is_ok_and(|signed| signed.equivalent(uri))
    }
}

impl Quality {
    /// `Some(None)` for the old form, `None` for a broken one.
    #[allow(
        clippy::option_option,
        reason = "absent and broken are different answers, and local to the parser"
    )]
    fn parse(fields: &Fields<'_>) -> Option<Option<Self>> {
        let Some(name) = fields.get("qop") else {
            return Some(None);
        };
        let name = name.to_ascii_lowercase();
        if !matches!(name.as_str(), "auth" | "auth-int") {
            return None;
        }
        Some(Some(Self {
            count: fields.get("nc")?.to_owned(),
            cnonce: fields.get("cnonce")?.to_owned(),
            name,
        }))
    }
}
