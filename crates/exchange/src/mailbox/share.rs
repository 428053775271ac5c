//! Room for everybody: callers whom nobody knows share a mailbox by network, so that one network can never use it up
//! for others, not with messages either. While there is plenty of room nobody counts.

use super::account;
use crate::{
    context::Context,
    signal::Caller,
    sql::{Sql, SqlError},
};

/// One network may always have this part of a mailbox; more only while this part is free.
const SHARES: u64 = 4;

/// The bytes that one network may always have.
pub(super) const fn bytes(context: &Context<'_>) -> u64 {
    context.settings.mailbox_quota_bytes / SHARES
}

/// Whether so many bytes more would take room that is left for other networks. Like all limits by network it can be
/// turned off.
pub(super) fn is_used_up(
    sql: &dyn Sql,
    context: &Context<'_>,
    caller: &Caller,
    size: u64,
) -> Result<bool, SqlError> {
    let network = caller.network.as_deref().unwrap_or_default();
    let counts = context.settings.limit_sessions_per_hour > 0;
    if caller.verified || network.is_empty() || !counts {
        return Ok(false);
    }
    let used = account::counters(sql)?.bytes_used.unsigned_abs();
    let left = context.settings.mailbox_quota_bytes.saturating_sub(used);
    if left.saturating_sub(size) > bytes(context) {
        return Ok(false);
    }
    let rows = sql.query(
        "SELECT COALESCE(SUM(messages.size), 0) FROM messages JOIN sessions ON sessions.id = messages.session_id WHERE messages.caller_verified = 0 AND sessions.network = ?",
        &[network.into()],
    )?;
    let own = rows.first().map_or(0, |row| row.integer(0).unsigned_abs());
    Ok(own.saturating_add(size) > bytes(context))
}
