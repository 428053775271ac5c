//! `name-addr` and `addr-spec` with header parameters: From, To, Contact, Route, Record-Route.

use core::{fmt, str::FromStr};

use crate::{param::Params, text, uri::Uri};

/// Text that is no name-addr.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a name-addr")]
pub struct NameAddrError;

/// A display name, a URI and header parameters (RFC 3261 20.10).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameAddr {
    /// The display name without quotes.
    pub display_name: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// The parameters behind the URI, outside the angle brackets.
    pub params: Params,
}

impl NameAddr {
    /// A URI without display name or parameters.
    #[must_use]
    pub const fn new(uri: Uri) -> Self {
        Self {
            display_name: None,
            uri,
            params: Params::new(),
        }
    }

    /// The same with this display name; an empty one is left out.
    #[must_use]
    pub fn with_display_name(mut self, name: &str) -> Self {
        self.display_name = (!name.is_empty()).then(|| name.to_owned());
        self
    }

    /// The same with this tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", tag);
        self
    }

    /// The same with one more parameter.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.set(name, value);
        self
    }

    /// The tag, which names one end of a dialog.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// What stands for an identity that nobody gave (RFC 3323 4.1).
    pub(crate) fn anonymous() -> Self {
        Self::new(Uri::sip("anonymous", "anonymous.invalid"))
    }

    fn from_grammar(address: &sipx_sip::Address) -> Self {
        Self {
            display_name: address.display_name.as_deref().map(text::owned),
            uri: Uri::from_grammar(&address.uri),
            params: Params::from_header(&address.params),
        }
    }
}

impl FromStr for NameAddr {
    type Err = NameAddrError;

    fn from_str(value: &str) -> Result<Self, NameAddrError> {
        sipx_sip::Address::parse(value.as_bytes(), "address")
            .map(|address| Self::from_grammar(&address))
            .map_err(|_| NameAddrError)
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.display_name.as_deref() {
            write!(formatter, "{} ", text::quoted(name))?;
        }
        write!(formatter, "<{}>", self.uri)?;
        self.params.write_to_header(formatter)
    }
}

text::serde_as_text!(NameAddr);
