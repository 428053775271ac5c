//! What happens to a call at this line: contacts ring, the first answer wins, everything else ends at
//! the voicemail (design section 4; RFC 3261 sections 16.6 to 16.10).

use sip::{Request, Response, transaction::Received};

use super::{
    account,
    binding::Binding,
    branch::{self, Branch, Ending},
    call::{self, Call, Stage},
    divert,
    fork::{self, Candidates},
    giving_up, voicemail,
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
/// How long one is remembered that another line has taken over: longer than anything rings, in milliseconds.
const FORGET_DIVERTED_MS: i64 = 300_000;
/// Less preferred contacts that could ring for less than this, in milliseconds, are not asked.
const SHORTEST_RING_MS: i64 = 1_000;
/// The session would be refreshed too often for the contact; the caller asks again with more (RFC 4028 section 8.1).
const INTERVAL_TOO_SMALL: u16 = 422;

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
    if flow::is_voicemail(request.uri()) {
        return Ok(voicemail::connect(context, flow, caller, request));
    }
    let candidates = Candidates::of(sql, context, request.uri(), &[])?;
    if candidates.groups() == 0 {
        return Ok(voicemail::connect(context, flow, caller, request));
    }
    if fork::breadth(request) == 0 {
        return Ok(hop::refuse(
            context,
            flow,
            request,
            440,
            "Max-Breadth Exceeded",
        ));
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
    let total_ms = account::ring_timeout_ms(sql, context)?;
    let rung = context.now_ms.saturating_add(total_ms);
    wakeup::set(sql, EXPIRE, &call.key, rung.saturating_add(EXPIRE_MS))?;
    let rings = ring_group(sql, context, &call, &candidates, total_ms)?;
    if rings.is_empty() {
        effects.extend(to_voicemail(sql, context, &mut call)?);
    }
    effects.extend(rings);
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
        return answered(sql, context, &mut call, branch, response);
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
        best_failure(&branch::of_call(sql, &branch.call)?)
    } else {
        (430, "Flow Failed")
    };
    let tag = context.entropy.hex(6);
    let response = Response::reply_to(call.invite.request(), status, reason, Some(&tag));
    failed(sql, context, &mut call, branch, &response)
}

/// Nobody answered at all, not even the voicemail.
fn fail(sql: &dyn Sql, context: &Context<'_>, mut call: Call) -> Result<Vec<Effect>, SqlError> {
    call.stage = Stage::Failed;
    let (status, reason) = best_failure(&branch::of_call(sql, &call.key)?);
    let last = call.respond(context, status, reason);
    end(sql, context, &call, last)
}

