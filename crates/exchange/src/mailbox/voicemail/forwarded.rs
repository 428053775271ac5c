//! Whom the caller had dialled, where the call was sent on to this mailbox (D2). It is what the call says of itself:
//! shown, never trusted.

use sip::{NameAddr, Request, diversion};

use crate::{context::Context, flow::shown_name, mailbox::address};

/// The address of the first one dialled who is not the owner, or a name where there is no address.
pub(super) fn from(context: &Context<'_>, invite: &Request) -> Option<String> {
    diversion::called_before(invite)
        .iter()
        .find_map(|entry| other(context, entry))
}

fn other(context: &Context<'_>, entry: &NameAddr) -> Option<String> {
    let hidden = entry.uri.host.eq_ignore_ascii_case("anonymous.invalid");
    let known = context.settings.address(&entry.uri.to_string()).ok();
    match known.filter(|_| !hidden) {
        Some(known) => (known.as_str() != address(context)).then(|| known.as_str().to_owned()),
        None => shown_name(entry.display_name.as_deref()),
    }
}
