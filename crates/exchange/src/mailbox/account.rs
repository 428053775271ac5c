//! The mailbox's copy of its account: display name, login generation, settings and running counters in one
//! row, so that a mailbox of 10,000 messages answers as fast as one of ten.

use serde_json::json;

use super::{Answered, address, block, greeting, news, notification, settings};
use crate::{
    context::{Context, Outcome},
    effect::Effect,
    front,
    http::Request,
    json,
    problem::{self, Refusal},
    sql::{Sql, SqlError, Value},
};

/// The table of this module.
pub const SCHEMA: &[&str] = &[
    "CREATE TABLE mailbox (id INTEGER PRIMARY KEY CHECK (id = 0), display_name TEXT NOT NULL, generation INTEGER NOT NULL, settings TEXT NOT NULL, new_count INTEGER NOT NULL, old_count INTEGER NOT NULL, bytes_used INTEGER NOT NULL)",
    "INSERT INTO mailbox (id, display_name, generation, settings, new_count, old_count, bytes_used) VALUES (0, '', 0, '{}', 0, 0, 0)",
];

/// What others must learn of this row is an intent in the row itself (see [`super::news`]).
pub const SECOND_SCHEMA: &[&str] = &[
    "ALTER TABLE mailbox ADD COLUMN news INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE mailbox ADD COLUMN news_due INTEGER",
    "UPDATE mailbox SET news_due = 0 WHERE EXISTS (SELECT 1 FROM wakeups WHERE kind = 'directory' OR (kind = 'notification' AND key = 'counts'))",
    "DELETE FROM wakeups WHERE kind = 'directory' OR (kind = 'notification' AND key = 'counts')",
    "DELETE FROM outbox WHERE id = 'counts'",
];

/// What a mailbox holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Messages not yet heard.
    pub new: i64,
    /// Heard and saved messages.
    pub old: i64,
    /// Bytes of all messages and the greeting, those waiting for their final removal included.
    pub bytes_used: i64,
}

/// What the owner is called; empty where nobody said it.
pub(super) fn display_name(sql: &dyn Sql) -> Result<String, SqlError> {
    let rows = sql.query("SELECT display_name FROM mailbox", &[])?;
    Ok(rows.first().map_or_else(String::new, |row| row.text(0)))
}

/// The present counters.
pub fn counters(sql: &dyn Sql) -> Result<Counters, SqlError> {
    let rows = sql.query("SELECT new_count, old_count, bytes_used FROM mailbox", &[])?;
    Ok(rows.first().map_or_else(Counters::default, |row| Counters {
        new: row.integer(0),
        old: row.integer(1),
        bytes_used: row.integer(2),
    }))
}

/// New and old messages, for a line whose telephone has just registered.
pub(super) fn counts(sql: &dyn Sql) -> Result<Outcome, SqlError> {
    let counters = counters(sql)?;
    Ok(Outcome::value(
        json!([counters.new, counters.old]).to_string(),
    ))
}

/// Adds to the counters; negative numbers take away. The intent to tell it is written with it.
pub fn count(sql: &dyn Sql, context: &Context<'_>, change: Counters) -> Result<(), SqlError> {
    let due = news::due_ms(context);
    let parameters: [Value; 5] = [
        change.new.into(),
        change.old.into(),
        change.bytes_used.into(),
        due.into(),
        due.into(),
    ];
    sql.query(
        "UPDATE mailbox SET new_count = MAX(0, new_count + ?), old_count = MAX(0, old_count + ?), bytes_used = MAX(0, bytes_used + ?), news = news + 1, news_due = MIN(COALESCE(news_due, ?), ?)",
        &parameters,
    )?;
    Ok(())
}

/// The line says who the owner is now.
pub(super) fn changed(
    sql: &dyn Sql,
    display_name: &str,
    generation: u32,
) -> Result<Vec<Effect>, SqlError> {
    sql.query(
        "UPDATE mailbox SET display_name = ?1, generation = MAX(generation, ?2)",
        &[display_name.into(), generation.into()],
    )?;
    Ok(Vec::new())
}

/// Refuses a sign-in of an older generation. One of a newer generation was signed by us and is believed
/// before the line's news arrive. A request of the operator has none.
pub(super) fn check_generation(sql: &dyn Sql, request: &Request) -> Result<(), Refusal> {
    if request.header(front::ADMIN).is_some() {
        return Ok(());
    }
    let shown: Option<i64> = request
        .header(front::GENERATION)
        .and_then(|text| text.parse().ok());
    let rows = sql.query("SELECT generation FROM mailbox", &[])?;
    let known = rows.first().map_or(0, |row| row.integer(0));
    match shown {
        Some(shown) if shown == known => Ok(()),
        Some(shown) if shown > known => {
            sql.query("UPDATE mailbox SET generation = ?", &[shown.into()])?;
            Ok(())
        }
        Some(_) => Err(Refusal::of(
            request,
            problem::SIGNED_OUT,
            "The password was changed.",
        )),
        None => Err(Refusal::of(request, problem::UNAUTHORIZED, "")),
    }
}

/// `GET /mailbox`.
pub(super) fn show(sql: &dyn Sql, context: &Context<'_>) -> Answered {
    let counters = counters(sql)?;
    let greeting = greeting::current(sql, context)?;
    let content = json!({
        "address": address(context),
        "display_name": display_name(sql)?,
        "counts": {
            "new": counters.new,
            "old": counters.old,
            "total": counters.new.saturating_add(counters.old),
        },
        "storage": {
            "used": counters.bytes_used,
            "quota": context.settings.mailbox_quota_bytes,
        },
        "settings": settings::load(sql)?,
        "greeting": {
            "personal": greeting.personal,
            "url": greeting.url,
            "duration_ms": greeting.duration_ms,
            "caption": greeting.caption,
        },
        "webhooks": notification::webhooks(sql)?,
        "blocks": block::all(sql)?,
    });
    Ok((json::answer(200, &content), Vec::new()))
}
