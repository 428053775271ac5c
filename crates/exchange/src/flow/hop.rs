//! The exchange as one hop: its Via and Record-Route, and the way of responses by them.

use sha2::{Digest, Sha256};
use sip::{Message, NameAddr, Request, Response, Uri, Via};

use super::place::{Place, Purpose, VIA_PARAMETER, open, seal};
use crate::{context::Context, effect::Effect, flow, object::Object, signal::Signal, trace};

/// Whom the exchange vouches for (RFC 3325 section 9.1): a caller that has proven who it is, as a From alone does not,
/// and whoever answers in the place of somebody else.
pub(crate) const ASSERTED: &str = "P-Asserted-Identity";

/// What no message carries to the other end: proofs that were meant for us, and names that only we could assert
/// (RFC 3325 section 7; nobody outside is trusted).
pub(crate) const NOT_PASSED_ON: [&str; 4] = [
    "Authorization",
    "Proxy-Authorization",
    ASSERTED,
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

/// A new branch name for a request that this one becomes: it tells the same request when it comes back
/// (RFC 5393 section 4.2).
pub(crate) fn branch_of(context: &Context<'_>, request: &Request) -> String {
    format!("{}.{}", branch(context), fingerprint(request))
}

/// Whether this request has been forwarded from here before, to the same target: a loop (RFC 3261 16.3 step 4). One
/// with another target is a spiral and welcome.
pub(crate) fn is_loop(context: &Context<'_>, request: &Request) -> bool {
    let vias = request.vias();
    let mut own = vias
        .iter()
        .filter(|via| context.settings.is_own_domain(&via.host) && place_of(context, via).is_some())
        .peekable();
    if own.peek().is_none() {
        return false;
    }
    let fingerprint = fingerprint(request);
    own.any(|via| {
        let name = via.branch().rsplit_once('.');
        name.is_some_and(|(_, known)| known == fingerprint)
    })
}

/// What makes a request take the same way again: its target, and what names it.
fn fingerprint(request: &Request) -> String {
    let mut hash = Sha256::new();
    let (from, to) = (request.from(), request.to());
    let parts = [
        &request.uri().to_string(),
        request.call_id(),
        from.tag().unwrap_or_default(),
        to.tag().unwrap_or_default(),
        &request.cseq().0.to_string(),
    ];
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let hex = deposit::hex(&hash.finalize());
    hex.get(..16).unwrap_or_default().to_owned()
}

/// The Record-Route of a dialog between two places. Where its requests go past the callee's line, the token says which
/// mailbox keeps the call's ladder.
pub(crate) fn record_route(context: &Context<'_>, caller: &Place, callee: &Place) -> NameAddr {
    record_route_of(context, caller, callee, None)
}

/// The same, and it names whose connections they are: a contact that comes back on another connection can then be
/// found (RFC 5626 section 5.3). `owner` is the address that the caller proved.
pub(crate) fn record_route_of(
    context: &Context<'_>,
    caller: &Place,
    callee: &Place,
    owner: Option<&str>,
) -> NameAddr {
    let mut places = vec![caller.clone(), callee.clone()];
    if let (Place::Flow(_), Object::Line(address), true) =
        (callee, &context.object, trace::is_on(context))
    {
        places.push(Place::Mailbox(address.clone()));
    }
    if let (Place::Flow(_), Object::Line(address)) = (callee, &context.object) {
        places.push(Place::Line(address.clone()));
        places.extend(owner.map(|owner| Place::Line(owner.to_owned())));
    }
    route(context, &seal(context.settings, Purpose::Route, &places))
}

/// The route that this flow token stands in.
pub(crate) fn route(context: &Context<'_>, token: &str) -> NameAddr {
    let uri = Uri::sip(token, context.settings.domain())
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
        [caller, callee, ..] => Some((caller.clone(), callee.clone())),
        _ => None,
    }
}

