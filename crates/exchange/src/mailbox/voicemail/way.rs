//! The way of a voicemail's messages to the caller, and what is said to messages of calls that are over.

use sip::{Message, Method, NameAddr, Request, Response};

use super::{CALL_KEY, call_back, row::Row};
use crate::{
    context::Context,
    effect::Effect,
    flow::{hop, place::Place},
    sql::{Sql, SqlError},
};

/// Requests of ours go by their route, which is our own flow token; one without a route belongs to an INVITE of ours
/// and goes to the connection that it is for. Responses go by their Vias.
pub(super) fn send(
    sql: &dyn Sql,
    context: &Context<'_>,
    row: &Row,
    bytes: &[u8],
) -> Result<Option<Effect>, SqlError> {
    let mut request = match hop::read(bytes) {
        Some(Message::Request(request)) => request,
        Some(Message::Response(response)) => return Ok(hop::send_back(context, "", response)),
        None => return Ok(None),
    };
    let flow = match request.pop_route() {
        Some(route) => connection(context, &route),
        None => Some(row.flow.clone()),
    };
    let Some(flow) = flow else {
        return Ok(None);
    };
    if begins_call(&request) {
        call_back::complete(sql, context, row, &mut request)?;
    }
    let key = format!("{CALL_KEY}{}", row.key);
    Ok(Some(hop::send_or_tell(&flow, request.to_bytes(), &key)))
}

fn begins_call(request: &Request) -> bool {
    *request.method() == Method::Invite && request.to().tag().is_none()
}

fn connection(context: &Context<'_>, route: &NameAddr) -> Option<String> {
    match hop::ends(context, route)? {
        (Place::Flow(flow), _) => Some(flow),
        _ => None,
    }
}

/// A request of a call that is not here any more; everything else is late and means nothing.
pub(super) fn unknown(context: &Context<'_>, flow: &str, message: &Message) -> Vec<Effect> {
    match message {
        Message::Request(request) if *request.method() != Method::Ack => {
            let tag = context.entropy.hex(6);
            let response = Response::reply_to(request, 481, "Call Does Not Exist", Some(&tag));
            hop::send_back(context, flow, response)
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}
