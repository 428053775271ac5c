//! Where a contact of this line is now, for requests of its dialogs that name a connection it has left (RFC 5626
//! section 5.3): the same contact, or another one of the same instance by its GRUU, registered last.

use sip::{Message, NameAddr, Request};

use super::{
    address,
    binding::{self, Binding},
    gruu,
};
use crate::{
    context::Context,
    effect::Effect,
    flow::{hop, place::Place, recovery},
    signal::Signal,
    sql::{Sql, SqlError},
};

/// A request of a dialog came on `flow` and an end of its route is at this line: the receiver, who has `left` the
/// connection named there, or else the sender, who is on another one than the route says.
pub(super) fn recover(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    left: Option<&str>,
    frame: &[u8],
) -> Result<Vec<Effect>, SqlError> {
    let Some(Message::Request(mut request)) = hop::read(frame) else {
        return Ok(Vec::new());
    };
    let Some(route) = request.pop_route() else {
        return Ok(Vec::new());
    };
    let Some((caller, callee)) = hop::ends(context, &route) else {
        return Ok(Vec::new());
    };
    let contacts = binding::current(sql, context.now_ms)?;
    if let Some(left) = left {
        binding::remove_flow(sql, left)?;
        return Ok(to_contact(context, flow, request, &route, &contacts, left));
    }
    if !contacts.iter().any(|binding| binding.flow == flow) {
        return Ok(hop::refuse(context, flow, &request, 403, "Not Your Dialog"));
    }
    let (callers, _) = hop::owners(context, &route);
    let is_caller =
        callers.as_deref() == Some(address(context)) && sent_by_owner(&request, context);
    let to = if is_caller { callee } else { caller };
    let lost = recovery::when_gone(context, &request, &route, &to);
    Ok(vec![send(context, flow, request, &route, &to, lost)])
}

/// Whether the request says to come from the owner of this line.
fn sent_by_owner(request: &Request, context: &Context<'_>) -> bool {
    let from = request.from().uri.to_string();
    crate::flow::own_address(&from, context).as_deref() == Some(address(context))
}

fn to_contact(
    context: &Context<'_>,
    flow: &str,
    request: Request,
    route: &NameAddr,
    contacts: &[Binding],
    left: &str,
) -> Vec<Effect> {
    let target = request.uri();
    let instance = gruu::instance(target);
    let is_wanted = |binding: &&Binding| {
        let same_contact = binding.uri().is_some_and(|uri| uri.equivalent(target));
        let same_instance = instance.is_some() && binding.instance_id() == instance.as_deref();
        binding.flow != left && (same_contact || same_instance)
    };
    let newest = contacts
        .iter()
        .filter(is_wanted)
        .max_by_key(|binding| binding.expires_ms);
    let Some(binding) = newest else {
        let answer = recovery::failure(context, &request);
        let answer = answer.map(|answer| hop::send(flow, answer.to_bytes()));
        return answer.into_iter().collect();
    };
    let to = Place::Flow(binding.flow.clone());
    vec![send(context, flow, request, route, &to, None)]
}

/// Passes the request on from here; what is to be done when nobody is there comes back to this line.
fn send(
    context: &Context<'_>,
    flow: &str,
    request: Request,
    route: &NameAddr,
    to: &Place,
    lost: Option<Box<Signal>>,
) -> Effect {
    let lost = lost.or_else(|| answer_when_gone(context, &request, to));
    let lost = lost.map(|signal| match *signal {
        Signal::Undelivered { flow: left, key } => Box::new(Signal::Undelivered {
            flow: left,
            key: format!("{SENT_KEY}{flow} {key}"),
        }),
        other => Box::new(other),
    });
    recovery::pass_on(context, flow, request, route, to, lost)
}

fn answer_when_gone(context: &Context<'_>, request: &Request, to: &Place) -> Option<Box<Signal>> {
    let Place::Flow(flow) = to else {
        return None;
    };
    let answer = recovery::failure(context, request)?;
    Some(Box::new(Signal::Undelivered {
        flow: flow.clone(),
        key: String::from_utf8_lossy(&answer.to_bytes()).into_owned(),
    }))
}

/// Beginning of the keys of requests that this line passed on: the sender's connection and what is to be done follow.
pub(super) const SENT_KEY: &str = "sent ";

/// A request that this line passed on did not find its connection either.
pub(super) fn undelivered(left: &str, sent: &str) -> Vec<Effect> {
    let sent = sent.split_once(' ');
    sent.and_then(|(sender, key)| recovery::gone(sender, left, key))
        .into_iter()
        .collect()
}
