//! The message-waiting lamp (RFC 3842): one intent, always with the newest counts.

use super::{TAG, WAKEUP};
use crate::{
    context::Context,
    effect::Effect,
    mailbox::{account, address},
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError, Value},
    wakeup,
};

/// Id of the one intent of this kind.
pub(super) const ID: &str = "counts";

const FIRST_RETRY_MS: i64 = 2_000;
const LAST_TRY: i64 = 10;

/// Writes the intent to tell the owner's telephones the present counts, and makes the first attempt.
pub fn tell_counts(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    let parameters: [Value; 3] = [
        ID.into(),
        context.entropy.token().into(),
        context.now_ms.into(),
    ];
    sql.query(
        "INSERT OR REPLACE INTO outbox (id, kind, target, body, tries, created_at, state) VALUES (?, 'counts', '', ?, 0, ?, 'waiting')",
        &parameters,
    )?;
    attempt(sql, context)
}

/// Tells the counts of this moment; again after a while unless the line has taken them.
pub(super) fn attempt(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    let rows = sql.query(
        "UPDATE outbox SET tries = tries + 1 WHERE id = ? RETURNING tries, body",
        &[ID.into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(Vec::new());
    };
    let tries = row.integer(0);
    if tries > LAST_TRY {
        // Every registration asks for the counts anew, so nothing is lost with the intent.
        sql.query("DELETE FROM outbox WHERE id = ?", &[ID.into()])?;
        return Ok(Vec::new());
    }
    let doublings = u32::try_from(tries.saturating_sub(1)).unwrap_or(0);
    let delay = FIRST_RETRY_MS.checked_shl(doublings).unwrap_or(i64::MAX);
    wakeup::set(sql, WAKEUP, ID, context.now_ms.saturating_add(delay))?;
    let counters = account::counters(sql)?;
    Ok(vec![Effect::Signal {
        to: Object::Line(address(context).to_owned()),
        signal: Box::new(Signal::MessageSummary {
            new: u32::try_from(counters.new).unwrap_or(u32::MAX),
            old: u32::try_from(counters.old).unwrap_or(u32::MAX),
        }),
        tag: format!("{TAG}{ID}:{}", row.text(1)),
    }])
}

/// The line took the counts of this version, or did not.
pub(super) fn on_reply(sql: &dyn Sql, tag: &str, done: bool) -> Result<Vec<Effect>, SqlError> {
    let version = tag.rsplit_once(':').map_or("", |(_, version)| version);
    if !done {
        return Ok(Vec::new());
    }
    let removed = sql.query(
        "DELETE FROM outbox WHERE id = ? AND body = ? RETURNING 1",
        &[ID.into(), version.into()],
    )?;
    if !removed.is_empty() {
        wakeup::clear(sql, WAKEUP, ID)?;
    }
    Ok(Vec::new())
}
