//! The voicemail: the mailbox as user agent server (design section 4). It answers, makes a session, says
//! so by INFO, waits as long as the greeting plays and ends the call. Sound never passes through here:
//! the caller fetches the greeting by HTTPS and deposits the recording later.

mod answer;
mod call_back;
mod forwarded;
mod instruction;
mod row;
mod second;
mod skip;
mod way;

use sip::{
    Message, Request,
    call::{
        Call,
        event::{Event, Output},
    },
};

use row::{Row, Stage};

use super::{
    greeting,
    settings::{self, InfoTiming},
};
use crate::{
    context::Context,
    effect::Effect,
    flow::{admission, hop},
    signal::{Caller, Signal},
    sql::{Sql, SqlError},
    trace::{self, Sheet},
};

/// The tables of this module.
pub(super) const SCHEMA: &[&str] = row::SCHEMA;
pub(super) const SECOND_SCHEMA: &[&str] = row::SECOND_SCHEMA;
pub(super) const FIFTH_SCHEMA: &[&str] = row::FIFTH_SCHEMA;

/// Beginning of the keys by which a lost connection is told to the mailbox.
const CALL_KEY: &str = "voicemail ";
/// How long after its end the greeting's call goes on, in milliseconds.
const AFTER_GREETING_MS: i64 = 2_000;
/// The end of the greeting is planned when the call is answered; an ACK that comes later than this moves it.
const LATE_ACK_MS: i64 = 1_000;
/// T1 and T2 of RFC 3261 13.3.1.4: the first and the longest pause between two copies of the 200.
const FIRST_PAUSE_MS: i64 = 500;
const LONGEST_PAUSE_MS: i64 = 4_000;
/// Where the process forgot to repeat, the row remembers, less often.
const STORED_PAUSE_MS: i64 = 10_000;
/// `Reason` of every BYE that ends a greeting (RFC 3326).
const RECORD_OFFLINE: &str = "SIP;cause=200;text=\"record offline\"";

/// An INVITE that the line could not bring to anybody.
pub(super) fn on_invite(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    caller: Caller,
    frame: &[u8],
) -> Result<Vec<Effect>, SqlError> {
    let Some(Message::Request(invite)) = hop::read(frame) else {
        return Ok(Vec::new());
    };
    let mut row = arrived(sql, context, flow, caller, &invite)?;
    if let Some(refusal) = refusal(sql, &row, &invite)? {
        let headers = refusal.headers();
        let (status, reason) = (refusal.status, refusal.reason);
        row.call
            .reject_with(status, reason, &headers, context.now_ms);
        return go_on(sql, context, row, Cause::Invite);
    }
    let choices = settings::load(sql)?;
    let calls_back = call_back::is_wanted(&choices, &invite, flow);
    let mut effects = Vec::new();
    if calls_back {
        let next = call_back::place(sql, context, &invite, &row)?;
        call_back::refuse(sql, context, &invite, &mut row)?;
        effects.extend(go_on(sql, context, row, Cause::Invite)?);
        row = next;
    }
    let issued = instruction::issue_ahead(sql, context, &mut row, &choices)?;
    if !calls_back {
        answer::answer(sql, context, &invite, &mut row)?;
    }
    effects.extend(go_on(sql, context, row, Cause::Invite)?);
    effects.extend(issued);
    Ok(effects)
}

/// Why the voicemail does not take a call. Whoever was called with the caller knows all that names the call: only what
/// comes by the same connection, of the same caller, can be the same call.
fn refusal(
    sql: &dyn Sql,
    arrived: &Row,
    invite: &Request,
) -> Result<Option<admission::Refusal>, SqlError> {
    let same_calls = row::of_call_id(sql, invite.call_id())?;
    let is_same = |row: &&Row| row.flow == arrived.flow && row.caller.is(&arrived.caller);
    let mut same_calls = same_calls.iter().filter(is_same);
    let has_merged = same_calls.any(|row| row.call.has_merged(invite));
    let merged = has_merged.then(admission::of_merged);
    Ok(merged.or_else(|| admission::of_call(invite)))
}

/// The call of an INVITE that has just come.
fn arrived(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    caller: Caller,
    invite: &Request,
) -> Result<Row, SqlError> {
    let call = Call::incoming(invite, answer::local(context), context.entropy.bytes());
    let greeting_ms = i64::from(greeting::current(sql, context)?.duration_ms);
    let forwarded_from = forwarded::from(context, invite);
    let rung = trace::rung(sql, context, call.call_id(), flow, &caller)?;
    let (key, trace) = rung.unwrap_or_else(|| (trace::new_key(context), Sheet::default()));
    Ok(Row {
        key,
        flow: flow.to_owned(),
        stage: Stage::Answering,
        caller: Caller {
            forwarded_from: forwarded_from.or(caller.forwarded_from),
            ..caller
        },
        session_type: instruction::session_type(&call),
        session: None,
        body: None,
        greeting_ms,
        skipped: false,
        end_ms: None,
        due_ms: end_after(greeting_ms, context.now_ms),
        call,
        trace,
    })
}