/// The caller has its last answer: nothing rings any more.
pub(super) fn end(
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
pub(super) fn acknowledged(
    sql: &dyn Sql,
    flow: &str,
    request: &Request,
) -> Result<Option<Effect>, SqlError> {
    let Some(mut call) = call::find(sql, &call::key(flow, request))? else {
        return Ok(None);
    };
    if let Stage::Diverted(to) = &call.stage {
        return Ok(Some(giving_up::pass_on(to, flow, request)));
    }
    call.invite.receive(request);
    call::put(sql, &call)?;
    Ok(None)
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
    let Some(mut call) = call::find(sql, key)? else {
        return Ok(Vec::new());
    };
    match kind {
        EXPIRE if call.stage == Stage::Cancelled => giving_up::give_up(sql, context, call),
        _ if !call.stage.is_open() => Ok(Vec::new()),
        RING if call.stage == Stage::Ringing => {
            let mut effects = cancel_branches(sql, context, &call, "")?;
            effects.extend(go_on(sql, context, &mut call)?);
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

/// Lets the preferred ones of these contacts ring, for their share of the time that is left.
fn ring_group(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &Call,
    candidates: &Candidates,
    left_ms: i64,
) -> Result<Vec<Effect>, SqlError> {
    let groups = i64::try_from(candidates.groups()).unwrap_or(1).max(1);
    let share = left_ms.checked_div(groups).unwrap_or(left_ms);
    let group = candidates.first(fork::breadth(call.invite.request()));
    let rings = ring(sql, context, call, &group)?;
    if !rings.is_empty() {
        let due = context.now_ms.saturating_add(share);
        wakeup::set(sql, RING, &call.key, due)?;
    }
    Ok(rings)
}

fn ring(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &Call,
    contacts: &[Binding],
) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    for contact in contacts {
        if let Some((branch, effect)) = branch::ring(context, call, contact, contacts.len()) {
            branch::put(sql, &branch)?;
            effects.push(effect);
        }
    }
    Ok(effects)
}

/// Nothing rings any more: less preferred contacts do, if there are any and time is left, or the voicemail answers.
fn go_on(sql: &dyn Sql, context: &Context<'_>, call: &mut Call) -> Result<Vec<Effect>, SqlError> {
    let branches = branch::of_call(sql, &call.key)?;
    let target = call.invite.request().uri().clone();
    let candidates = Candidates::of(sql, context, &target, &branches)?;
    let end = wakeup::due(sql, EXPIRE, &call.key)?.unwrap_or(context.now_ms);
    let left_ms = end.saturating_sub(EXPIRE_MS).saturating_sub(context.now_ms);
    if left_ms < SHORTEST_RING_MS {
        return to_voicemail(sql, context, call);
    }
    let rings = ring_group(sql, context, call, &candidates, left_ms)?;
    if rings.is_empty() {
        return to_voicemail(sql, context, call);
    }
    Ok(rings)
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
        effects.extend(branch.cancel(context, &call.stage));
    } else if response.status() > 100 && branch.ending == Ending::Open && call.stage.is_open() {
        effects.extend(call.pass_up(context, response));
        call::put(sql, call)?;
    }
    branch::put(sql, &branch)?;
    Ok(effects)
}

/// A 2xx always goes up, and says who answered in somebody else's place; the first one ends all other branches.
fn answered(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &mut Call,
    mut branch: Branch,
    mut response: Response,
) -> Result<Vec<Effect>, SqlError> {
    if !branch.is_voicemail() {
        account::vouch(sql, context, call.invite.request(), &mut response)?;
    }
    let mut effects: Vec<Effect> = call.pass_up(context, &response).into_iter().collect();
    branch.ending = Ending::Done;
    branch::put(sql, &branch)?;
    if let Stage::Diverted(to) = &call.stage {
        let cancel = giving_up::cancel_of(call.invite.request());
        effects.push(giving_up::pass_on(to, &call.flow, &cancel));
    }
    if !matches!(call.stage, Stage::Answered | Stage::Failed) {
        call.stage = Stage::Answered;
        effects.extend(cancel_branches(sql, context, call, &branch.branch)?);
        settle(sql, context, call)?;
    }
    Ok(effects)
}

/// A branch failed. The last one leads to less preferred contacts and then to the voicemail, whose own failure is the
/// caller's.
fn failed(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &mut Call,
    mut branch: Branch,
    response: &Response,
) -> Result<Vec<Effect>, SqlError> {
    branch.ending = Ending::Failed(response.status());
    branch::put(sql, &branch)?;
    match call.stage {
        Stage::Cancelled => giving_up::all_silent(sql, context, call.clone()),
        Stage::Ringing => contact_failed(sql, context, call, &branch, response),
        Stage::Voicemail if branch.is_voicemail() => refuse(sql, context, call, response),
        _ => Ok(Vec::new()),
    }
}

/// A redirection is followed where it leads to one of ours, and counts as a failure elsewhere: the exchange sends
/// nobody outside. 6xx ends the other branches too.
fn contact_failed(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &mut Call,
    branch: &Branch,
    response: &Response,
) -> Result<Vec<Effect>, SqlError> {
    if let Some(target) = divert::target(context, call, response) {
        return divert(sql, context, call, branch, target);
    }
    if response.status() >= 600 {
        let mut effects = cancel_branches(sql, context, call, &branch.branch)?;
        effects.extend(to_voicemail(sql, context, call)?);
        return Ok(effects);
    }
    let branches = branch::of_call(sql, &call.key)?;
    if branches.iter().any(Branch::is_open) {
        let target = call.invite.request().uri();
        let candidates = Candidates::of(sql, context, target, &branches)?;
        let breadth = fork::breadth(call.invite.request());
        return ring(sql, context, call, &candidates.beside(breadth));
    }
    let too_small = |branch: &Branch| branch.failure() == Some(INTERVAL_TOO_SMALL);
    if branches.iter().all(too_small) {
        return refuse(sql, context, call, response);
    }
    go_on(sql, context, call)
}

/// A contact has sent the call on: nothing else rings here any more.
fn divert(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &mut Call,
    branch: &Branch,
    target: divert::Target,
) -> Result<Vec<Effect>, SqlError> {
    let mut effects = cancel_branches(sql, context, call, &branch.branch)?;
    match target {
        divert::Target::OwnVoicemail => effects.extend(to_voicemail(sql, context, call)?),
        divert::Target::Line { address, uri } => {
            effects.push(divert::hand_on(context, call, &address, uri));
            call.stage = Stage::Diverted(address);
            settle(sql, context, call)?;
        }
    }
    Ok(effects)
}

/// The caller gets this failure.
fn refuse(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &mut Call,
    response: &Response,
) -> Result<Vec<Effect>, SqlError> {
    call.stage = Stage::Failed;
    let last = call.pass_up(context, response);
    settle(sql, context, call)?;
    Ok(last.into_iter().collect())
}

/// What the caller is told when not even the voicemail answers: the best that its contacts said (RFC 3261 section
/// 16.7 step 6): 6xx, else the lowest class. A contact that could not be reached says nothing about the callee.
fn best_failure(branches: &[Branch]) -> (u16, &'static str) {
    let said = branches.iter().filter_map(Branch::failure);
    let said = said.filter(|status| ![408, 430].contains(status) && *status >= 400);
    let best = said.min_by_key(|status| (*status < 600, status / 100, *status));
    match best {
        Some(486) => (486, "Busy Here"),
        Some(600) => (600, "Busy Everywhere"),
        Some(603) => (603, "Decline"),
        _ => (480, "Temporarily Unavailable"),
    }
}

/// Ends all branches but one.
pub(super) fn cancel_branches(
    sql: &dyn Sql,
    context: &Context<'_>,
    call: &Call,
    except: &str,
) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    for mut branch in branch::of_call(sql, &call.key)? {
        if branch.branch != except {
            effects.extend(branch.cancel(context, &call.stage));
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
    let memory = match call.stage {
        Stage::Diverted(_) => FORGET_DIVERTED_MS,
        _ => FORGET_MS,
    };
    let due = context.now_ms.saturating_add(memory);
    wakeup::set(sql, FORGET, &call.key, due)
}
