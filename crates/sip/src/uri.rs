//! SIP, SIPS and tel URIs (RFC 3261 19.1, RFC 3966). Other schemes are kept as opaque text.

use core::{fmt, str::FromStr};

use sipx_sip::Uri as Grammar;

use crate::{
    param::Params,
    text::{self, owned},
};

/// What stands before the colon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Anything else, in lower case; the rest of the URI is in [`Uri::user`], unread.
    Other(String),
}

/// Text that is no URI.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a URI")]
pub struct UriError;

/// A URI, its parts still percent-encoded as they came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Uri {
    /// The scheme.
    pub scheme: Scheme,
    /// The user part; for `tel:` the number, for other schemes everything behind the colon.
    pub user: Option<String>,
    /// The password of RFC 3261 19.1.1, which nobody should use.
    pub password: Option<String>,
    /// Host name, IPv4 address or IPv6 address in brackets; empty for `tel:` and other schemes.
    pub host: String,
    /// The port, if one is stated.
    pub port: Option<u16>,
    /// URI parameters.
    pub params: Params,
    /// URI headers, behind `?`.
    pub headers: Params,
}

impl Uri {
    /// `sip:user@host`, the user part escaped as needed.
    #[must_use]
    pub fn sip(user: &str, host: &str) -> Self {
        Self {
            user: Some(text::percent_encoded(user.as_bytes(), is_user_byte)),
            ..Self::sip_host(host)
        }
    }

    /// `sip:host`.
    #[must_use]
    pub fn sip_host(host: &str) -> Self {
        Self {
            scheme: Scheme::Sip,
            user: None,
            password: None,
            host: host.to_owned(),
            port: None,
            params: Params::new(),
            headers: Params::new(),
        }
    }

    /// The value of a URI parameter, percent-decoded; a flag has the value `""`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        let value = self.params.get(name)?;
        Some(text::percent_decoded(value).map_or_else(|| value.to_owned(), |bytes| owned(&bytes)))
    }

    /// Sets a URI parameter, escaping the value as needed.
    pub fn set_param(&mut self, name: &str, value: &str) {
        self.params
            .set(name, text::percent_encoded(value.as_bytes(), is_param_byte));
    }

    /// The same URI with one more parameter.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.set_param(name, value);
        self
    }

    /// The same URI with one more flag, such as `lr`.
    #[must_use]
    pub fn with_flag(mut self, name: &str) -> Self {
        self.params.set_flag(name);
        self
    }

    /// The user part, percent-decoded; lossless only for text.
    #[must_use]
    pub fn decoded_user(&self) -> Option<String> {
        let user = self.user.as_deref()?;
        text::percent_decoded(user).map(|bytes| owned(&bytes))
    }

    /// Whether the scheme is `sip:` or `sips:`.
    #[must_use]
    pub const fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// Whether both name the same resource by the rules of RFC 3261 19.1.4.
    #[must_use]
    pub fn equivalent(&self, other: &Self) -> bool {
        match (self.grammar(), other.grammar()) {
            (Ok(one), Ok(two)) => one.equivalent(&two),
            _ => self == other,
        }
    }

    fn grammar(&self) -> Result<Grammar, sipx_sip::UriError> {
        Grammar::parse(self.to_string().into_bytes().into())
    }

    pub(crate) fn from_grammar(uri: &Grammar) -> Self {
        match uri.tel_parts() {
            Some(parts) => Self::tel(&parts),
            None if uri.scheme().is_sip() => Self::structured(uri),
            None => Self::opaque(uri),
        }
    }

    fn structured(uri: &Grammar) -> Self {
        Self {
            scheme: if uri.scheme().is_secure() {
                Scheme::Sips
            } else {
                Scheme::Sip
            },
            user: uri.user().map(owned),
            password: uri.password().map(owned),
            host: uri.host().map(ToString::to_string).unwrap_or_default(),
            port: uri.port(),
            params: Params::from_uri(uri.params()),
            headers: Params::from_uri(uri.headers()),
        }
    }

    fn tel(parts: &sipx_sip::TelUriParts<'_>) -> Self {
        let mut params = Params::new();
        for param in parts.parsed_parameters().flatten() {
            params.push(owned(param.name()), param.value().map(owned));
        }
        Self {
            scheme: Scheme::Tel,
            user: Some(owned(parts.subscriber())),
            params,
            ..Self::sip_host("")
        }
    }

    fn opaque(uri: &Grammar) -> Self {
        Self {
            scheme: Scheme::Other(owned(uri.scheme().as_bytes()).to_ascii_lowercase()),
            user: uri.opaque().map(owned),
            ..Self::sip_host("")
        }
    }
}

impl Scheme {
    /// The scheme without its colon.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Other(name) => name,
        }
    }
}

/// `user` of RFC 3261 25.1 without `;` and `?`, which are legal there but read badly by many.
pub(crate) fn is_user_byte(byte: u8) -> bool {
    is_unreserved(byte) || b"&=+$,/".contains(&byte)
}

fn is_param_byte(byte: u8) -> bool {
    is_unreserved(byte) || b"[]/:&+$".contains(&byte)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        Grammar::parse(text.as_bytes().to_vec().into())
            .map(|uri| Self::from_grammar(&uri))
            .map_err(|_| UriError)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.scheme.as_str())?;
        if let Some(user) = self.user.as_deref() {
            formatter.write_str(user)?;
            if let Some(password) = self.password.as_deref() {
                write!(formatter, ":{password}")?;
            }
            if self.is_sip() {
                formatter.write_str("@")?;
            }
        }
        formatter.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(formatter, ":{port}")?;
        }
        self.params.write_to_uri(formatter, ';', ';')?;
        self.headers.write_to_uri(formatter, '?', '&')
    }
}

text::serde_as_text!(Uri);