/// A message of a call that the voicemail answered, or of one it asked for.
pub(super) fn on_message(
    sql: &dyn Sql,
    context: &Context<'_>,
    flow: &str,
    frame: &[u8],
) -> Result<Vec<Effect>, SqlError> {
    let Some(message) = hop::read(frame) else {
        return Ok(Vec::new());
    };
    let call_id = match &message {
        Message::Request(request) => request.call_id(),
        Message::Response(response) => response.call_id(),
    };
    let rows = row::of_call_id(sql, call_id)?;
    let Some(mut row) = rows.into_iter().find(|row| row.call.owns(&message)) else {
        return Ok(way::unknown(context, flow, &message));
    };
    row.call.receive(&message, context.now_ms);
    let cause = match message {
        Message::Request(_) => Cause::Other,
        Message::Response(_) => Cause::Response,
    };
    go_on(sql, context, row, cause)
}

/// A frame of a call found no socket: the caller is gone, its session stays.
pub(super) fn on_undelivered(
    sql: &dyn Sql,
    context: &Context<'_>,
    key: &str,
) -> Result<Vec<Effect>, SqlError> {
    let found = match key.strip_prefix(CALL_KEY) {
        Some(key) => row::find(sql, key)?,
        None => None,
    };
    let Some(mut row) = found else {
        return Ok(Vec::new());
    };
    row.call.connection_lost();
    go_on(sql, context, row, Cause::Other)
}

/// When this module wants to be woken.
pub(super) fn next_due(sql: &dyn Sql) -> Result<Option<i64>, SqlError> {
    row::next_due(sql)
}

/// Looks at all calls whose time has come.
pub(super) fn on_wakeup(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    for mut row in row::due(sql, context.now_ms)? {
        if row.end_ms.is_some_and(|end| end <= context.now_ms) {
            end_greeting(sql, context, &mut row)?;
        } else {
            row.call.elapse(context.now_ms);
        }
        effects.extend(go_on(sql, context, row, Cause::Other)?);
    }
    Ok(effects)
}

/// The answer is repeated while nobody has acknowledged it.
pub(super) fn on_reminder(
    sql: &dyn Sql,
    context: &Context<'_>,
    key: &str,
    waited_ms: i64,
) -> Result<Vec<Effect>, SqlError> {
    let waiting = row::find(sql, key)?.filter(|row| row.stage == Stage::Answering);
    let Some(mut row) = waiting else {
        return Ok(Vec::new());
    };
    row.call.elapse(context.now_ms);
    let pause = waited_ms.saturating_mul(2).min(LONGEST_PAUSE_MS);
    go_on(sql, context, row, Cause::Reminder(pause))
}

/// What made a call go on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cause {
    /// It begins.
    Invite,
    /// The peer answered a request of ours.
    Response,
    /// The 200 is repeated; the next pause, in milliseconds.
    Reminder(i64),
    Other,
}

/// Drains the call, does what its events want, and stores it where anything changed that must survive.
fn go_on(
    sql: &dyn Sql,
    context: &Context<'_>,
    mut row: Row,
    cause: Cause,
) -> Result<Vec<Effect>, SqlError> {
    let before = (row.stage, row.end_ms);
    let mut effects = Vec::new();
    while let Some(output) = row.call.poll() {
        match output {
            Output::Send(bytes) => effects.extend(way::send(sql, context, &row, &bytes)?),
            Output::Event(event) => effects.extend(handle(sql, context, &mut row, event)?),
        }
    }
    row.begin_trace();
    if row.is_over() {
        effects.extend(trace::ride(context, &mut row.trace, &effects));
        row::close(sql, &row)?;
        began(sql, context, &row, cause)?;
        return Ok(effects);
    }
    let pause = match cause {
        Cause::Invite if row.stage == Stage::Answering => Some(FIRST_PAUSE_MS),
        Cause::Reminder(pause) => Some(pause),
        Cause::Invite | Cause::Response | Cause::Other => None,
    };
    effects.extend(pause.map(|pause| remind(&row.key, pause)));
    // That an INFO was answered may be forgotten: its transaction then ends by time, and means nothing.
    let settled = cause == Cause::Response
        && row.stage != Stage::Calling
        && effects.is_empty()
        && before == (row.stage, row.end_ms);
    if !settled && !matches!(cause, Cause::Reminder(_)) {
        plan(context, &mut row);
        effects.extend(trace::ride(context, &mut row.trace, &effects));
        row::put(sql, &row)?;
        began(sql, context, &row, cause)?;
    } else {
        effects.extend(trace::leave(sql, context, &row.key, &row.trace, &effects)?);
    }
    Ok(effects)
}

/// A row that was not there before may push out others.
fn began(sql: &dyn Sql, context: &Context<'_>, row: &Row, cause: Cause) -> Result<(), SqlError> {
    if cause == Cause::Invite {
        trace::began(sql, context, &trace::origin(&row.caller))?;
    }
    Ok(())
}

