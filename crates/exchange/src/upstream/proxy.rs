//! The foreign proxy behind which the voicemail stands, as the operator names it.

use core::fmt;

use sha2::{Digest, Sha256};
use sip::{address::normalise, credentials::Credentials};

/// Where the proxy is and who we are there.
#[derive(Clone, Eq, PartialEq)]
pub struct Proxy {
    /// `wss:` address; `ws:` only to this machine, in development.
    pub url: String,
    /// `sip:user@domain` that is registered there.
    pub address: String,
    password: String,
    /// Realms in which it asks for proof, besides those that it shows by itself.
    pub realms: Vec<String>,
}

/// Why the setting cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProxyError {
    /// The address is no `wss:` address.
    Url,
    /// The user is no SIP address.
    User,
}

/// What the proxy calls us where the operator names nobody.
const USER: &str = "voicemail";

impl Proxy {
    /// Reads the setting. An empty `user` is `voicemail`, and a user without a domain has the first of `domains`.
    ///
    /// # Errors
    /// [`ProxyError`] names what is wrong.
    pub fn read(
        url: &str,
        user: &str,
        password: &str,
        domains: &[String],
        loopback: bool,
    ) -> Result<Self, ProxyError> {
        if !is_allowed(url, loopback) {
            return Err(ProxyError::Url);
        }
        let user = if user.is_empty() { USER } else { user };
        let address = normalise(user, domains).map_err(|_| ProxyError::User)?;
        Ok(Self {
            url: url.to_owned(),
            address: address.as_str().to_owned(),
            password: password.to_owned(),
            realms: Vec::new(),
        })
    }

    /// The same proxy with these further realms, separated by commas.
    #[must_use]
    pub fn with_realms(mut self, list: &str) -> Self {
        let realms = list.split(',').map(str::trim);
        self.realms = realms
            .filter(|realm| !realm.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        self
    }

    /// The domain of our address there: where REGISTER goes.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.address
            .split_once('@')
            .map_or("", |(_, domain)| domain)
    }

    /// Who we are over all starts and connections (RFC 5626 section 4.1): a registration takes the place of the one
    /// before, whose connection is gone.
    #[must_use]
    pub fn instance(&self) -> String {
        let name = format!("afterbeep upstream {} {}", self.url, self.address);
        let digest = deposit::hex(&Sha256::digest(name));
        let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
        // A UUID of version 8 (RFC 9562 section 5.8).
        let parts = [
            part(0, 8),
            part(8, 12),
            part(13, 16),
            part(17, 20),
            part(20, 32),
        ];
        let [first, second, third, fourth, fifth] = parts;
        format!("urn:uuid:{first}-{second}-8{third}-8{fourth}-{fifth}")
    }

    /// What stands for our host on all connections, none of which can be reached by it (RFC 7118 section 5).
    pub(super) fn host(&self) -> String {
        let instance = self.instance();
        let last = instance.rsplit('-').next().unwrap_or_default();
        format!("{last}.invalid")
    }

    /// What answers the proxy's challenge.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        if self.password.is_empty() {
            return Credentials::None;
        }
        let user = self
            .address
            .parse::<sip::Uri>()
            .ok()
            .and_then(|uri| uri.decoded_user());
        Credentials::Password {
            user: user.unwrap_or_default(),
            password: self.password.clone(),
        }
    }
}

/// The password stays out of every log.
impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Proxy")
            .field("url", &self.url)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Whether the address is encrypted, or leads to this machine where that is allowed.
fn is_allowed(url: &str, loopback: bool) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    if authority.is_empty() || authority.contains('@') {
        return false;
    }
    scheme == "wss" || (scheme == "ws" && loopback && is_loopback(authority))
}

fn is_loopback(authority: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
        let after = authority.strip_prefix(host);
        after.is_some_and(|after| after.is_empty() || after.starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use sip::credentials::Credentials;

    use super::{Proxy, ProxyError};

    fn read(url: &str, user: &str, loopback: bool) -> Result<String, ProxyError> {
        let domains = ["example.com".to_owned()];
        Proxy::read(url, user, "secret", &domains, loopback).map(|proxy| proxy.address)
    }

    #[test]
    fn only_an_encrypted_proxy_is_taken_or_one_on_this_machine_in_development() {
        let voicemail = Ok("sip:voicemail@example.com".to_owned());
        for (url, loopback, expected) in [
            ("wss://proxy.example.com/ws", false, voicemail.clone()),
            ("ws://127.0.0.1:5066", true, voicemail.clone()),
            ("ws://[::1]:5066/", true, voicemail),
            ("ws://127.0.0.1:5066", false, Err(ProxyError::Url)),
            ("ws://127.0.0.1.example.com", true, Err(ProxyError::Url)),
            ("ws://proxy.example.com", true, Err(ProxyError::Url)),
            ("wss://user:secret@example.com", false, Err(ProxyError::Url)),
            ("https://proxy.example.com", false, Err(ProxyError::Url)),
            ("wss://", false, Err(ProxyError::Url)),
            ("proxy.example.com", false, Err(ProxyError::Url)),
        ] {
            assert_eq!(read(url, "", loopback), expected, "{url}");
        }
    }

    #[test]
    fn the_user_is_an_address_and_its_password_is_in_no_log() {
        let url = "wss://proxy.example.com";
        let address = read(url, "sip:VM@Voice.Test", false);
        assert_eq!(address, Ok("sip:vm@voice.test".to_owned()));
        assert_eq!(read(url, "mailto:vm@x", false), Err(ProxyError::User));
        let proxy = Proxy::read(url, "vm", "secret", &["x.test".to_owned()], false).expect("proxy");
        assert_eq!(proxy.domain(), "x.test");
        assert!(!format!("{proxy:?}").contains("secret"));
        let known = Credentials::Password {
            user: "vm".to_owned(),
            password: "secret".to_owned(),
        };
        assert_eq!(proxy.credentials(), known);
        let instance = proxy.instance();
        let uuid = instance.strip_prefix("urn:uuid:").expect("a UUID");
        let groups: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        let other = Proxy::read(url, "vm2", "secret", &["x.test".to_owned()], false);
        assert_ne!(other.expect("proxy").instance(), instance);
    }
}
