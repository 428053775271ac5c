//! `Directory`: one shard of the list of users, with each mailbox's last counters. Admin lists and metrics
//! read it; no call and no deposit ever waits for it.

use crate::{
    context::{Context, Outcome},
    effect::Effect,
    http::{Request, Response},
    signal::Signal,
    sql::{Sql, SqlError},
};

/// Brings the directory's database to its newest schema.
pub fn migrate(_sql: &dyn Sql) -> Result<(), SqlError> {
    Ok(())
}

/// One signal, inside one transaction.
pub fn on_signal(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _signal: Signal,
) -> Result<Outcome, SqlError> {
    Ok(Outcome::failed("not_built"))
}

/// The alarm went off.
pub fn on_wakeup(_sql: &dyn Sql, _context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    Ok(Vec::new())
}

/// One HTTP request that the front gave to this shard.
pub fn on_http(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _request: &Request,
) -> Result<(Response, Vec<Effect>), SqlError> {
    Ok((Response::status(404), Vec::new()))
}