/// When the call is looked at next.
fn plan(context: &Context<'_>, row: &mut Row) {
    let machine = row.call.wake_at();
    if row.stage != Stage::Answering {
        let next = row.end_ms.into_iter().chain(machine).min();
        row.due_ms = next.unwrap_or_else(|| context.now_ms.saturating_add(STORED_PAUSE_MS));
    } else if row.due_ms <= context.now_ms {
        row.due_ms = context.now_ms.saturating_add(STORED_PAUSE_MS);
    }
}

const fn end_after(greeting_ms: i64, now_ms: i64) -> i64 {
    now_ms
        .saturating_add(greeting_ms)
        .saturating_add(AFTER_GREETING_MS)
}

fn remind(key: &str, pause_ms: i64) -> Effect {
    Effect::Remind {
        after_ms: pause_ms,
        signal: Box::new(Signal::RepeatAnswer {
            key: key.to_owned(),
            waited_ms: pause_ms,
        }),
    }
}

fn handle(
    sql: &dyn Sql,
    context: &Context<'_>,
    row: &mut Row,
    event: Event,
) -> Result<Vec<Effect>, SqlError> {
    match event {
        Event::Acknowledged { .. } | Event::Answered { .. } => established(sql, context, row),
        Event::Info {
            id,
            content_type,
            body,
        } => {
            take_info(sql, context, row, id, &content_type, &body)?;
            Ok(Vec::new())
        }
        Event::InfoAnswered { .. } => {
            instructed(sql, context, row)?;
            Ok(Vec::new())
        }
        // Nothing else can come of a call whose session is not negotiated.
        _ => Ok(Vec::new()),
    }
}

/// The call stands: the session is made, and the caller hears of it before, after or with the greeting.
fn established(
    sql: &dyn Sql,
    context: &Context<'_>,
    row: &mut Row,
) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    if row.body.is_none() {
        match instruction::issue(sql, context, row)? {
            Ok(issued) => {
                row.greeting_ms = i64::from(issued.greeting_duration_ms);
                row.body = Some(instruction::body(context, row, &issued));
                effects = issued.effects;
            }
            Err(reason) => {
                row.call.hang_up(Some(reason), None, context.now_ms);
                return Ok(Vec::new());
            }
        }
    }
    let was_called = row.stage == Stage::Calling;
    row.stage = Stage::Greeting;
    row.end_ms = None;
    let choices = settings::load(sql)?;
    let early_info = instruction::by_info(&choices) && choices.info_timing == InfoTiming::Before;
    if early_info {
        instruction::send_info(row, context.now_ms);
    }
    if row.skipped || (row.greeting_ms == 0 && !early_info) {
        end_greeting(sql, context, row)?;
        return Ok(effects);
    }
    let end = end_after(row.greeting_ms, context.now_ms);
    let in_time = !was_called && end.saturating_sub(row.due_ms) <= LATE_ACK_MS;
    row.end_ms = Some(if in_time { row.due_ms } else { end });
    Ok(effects)
}

/// The greeting has been played: the INFO, if it is wanted then, and at last the BYE.
fn end_greeting(sql: &dyn Sql, context: &Context<'_>, row: &mut Row) -> Result<(), SqlError> {
    if row.stage == Stage::Calling {
        row.end_ms = None;
        row.call.hang_up(None, None, context.now_ms);
        return Ok(());
    }
    let choices = settings::load(sql)?;
    let late_info = instruction::by_info(&choices) && choices.info_timing == InfoTiming::After;
    if late_info && row.stage == Stage::Greeting {
        row.stage = Stage::Instructing;
        instruction::send_info(row, context.now_ms);
        row.end_ms = Some(context.now_ms.saturating_add(AFTER_GREETING_MS));
        return Ok(());
    }
    let body = instruction::by_bye(&choices)
        .then(|| row.body.clone())
        .flatten()
        .map(instruction::as_body);
    row.call.hang_up(Some(RECORD_OFFLINE), body, context.now_ms);
    Ok(())
}

/// The INFO is settled. Where nothing plays any more, nothing is left to wait for.
fn instructed(sql: &dyn Sql, context: &Context<'_>, row: &mut Row) -> Result<(), SqlError> {
    if row.stage == Stage::Greeting && row.greeting_ms > 0 {
        return Ok(());
    }
    row.end_ms = None;
    end_greeting(sql, context, row)
}

/// `#` skips the greeting, other keys mean nothing; a session that the caller has already is looked at.
fn take_info(
    sql: &dyn Sql,
    context: &Context<'_>,
    row: &mut Row,
    id: u32,
    content_type: &str,
    body: &[u8],
) -> Result<(), SqlError> {
    if let Some(key) = skip::key(content_type, body) {
        row.call.accept_info(id);
        return match (key, row.stage) {
            ('#', Stage::Greeting | Stage::Instructing) => end_greeting(sql, context, row),
            ('#', Stage::Answering | Stage::Calling) => {
                row.skipped = true;
                Ok(())
            }
            _ => Ok(()),
        };
    }
    match second::take(sql, context, content_type, body)? {
        Some(200) => {
            row.call.accept_info(id);
            row.call.hang_up(Some(RECORD_OFFLINE), None, context.now_ms);
        }
        Some(status) => row.call.reject_info(id, status),
        None => row.call.reject_info(id, 415),
    }
    Ok(())
}
