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

use super::settings::{self, InfoTiming};
use crate::{
    context::Context,
    effect::Effect,
    flow::{admission, hop, place::Place},
    signal::Caller,
    sql::{Sql, SqlError},
    wakeup,
};

/// The tables of this module; part of the mailbox's first migration.
pub(super) const SCHEMA: &[&str] = row::SCHEMA;
/// Kind of the wake-up at which a call wants to go on by itself.
pub(super) const MACHINE: &str = "voicemail";
/// Kind of the wake-up at which the greeting has been played.
pub(super) const END: &str = "voicemail_end";

/// Beginning of the keys by which a lost connection is told to the mailbox.
const CALL_KEY: &str = "voicemail ";
/// How long after its end the greeting's call goes on, in milliseconds.
const AFTER_GREETING_MS: i64 = 2_000;
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
    let mut row = Row {
        key: context.entropy.token(),
        flow: flow.to_owned(),
        stage: Stage::Answering,
        caller,
        body: None,
        greeting_ms: 0,
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
    go_on(sql, context, row)
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
    go_on(sql, context, row)
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
    go_on(sql, context, row)
}

/// A wake-up of this module.
pub(super) fn on_wakeup(
    sql: &dyn Sql,
    context: &Context<'_>,
    kind: &str,
    key: &str,
) -> Result<Vec<Effect>, SqlError> {
    let Some(mut row) = row::find(sql, key)? else {
        return Ok(Vec::new());
    };
    if kind == END {
        end_greeting(sql, context, &mut row)?;
    } else {
        row.call.elapse(context.now_ms);
    }
    go_on(sql, context, row)
}

/// Drains the call, does what its events want, and stores it.
fn go_on(sql: &dyn Sql, context: &Context<'_>, mut row: Row) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    while let Some(output) = row.call.poll() {
        match output {
            Output::Send(bytes) => effects.extend(send(context, &row.key, &bytes)),
            Output::Event(event) => effects.extend(handle(sql, context, &mut row, event)?),
        }
    }
    if row.call.is_over() {
        row::remove(sql, &row.key)?;
        wakeup::clear(sql, MACHINE, &row.key)?;
        wakeup::clear(sql, END, &row.key)?;
        return Ok(effects);
    }
    row::put(sql, &row)?;
    match row.call.wake_at() {
        Some(due) => wakeup::set(sql, MACHINE, &row.key, due)?,
        None => wakeup::clear(sql, MACHINE, &row.key)?,
    }
    Ok(effects)
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
        Event::Ended { .. } => {
            wakeup::clear(sql, END, &row.key)?;
            Ok(Vec::new())
        }
        Event::InfoAnswered { .. } => {
            instructed(sql, context, row)?;
            Ok(Vec::new())
        }
        Event::Ringing { .. } | Event::Answered { .. } | Event::Rejected { .. } => Ok(Vec::new()),
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
    let end = row.greeting_ms.saturating_add(AFTER_GREETING_MS);
    wakeup::set(sql, END, &row.key, context.now_ms.saturating_add(end))?;
    Ok(issued.effects)
}

/// The greeting has been played: the INFO, if it is wanted then, and at last the BYE.
fn end_greeting(sql: &dyn Sql, context: &Context<'_>, row: &mut Row) -> Result<(), SqlError> {
    let choices = settings::load(sql)?;
    let late_info = instruction::by_info(&choices) && choices.info_timing == InfoTiming::After;
    if late_info && row.stage == Stage::Greeting {
        row.stage = Stage::Instructing;
        instruction::send_info(row, context.now_ms);
        let due = context.now_ms.saturating_add(AFTER_GREETING_MS);
        return wakeup::set(sql, END, &row.key, due);
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
    wakeup::clear(sql, END, &row.key)?;
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
