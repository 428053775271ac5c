//! One hop of the way back (RFC 3261 20.42).

use core::{fmt, str::FromStr};

use crate::{param::Params, text};

/// Every RFC 3261 branch starts with this.
pub(crate) const MAGIC_COOKIE: &str = "z9hG4bK";

/// Text that is no Via value.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a Via")]
pub struct ViaError;

/// One Via value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Via {
    /// `WS`, `WSS`, `UDP`, ...
    pub transport: String,
    /// Where the sender says it is; IPv6 in brackets.
    pub host: String,
    /// The port, if one is stated.
    pub port: Option<u16>,
    /// Parameters, `branch` among them.
    pub params: Params,
}

impl Via {
    /// A hop with a branch; `branch` gets the magic cookie in front if it lacks it.
    #[must_use]
    pub fn new(transport: &str, host: &str, branch: &str) -> Self {
        let mut params = Params::new();
        let cookie = if branch.starts_with(MAGIC_COOKIE) {
            ""
        } else {
            MAGIC_COOKIE
        };
        params.set("branch", format!("{cookie}{branch}"));
        Self {
            transport: transport.to_owned(),
            host: host.to_owned(),
            port: None,
            params,
        }
    }

    /// The same with one more parameter.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.set(name, value);
        self
    }

    /// The branch, whatever it looks like; empty if there is none.
    #[must_use]
    pub fn branch(&self) -> &str {
        self.params.get("branch").unwrap_or("")
    }

    /// Whether the branch names a transaction by itself (RFC 3261 17.2.3); the bare cookie does not.
    #[must_use]
    pub fn has_unique_branch(&self) -> bool {
        self.branch()
            .get(..MAGIC_COOKIE.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
            && self.branch().len() > MAGIC_COOKIE.len()
    }

    /// `host[:port]`.
    #[must_use]
    pub fn sent_by(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    fn from_grammar(via: &sipx_sip::Via) -> Self {
        Self {
            transport: text::owned(&via.transport),
            host: via.host.to_string(),
            port: via.port,
            params: Params::from_header(&via.params),
        }
    }
}

impl FromStr for Via {
    type Err = ViaError;

    fn from_str(value: &str) -> Result<Self, ViaError> {
        sipx_sip::Via::parse_one(value.as_bytes())
            .map(|via| Self::from_grammar(&via))
            .ok()
            .filter(|via| text::is_token(&via.transport))
            .ok_or(ViaError)
    }
}

impl fmt::Display for Via {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(formatter, ":{port}")?;
        }
        self.params.write_to_header(formatter)
    }
}

text::serde_as_text!(Via);
