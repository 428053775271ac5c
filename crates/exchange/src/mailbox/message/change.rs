//! What the owner does to a message: its state, its removal and the undo, and its end by time.

use serde::Deserialize;

use super::{
    WAKEUP, end, show,
    show::{Message, find},
};
use crate::{
    context::Context,
    effect::Effect,
    http::{Request, Response},
    json,
    mailbox::{
        Answered,
        account::{self, Counters},
        notification, settings,
    },
    problem::{self, Refusal},
    sql::{Sql, SqlError, Value},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// `new`, `heard` or `saved`.
    state: Option<String>,
    /// A device holds the whole message; this is the hash of what it holds.
    sha256: Option<String>,
}

/// `PATCH /mailbox/messages/{id}`.
pub(in crate::mailbox) fn change(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
    id: &str,
) -> Answered {
    let body: Change = json::read(request)?;
    let message = shown(sql, request, id)?;
    check(request, &body, &message)?;
    let mut effects = Vec::new();
    if let Some(state) = body.state.filter(|state| *state != message.state) {
        set_state(sql, context, &message, &state)?;
        effects.extend(notification::tell_counts(sql, context)?);
    }
    if body.sha256.is_some() {
        effects.extend(delivered(sql, context, id)?);
    }
    let now = find(sql, id)?.unwrap_or(message);
    Ok((
        json::answer(200, &show::described(sql, context, &now)?),
        effects,
    ))
}

fn check(request: &Request, change: &Change, message: &Message) -> Result<(), Refusal> {
    let known = |state: &String| ["new", "heard", "saved"].contains(&state.as_str());
    if !change.state.as_ref().is_none_or(known) {
        let detail = "state is new, heard or saved.";
        return Err(Refusal::of(request, problem::INVALID_FIELD, detail));
    }
    let same = |hash: &String| hash.eq_ignore_ascii_case(&message.sha256);
    if !change.sha256.as_ref().is_none_or(same) {
        let detail = "The message has another SHA-256: it is not held whole.";
        return Err(Refusal::of(request, problem::CONFLICT, detail));
    }
    Ok(())
}

fn set_state(
    sql: &dyn Sql,
    context: &Context<'_>,
    message: &Message,
    state: &str,
) -> Result<(), SqlError> {
    let heard_at = match state {
        "new" => None,
        _ => Some(message.heard_at_ms.unwrap_or(context.now_ms)),
    };
    let parameters: [Value; 3] = [state.into(), heard_at.into(), message.sequence.into()];
    sql.query(
        "UPDATE messages SET state = ?, heard_at = ? WHERE sequence = ?",
        &parameters,
    )?;
    count(sql, context, &message.state, -1)?;
    count(sql, context, state, 1)?;
    let since = heard_at.unwrap_or(message.received_at_ms);
    end::watch(sql, context, state, since)
}

/// One message more or less of this state.
pub(super) fn count(
    sql: &dyn Sql,
    context: &Context<'_>,
    state: &str,
    by: i64,
) -> Result<(), SqlError> {
    let change = if state == "new" {
        Counters {
            new: by,
            ..Counters::default()
        }
    } else {
        Counters {
            old: by,
            ..Counters::default()
        }
    };
    account::count(sql, context, change)
}

/// A device holds the message; where the owner wished so, it is removed here (and may still be restored).
fn delivered(sql: &dyn Sql, context: &Context<'_>, id: &str) -> Result<Vec<Effect>, SqlError> {
    let Some(message) = find(sql, id)? else {
        return Ok(Vec::new());
    };
    sql.query(
        "UPDATE messages SET delivered_at = ? WHERE sequence = ?",
        &[context.now_ms.into(), message.sequence.into()],
    )?;
    if settings::load(sql)?.delete_after_delivery {
        return hide(sql, context, &message);
    }
    Ok(Vec::new())
}

/// `DELETE /mailbox/messages/{id}`: hidden at once, gone in 24 hours.
pub(in crate::mailbox) fn remove(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
    id: &str,
) -> Answered {
    let message = shown(sql, request, id)?;
    let effects = hide(sql, context, &message)?;
    Ok((Response::status(204), effects))
}

fn hide(sql: &dyn Sql, context: &Context<'_>, message: &Message) -> Result<Vec<Effect>, SqlError> {
    sql.query(
        "UPDATE messages SET removed_at = ? WHERE sequence = ?",
        &[context.now_ms.into(), message.sequence.into()],
    )?;
    count(sql, context, &message.state, -1)?;
    end::watch_removed(sql, context)?;
    notification::tell_counts(sql, context)
}

/// Removes all messages, without an undo; their bytes go by wake-ups that are due now. The caller sets the
/// counters.
pub(in crate::mailbox) fn remove_all(sql: &dyn Sql, context: &Context<'_>) -> Result<(), SqlError> {
    sql.query(
        "INSERT INTO wakeups (kind, key, due) SELECT ?, id, ? FROM messages WHERE true ON CONFLICT (kind, key) DO UPDATE SET due = excluded.due",
        &[WAKEUP.into(), context.now_ms.into()],
    )?;
    sql.query("DELETE FROM messages", &[])?;
    Ok(())
}

/// `POST /mailbox/messages/{id}/restore`; of a message that was not removed it is the message itself.
pub(in crate::mailbox) fn restore(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
    id: &str,
) -> Answered {
    let Some(message) = find(sql, id)? else {
        let detail = "The message is gone for good.";
        return Err(Refusal::of(request, problem::NOT_FOUND, detail));
    };
    let mut effects = Vec::new();
    if message.removed {
        sql.query(
            "UPDATE messages SET removed_at = NULL, kept_from = ? WHERE sequence = ?",
            &[context.now_ms.into(), message.sequence.into()],
        )?;
        count(sql, context, &message.state, 1)?;
        end::watch(sql, context, &message.state, context.now_ms)?;
        effects = notification::tell_counts(sql, context)?;
    }
    Ok((
        json::answer(200, &show::described(sql, context, &message)?),
        effects,
    ))
}

fn shown(sql: &dyn Sql, request: &Request, id: &str) -> Result<Message, Refusal> {
    find(sql, id)?
        .filter(|message| !message.removed)
        .ok_or_else(|| Refusal::of(request, problem::NOT_FOUND, "There is no such message."))
}
