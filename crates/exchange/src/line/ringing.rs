//! What happens to a call at this line: contacts ring, the first answer wins, everything else ends at
//! the voicemail (design section 4; RFC 3261 sections 16.6 to 16.10).

use sip::{Request, Response, transaction::Received};

use super::{
    account,
    binding::{self, Binding},
    branch::{self, Branch, Ending},
    call::{self, Call, Stage},
    voicemail,
};
use crate::{
    context::Context,
    effect::Effect,
    flow::{self, hop},
    signal::Caller,
    sql::{Sql, SqlError},
    wakeup,
};

/// Wake-up: the contacts rang long enough.
pub(super) const RING: &str = "ring";
/// Wake-up: the voicemail was asked and said nothing.
pub(super) const GUARD: &str = "guard";
/// Wake-up: the caller waited long enough, whatever the reason.
pub(super) const EXPIRE: &str = "expire";
/// Wake-up: nothing about the call can come any more.
pub(super) const FORGET: &str = "forget";

/// How long the voicemail may take to say something, in milliseconds.
const GUARD_MS: i64 = 10_000;
/// How long a call may be without a final answer after its contacts rang, in milliseconds.
const EXPIRE_MS: i64 = 60_000;
/// How long a settled call is remembered for late and repeated messages, in milliseconds.
const FORGET_MS: i64 = 64_000;

/// An INVITE for this address, its caller known as far as it can be.
pub(super) fn begin(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    caller: Caller,
    request: &Request,
) -> Result<Vec<Effect>, SqlError> {
    if let Some((status, reason)) = refusal(sql, context, &caller)? {
        return Ok(hop::refuse(context, flow, request, status, reason));
    }
    let key = call::key(flow, request);
    if call::find(sql, &key)?.is_some() {
        return Ok(Vec::new());
    }
    let contacts = if flow::is_voicemail(request.uri()) {
        Vec::new()
    } else {
        binding::current(sql, context.now_ms)?
    };
    if contacts.is_empty() {
        return Ok(voicemail::connect(context, flow, caller, request));
    }
    let mut call = Call {
        key,
        flow: flow.to_owned(),
        stage: Stage::Ringing,
        caller,
        invite: sip::transaction::ServerTransaction::start(request.clone()),
    };
    let mut effects: Vec<Effect> = call.respond(context, 100, "Trying").into_iter().collect();
    call::put(sql, &call)?;
    let rings = ring_contacts(sql, context, &call, contacts)?;
    let rung = context
        .now_ms
        .saturating_add(context.settings.ring_timeout_ms);
    wakeup::set(sql, EXPIRE, &call.key, rung.saturating_add(EXPIRE_MS))?;
    if rings.is_empty() {
        effects.extend(to_voicemail(sql, context, &mut call)?);
    } else {
        effects.extend(rings);
        let due = context
            .now_ms
            .saturating_add(account::ring_timeout_ms(sql, context)?);
        wakeup::set(sql, RING, &call.key, due)?;
    }
    Ok(effects)
}

/// A response came to a branch of ours.
pub(super) fn receive_response(
    sql: &dyn Sql,
    context: &Context<'_>,
    mut response: Response,
) -> Result<Vec<Effect>, SqlError> {
    let name = response.top_via().map(|via| via.branch().to_owned());
    let Some(mut branch) = branch::find(sql, &name.unwrap_or_default())? else {
        return Ok(Vec::new());
    };
    let Some(mut call) = call::find(sql, &branch.call)? else {
        return Ok(Vec::new());
    };
    if !branch.request.matches(&response) {
        return Ok(Vec::new());
    }
    let received = branch.request.receive(&response);
    response.pop_via();
    if response.is_success() {
        return answered(sql, context, &mut call, branch, &response);
    }
    match received {
        Received::Nothing => Ok(Vec::new()),
        Received::Provisional => provisional(sql, context, &mut call, branch, &response),
        Received::Final { acknowledgement } => {
            let ack = acknowledgement.map(|frame| branch.place(context).deliver("", frame, None));
            let mut effects: Vec<Effect> = ack.into_iter().collect();
            effects.extend(failed(sql, context, &mut call, branch, &response)?);
            Ok(effects)
        }
    }
}

