//! What others must learn about the account: its mailbox (name and generation), its directory shard, and
//! shard 0 that there is a user at all. One row for each until it was taken, with a wake-up to try again.

use serde_json::json;

use super::{Account, address, find};
use crate::{
    context::Context,
    directory,
    effect::Effect,
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError},
    wakeup,
};

/// Kind of the wake-ups that belong to this module; the line hands them to [`on_wakeup`].
pub const WAKEUP: &str = "account";

/// Beginning of the tags of signals that this module sends; the line hands their replies to [`on_reply`].
pub const TAG: &str = "account:";

const RECEIVERS: [&str; 3] = ["mailbox", "directory", "first"];
const FIRST_RETRY_MS: i64 = 2_000;
const LONGEST_RETRY_MS: i64 = 3_600_000;

/// The account changed: everybody is to be told.
pub(super) fn spread(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    let mut effects = Vec::new();
    for receiver in RECEIVERS {
        sql.query(
            "INSERT INTO account_news (receiver, version, tries) VALUES (?, ?, 0) ON CONFLICT (receiver) DO UPDATE SET version = excluded.version, tries = 0",
            &[receiver.into(), context.entropy.token().into()],
        )?;
        effects.extend(on_wakeup(sql, context, receiver)?);
    }
    Ok(effects)
}

/// A wake-up of kind [`WAKEUP`] is due: say it (again), unless it was taken.
pub fn on_wakeup(sql: &dyn Sql, context: &Context<'_>, key: &str) -> Result<Vec<Effect>, SqlError> {
    let rows = sql.query(
        "UPDATE account_news SET tries = tries + 1 WHERE receiver = ? RETURNING tries, version",
        &[key.into()],
    )?;
    let (Some(row), Some(account)) = (rows.first(), find(sql)?) else {
        return Ok(Vec::new());
    };
    let doublings = u32::try_from(row.integer(0))
        .unwrap_or(1)
        .min(12)
        .saturating_sub(1);
    let delay = (FIRST_RETRY_MS << doublings).min(LONGEST_RETRY_MS);
    wakeup::set(sql, WAKEUP, key, context.now_ms.saturating_add(delay))?;
    Ok(vec![effect(context, &account, key, &row.text(1))])
}

/// The reply to a signal whose tag begins with [`TAG`]. A late reply to older news ends nothing.
pub fn on_reply(
    sql: &dyn Sql,
    _context: &Context<'_>,
    tag: &str,
    done: bool,
) -> Result<(), SqlError> {
    let names = tag.strip_prefix(TAG).and_then(|rest| rest.split_once(':'));
    let (Some((receiver, version)), true) = (names, done) else {
        return Ok(());
    };
    let removed = sql.query(
        "DELETE FROM account_news WHERE receiver = ? AND version = ? RETURNING 1",
        &[receiver.into(), version.into()],
    )?;
    if !removed.is_empty() {
        wakeup::clear(sql, WAKEUP, receiver)?;
    }
    Ok(())
}

fn effect(context: &Context<'_>, account: &Account, receiver: &str, version: &str) -> Effect {
    let address = address(context).to_owned();
    let (to, signal) = match receiver {
        "mailbox" => (
            Object::Mailbox(address),
            Signal::AccountChanged {
                display_name: account.display_name.clone(),
                generation: account.generation,
            },
        ),
        "directory" => (
            Object::Directory(directory::shard(&address)),
            Signal::DirectoryRow {
                address,
                facts: json!({
                    "display_name": account.display_name,
                    "created_at": deposit::time::rfc3339(account.created_at_ms),
                })
                .to_string(),
            },
        ),
        _ => (Object::Directory(0), Signal::FirstUser {}),
    };
    Effect::Signal {
        to,
        signal: Box::new(signal),
        tag: format!("{TAG}{receiver}:{version}"),
    }
}
