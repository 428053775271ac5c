//! How long the owner's line is to ring: one intent, always with what holds at the moment of the attempt.

use super::{TAG, WAKEUP};
use crate::{
    context::Context,
    effect::Effect,
    mailbox::{address, settings},
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError, Value},
    wakeup,
};

const RING_TIMEOUT: &str = "ring_timeout";

const FIRST_RETRY_MS: i64 = 2_000;
const LONGEST_RETRY_MS: i64 = 3_600_000;

/// Whether the intent of this id is one of this module's.
pub(super) fn is_own(id: &str) -> bool {
    id == RING_TIMEOUT
}

/// Writes the intent to tell the line how long to ring, and makes the first attempt.
pub(in crate::mailbox) fn tell_ring_timeout(
    sql: &dyn Sql,
    context: &Context<'_>,
) -> Result<Vec<Effect>, SqlError> {
    let id = RING_TIMEOUT;
    let parameters: [Value; 3] = [
        id.into(),
        context.entropy.token().into(),
        context.now_ms.into(),
    ];
    sql.query(
        "INSERT OR REPLACE INTO outbox (id, kind, target, body, tries, created_at, state) VALUES (?, 'line', '', ?, 0, ?, 'waiting')",
        &parameters,
    )?;
    attempt(sql, context, id)
}

/// Tells what holds now; again after a while unless the line has taken it.
pub(super) fn attempt(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
) -> Result<Vec<Effect>, SqlError> {
    let rows = sql.query(
        "UPDATE outbox SET tries = tries + 1 WHERE id = ? RETURNING tries, body",
        &[id.into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(Vec::new());
    };
    let doublings = u32::try_from(row.integer(0).saturating_sub(1)).unwrap_or(0);
    let delay = FIRST_RETRY_MS
        .saturating_mul(1 << doublings.min(20))
        .min(LONGEST_RETRY_MS);
    wakeup::set(sql, WAKEUP, id, context.now_ms.saturating_add(delay))?;
    Ok(vec![Effect::Signal {
        to: Object::Line(address(context).to_owned()),
        signal: Box::new(signal(sql)?),
        tag: format!("{TAG}{id}:{}", row.text(1)),
    }])
}

fn signal(sql: &dyn Sql) -> Result<Signal, SqlError> {
    let seconds = settings::load(sql)?.ring_timeout_s;
    Ok(Signal::RingTimeout { seconds })
}

/// The line took this version, or did not.
pub(super) fn on_reply(sql: &dyn Sql, tag: &str, done: bool) -> Result<Vec<Effect>, SqlError> {
    let names = tag.strip_prefix(TAG).and_then(|rest| rest.split_once(':'));
    let (Some((id, version)), true) = (names, done) else {
        return Ok(Vec::new());
    };
    let removed = sql.query(
        "DELETE FROM outbox WHERE id = ? AND body = ? RETURNING 1",
        &[id.into(), version.into()],
    )?;
    if !removed.is_empty() {
        wakeup::clear(sql, WAKEUP, id)?;
    }
    Ok(Vec::new())
}
