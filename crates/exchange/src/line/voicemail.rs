//! A call that no contact can take goes to the voicemail at once. The line keeps nothing of it: the mailbox answers
//! the caller's connection itself, so that no response comes back here and there is nothing to time out.

use sip::{Message, Request};

use super::branch;
use crate::{
    context::Context,
    effect::Effect,
    flow::{hop, place::Place},
    object::Object,
    signal::{Caller, Reply, Signal},
};

/// Beginning of the tags under which the mailbox's replies come back; connection and INVITE follow.
pub(super) const TAG: &str = "voicemail ";

/// Hands an INVITE to the mailbox of this line's address.
pub(super) fn connect(
    context: &Context<'_>,
    flow: &str,
    caller: Caller,
    invite: &Request,
) -> Vec<Effect> {
    let address = super::address(context).to_owned();
    let target = branch::mailbox_uri(context, invite);
    let place = Place::Mailbox(address.clone());
    let mut request = branch::forwarded(context, flow, None, invite, target, &place);
    let caller_place = Place::Flow(flow.to_owned());
    request.push_via(&hop::via(context, &caller_place, &hop::branch(context)));
    let text = String::from_utf8_lossy(&invite.to_bytes()).into_owned();
    vec![Effect::Signal {
        to: Object::Mailbox(address),
        signal: Box::new(Signal::Voicemail {
            flow: flow.to_owned(),
            caller,
            frame: request.to_bytes(),
        }),
        tag: format!("{TAG}{flow} {text}"),
    }]
}

/// What the mailbox said: if it did not take the call, the caller hears so.
pub(super) fn on_reply(context: &Context<'_>, tag: &str, reply: &Reply) -> Vec<Effect> {
    let names = tag.strip_prefix(TAG).and_then(|rest| rest.split_once(' '));
    let (Some((flow, text)), false) = (names, *reply == Reply::Done) else {
        return Vec::new();
    };
    match hop::read(text.as_bytes()) {
        Some(Message::Request(invite)) => {
            hop::refuse(context, flow, &invite, 480, "Temporarily Unavailable")
        }
        _ => Vec::new(),
    }
}