/// A branch could not be delivered, or its voicemail did not take it: as if 430 had come.
pub(super) fn undelivered(
    sql: &dyn Sql,
    context: &Context<'_>,
    branch: &str,
) -> Result<Vec<Effect>, SqlError> {
    let Some(branch) = branch::find(sql, branch)?.filter(Branch::is_open) else {
        return Ok(Vec::new());
    };
    let Some(mut call) = call::find(sql, &branch.call)? else {
        return Ok(Vec::new());
    };
    let (status, reason) = if branch.is_voicemail() {
        (480, "Temporarily Unavailable")
    } else {
        (430, "Flow Failed")
    };
    let tag = context.entropy.hex(6);
    let response = Response::reply_to(call.invite.request(), status, reason, Some(&tag));
    failed(sql, context, &mut call, branch, &response)
}

/// The caller's CANCEL (RFC 3261 16.10).
pub(super) fn cancel(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    request: &Request,
) -> Result<Vec<Effect>, SqlError> {
    let Some(call) = call::find(sql, &call::key(flow, request))? else {
        return Ok(hop::refuse(
            context,
            flow,
            request,
            481,
            "Call Does Not Exist",
        ));
    };
    let mut effects = hop::refuse(context, flow, request, 200, "OK");
    effects.extend(give_up(sql, context, call)?);
    Ok(effects)
}

/// The caller gave up or is gone: nothing rings any more, and nothing goes to the voicemail.
pub(super) fn give_up(
    sql: &dyn Sql,
    context: &Context<'_>,
    mut call: Call,
) -> Result<Vec<Effect>, SqlError> {
    if !call.stage.is_open() {
        return Ok(Vec::new());
    }
    call.stage = Stage::Cancelled;
    let last = call.respond(context, 487, "Request Terminated");
    end(sql, context, &call, last)
}

/// Nobody answered at all, not even the voicemail.
fn fail(sql: &dyn Sql, context: &Context<'_>, mut call: Call) -> Result<Vec<Effect>, SqlError> {
    call.stage = Stage::Failed;
    let last = call.respond(context, 480, "Temporarily Unavailable");
    end(sql, context, &call, last)
}

fn end(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &Call,
    last: Option<Effect>,
) -> Result<Vec<Effect>, SqlError> {
    let mut effects: Vec<Effect> = last.into_iter().collect();
    effects.extend(cancel_branches(sql, context, call, "")?);
    settle(sql, context, call)?;
    Ok(effects)
}

/// The ACK to a failure that the caller got; the transaction is content.
pub(super) fn acknowledged(sql: &dyn Sql, flow: &str, request: &Request) -> Result<(), SqlError> {
    if let Some(mut call) = call::find(sql, &call::key(flow, request))? {
        call.invite.receive(request);
        call::put(sql, &call)?;
    }
    Ok(())
}

/// A wake-up of this module.
pub(super) fn on_wakeup(
    sql: &dyn Sql,
    context: &Context<'_>,
    kind: &str,
    key: &str,
) -> Result<Vec<Effect>, SqlError> {
    if kind == FORGET {
        branch::remove_of_call(sql, key)?;
        call::remove(sql, key)?;
        return Ok(Vec::new());
    }
    let Some(mut call) = call::find(sql, key)?.filter(|call| call.stage.is_open()) else {
        return Ok(Vec::new());
    };
    match kind {
        RING if call.stage == Stage::Ringing => {
            let mut effects = cancel_branches(sql, context, &call, "")?;
            effects.extend(to_voicemail(sql, context, &mut call)?);
            Ok(effects)
        }
        EXPIRE => fail(sql, context, call),
        RING => Ok(Vec::new()),
        _ => voicemail_is_silent(sql, context, &call),
    }
}

/// Why a call, or a text, is not taken at all.
pub(super) fn refusal(
    sql: &dyn Sql,
    context: &Context<'_>,
    caller: &Caller,
) -> Result<Option<(u16, &'static str)>, SqlError> {
    if account::find(sql)?.is_none() {
        return Ok(Some((404, "Not Found")));
    }
    if !caller.verified && !context.settings.anonymous_callers {
        return Ok(Some((403, "Sign In To Call")));
    }
    Ok(None)
}