/// Whose connections the two ends are, the caller's first, where the route says so.
pub(crate) fn owners(context: &Context<'_>, route: &NameAddr) -> (Option<String>, Option<String>) {
    let token = route.uri.decoded_user();
    let places = token.and_then(|token| open(context.settings, Purpose::Route, &token));
    let mut lines = places
        .into_iter()
        .flatten()
        .filter_map(|place| match place {
            Place::Line(address) => Some(address),
            Place::Flow(_) | Place::Mailbox(_) => None,
        });
    let callee = lines.next();
    (lines.next(), callee)
}

/// The Via of a connection that passes a request on by this route of ours. It too says which mailbox keeps the call's
/// ladder, for the response.
pub(crate) fn via_along(
    context: &Context<'_>,
    here: &Place,
    route: &NameAddr,
    branch: &str,
) -> Via {
    let token = route.uri.decoded_user();
    let places = token.and_then(|token| open(context.settings, Purpose::Route, &token));
    let mut keepers = places.into_iter().flatten().skip(2);
    let keeper = keepers.find(|place| matches!(place, Place::Mailbox(_)));
    let places: Vec<Place> = core::iter::once(here.clone()).chain(keeper).collect();
    let token = seal(context.settings, Purpose::Via, &places);
    Via::new("WSS", context.settings.domain(), branch).with_param(VIA_PARAMETER, &token)
}

/// The mailbox that keeps the ladder of a message that goes from one connection to another.
pub(crate) fn traced_by(context: &Context<'_>, message: &Message) -> Option<String> {
    let via = match message {
        Message::Request(request) => request.top_via(),
        Message::Response(response) => response.top_via(),
    }?;
    let places = open(
        context.settings,
        Purpose::Via,
        via.params.get(VIA_PARAMETER)?,
    )?;
    match places.get(1) {
        Some(Place::Mailbox(address)) => Some(address.clone()),
        _ => None,
    }
}

/// The place that the newest Via names, if it is one of ours.
pub(crate) fn return_place(context: &Context<'_>, response: &Response) -> Option<Place> {
    place_of(context, &response.top_via()?)
}

/// The place that a Via of ours names.
pub(crate) fn place_of(context: &Context<'_>, via: &Via) -> Option<Place> {
    let token = via.params.get(VIA_PARAMETER)?;
    let places = open(context.settings, Purpose::Via, token)?;
    places.into_iter().next()
}

/// Sends a response of ours the way its Vias say. One for a connection loses our Via; one for an object keeps
/// it, because the object finds its transaction by it.
pub(crate) fn send_back(
    context: &Context<'_>,
    flow: &str,
    mut response: Response,
) -> Option<Effect> {
    let place = return_place(context, &response)?;
    if matches!(place, Place::Flow(_)) {
        response.pop_via();
    }
    Some(place.deliver(flow, response.to_bytes(), None))
}

/// The same for a response that came from outside, of which nothing is believed.
pub(crate) fn send_back_bare(
    context: &Context<'_>,
    flow: &str,
    mut response: Response,
) -> Option<Effect> {
    for name in NOT_PASSED_ON {
        response.remove_header(name);
    }
    send_back(context, flow, response)
}

/// An address of ours as we vouch for it.
pub(crate) fn identity(address: &str, display_name: &str) -> Option<String> {
    let uri = address.parse().ok()?;
    let identity = NameAddr::new(uri).with_display_name(display_name);
    Some(identity.to_string())
}

/// Whether the caller dialled somebody else than this address of ours: To still says whom (RFC 3261 section 8.1.1.2).
pub(crate) fn is_sent_on(context: &Context<'_>, own: &str, invite: &Request) -> bool {
    let to = invite.to().uri;
    let direct = flow::is_voicemail(&to).then(|| to.param("target"));
    let dialled = direct.flatten().unwrap_or_else(|| to.to_string());
    let known = context.settings.address(&dialled);
    !known.is_ok_and(|known| known.as_str() == own)
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
