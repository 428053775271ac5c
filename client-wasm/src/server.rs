//! The server a client belongs to: where signalling, uploads and pages' calls go.

use core::cell::RefCell;
use std::collections::BTreeSet;

use sip::address::{self, AddressError};
use web_sys::Url;

use crate::problem::Problem;
use crate::storage::{Database, StorageError};

/// Name of the stored list of other servers that the user confirmed.
const CONFIRMED: &str = "confirmed_servers";
/// Names of the loopback interface: on one development machine they are one domain.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// Why nothing is sent to another server yet.
pub(crate) const UNCONFIRMED: &str = "server_unconfirmed";

/// One server, made from the element's `server` attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    origin: String,
    host: String,
    socket_url: String,
    /// Named by its origin: a server of our kind, no foreign proxy.
    is_ours: bool,
    /// Origins of other servers that the user confirmed by name.
    confirmed: RefCell<BTreeSet<String>>,
}

impl Server {
    /// From an `https:` origin (its `/sip` is used) or from the `wss:` address of any RFC 7118 proxy.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let url = Url::new(text).map_err(|_| bad_server(text))?;
        let (web, socket) = match url.protocol().as_str() {
            "https:" | "wss:" => ("https", "wss"),
            "http:" | "ws:" => ("http", "ws"),
            _ => return Err(bad_server(text)),
        };
        if web == "http" && !is_loopback(&url.hostname()) {
            return Err(bad_server(text));
        }
        let authority = url.host();
        let socket_url = match url.protocol().as_str() {
            "wss:" | "ws:" => url.href(),
            _ => format!("{socket}://{authority}/sip"),
        };
        Ok(Self {
            origin: format!("{web}://{authority}"),
            host: url.hostname(),
            socket_url,
            is_ours: matches!(url.protocol().as_str(), "https:" | "http:"),
            confirmed: RefCell::default(),
        })
    }

    /// What `parse` makes where no browser reads addresses.
    #[cfg(test)]
    pub(crate) fn of_host(host: &str, is_ours: bool) -> Self {
        Self {
            origin: format!("https://{host}"),
            host: host.to_owned(),
            socket_url: format!("wss://{host}/sip"),
            is_ours,
            confirmed: RefCell::default(),
        }
    }

    /// Remembers which other servers the user confirmed on this device before.
    pub(crate) async fn recall(&self, database: &Database) -> Result<(), StorageError> {
        let known: Option<Vec<String>> = database.value(CONFIRMED).await?;
        self.confirmed
            .borrow_mut()
            .extend(known.unwrap_or_default());
        Ok(())
    }

    /// The user confirmed this other server: what a voicemail names there is used from now on.
    pub(crate) async fn confirm(
        &self,
        origin: &str,
        database: &Database,
    ) -> Result<(), StorageError> {
        self.confirmed.borrow_mut().insert(origin.to_owned());
        let all: Vec<String> = self.confirmed.borrow().iter().cloned().collect();
        database.set_value(CONFIRMED, &all).await
    }

    /// Nothing is confirmed any more.
    pub(crate) fn forget(&self) {
        self.confirmed.take();
    }

    /// The server where the deposits of a session go: this one, or another that the user confirmed.
    pub(crate) fn home(&self, upload_url: Option<&str>) -> Result<Self, Problem> {
        let Some(url) = upload_url else {
            return Ok(self.clone());
        };
        if let Some(origin) = self.unconfirmed(url) {
            return Err(unconfirmed(&origin));
        }
        let place = Url::new(url).map_err(|_| foreign(url))?;
        if self.is_same_place(&place) {
            return Ok(self.clone());
        }
        Ok(Self {
            origin: place.origin(),
            host: place.hostname(),
            is_ours: true,
            ..self.clone()
        })
    }

    /// The origin of this address, if it is another server's that the user has not confirmed.
    pub(crate) fn unconfirmed(&self, text: &str) -> Option<String> {
        let url = Url::new(text).ok()?;
        let known = self.is_same_place(&url) || self.confirmed.borrow().contains(&url.origin());
        (!known).then(|| url.origin())
    }

    /// Takes an address that a voicemail names: this server's own, or that of another one, which is used only
    /// after the user confirmed it.
    pub(crate) fn named(&self, text: &str) -> Result<String, Problem> {
        let url = presentable(text)?;
        match self.is_same_place(&url) {
            true => self.own(text),
            false => Ok(url.href()),
        }
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The canonical form of an address somebody typed or a message names.
    pub(crate) fn address(&self, text: &str) -> Result<String, AddressError> {
        let mut aliases = vec![self.domain()];
        if LOOPBACK.contains(&self.domain()) {
            aliases.extend(LOOPBACK);
        }
        address::normalise_dialled(text, &aliases).map(|address| address.as_str().to_owned())
    }

    /// The SIP domain as far as the address tells it: the host without its port.
    pub(crate) fn domain(&self) -> &str {
        &self.host
    }

    /// Where the signalling socket is.
    pub(crate) fn socket_url(&self) -> &str {
        &self.socket_url
    }

    /// Whether it is a server of our kind, with all its paths.
    pub(crate) fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// The same for a client that comes back to its connection by this value, where the server knows how.
    pub(crate) fn flow_url(&self, value: [u8; 16]) -> String {
        match self.is_ours {
            true => format!("{}?flow={}", self.socket_url, deposit::hex(&value)),
            false => self.socket_url.clone(),
        }
    }

    /// The full address of a path of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The full address of a `Location`, which must stay on this server.
    pub(crate) fn resolve(&self, location: &str, base: &str) -> Result<String, Problem> {
        let url = Url::new_with_base(location, base).map_err(|_| foreign(location))?;
        self.own(&url.href())
    }

    /// Takes an address from a peer only if it is this server's own or a confirmed one's, encrypted (or loopback),
    /// and without credentials in it. An own one comes back under the origin this client knows.
    pub(crate) fn own(&self, text: &str) -> Result<String, Problem> {
        let url = presentable(text)?;
        if self.is_same_place(&url) {
            return Ok(format!("{}{}{}", self.origin, url.pathname(), url.search()));
        }
        match self.confirmed.borrow().contains(&url.origin()) {
            true => Ok(url.href()),
            false => Err(foreign(text)),
        }
    }

    /// Same origin; on one development machine the names of loopback are one place.
    fn is_same_place(&self, url: &Url) -> bool {
        if url.origin() == self.origin {
            return true;
        }
        let port = |host: &str, full: &str| full.strip_prefix(host).map(str::to_owned);
        let own_authority = self.origin.rsplit("//").next().unwrap_or_default();
        is_loopback(&self.host)
            && is_loopback(&url.hostname())
            && port(&self.host, own_authority) == port(&url.hostname(), &url.host())
    }
}

/// An address that anything may be sent to at all: encrypted (or loopback) and without credentials.
fn presentable(text: &str) -> Result<Url, Problem> {
    let url = Url::new(text).map_err(|_| foreign(text))?;
    let encrypted =
        url.protocol() == "https:" || (url.protocol() == "http:" && is_loopback(&url.hostname()));
    let bare = url.username().is_empty() && url.password().is_empty();
    match encrypted && bare {
        true => Ok(url),
        false => Err(foreign(text)),
    }
}

/// Whether a host name means this machine.
fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "::1") || host.ends_with(".localhost")
}

fn unconfirmed(origin: &str) -> Problem {
    Problem::new(
        UNCONFIRMED,
        format!(
            "The voicemail is on another server ({origin}). Confirm that once above, then your message goes there."
        ),
    )
}

fn bad_server(text: &str) -> Problem {
    Problem::new(
        "server_invalid",
        format!("{text:?} is not the https address of a server."),
    )
}

fn foreign(text: &str) -> Problem {
    Problem::new(
        "foreign_server",
        format!("The voicemail named another server ({text}); nothing is sent there."),
    )
}
