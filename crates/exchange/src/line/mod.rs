//! `Line`: one address. Account, bindings, ringing and forking: a stateful proxy (RFC 3261 section 16)
//! whose state lives in SQL.

pub mod account;

use crate::{
    context::{Context, Outcome},
    effect::Effect,
    http::{Request, Response},
    signal::Signal,
    sql::{Sql, SqlError},
};

/// Brings the line's database to its newest schema; called before the first use of every new instance.
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

/// The alarm went off: everything that is due, at most a bounded number of rows.
pub fn on_wakeup(_sql: &dyn Sql, _context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    Ok(Vec::new())
}

/// One HTTP request that the front gave to this line (login and account administration).
pub fn on_http(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _request: &Request,
) -> Result<(Response, Vec<Effect>), SqlError> {
    Ok((Response::status(404), Vec::new()))
}
