//! Requests inside a dialog one of whose ends has left its connection: a registered contact that came back on another
//! one is found by its line (RFC 5626 section 5.3). Whoever is found nowhere is answered for with 430.

use sip::{Message, Method, NameAddr, Request, Response};

use super::{hop, place::Place};
use crate::{context::Context, effect::Effect, object::Object, signal::Signal};

/// Beginning of the keys under which a request comes back that did not find its connection: the line that may know
/// better and the request follow.
const KEY: &str = "recover ";

/// The line that knows where the owner of an end of this route is now; none for somebody who is not registered.
pub(crate) fn owner_of(context: &Context<'_>, route: &NameAddr, end: &Place) -> Option<String> {
    let (caller, callee) = hop::ends(context, route)?;
    let (callers, callees) = hop::owners(context, route);
    let owner = if *end == callee {
        callees
    } else {
        callers.filter(|_| *end == caller)
    };
    owner.filter(|_| matches!(end, Place::Flow(_)))
}

/// Hands a request with its route, as it came on `flow`, to the line that may know where the two ends are.
pub(crate) fn ask(owner: &str, flow: &str, request: &Request, left: Option<&str>) -> Effect {
    Effect::Signal {
        to: Object::Line(owner.to_owned()),
        signal: Box::new(Signal::Recover {
            flow: flow.to_owned(),
            left: left.map(str::to_owned),
            frame: request.to_bytes(),
        }),
        tag: String::new(),
    }
}

/// The signal for a request whose connection turns out to be gone: its line is asked, if there is one, and otherwise
/// the sender gets 430 (RFC 5626 section 11.5).
pub(crate) fn when_gone(
    context: &Context<'_>,
    request: &Request,
    route: &NameAddr,
    end: &Place,
) -> Option<Box<Signal>> {
    let Place::Flow(flow) = end else {
        return None;
    };
    let key = match owner_of(context, route, end) {
        Some(owner) => {
            let mut whole = request.clone();
            whole.push_route(route);
            let text = whole.to_bytes();
            format!("{KEY}{owner} {}", String::from_utf8_lossy(&text))
        }
        None => {
            let answer = failure(context, request)?;
            String::from_utf8_lossy(&answer.to_bytes()).into_owned()
        }
    };
    Some(Box::new(Signal::Undelivered {
        flow: flow.clone(),
        key,
    }))
}

/// What an undelivered request of a dialog leads to: the question to a line, or the answer for its sender.
pub(crate) fn gone(sender: &str, left: &str, key: &str) -> Option<Effect> {
    let Some(rest) = key.strip_prefix(KEY) else {
        return key
            .starts_with("SIP/2.0 ")
            .then(|| hop::send(sender, key.as_bytes().to_vec()));
    };
    let (owner, text) = rest.split_once(' ')?;
    let Some(Message::Request(request)) = hop::read(text.as_bytes()) else {
        return None;
    };
    Some(ask(owner, sender, &request, Some(left)))
}

/// Passes a request of a dialog on to one end of its route, which has been taken out.
pub(crate) fn pass_on(
    context: &Context<'_>,
    flow: &str,
    mut request: Request,
    route: &NameAddr,
    to: &Place,
    when_gone: Option<Box<Signal>>,
) -> Effect {
    for name in hop::NOT_PASSED_ON {
        request.remove_header(name);
    }
    request.set_max_forwards(request.max_forwards().saturating_sub(1));
    let here = Place::Flow(flow.to_owned());
    let branch = hop::branch(context);
    request.push_via(&hop::via_along(context, &here, route, &branch));
    to.deliver(flow, request.to_bytes(), when_gone)
}

/// The 430 for a request; nobody answers an ACK.
pub(crate) fn failure(context: &Context<'_>, request: &Request) -> Option<Response> {
    let tag = context.entropy.hex(6);
    (*request.method() != Method::Ack)
        .then(|| Response::reply_to(request, 430, "Flow Failed", Some(&tag)))
}
