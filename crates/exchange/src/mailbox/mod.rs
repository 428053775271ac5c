//! `Mailbox`: one address. Its sessions, messages, greeting, notifications and settings, one module each;
//! this one only hands events to them.

pub mod account;
pub mod block;
pub mod greeting;
pub mod media;
pub mod message;
pub mod notification;
pub mod session;
pub mod settings;

use crate::{
    context::{Context, Outcome},
    effect::Effect,
    http::{Request, Response},
    signal::Signal,
    sql::{Sql, SqlError},
    wakeup,
};

/// Brings the mailbox's database to its newest schema; called before the first use of every new instance.
pub fn migrate(sql: &dyn Sql) -> Result<(), SqlError> {
    let mut first: Vec<&str> = vec![wakeup::TABLE];
    for schema in [
        account::SCHEMA,
        block::SCHEMA,
        greeting::SCHEMA,
        media::SCHEMA,
        message::SCHEMA,
        notification::SCHEMA,
        session::SCHEMA,
    ] {
        first.extend(schema);
    }
    crate::sql::migrate(sql, &[&first])
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

/// One HTTP request that the front gave to this mailbox.
pub fn on_http(
    _sql: &dyn Sql,
    _context: &Context<'_>,
    _request: &Request,
) -> Result<(Response, Vec<Effect>), SqlError> {
    Ok((Response::status(404), Vec::new()))
}