fn ring_contacts(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &Call,
    contacts: Vec<Binding>,
) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    for binding in contacts {
        let Some(contact) = binding.uri() else {
            continue;
        };
        let (branch, effect) = branch::ring(context, call, contact, &binding.flow);
        branch::put(sql, &branch)?;
        effects.push(effect);
    }
    Ok(effects)
}

/// No contact is left: the voicemail answers the same INVITE.
fn to_voicemail(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &mut Call,
) -> Result<Vec<Effect>, SqlError> {
    call.stage = Stage::Voicemail;
    let (branch, effect) = branch::ask_voicemail(context, call);
    branch::put(sql, &branch)?;
    call::put(sql, call)?;
    wakeup::clear(sql, RING, &call.key)?;
    let due = context.now_ms.saturating_add(GUARD_MS);
    wakeup::set(sql, GUARD, &call.key, due)?;
    Ok(vec![effect])
}

fn voicemail_is_silent(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &Call,
) -> Result<Vec<Effect>, SqlError> {
    let branches = branch::of_call(sql, &call.key)?;
    let silent = branches
        .iter()
        .find(|branch| branch.is_voicemail() && !branch.request.is_proceeding());
    match silent {
        Some(branch) => undelivered(sql, context, &branch.branch),
        None => Ok(Vec::new()),
    }
}

fn provisional(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &mut Call,
    mut branch: Branch,
    response: &Response,
) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    if branch.ending == Ending::Wanted {
        effects.extend(branch.cancel(context));
    } else if response.status() > 100 && branch.ending == Ending::Open && call.stage.is_open() {
        effects.extend(call.pass_up(context, response));
        call::put(sql, call)?;
    }
    branch::put(sql, &branch)?;
    Ok(effects)
}

/// A 2xx always goes up; the first one ends all other branches.
fn answered(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &mut Call,
    mut branch: Branch,
    response: &Response,
) -> Result<Vec<Effect>, SqlError> {
    let mut effects: Vec<Effect> = call.pass_up(context, response).into_iter().collect();
    branch.ending = Ending::Done;
    branch::put(sql, &branch)?;
    if call.stage.is_open() {
        call.stage = Stage::Answered;
        effects.extend(cancel_branches(sql, context, call, &branch.branch)?);
        settle(sql, context, call)?;
    }
    Ok(effects)
}

/// A branch failed: 6xx ends the others too; the last one leads to the voicemail, whose own failure is
/// the caller's. A redirection counts as a failure: the exchange sends nobody outside.
fn failed(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &mut Call,
    mut branch: Branch,
    response: &Response,
) -> Result<Vec<Effect>, SqlError> {
    branch.ending = Ending::Done;
    branch::put(sql, &branch)?;
    if !call.stage.is_open() {
        return Ok(Vec::new());
    }
    if branch.is_voicemail() {
        call.stage = Stage::Failed;
        let last = call.pass_up(context, response);
        settle(sql, context, call)?;
        return Ok(last.into_iter().collect());
    }
    if call.stage != Stage::Ringing {
        return Ok(Vec::new());
    }
    let mut effects = Vec::new();
    if response.status() >= 600 {
        effects.extend(cancel_branches(sql, context, call, &branch.branch)?);
    } else if branch::of_call(sql, &call.key)?.iter().any(Branch::is_open) {
        return Ok(effects);
    }
    effects.extend(to_voicemail(sql, context, call)?);
    Ok(effects)
}

fn cancel_branches(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &Call,
    except: &str,
) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    for mut branch in branch::of_call(sql, &call.key)? {
        if branch.branch != except {
            effects.extend(branch.cancel(context));
            branch::put(sql, &branch)?;
        }
    }
    Ok(effects)
}

/// The caller has its final answer; the rows stay for late messages and go by themselves.
fn settle(sql: &dyn Sql, context: &Context<'_>, call: &Call) -> Result<(), SqlError> {
    call::put(sql, call)?;
    wakeup::clear(sql, RING, &call.key)?;
    wakeup::clear(sql, GUARD, &call.key)?;
    wakeup::clear(sql, EXPIRE, &call.key)?;
    let due = context.now_ms.saturating_add(FORGET_MS);
    wakeup::set(sql, FORGET, &call.key, due)
}
