//! The requests to an upload, step by step. Every function runs in one transaction and leaves the upload in
//! a state from which the next request can go on, whatever becomes of this one.

mod settling;
mod visit;
mod writing;

use self::visit::Visit;
use super::{Step, answer, rows, state};
use crate::{
    context::Context,
    http::Request,
    mailbox::deposit::PartAnswer,
    signal::Reply,
    sql::{Sql, SqlError},
};

/// Begins a request, from its head alone.
pub fn start(sql: &dyn Sql, context: &Context<'_>, head: &Request) -> Result<Step, SqlError> {
    let visit = match Visit::new(sql, context, head) {
        Ok(visit) => visit,
        Err(step) => return Ok(*step),
    };
    match head.method.as_str() {
        "POST" => visit.create(),
        "HEAD" => visit.describe(),
        "PATCH" => visit.patch(),
        "DELETE" => visit.terminate(),
        _ => Ok(answer::refuse(
            head,
            405,
            "method_not_allowed",
            "Use HEAD, PATCH or DELETE.",
        )),
    }
}

/// Goes on after [`Step::Ask`].
pub fn told(
    sql: &dyn Sql,
    context: &Context<'_>,
    head: &Request,
    reply: &Reply,
) -> Result<Step, SqlError> {
    let visit = match Visit::new(sql, context, head) {
        Ok(visit) => visit,
        Err(step) => return Ok(*step),
    };
    let Reply::Value { value } = reply else {
        return Ok(answer::unavailable(head));
    };
    match serde_json::from_str::<PartAnswer>(value) {
        Ok(told) => visit.told(told),
        Err(_) => Ok(answer::unavailable(head)),
    }
}

/// Takes one piece of a body. A step ends the reading; nothing means that more may come.
pub fn append(
    sql: &dyn Sql,
    context: &Context<'_>,
    head: &Request,
    epoch: i64,
    bytes: &[u8],
) -> Result<Option<Step>, SqlError> {
    match Visit::new(sql, context, head) {
        Ok(visit) => visit.append(epoch, bytes),
        Err(step) => Ok(Some(*step)),
    }
}

/// The body ended as it should.
pub fn received(
    sql: &dyn Sql,
    context: &Context<'_>,
    head: &Request,
    epoch: i64,
) -> Result<Step, SqlError> {
    match Visit::new(sql, context, head) {
        Ok(visit) => visit.received(epoch),
        Err(step) => Ok(*step),
    }
}

/// The bytes are in the blob store, or (`done` is false) could not be written there.
pub fn stored(
    sql: &dyn Sql,
    context: &Context<'_>,
    head: &Request,
    done: bool,
) -> Result<Step, SqlError> {
    match Visit::new(sql, context, head) {
        Ok(visit) if done => visit.complete_from_blob(),
        Ok(_) => Ok(answer::unavailable(head)),
        Err(step) => Ok(*step),
    }
}

/// Lets go of everything: the reservation has run out. What became of the part, the mailbox knows.
pub(super) fn expire(sql: &dyn Sql) -> Result<(), SqlError> {
    rows::truncate(sql, 0)?;
    state::remove(sql)
}
