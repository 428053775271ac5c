//! Requests outside of dialogs: registrations, calls, CANCEL, OPTIONS. Only own addresses are served.

use sip::{Method, Request, Scheme, Uri};

use super::{FlowState, admission, hop, shown_name};
use crate::{
    context::Context,
    effect::Effect,
    network::Deed,
    object::Object,
    signal::{Caller, Signal},
    upstream::outward,
};

/// What the exchange understands.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REGISTER, SUBSCRIBE, MESSAGE";
/// The longest MESSAGE, without the proofs that end here (RFC 3428 section 8).
const LONGEST_TEXT: usize = 1_300;
/// Bodies that end points of the exchange take.
const ACCEPT: &str = "application/sdp, text/plain, application/dtmf-relay";
/// Extensions.
pub(crate) const SUPPORTED: &str = "outbound, path, gruu";
/// The user part that leads to a voicemail without ringing (RFC 4458).
pub(crate) const VOICEMAIL_USER: &str = "voicemail";

/// The line that a request is for: its Request-URI, or the `target` of a voicemail URI.
pub(crate) fn target(request: &Request, context: &Context<'_>) -> Option<String> {
    let uri = request.uri();
    let host_is_ours = uri.host.is_empty() || context.settings.is_own_domain(&uri.host);
    let direct = is_voicemail(uri).then(|| uri.param("target")).flatten();
    let wanted = direct.unwrap_or_else(|| uri.to_string());
    host_is_ours
        .then(|| own_address(&wanted, context))
        .flatten()
}

/// Whether a URI names the voicemail itself.
pub(crate) fn is_voicemail(uri: &Uri) -> bool {
    uri.is_sip()
        && uri
            .decoded_user()
            .is_some_and(|user| user.eq_ignore_ascii_case(VOICEMAIL_USER))
}

/// The normalised form of an address in our domain.
pub(crate) fn own_address(text: &str, context: &Context<'_>) -> Option<String> {
    let address = context.settings.address(text).ok()?;
    (address.domain() == context.settings.domain()).then(|| address.as_str().to_owned())
}

pub(super) fn receive(
    state: &mut FlowState,
    mut request: Request,
    context: &Context<'_>,
) -> Vec<Effect> {
    if !drop_own_routes(&mut request, context) {
        return state.refuse(context, &request, 403, "No Relay");
    }
    match request.method() {
        Method::Ack => to_line(state, &request, context),
        Method::Register => register(state, &request, context),
        Method::Cancel => cancel(state, &request, context),
        Method::Options => options(state, &request, context),
        Method::Invite => invite(state, &request, context),
        Method::Subscribe => subscribe(state, &request, context),
        Method::Message => text(state, &request, context),
        method if method.is_known() => {
            let allow = [("Allow", ALLOW)];
            hop::answer_with(
                context,
                &state.name,
                &request,
                405,
                "Method Not Allowed",
                &allow,
            )
            .into_iter()
            .collect()
        }
        _ => state.refuse(context, &request, 501, "Not Implemented"),
    }
}

/// A client may name us as its outbound proxy; any other Route would make us a relay.
fn drop_own_routes(request: &mut Request, context: &Context<'_>) -> bool {
    while let Some(route) = request.routes().first() {
        if !context.settings.is_own_domain(&route.uri.host) {
            return false;
        }
        request.pop_route();
    }
    true
}

fn register(state: &mut FlowState, request: &Request, context: &Context<'_>) -> Vec<Effect> {
    if let Some(refusal) = admission::at_end(request) {
        return state.refuse_with(context, request, &refusal);
    }
    if matches!(request.to().uri.scheme, Scheme::Other(_)) {
        return state.refuse(context, request, 400, "Not An Address");
    }
    let ours = context.settings.is_own_domain(&request.uri().host);
    let address = own_address(&request.to().uri.to_string(), context).filter(|_| ours);
    let Some(address) = address else {
        return state.refuse(context, request, 403, "Not Our Domain");
    };
    state.remember(&address);
    let registers = signal(
        &address,
        Signal::Register {
            flow: state.name.clone(),
            network: Some(state.network.clone()),
            frame: request.to_bytes(),
        },
    );
    admit(state, request, context, Deed::Register, registers)
}

/// Who wants to hear of a mailbox, at first or again, is asked by its line who it is.
pub(super) fn subscribe(
    state: &mut FlowState,
    request: &Request,
    context: &Context<'_>,
) -> Vec<Effect> {
    if let Some(refusal) = admission::at_end(request) {
        return state.refuse_with(context, request, &refusal);
    }
    let Some(address) = target(request, context) else {
        return state.refuse(context, request, 403, "No Relay");
    };
    state.remember(&address);
    let subscribes = signal(
        &address,
        Signal::Subscribe {
            flow: state.name.clone(),
            network: Some(state.network.clone()),
            frame: request.to_bytes(),
        },
    );
    admit(state, request, context, Deed::Register, subscribes)
}

