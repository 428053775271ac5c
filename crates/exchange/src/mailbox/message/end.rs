//! When messages go for good: removed ones after the time for the undo, others after the owner's retention. One
//! wake-up stands at the earliest end or before it.

use super::{
    UNDO_MS, WAKEUP,
    change::count,
    store::{purge, retention_ms},
};
use crate::{
    context::Context,
    effect::Effect,
    mailbox::notification,
    sql::{Sql, SqlError, Value},
    wakeup,
};

/// An unheard message lives so many times as long as a heard one.
const UNHEARD_FACTOR: i64 = 3;
/// So many messages go at one alarm; the rest at the next.
const AT_ONCE: u64 = 50;

/// The end of every message that has one. Retention counts from when it was heard, or received while nobody
/// heard it, and anew from when a removal was undone: who does that does not want to lose it tonight.
const ENDS: &str = "SELECT id, state, removed_at, CASE WHEN removed_at IS NOT NULL THEN removed_at + ? WHEN state = 'saved' THEN NULL WHEN state = 'new' THEN MAX(received_at, COALESCE(kept_from, 0)) + ? ELSE MAX(COALESCE(heard_at, received_at), COALESCE(kept_from, 0)) + ? END AS end FROM messages";

/// Makes sure that a message in this state, kept from `since_ms` on, goes in time.
pub(super) fn watch(
    sql: &dyn Sql,
    context: &Context<'_>,
    state: &str,
    since_ms: i64,
) -> Result<(), SqlError> {
    let [_, unheard, heard] = terms(sql, context)?;
    let kept = match state {
        "saved" => return Ok(()),
        "new" => unheard,
        _ => heard,
    };
    wakeup::no_later_than(sql, WAKEUP, "", since_ms.saturating_add(kept))
}

/// Makes sure that a message that was removed now goes in time.
pub(super) fn watch_removed(sql: &dyn Sql, context: &Context<'_>) -> Result<(), SqlError> {
    wakeup::no_later_than(sql, WAKEUP, "", context.now_ms.saturating_add(UNDO_MS))
}

/// A wake-up of kind [`WAKEUP`] is due.
pub(in crate::mailbox) fn on_wakeup(
    sql: &dyn Sql,
    context: &Context<'_>,
    key: &str,
) -> Result<Vec<Effect>, SqlError> {
    if key.is_empty() {
        return sweep(sql, context);
    }
    purge(sql, context, key)
}

fn sweep(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    let mut parameters: Vec<Value> = terms(sql, context)?.map(Value::from).to_vec();
    let earliest = format!("SELECT MIN(end) FROM ({ENDS})");
    let over = format!("SELECT id, state, removed_at FROM ({ENDS}) WHERE end <= ? LIMIT ?");
    let next = parameters.clone();
    parameters.extend([context.now_ms.into(), AT_ONCE.into()]);
    let mut effects = Vec::new();
    for row in sql.query(&over, &parameters)? {
        if row.optional_integer(2).is_none() {
            count(sql, context, &row.text(1), -1)?;
            effects = notification::tell_counts(sql, context)?;
        }
        effects.extend(purge(sql, context, &row.text(0))?);
    }
    let rows = sql.query(&earliest, &next)?;
    if let Some(due) = rows.first().and_then(|row| row.optional_integer(0)) {
        wakeup::set(sql, WAKEUP, "", due)?;
    }
    Ok(effects)
}

/// How long removed, unheard and heard messages stay.
fn terms(sql: &dyn Sql, context: &Context<'_>) -> Result<[i64; 3], SqlError> {
    let heard = retention_ms(sql, context)?;
    Ok([UNDO_MS, heard.saturating_mul(UNHEARD_FACTOR), heard])
}
