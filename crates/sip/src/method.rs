//! Request methods (RFC 3261 7.1 and the extensions we know by name).

use core::{convert::Infallible, fmt, str::FromStr};

/// A method; compared with case, as RFC 3261 7.1 says.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs, reason = "each variant is the method of its name")]
pub enum Method {
    Ack,
    Bye,
    Cancel,
    Info,
    Invite,
    Message,
    Notify,
    Options,
    Prack,
    Publish,
    Refer,
    Register,
    Subscribe,
    Update,
    /// Any other token.
    Other(String),
}

const KNOWN: [(Method, &str); 14] = [
    (Method::Ack, "ACK"),
    (Method::Bye, "BYE"),
    (Method::Cancel, "CANCEL"),
    (Method::Info, "INFO"),
    (Method::Invite, "INVITE"),
    (Method::Message, "MESSAGE"),
    (Method::Notify, "NOTIFY"),
    (Method::Options, "OPTIONS"),
    (Method::Prack, "PRACK"),
    (Method::Publish, "PUBLISH"),
    (Method::Refer, "REFER"),
    (Method::Register, "REGISTER"),
    (Method::Subscribe, "SUBSCRIBE"),
    (Method::Update, "UPDATE"),
];

impl Method {
    /// The method as it stands in the request line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if let Self::Other(name) = self {
            return name;
        }
        KNOWN
            .iter()
            .find(|(method, _)| method == self)
            .map_or("", |(_, name)| name)
    }

    /// Whether this crate knows the method by name.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

impl From<&str> for Method {
    fn from(name: &str) -> Self {
        KNOWN.iter().find(|(_, known)| *known == name).map_or_else(
            || Self::Other(name.to_owned()),
            |(method, _)| method.clone(),
        )
    }
}

impl FromStr for Method {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Infallible> {
        Ok(Self::from(name))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl PartialEq<str> for Method {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Method {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

crate::text::serde_as_text!(Method);
