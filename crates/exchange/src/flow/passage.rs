//! Requests inside a dialog: they go from one end of their flow token to the other, and nowhere else.

use sip::{Method, NameAddr, Request};

use super::{FlowState, hop, place::Place, recovery};
use crate::{context::Context, effect::Effect, object::Object, signal::Signal, upstream};

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
    let (end, other) = match hop::ends(context, &route) {
        Some((caller, callee)) if caller == here => (caller, callee),
        Some((caller, callee)) if callee == here => (callee, caller),
        Some(_) => return from_elsewhere(state, request, &route, context),
        None => return without_route(state, request, context),
    };
    if !request.routes().is_empty() && !matches!((&end, &other), (Place::Flow(_), Place::Flow(_))) {
        return state.refuse(context, &request, 403, "No Relay");
    }
    let lost = recovery::when_gone(context, &request, &route, &other);
    let flow = &state.name;
    vec![recovery::pass_on(
        context, flow, request, &route, &other, lost,
    )]
}

/// The route names other connections. A registered contact may have left one of them and come back on this: the line of
/// the address that the request says to be from knows.
fn from_elsewhere(
    state: &FlowState,
    mut request: Request,
    route: &NameAddr,
    context: &Context<'_>,
) -> Vec<Effect> {
    let from = super::initial::own_address(&request.from().uri.to_string(), context);
    let (caller, callee) = hop::owners(context, route);
    let owner = from.filter(|from| {
        [caller, callee]
            .into_iter()
            .flatten()
            .any(|own| own == *from)
    });
    let Some(owner) = owner else {
        return state.refuse(context, &request, 403, "Not Your Dialog");
    };
    request.push_route(route);
    vec![recovery::ask(&owner, &state.name, &request, None)]
}

/// An ACK without a route is the ACK to a failure and ends at the line, and so does a SUBSCRIBE, whose notifier is
/// the line itself; nothing else is ours.
fn without_route(state: &mut FlowState, request: Request, context: &Context<'_>) -> Vec<Effect> {
    if *request.method() == Method::Ack && upstream::outward::caller(&request, context).is_some() {
        return vec![upstream::outward::follow(context, &state.name, &request)];
    }
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
