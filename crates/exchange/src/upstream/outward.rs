//! Calls of our own people to somebody elsewhere: they go out by the proxy. They are passed on without any memory
//! (RFC 3261 section 16.11), so that a CANCEL and the ACK of a failure find the same transaction there as their INVITE.

use sha2::{Digest, Sha256};
use sip::{Message, Request};

use super::FLOW;
use crate::{
    context::Context,
    effect::Effect,
    flow::{hop, own_address, place::Place},
    object::Object,
    signal::{Reply, Signal},
};

/// Beginning of the tags under which the reply to an INVITE comes back; connection and INVITE follow.
pub(crate) const TAG: &str = "upstream ";
/// Bytes of the hash that make a branch.
const BRANCH_BYTES: usize = 10;

/// Whether a request is for somebody who can only be reached by the proxy.
pub(crate) fn leads_out(request: &Request, context: &Context<'_>) -> bool {
    let uri = request.uri();
    context.settings.upstream.is_some()
        && uri.is_sip()
        && !uri.host.is_empty()
        && !context.settings.is_own_domain(&uri.host)
}

/// Who of ours, as the request says, sends it to somebody elsewhere; nobody else may.
pub(crate) fn caller(request: &Request, context: &Context<'_>) -> Option<String> {
    let own = own_address(&request.from().uri.to_string(), context);
    own.filter(|_| leads_out(request, context))
}

/// An INVITE whose caller has proven who it is.
pub(crate) fn call(context: &Context<'_>, flow: &str, invite: &Request) -> Effect {
    let text = String::from_utf8_lossy(&invite.to_bytes()).into_owned();
    Effect::Signal {
        to: Object::Upstream,
        signal: Box::new(Signal::Deliver {
            frame: forwarded(context, flow, invite),
        }),
        tag: format!("{TAG}{flow} {text}"),
    }
}

/// The connection to the proxy took the INVITE, or the caller hears that it did not.
pub(crate) fn on_reply(context: &Context<'_>, tag: &str, reply: &Reply) -> Vec<Effect> {
    let names = tag.strip_prefix(TAG).and_then(|rest| rest.split_once(' '));
    let (Some((flow, text)), false) = (names, *reply == Reply::Done) else {
        return Vec::new();
    };
    match hop::read(text.as_bytes()) {
        Some(Message::Request(invite)) => {
            hop::refuse(context, flow, &invite, 503, "Service Unavailable")
        }
        _ => Vec::new(),
    }
}

/// A CANCEL, or the ACK of a failure.
pub(crate) fn follow(context: &Context<'_>, flow: &str, request: &Request) -> Effect {
    hop::send(FLOW, forwarded(context, flow, request))
}

fn forwarded(context: &Context<'_>, flow: &str, request: &Request) -> Vec<u8> {
    let mut forwarded = request.clone();
    for name in hop::NOT_PASSED_ON {
        forwarded.remove_header(name);
    }
    forwarded.set_max_forwards(request.max_forwards().saturating_sub(1));
    let place = Place::Flow(flow.to_owned());
    forwarded.push_via(&hop::via(context, &place, &branch(flow, request)));
    forwarded.to_bytes()
}

/// The same for an INVITE, its CANCEL and the ACK of its failure, and for nothing else.
fn branch(flow: &str, request: &Request) -> String {
    let via = request.top_via();
    let hop = via.map(|via| format!("{} {}", via.sent_by(), via.branch()));
    let mut hash = Sha256::new();
    hash.update(flow);
    hash.update(" ");
    hash.update(hop.unwrap_or_default());
    let digest = hash.finalize();
    let bytes = digest.get(..BRANCH_BYTES).unwrap_or_default();
    format!("z9hG4bK{}", deposit::hex(bytes))
}
