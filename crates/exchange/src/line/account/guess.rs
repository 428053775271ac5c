//! Wrong passwords by network, over HTTP and SIP alike; counted for unknown addresses as for known ones.

use super::find;
use crate::{
    context::Context,
    effect::Effect,
    sql::{Sql, SqlError},
    wakeup,
};

/// Kind of the wake-up at which guesses at an address without an account are forgotten.
pub(in crate::line) const GUESSES: &str = "guesses";

/// So many wrong passwords from one network to one address are looked at in [`FAILURE_WINDOW_MS`].
const FAILURE_LIMIT: i64 = 20;
const FAILURE_WINDOW_MS: i64 = 300_000;

/// Whether no password from this network is to be looked at for a while.
pub(in crate::line) fn guessed_too_often(
    sql: &dyn Sql,
    context: &Context<'_>,
    network: &str,
) -> Result<bool, SqlError> {
    let since = context.now_ms.saturating_sub(FAILURE_WINDOW_MS);
    let rows = sql.query(
        "SELECT failures FROM login_failures WHERE network = ? AND since > ?",
        &[network.into(), since.into()],
    )?;
    Ok(rows
        .first()
        .is_some_and(|row| row.integer(0) >= FAILURE_LIMIT))
}

/// A password was wrong.
pub(in crate::line) fn count_failure(
    sql: &dyn Sql,
    context: &Context<'_>,
    network: &str,
) -> Result<(), SqlError> {
    let since = context.now_ms.saturating_sub(FAILURE_WINDOW_MS);
    sql.query(
        "DELETE FROM login_failures WHERE since <= ?",
        &[since.into()],
    )?;
    sql.query(
        "INSERT INTO login_failures (network, failures, since) VALUES (?, 1, ?) ON CONFLICT (network) DO UPDATE SET failures = failures + 1",
        &[network.into(), context.now_ms.into()],
    )?;
    if find(sql)?.is_none() {
        let due = context.now_ms.saturating_add(FAILURE_WINDOW_MS);
        wakeup::no_later_than(sql, GUESSES, "", due)?;
    }
    Ok(())
}

/// Forgets what is older than it is looked at, so that a line without an account is given back as a whole.
pub(in crate::line) fn forget_guesses(
    sql: &dyn Sql,
    context: &Context<'_>,
) -> Result<Vec<Effect>, SqlError> {
    let since = context.now_ms.saturating_sub(FAILURE_WINDOW_MS);
    sql.query(
        "DELETE FROM login_failures WHERE since <= ?",
        &[since.into()],
    )?;
    let rows = sql.query("SELECT MIN(since) FROM login_failures", &[])?;
    if let Some(oldest) = rows.first().and_then(|row| row.optional_integer(0)) {
        wakeup::set(sql, GUESSES, "", oldest.saturating_add(FAILURE_WINDOW_MS))?;
    }
    Ok(Vec::new())
}
