//! Whom a server vouches for: `P-Asserted-Identity` (RFC 3325 section 9.1), of the caller in a request and of whoever
//! answered in a 2xx.

use crate::{NameAddr, text};

/// The header field's name.
pub(crate) const HEADER: &str = "P-Asserted-Identity";

/// The one SIP address that is asserted. Beside it there may be a number; two of a kind, or what is no address, assert
/// nobody.
pub(crate) fn identity<'a>(values: impl Iterator<Item = &'a str>) -> Option<NameAddr> {
    let identities: Result<Vec<NameAddr>, _> = values
        .flat_map(|value| text::split(value, ','))
        .map(str::parse)
        .collect();
    let (mut addresses, numbers): (Vec<NameAddr>, Vec<NameAddr>) = identities
        .ok()?
        .into_iter()
        .partition(|identity| identity.uri.is_sip());
    match (addresses.len(), numbers.len()) {
        (1, 0 | 1) => addresses.pop(),
        _ => None,
    }
}
