//! Who calls by the proxy, as far as it says so.

use sip::Request;

use crate::{
    context::Context,
    flow::{self, own_address, shown_name},
    signal::Caller,
};

/// Who calls: whom the proxy asserts (RFC 3325), else whom the caller says to be. An identity that its owner wants
/// hidden is for the proxy alone (section 9.3).
pub(super) fn caller(invite: &Request, context: &Context<'_>) -> Caller {
    let asserted = invite
        .header("P-Asserted-Identity")
        .filter(|_| !hides_identity(invite));
    let asserted = asserted.and_then(|value| value.parse::<sip::NameAddr>().ok());
    let from = invite.from();
    let named = asserted.as_ref().unwrap_or(&from);
    let own = own_address(&named.uri.to_string(), context);
    let name = named.display_name.as_deref();
    Caller {
        address: own.or_else(|| flow::foreign_address(&named.uri, context)),
        display_name: shown_name(name.or(from.display_name.as_deref())),
        verified: asserted.is_some(),
        ..Caller::default()
    }
}

/// `Privacy: id` (RFC 3325 section 9.3), or a word that asks for more (RFC 3323 section 4.2).
fn hides_identity(invite: &Request) -> bool {
    let words = invite
        .headers("Privacy")
        .flat_map(|value| value.split([';', ',']));
    let hiding = ["id", "user", "header"];
    words
        .map(|word| word.trim().to_ascii_lowercase())
        .any(|word| hiding.contains(&word.as_str()))
}
