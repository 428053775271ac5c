//! `Directory`: one shard of the list of users, with each mailbox's last counters. Admin lists and metrics
//! read it; no call and no deposit ever waits for it.

mod metrics;

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

pub use self::metrics::{Totals, metrics};
use crate::{
    context::{Context, Outcome},
    effect::Effect,
    front,
    http::{Request, Response},
    json,
    object::{DIRECTORY_SHARDS, Object},
    problem::{self, Refusal},
    settings::Settings,
    signal::Signal,
    sql::{Sql, SqlError, Value},
    wakeup,
};

const SCHEMA: &[&str] = &[
    wakeup::TABLE,
    "CREATE TABLE users (address TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE deployment (id INTEGER PRIMARY KEY CHECK (id = 0), has_users INTEGER NOT NULL)",
];
const PAGE: usize = 100;

/// The shard in which an address is listed.
#[must_use]
pub fn shard(address: &str) -> u32 {
    let digest: [u8; 32] = Sha256::digest(address.as_bytes()).into();
    let [first, ..] = digest;
    u32::from(first) % DIRECTORY_SHARDS
}

/// Brings the directory's database to its newest schema.
pub fn migrate(sql: &dyn Sql) -> Result<(), SqlError> {
    crate::sql::migrate(sql, &[SCHEMA])
}

/// One signal, inside one transaction.
pub fn on_signal(
    sql: &dyn Sql,
    _context: &Context<'_>,
    signal: Signal,
) -> Result<Outcome, SqlError> {
    match signal {
        Signal::DirectoryRow { address, facts } => note(sql, &address, &facts)?,
        Signal::FirstUser {} => {
            sql.query(
                "INSERT OR REPLACE INTO deployment (id, has_users) VALUES (0, 1)",
                &[],
            )?;
        }
        Signal::Totals {} => {
            let totals = serde_json::to_string(&metrics::totals(sql)?).unwrap_or_default();
            return Ok(Outcome::value(totals));
        }
        _ => return Ok(Outcome::failed("unexpected_signal")),
    }
    Ok(Outcome::done(Vec::new()))
}

/// The alarm went off; a directory sets none.
pub fn on_wakeup(_sql: &dyn Sql, _context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    Ok(Vec::new())
}

/// `GET /admin/first-run` and `GET /admin/users?after=`.
pub fn on_http(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Result<(Response, Vec<Effect>), SqlError> {
    problem::settle(
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/admin/first-run") => Ok(first_run(sql, context.settings)?),
            ("GET", "/admin/users") => Ok(list(sql, context, request)?),
            _ => Err(Refusal::of(request, problem::NOT_FOUND, "")),
        }
        .map(|response| (response, Vec::new())),
    )
}

fn first_run(sql: &dyn Sql, settings: &Settings) -> Result<Response, SqlError> {
    let rows = sql.query("SELECT 1 FROM deployment WHERE has_users = 1", &[])?;
    Ok(json::answer(
        200,
        &json!({ "needed": rows.is_empty(), "demo": settings.demo }),
    ))
}

/// New facts replace old ones of the same name; the others stay.
fn note(sql: &dyn Sql, address: &str, facts: &str) -> Result<(), SqlError> {
    let rows = sql.query(
        "SELECT facts FROM users WHERE address = ?",
        &[address.into()],
    )?;
    let mut merged = rows
        .first()
        .map_or_else(Map::new, |row| object(&row.text(0)));
    merged.extend(object(facts));
    let text = Json::Object(merged).to_string();
    sql.query(
        "INSERT OR REPLACE INTO users (address, facts) VALUES (?, ?)",
        &[address.into(), text.into()],
    )?;
    Ok(())
}

fn object(text: &str) -> Map<String, Json> {
    serde_json::from_str(text).unwrap_or_default()
}

/// One page of users. A page ends with its shard; `next` leads through all shards.
fn list(sql: &dyn Sql, context: &Context<'_>, request: &Request) -> Result<Response, SqlError> {
    let own = match context.object {
        Object::Directory(shard) => shard,
        _ => 0,
    };
    let after = front::query_value(&request.query, "after").unwrap_or_default();
    let address = after.split_once(':').map_or("", |(_, address)| address);
    let parameters: [Value; 2] = [address.into(), (PAGE as u64).into()];
    let rows = sql.query(
        "SELECT address, facts FROM users WHERE address > ? ORDER BY address LIMIT ?",
        &parameters,
    )?;
    let last = rows
        .last()
        .filter(|_| rows.len() == PAGE)
        .map(|row| row.text(0));
    let next = match last {
        Some(last) => Some(format!("{own}:{last}")),
        None => Some(own.saturating_add(1))
            .filter(|shard| *shard < DIRECTORY_SHARDS)
            .map(|shard| format!("{shard}:")),
    };
    let users: Vec<Json> = rows
        .iter()
        .map(|row| user(&row.text(0), &row.text(1)))
        .collect();
    Ok(json::answer(200, &json!({ "users": users, "next": next })))
}

fn user(address: &str, facts: &str) -> Json {
    let mut user = object(facts);
    user.insert("address".to_owned(), address.into());
    Json::Object(user)
}

#[cfg(test)]
mod tests;
