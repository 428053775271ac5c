//! Who a user agent is.

use crate::credentials::Credentials;

/// Who a user agent is and how it proves it.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// Own address, `sip:user@domain`; nothing for an anonymous caller.
    pub address: Option<String>,
    /// Shown to the called party.
    pub display_name: Option<String>,
    /// The domain of the server: where REGISTER goes.
    pub domain: String,
    /// Proof for REGISTER and INVITE.
    pub credentials: Credentials,
    /// `+sip.instance` (RFC 5626): the same for every start of this device, `urn:uuid:...`.
    pub instance: Option<String>,
    /// Wanted life of a registration in seconds.
    pub register_expires_s: u32,
}
