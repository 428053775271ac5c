//! Requests inside a dialog: they go from one end of their flow token to the other, and nowhere else.

use sip::{Method, Request, Response};

use super::{FlowState, hop, place::Place};
use crate::{context::Context, effect::Effect, object::Object, signal::Signal};

/// Passes an in-dialog request on.
pub(super) fn forward(
    state: &mut FlowState,
    mut request: Request,
    context: &Context<'_>,
) -> Vec<Effect> {
    let Some(route) = request.pop_route() else {
        return without_route(state, request, context);
    };
    let here = Place::Flow(state.name.clone());
    let other = match hop::ends(context, &route) {
        Some((caller, callee)) if caller == here => callee,
        Some((caller, callee)) if callee == here => caller,
        Some(_) => return state.refuse(context, &request, 403, "Not Your Dialog"),
        None => return without_route(state, request, context),
    };
    if !request.routes().is_empty() {
        return state.refuse(context, &request, 403, "No Relay");
    }
    for name in hop::NOT_PASSED_ON {
        request.remove_header(name);
    }
    let undelivered = undelivered(context, &request, &other);
    request.set_max_forwards(request.max_forwards().saturating_sub(1));
    request.push_via(&hop::via(context, &here, &hop::branch(context)));
    vec![other.deliver(&state.name, request.to_bytes(), undelivered)]
}

/// An ACK without a route is the ACK to a failure and ends at the line, and so does a SUBSCRIBE, whose notifier is
/// the line itself; nothing else is ours.
fn without_route(state: &mut FlowState, request: Request, context: &Context<'_>) -> Vec<Effect> {
    let Some(line) = super::initial::target(&request, context) else {
        return state.refuse(context, &request, 403, "No Relay");
    };
    if *request.method() == Method::Subscribe {
        return super::initial::subscribe(state, &request, context);
    }
    if *request.method() != Method::Ack {
        return state.refuse(context, &request, 481, "Call/Transaction Does Not Exist");
    }
    vec![Effect::Signal {
        to: Object::Line(line),
        signal: Box::new(Signal::Receive {
            flow: state.name.clone(),
            frame: request.to_bytes(),
        }),
        tag: String::new(),
    }]
}

/// When the other connection is gone, the sender gets this 430 (RFC 5626 section 11.5).
fn undelivered(context: &Context<'_>, request: &Request, other: &Place) -> Option<Box<Signal>> {
    let Place::Flow(flow) = other else {
        return None;
    };
    if *request.method() == Method::Ack {
        return None;
    }
    let tag = context.entropy.hex(6);
    let response = Response::reply_to(request, 430, "Flow Failed", Some(&tag));
    Some(Box::new(Signal::Undelivered {
        flow: flow.clone(),
        key: String::from_utf8_lossy(&response.to_bytes()).into_owned(),
    }))
}
