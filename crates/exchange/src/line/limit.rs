//! How often one network may ring this line, over however many connections.

use crate::{
    context::Context,
    sql::{Sql, SqlError},
};

const MINUTE_MS: i64 = 60_000;

/// The table of this module.
pub(super) const SCHEMA: &[&str] = &[
    "CREATE TABLE invites (network TEXT PRIMARY KEY, since INTEGER NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID",
];

/// Counts a call; false when the network's share of this minute is used up. Without a limit nothing is
/// written.
pub(super) fn may_ring(
    sql: &dyn Sql,
    context: &Context<'_>,
    network: &str,
) -> Result<bool, SqlError> {
    let limit = i64::from(context.settings.limit_invites_per_minute);
    if limit == 0 {
        return Ok(true);
    }
    let past = context.now_ms.saturating_sub(MINUTE_MS);
    sql.query("DELETE FROM invites WHERE since <= ?", &[past.into()])?;
    let rows = sql.query(
        "INSERT INTO invites (network, since, count) VALUES (?, ?, 1) ON CONFLICT (network) DO UPDATE SET count = count + 1 RETURNING count",
        &[network.into(), context.now_ms.into()],
    )?;
    Ok(rows.first().is_none_or(|row| row.integer(0) <= limit))
}
