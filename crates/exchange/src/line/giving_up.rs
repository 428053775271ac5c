//! The caller gives up (RFC 3261 section 16.10): what rings is told, and the caller's answer is what comes of it. A
//! contact that picks up at the same moment has answered (the glare of CANCEL and 200): its 200 goes to the caller,
//! who hangs up.

use sip::{Method, Request};

use super::{
    branch::{self, Branch},
    call::{self, Call, Stage},
    ringing::{self, EXPIRE},
};
use crate::{
    context::Context,
    effect::Effect,
    flow::hop,
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError},
    wakeup,
};

/// How long cancelled branches may take to say so, in milliseconds (RFC 3261 section 9.1: `64*T1`).
const PATIENCE_MS: i64 = 32_000;

/// The caller's CANCEL.
pub(super) fn cancel(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    request: &Request,
) -> Result<Vec<Effect>, SqlError> {
    let Some(mut call) = call::find(sql, &call::key(flow, request))? else {
        return Ok(hop::refuse(
            context,
            flow,
            request,
            481,
            "Call Does Not Exist",
        ));
    };
    if let Stage::Diverted(to) = &call.stage {
        return Ok(vec![pass_on(to, flow, request)]);
    }
    let mut effects = hop::refuse(context, flow, request, 200, "OK");
    if call.stage.is_open() {
        call.stage = Stage::Cancelled;
        call::put(sql, &call)?;
        effects.extend(ringing::cancel_branches(sql, context, &call, "")?);
        let due = context.now_ms.saturating_add(PATIENCE_MS);
        wakeup::set(sql, EXPIRE, &call.key, due)?;
        effects.extend(all_silent(sql, context, call)?);
    }
    Ok(effects)
}

/// The caller has its 487 once nothing that was cancelled can answer any more.
pub(super) fn all_silent(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: Call,
) -> Result<Vec<Effect>, SqlError> {
    let branches = branch::of_call(sql, &call.key)?;
    if call.invite.is_answered() || branches.iter().any(Branch::is_open) {
        return Ok(Vec::new());
    }
    give_up(sql, context, call)
}

/// Nobody waits for an answer any more, or it has been waited for long enough: nothing rings, and nothing goes to the
/// voicemail.
pub(super) fn give_up(
    sql: &dyn Sql,
    context: &Context<'_>,
    mut call: Call,
) -> Result<Vec<Effect>, SqlError> {
    let is_over = !call.stage.is_open() && call.stage != Stage::Cancelled;
    if is_over || call.invite.is_answered() {
        return Ok(Vec::new());
    }
    call.stage = Stage::Cancelled;
    let last = call.respond(context, 487, "Request Terminated");
    ringing::end(sql, context, &call, last)
}

/// The caller's connection is gone; a line that has taken the call over hears it too.
pub(super) fn gone(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: Call,
) -> Result<Vec<Effect>, SqlError> {
    match &call.stage {
        Stage::Diverted(to) => Ok(vec![Effect::Signal {
            to: Object::Line(to.clone()),
            signal: Box::new(Signal::FlowClosed {
                flow: call.flow.clone(),
            }),
            tag: String::new(),
        }]),
        _ => give_up(sql, context, call),
    }
}

/// Hands a request of the caller's transaction to the line that has taken the call over.
pub(super) fn pass_on(to: &str, flow: &str, request: &Request) -> Effect {
    Effect::Signal {
        to: Object::Line(to.to_owned()),
        signal: Box::new(Signal::Receive {
            flow: flow.to_owned(),
            frame: request.to_bytes(),
        }),
        tag: String::new(),
    }
}

/// The CANCEL of a caller's INVITE (RFC 3261 section 9.1), to stop a line that has taken it over.
pub(super) fn cancel_of(invite: &Request) -> Request {
    let mut cancel = Request::new(Method::Cancel, invite.uri().clone());
    for name in ["Via", "From", "To", "Call-ID"] {
        cancel.add_header(name, invite.header(name).unwrap_or_default());
    }
    cancel.set_cseq(invite.cseq().0, &Method::Cancel);
    cancel
}
