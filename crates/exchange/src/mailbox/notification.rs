//! Telling the owner: intents are rows written in the transaction of the commit, sent by wake-ups until they
//! are done. A webhook's id is its intent's, so that a repeat is recognised.

mod delivery;
mod line;
mod webhook;

pub(super) use self::{
    delivery::{on_posted, on_wakeup, tally},
    line::tell_ring_timeout,
    webhook::{add_webhook, forget_all, list_webhooks, remove_webhook, webhooks},
};
pub(super) use super::news::tell_line as tell_counts;
use crate::{
    context::Context,
    effect::Effect,
    sql::{Sql, SqlError},
};

/// The tables of this module.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE webhooks (id TEXT PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL, created_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE outbox (id TEXT PRIMARY KEY, kind TEXT NOT NULL, target TEXT NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL, created_at INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID",
];

/// Kind of the wake-ups that send intents; the key is the intent's id.
pub const WAKEUP: &str = "notification";

/// Beginning of the tags under which replies and answers come back; the intent's id and version follow.
pub const TAG: &str = "notification:";

/// Writes the intents for a message that was just inserted, and gives the first attempt of each as effects.
pub fn announce(
    sql: &dyn Sql,
    context: &Context<'_>,
    message_id: &str,
) -> Result<Vec<Effect>, SqlError> {
    // The telephones first: they answer at once, a webhook may take its time.
    let mut effects = tell_counts(sql, context)?;
    effects.extend(delivery::announce(sql, context, message_id)?);
    Ok(effects)
}

/// The reply to a signal whose tag begins with [`TAG`].
pub(super) fn on_reply(
    sql: &dyn Sql,
    _context: &Context<'_>,
    tag: &str,
    done: bool,
) -> Result<Vec<Effect>, SqlError> {
    line::on_reply(sql, tag, done)
}
