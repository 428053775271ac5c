//! Blocked callers: they get no session, and sessions they hold are revoked.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Answered, session};
use crate::{
    context::Context,
    http::{Request, Response},
    json,
    problem::{self, Refusal},
    sql::{Sql, SqlError},
};

/// The table of this module.
pub const SCHEMA: &[&str] =
    &["CREATE TABLE blocks (address TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID"];

/// Whether this normalised address is blocked.
pub fn is_blocked(sql: &dyn Sql, address: &str) -> Result<bool, SqlError> {
    let rows = sql.query("SELECT 1 FROM blocks WHERE address = ?", &[address.into()])?;
    Ok(!rows.is_empty())
}

/// All blocks, as the API shows them.
pub(super) fn all(sql: &dyn Sql) -> Result<Vec<Json>, SqlError> {
    let rows = sql.query(
        "SELECT address, since FROM blocks ORDER BY address LIMIT 1000",
        &[],
    )?;
    let block = |address: String, since: i64| json!({ "address": address, "since": deposit::time::rfc3339(since) });
    Ok(rows
        .iter()
        .map(|row| block(row.text(0), row.integer(1)))
        .collect())
}

/// `GET /mailbox/blocks`.
pub(super) fn list(sql: &dyn Sql) -> Answered {
    Ok((
        json::answer(200, &json!({ "blocks": all(sql)? })),
        Vec::new(),
    ))
}

#[derive(Deserialize)]
struct Block {
    address: String,
}

/// `POST /mailbox/blocks`: from now on no session for this caller, and none of the present ones counts.
pub(super) fn add(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Answered {
    let body: Block = json::read(request)?;
    let address = normalised(context, request, &body.address)?;
    sql.query(
        "INSERT INTO blocks (address, since) VALUES (?, ?) ON CONFLICT (address) DO NOTHING",
        &[address.as_str().into(), context.now_ms.into()],
    )?;
    let effects = session::revoke_all_of(sql, &address)?;
    Ok((Response::status(204), effects))
}

/// `DELETE /mailbox/blocks/{address}`.
pub(super) fn remove(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
    address: &str,
) -> Answered {
    let decoded = crate::front::percent_decoded(address).unwrap_or_default();
    let address = normalised(context, request, &decoded)?;
    let removed = sql.query(
        "DELETE FROM blocks WHERE address = ? RETURNING 1",
        &[address.into()],
    )?;
    if removed.is_empty() {
        return Err(Refusal::of(
            request,
            problem::NOT_FOUND,
            "This caller is not blocked.",
        ));
    }
    Ok((Response::status(204), Vec::new()))
}

/// Callers of other domains can be blocked too.
fn normalised(context: &Context<'_>, request: &Request, text: &str) -> Result<String, Refusal> {
    context
        .settings
        .address(text)
        .map(|address| address.as_str().to_owned())
        .map_err(|error| Refusal::of(request, problem::INVALID_FIELD, &error.to_string()))
}
