//! `Mailbox`: one address. Its sessions, messages, greeting, notifications and settings, one module each;
//! this one only hands events to them.

pub mod account;
pub mod block;
mod calls;
pub mod deposit;
mod erasure;
pub mod greeting;
pub mod media;
mod media_type;
pub mod message;
mod news;
pub mod notification;
mod range;
pub mod session;
pub mod settings;
mod share;
mod voicemail;

pub use media_type::media_type;

use crate::{
    context::{Context, Outcome},
    effect::Effect,
    front,
    http::{Request, Response},
    object::Object,
    problem::{self, Refusal},
    signal::{Reply, Signal},
    sql::{Sql, SqlError},
    trace,
    wakeup::{self, Wakeup},
};

/// So many due rows are worked off at one alarm; the rest at the next, which follows at once.
const WAKEUPS_AT_ONCE: usize = 50;

type Answered = Result<(Response, Vec<Effect>), Refusal>;

/// Brings the mailbox's database to its newest schema; called before the first use of every new instance.
pub fn migrate(sql: &dyn Sql) -> Result<(), SqlError> {
    let mut first: Vec<&str> = vec![wakeup::TABLE];
    for schema in [
        account::SCHEMA,
        block::SCHEMA,
        deposit::SCHEMA,
        greeting::SCHEMA,
        media::SCHEMA,
        message::SCHEMA,
        notification::SCHEMA,
        session::SCHEMA,
        voicemail::SCHEMA,
    ] {
        first.extend(schema);
    }
    let mut second: Vec<&str> = Vec::new();
    for schema in [
        account::SECOND_SCHEMA,
        deposit::SECOND_SCHEMA,
        greeting::SECOND_SCHEMA,
        message::SECOND_SCHEMA,
        session::SECOND_SCHEMA,
        voicemail::SECOND_SCHEMA,
    ] {
        second.extend(schema);
    }
    let third = [message::THIRD_SCHEMA, session::THIRD_SCHEMA].concat();
    let fifth = [
        trace::SECOND_SCHEMA,
        message::FOURTH_SCHEMA,
        voicemail::FIFTH_SCHEMA,
    ]
    .concat();
    crate::sql::migrate(sql, &[&first, &second, &third, trace::SCHEMA, &fifth])
}

/// One signal, inside one transaction.
pub fn on_signal(
    sql: &dyn Sql,
    context: &Context<'_>,
    signal: Signal,
) -> Result<Outcome, SqlError> {
    let mut effects = match trace::opened(context, signal) {
        Signal::Trace {
            flow,
            caller,
            notes,
        } => {
            return trace::tell(sql, context, flow.as_deref(), caller.as_ref(), notes)
                .map(Outcome::done);
        }
        Signal::Made { id, call_id, call } => {
            trace::keep_made(sql, context, &id, &call_id, &call)?;
            Vec::new()
        }
        Signal::AccountChanged {
            display_name,
            generation,
        } => account::changed(sql, &display_name, generation)?,
        Signal::Voicemail {
            flow,
            caller,
            frame,
        } => voicemail::on_invite(sql, context, &flow, caller, &frame)?,
        Signal::Receive { flow, frame } => voicemail::on_message(sql, context, &flow, &frame)?,
        Signal::RepeatAnswer { key, waited_ms } => {
            voicemail::on_reminder(sql, context, &key, waited_ms)?
        }
        Signal::Undelivered { key, .. } => voicemail::on_undelivered(sql, context, &key)?,
        Signal::Replied { tag, reply } if tag.starts_with(notification::TAG) => {
            notification::on_reply(sql, context, &tag, reply == Reply::Done)?
        }
        Signal::Replied { tag, reply } if tag.starts_with(news::TAG) => {
            news::on_reply(sql, context, &tag, reply == Reply::Done)?
        }
        Signal::Posted {
            tag,
            status,
            retry_after_s,
        } => notification::on_posted(sql, context, &tag, status, retry_after_s)?,
        Signal::Counts {} => return account::counts(sql),
        Signal::Part { request } => return deposit::on_part(sql, context, *request),
        Signal::BlobDeleted { key, gone } => media::on_blob_deleted(sql, &key, gone)?,
        _ => return Ok(Outcome::failed("unexpected_signal")),
    };
    effects.extend(trace::finish(sql, context, &effects)?);
    Ok(Outcome::done(effects))
}

/// When the alarm must stand at the latest, Unix time in milliseconds. What is due by a module's own rows comes
/// beside the common table.
pub fn next_wakeup(sql: &dyn Sql) -> Result<Option<i64>, SqlError> {
    let dues = [
        wakeup::next(sql)?,
        voicemail::next_due(sql)?,
        news::next_due(sql)?,
    ];
    Ok(dues.into_iter().flatten().min())
}

