//! The voicemail: the mailbox as user agent server (design section 4). It answers, makes a session, says
//! so by INFO, waits as long as the greeting plays and ends the call. Sound never passes through here:
//! the caller fetches the greeting by HTTPS and deposits the recording later.

mod answer;
mod instruction;
mod row;
mod skip;

use sip::{
    Message,
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
    flow::{admission, hop, place::Place},
    signal::{Caller, Signal},
    sql::{Sql, SqlError},
};

/// The tables of this module.
pub(super) const SCHEMA: &[&str] = row::SCHEMA;
pub(super) const SECOND_SCHEMA: &[&str] = row::SECOND_SCHEMA;

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
    let call = Call::incoming(&invite, answer::local(context), context.entropy.bytes());
    let greeting_ms = i64::from(greeting::current(sql, context)?.duration_ms);
    let mut row = Row {
        key: context.entropy.token(),
        flow: flow.to_owned(),
        stage: Stage::Answering,
        caller,
        body: None,
        greeting_ms,
        end_ms: None,
        due_ms: end_after(greeting_ms, context.now_ms),
        call,
    };
    match admission::of_call(&invite) {
        None => answer::answer(sql, context, &mut row.call)?,
        Some(refusal) => row.call.reject_with(
            refusal.status,
            refusal.reason,
            &refusal.headers(),
            context.now_ms,
        ),
    }
    go_on(sql, context, row, Cause::Invite)
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
        return Ok(unknown(context, flow, &message));
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
            Output::Send(bytes) => effects.extend(send(context, &row.key, &bytes)),
            Output::Event(event) => effects.extend(handle(sql, context, &mut row, event)?),
        }
    }
    if row.call.has_ended() || row.call.is_over() {
        if cause != Cause::Invite {
            row::remove(sql, &row.key)?;
        }
        return Ok(effects);
    }
    let pause = match cause {
        Cause::Invite => Some(FIRST_PAUSE_MS),
        Cause::Reminder(pause) => Some(pause),
        Cause::Response | Cause::Other => None,
    };
    effects.extend(pause.map(|pause| remind(&row.key, pause)));
    // That an INFO was answered may be forgotten: its transaction then ends by time, and means nothing.
    let settled =
        cause == Cause::Response && effects.is_empty() && before == (row.stage, row.end_ms);
    if !settled && !matches!(cause, Cause::Reminder(_)) {
        plan(context, &mut row);
        row::put(sql, &row)?;
    }
    Ok(effects)
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
        Event::Acknowledged { .. } => established(sql, context, row),
        Event::Info {
            id,
            content_type,
            body,
        } => {
            take_info(context, row, id, &content_type, &body);
            Ok(Vec::new())
        }
        Event::InfoAnswered { .. } => {
            instructed(sql, context, row)?;
            Ok(Vec::new())
        }
        Event::Ended { .. }
        | Event::Ringing { .. }
        | Event::Answered { .. }
        | Event::Rejected { .. } => Ok(Vec::new()),
    }
}

/// The ACK came: the session is made, and the caller hears of it before, after or without the greeting.
fn established(
    sql: &dyn Sql,
    context: &Context<'_>,
    row: &mut Row,
) -> Result<Vec<Effect>, SqlError> {
    let issued = match instruction::issue(sql, context, row)? {
        Ok(issued) => issued,
        Err(reason) => {
            row.call.hang_up(Some(reason), None, context.now_ms);
            return Ok(Vec::new());
        }
    };
    row.stage = Stage::Greeting;
    row.greeting_ms = i64::from(issued.greeting_duration_ms);
    row.body = Some(instruction::body(context, row, &issued));
    let choices = settings::load(sql)?;
    let early_info = instruction::by_info(&choices) && choices.info_timing == InfoTiming::Before;
    if early_info {
        instruction::send_info(row, context.now_ms);
    }
    if row.greeting_ms == 0 && !early_info {
        end_greeting(sql, context, row)?;
        return Ok(issued.effects);
    }
    let end = end_after(row.greeting_ms, context.now_ms);
    let in_time = end.saturating_sub(row.due_ms) <= LATE_ACK_MS;
    row.end_ms = Some(if in_time { row.due_ms } else { end });
    Ok(issued.effects)
}

/// The greeting has been played: the INFO, if it is wanted then, and at last the BYE.
fn end_greeting(sql: &dyn Sql, context: &Context<'_>, row: &mut Row) -> Result<(), SqlError> {
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

/// `#` skips the greeting: 200, then BYE. Other keys are taken and mean nothing.
fn take_info(context: &Context<'_>, row: &mut Row, id: u32, content_type: &str, body: &[u8]) {
    match skip::key(content_type, body) {
        Some(key) => {
            row.call.accept_info(id);
            if key == '#' {
                row.call.hang_up(Some(RECORD_OFFLINE), None, context.now_ms);
            }
        }
        None => row.call.reject_info(id, 415),
    }
}

/// Requests of ours go by their route, which is our own flow token; responses by their Vias.
fn send(context: &Context<'_>, key: &str, bytes: &[u8]) -> Option<Effect> {
    match hop::read(bytes)? {
        Message::Response(response) => hop::send_back(context, "", response),
        Message::Request(mut request) => {
            let (caller, _) = hop::ends(context, &request.pop_route()?)?;
            let Place::Flow(flow) = caller else {
                return None;
            };
            let key = format!("{CALL_KEY}{key}");
            Some(hop::send_or_tell(&flow, request.to_bytes(), &key))
        }
    }
}

/// A request of a call that is not here any more; everything else is late and means nothing.
fn unknown(context: &Context<'_>, flow: &str, message: &Message) -> Vec<Effect> {
    match message {
        Message::Request(request) if *request.method() != sip::Method::Ack => {
            let tag = context.entropy.hex(6);
            let response = sip::Response::reply_to(request, 481, "Call Does Not Exist", Some(&tag));
            hop::send_back(context, flow, response)
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}