/// Lets a request pass to its line if its network may do this so often. Nobody's line is touched before.
fn admit(
    state: &FlowState,
    request: &Request,
    context: &Context<'_>,
    deed: Deed,
    passes: Effect,
) -> Vec<Effect> {
    if context.settings.limit_invites_per_minute == 0 || state.network.is_empty() {
        return vec![passes];
    }
    vec![Effect::Admit {
        network: state.network.clone(),
        deed,
        admitted: vec![passes],
        refused: too_many(state, request, context),
    }]
}

fn too_many(state: &FlowState, request: &Request, context: &Context<'_>) -> Vec<Effect> {
    let wait = [("Retry-After", "60")];
    hop::answer_with(context, &state.name, request, 503, "Too Many Calls", &wait)
        .into_iter()
        .collect()
}

/// The exchange answers for its addresses too, whether they exist or not: only an INVITE tells, and is limited.
fn options(state: &FlowState, request: &Request, context: &Context<'_>) -> Vec<Effect> {
    if let Some(refusal) = admission::at_end(request) {
        return state.refuse_with(context, request, &refusal);
    }
    if !context.settings.is_own_domain(&request.uri().host) {
        return state.refuse(context, request, 403, "Not Our Domain");
    }
    let headers = [
        ("Allow", ALLOW),
        ("Allow-Events", sip::message_summary::EVENT),
        ("Accept", ACCEPT),
        ("Supported", SUPPORTED),
    ];
    hop::answer_with(context, &state.name, request, 200, "OK", &headers)
        .into_iter()
        .collect()
}

fn cancel(state: &FlowState, request: &Request, context: &Context<'_>) -> Vec<Effect> {
    if outward::caller(request, context).is_some() {
        return vec![outward::follow(context, &state.name, request)];
    }
    if target(request, context).is_none() {
        return state.refuse(context, request, 481, "Call/Transaction Does Not Exist");
    }
    to_line(state, request, context)
}

/// CANCEL and ACK go to the line that has the INVITE.
fn to_line(state: &FlowState, request: &Request, context: &Context<'_>) -> Vec<Effect> {
    let Some(target) = target(request, context) else {
        return Vec::new();
    };
    vec![signal(
        &target,
        Signal::Receive {
            flow: state.name.clone(),
            frame: request.to_bytes(),
        },
    )]
}

fn invite(state: &mut FlowState, request: &Request, context: &Context<'_>) -> Vec<Effect> {
    if !state.may_invite(context) || !state.begin_call(context, request) {
        return too_many(state, request, context);
    }
    call(state, request, context)
}

/// A call to one of our addresses: a caller who says to be one of ours must prove it first.
fn call(state: &mut FlowState, request: &Request, context: &Context<'_>) -> Vec<Effect> {
    let target = target(request, context);
    let Some(target) = target.or_else(|| outward::caller(request, context)) else {
        return state.refuse(context, request, 403, "No Relay");
    };
    state.remember(&target);
    toward(state, request, context, &target, Deed::Invite)
}

/// A text to one of our addresses.
fn text(state: &FlowState, request: &Request, context: &Context<'_>) -> Vec<Effect> {
    let Some(target) = target(request, context) else {
        return state.refuse(context, request, 403, "No Relay");
    };
    let mut bare = request.clone();
    for name in hop::NOT_PASSED_ON {
        bare.remove_header(name);
    }
    if bare.to_bytes().len() > LONGEST_TEXT {
        return state.refuse(context, request, 413, "Request Entity Too Large");
    }
    toward(state, request, context, &target, Deed::Message)
}

/// Sends a request on its way to the line it is for: by the caller's own line, if the caller says to have one.
fn toward(
    state: &FlowState,
    request: &Request,
    context: &Context<'_>,
    target: &str,
    deed: Deed,
) -> Vec<Effect> {
    let flow = state.name.clone();
    let frame = request.to_bytes();
    let from = request.from();
    if let Some(own) = own_address(&from.uri.to_string(), context) {
        let network = Some(state.network.clone());
        let passes = signal(
            &own,
            Signal::Originate {
                flow,
                network,
                frame,
            },
        );
        return admit(state, request, context, deed, passes);
    }
    // Nobody can prove an address of our domain that is none, and it would look like one at the other end.
    let host = from.uri.host.trim_end_matches('.');
    if context.settings.is_own_domain(host) {
        return state.refuse(context, request, 403, "Not An Address Of Ours");
    }
    let caller = Caller {
        address: foreign_address(&from.uri, context),
        display_name: shown_name(from.display_name.as_deref()),
        network: Some(state.network.clone()),
        ..Caller::default()
    };
    let passes = signal(
        target,
        Signal::Terminate {
            flow,
            caller,
            frame,
        },
    );
    admit(state, request, context, deed, passes)
}

/// What a caller from elsewhere calls itself; nothing for an anonymous one (RFC 3323 section 4.1.1.3).
pub(crate) fn foreign_address(uri: &Uri, context: &Context<'_>) -> Option<String> {
    let hidden = uri.host.eq_ignore_ascii_case("anonymous.invalid");
    let address = context.settings.address(&uri.to_string()).ok()?;
    (!hidden).then(|| address.as_str().to_owned())
}

fn signal(address: &str, signal: Signal) -> Effect {
    Effect::Signal {
        to: Object::Line(address.to_owned()),
        signal: Box::new(signal),
        tag: String::new(),
    }
}