/// The alarm went off: everything that is due, at most a bounded number of rows.
pub fn on_wakeup(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    let mut effects = voicemail::on_wakeup(sql, context)?;
    if news::next_due(sql)?.is_some_and(|due| due <= context.now_ms) {
        effects.extend(news::on_wakeup(sql, context)?);
    }
    for _ in 0..WAKEUPS_AT_ONCE {
        let Some(wakeup) = wakeup::take(sql, context.now_ms)? else {
            break;
        };
        effects.extend(wake(sql, context, &wakeup)?);
    }
    Ok(effects)
}

fn wake(sql: &dyn Sql, context: &Context<'_>, due: &Wakeup) -> Result<Vec<Effect>, SqlError> {
    match due.kind.as_str() {
        media::WAKEUP => media::on_wakeup(sql, context, &due.key),
        kind if deposit::WAKEUP.contains(&kind) => deposit::on_wakeup(sql, context, due),
        message::WAKEUP => message::on_wakeup(sql, context, &due.key),
        notification::WAKEUP => notification::on_wakeup(sql, context, &due.key),
        session::WAKEUP => session::on_wakeup(sql, context),
        trace::WAKEUP => trace::on_wakeup(sql, context),
        _ => Ok(Vec::new()),
    }
}

/// One HTTP request that the front gave to this mailbox.
pub fn on_http(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Result<(Response, Vec<Effect>), SqlError> {
    problem::settle(answer(sql, context, request))
}

fn answer(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let segments: Vec<&str> = request.path.split('/').skip(1).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("POST", ["deposits"]) => deposit::on_post(sql, context, request),
        ("GET" | "HEAD", ["sessions", "current"]) => deposit::on_current(sql, context, request),
        ("GET" | "HEAD", ["greeting"]) => greeting::play(sql, context, request),
        ("GET" | "HEAD", ["mailbox", "messages", id, "media"]) => message::media(sql, request, id),
        ("GET" | "HEAD", ["sessions", "current", "calls"]) => {
            calls::of_session(sql, context, request)
        }
        ("GET" | "HEAD", ["calls"]) => {
            account::check_generation(sql, request)?;
            calls::list(sql, context, request)
        }
        ("GET" | "HEAD", ["calls", id]) => calls::show(sql, context, request, id),
        (method, ["mailbox", rest @ ..]) => {
            account::check_generation(sql, request)?;
            owner(sql, context, request, method, rest)
        }
        _ => Err(Refusal::of(request, problem::NOT_FOUND, "")),
    }
}

/// What the owner may do, or the operator for the owner.
fn owner(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
    method: &str,
    rest: &[&str],
) -> Answered {
    match (method, rest) {
        ("GET", []) => account::show(sql, context),
        ("DELETE", []) => erasure::erase(sql, context),
        ("GET", ["messages"]) => message::list(sql, context, request),
        ("GET", ["messages", id]) => message::show(sql, context, request, id),
        ("PATCH", ["messages", id]) => message::change(sql, context, request, id),
        ("DELETE", ["messages", id]) => message::remove(sql, context, request, id),
        ("POST", ["messages", id, "restore"]) => message::restore(sql, context, request, id),
        ("GET" | "HEAD", ["greeting"]) => greeting::play(sql, context, request),
        ("PUT", ["greeting"]) => greeting::put(sql, context, request),
        ("PATCH", ["greeting"]) => greeting::describe(sql, request),
        ("DELETE", ["greeting"]) => greeting::remove(sql, context),
        ("PATCH", ["settings"]) => settings::change(sql, context, request),
        ("GET", ["webhooks"]) => notification::list_webhooks(sql),
        ("POST", ["webhooks"]) => notification::add_webhook(sql, context, request),
        ("DELETE", ["webhooks", id]) => notification::remove_webhook(sql, request, id),
        ("GET", ["blocks"]) => block::list(sql),
        ("POST", ["blocks"]) => block::add(sql, context, request),
        ("DELETE", ["blocks", address]) => block::remove(sql, context, request, address),
        ("POST", ["sessions", id, "revoke"]) => session::revoke(sql, request, id),
        _ => Err(Refusal::of(request, problem::NOT_FOUND, "")),
    }
}

/// Name of this mailbox: the normalised address of its owner.
fn address<'a>(context: &'a Context<'_>) -> &'a str {
    match &context.object {
        Object::Mailbox(address) => address,
        _ => "",
    }
}

/// The resource that the request's media token opens, if it came with one.
fn opened_resource(request: &Request) -> Option<&str> {
    request.header(front::RESOURCE)
}

#[cfg(test)]
mod tests;
