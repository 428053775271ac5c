//! The exchange as one hop: its Via and Record-Route, and the way of responses by them.

use sip::{Message, NameAddr, Request, Response, Uri, Via};

use super::place::{Place, Purpose, VIA_PARAMETER, open, seal};
use crate::{context::Context, effect::Effect, signal::Signal};

/// What no message carries to the other end: proofs that were meant for us, and names that only we could assert
/// (RFC 3325 section 7; nobody outside is trusted).
pub(crate) const NOT_PASSED_ON: [&str; 4] = [
    "Authorization",
    "Proxy-Authorization",
    "P-Asserted-Identity",
    "P-Preferred-Identity",
];

/// The Via of the exchange, by which a response comes back to `place`.
pub(crate) fn via(context: &Context<'_>, place: &Place, branch: &str) -> Via {
    let token = seal(context.settings, Purpose::Via, std::slice::from_ref(place));
    Via::new("WSS", context.settings.domain(), branch).with_param(VIA_PARAMETER, &token)
}

/// A new branch name.
pub(crate) fn branch(context: &Context<'_>) -> String {
    format!("z9hG4bK{}", context.entropy.hex(10))
}

/// The Record-Route of a dialog between two places.
pub(crate) fn record_route(context: &Context<'_>, caller: &Place, callee: &Place) -> NameAddr {
    let token = seal(
        context.settings,
        Purpose::Route,
        &[caller.clone(), callee.clone()],
    );
    let uri = Uri::sip(&token, context.settings.domain())
        .with_param("transport", "ws")
        .with_flag("lr");
    NameAddr::new(uri)
}

/// The two ends that a Route of ours names.
pub(crate) fn ends(context: &Context<'_>, route: &NameAddr) -> Option<(Place, Place)> {
    if !context.settings.is_own_domain(&route.uri.host) {
        return None;
    }
    let token = route.uri.decoded_user()?;
    let places = open(context.settings, Purpose::Route, &token)?;
    match places.as_slice() {
        [caller, callee] => Some((caller.clone(), callee.clone())),
        _ => None,
    }
}

/// The place that the newest Via names, if it is one of ours.
pub(crate) fn return_place(context: &Context<'_>, response: &Response) -> Option<Place> {
    let via = response.top_via()?;
    let token = via.params.get(VIA_PARAMETER)?;
    let places = open(context.settings, Purpose::Via, token)?;
    places.into_iter().next()
}

/// Sends a response the way its Vias say. One for a connection loses our Via; one for an object keeps
/// it, because the object finds its transaction by it.
pub(crate) fn send_back(
    context: &Context<'_>,
    flow: &str,
    mut response: Response,
) -> Option<Effect> {
    let place = return_place(context, &response)?;
    for name in NOT_PASSED_ON {
        response.remove_header(name);
    }
    if matches!(place, Place::Flow(_)) {
        response.pop_via();
    }
    Some(place.deliver(flow, response.to_bytes(), None))
}

/// Answers a request where it came in; nothing for an ACK.
pub(crate) fn answer(
    context: &Context<'_>,
    flow: &str,
    request: &Request,
    status: u16,
    reason: &str,
) -> Option<Effect> {
    answer_with(context, flow, request, status, reason, &[])
}

/// As [`answer`], for rules that give a list of effects.
pub(crate) fn refuse(
    context: &Context<'_>,
    flow: &str,
    request: &Request,
    status: u16,
    reason: &str,
) -> Vec<Effect> {
    answer(context, flow, request, status, reason)
        .into_iter()
        .collect()
}

/// As [`answer`], with more header fields.
pub(crate) fn answer_with(
    context: &Context<'_>,
    flow: &str,
    request: &Request,
    status: u16,
    reason: &str,
    headers: &[(&str, &str)],
) -> Option<Effect> {
    if *request.method() == sip::Method::Ack {
        return None;
    }
    let tag = context.entropy.hex(6);
    let tag = (status > 100).then_some(tag.as_str());
    let mut response = Response::reply_to(request, status, reason, tag);
    for (name, value) in headers {
        response.add_header(name, value);
    }
    Some(send(flow, response.to_bytes()))
}

/// Sends a frame to a connection; nobody minds if it is gone.
pub(crate) fn send(flow: &str, frame: Vec<u8>) -> Effect {
    Effect::SendFrame {
        flow: flow.to_owned(),
        frame,
        undelivered: None,
    }
}

/// Sends a frame to a connection; the sender hears by `key` if it is gone.
pub(crate) fn send_or_tell(flow: &str, frame: Vec<u8>, key: &str) -> Effect {
    Effect::SendFrame {
        flow: flow.to_owned(),
        frame,
        undelivered: Some(Box::new(Signal::Undelivered {
            flow: flow.to_owned(),
            key: key.to_owned(),
        })),
    }
}

/// Reads a frame that another object has already checked.
pub(crate) fn read(frame: &[u8]) -> Option<Message> {
    Message::parse(frame).ok()
}
