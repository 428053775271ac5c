//! What others must learn of the mailbox's counters: the owner's line at once, for the lamp on the telephones
//! (RFC 3842), and the directory within a minute. The intent is part of the row that holds the counters, so that
//! it costs no row of its own: `news` counts the changes, `news_due` is when they must be told at the latest.
//!
//! The line hears of a change right away, without waiting for the answer. When `news_due` has come, line and
//! directory are told (again) one after the other, and the intent ends when both have taken the newest counters.

use serde_json::json;

use super::{account, address, notification};
use crate::{
    context::Context,
    directory,
    effect::Effect,
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError},
};

/// Beginning of the tags of this module's signals; receiver and version follow.
pub(super) const TAG: &str = "news:";

const LINE: &str = "line";
const DIRECTORY: &str = "directory";

/// Many changes within this time make one row at the directory.
const LAG_MS: i64 = 60_000;
/// When the line did not take a change at once, it hears it again after this time.
const RETRY_MS: i64 = 2_000;

/// When a change of now must have been told.
pub(super) const fn due_ms(context: &Context<'_>) -> i64 {
    context.now_ms.saturating_add(LAG_MS)
}

/// When this module wants to be woken.
pub(super) fn next_due(sql: &dyn Sql) -> Result<Option<i64>, SqlError> {
    let rows = sql.query("SELECT news_due FROM mailbox", &[])?;
    Ok(rows.first().and_then(|row| row.optional_integer(0)))
}

/// Something else changed that the directory lists.
pub(super) fn tell_later(sql: &dyn Sql, context: &Context<'_>) -> Result<(), SqlError> {
    sql.query(
        "UPDATE mailbox SET news = news + 1, news_due = COALESCE(news_due, ?)",
        &[due_ms(context).into()],
    )?;
    Ok(())
}

/// Tells the owner's telephones the present counts; the intent was written with the counters.
pub(super) fn tell_line(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    Ok(vec![to_line(sql, context, "")?])
}

/// It is time to tell everybody. The intent stays until all have said that they know.
pub(super) fn on_wakeup(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    let version = version(sql)?;
    Ok(vec![to_line(sql, context, &version)?])
}

/// What the line or the directory answered. A failed first attempt is made again soon.
pub(super) fn on_reply(
    sql: &dyn Sql,
    context: &Context<'_>,
    tag: &str,
    done: bool,
) -> Result<Vec<Effect>, SqlError> {
    let names = tag.strip_prefix(TAG).and_then(|rest| rest.split_once(':'));
    match (names, done) {
        (Some((LINE, "")), false) => {
            sql.query(
                "UPDATE mailbox SET news_due = MIN(news_due, ?)",
                &[context.now_ms.saturating_add(RETRY_MS).into()],
            )?;
            Ok(Vec::new())
        }
        (Some((LINE, told)), true) if !told.is_empty() => {
            Ok(vec![to_directory(sql, context, told)?])
        }
        (Some((DIRECTORY, told)), true) => {
            sql.query(
                "UPDATE mailbox SET news_due = CASE WHEN news = ? THEN NULL ELSE ? END",
                &[
                    told.parse::<i64>().unwrap_or(-1).into(),
                    due_ms(context).into(),
                ],
            )?;
            Ok(Vec::new())
        }
        _ => Ok(Vec::new()),
    }
}

fn version(sql: &dyn Sql) -> Result<String, SqlError> {
    let rows = sql.query("SELECT news FROM mailbox", &[])?;
    let version = rows.first().map_or(0, |row| row.integer(0));
    Ok(version.to_string())
}

fn to_line(sql: &dyn Sql, context: &Context<'_>, version: &str) -> Result<Effect, SqlError> {
    let counters = account::counters(sql)?;
    Ok(Effect::Signal {
        to: Object::Line(address(context).to_owned()),
        signal: Box::new(Signal::MessageSummary {
            new: u32::try_from(counters.new).unwrap_or(u32::MAX),
            old: u32::try_from(counters.old).unwrap_or(u32::MAX),
        }),
        tag: format!("{TAG}{LINE}:{version}"),
    })
}

/// The directory is told what holds now under the version that the line was told: had anything changed since,
/// the intent would stay.
fn to_directory(sql: &dyn Sql, context: &Context<'_>, version: &str) -> Result<Effect, SqlError> {
    let own = address(context).to_owned();
    Ok(Effect::Signal {
        to: Object::Directory(directory::shard(&own)),
        signal: Box::new(Signal::DirectoryRow {
            address: own,
            facts: facts(sql)?,
        }),
        tag: format!("{TAG}{DIRECTORY}:{version}"),
    })
}

fn facts(sql: &dyn Sql) -> Result<String, SqlError> {
    let counters = account::counters(sql)?;
    let notifications = notification::tally(sql)?;
    Ok(json!({
        "new": counters.new,
        "old": counters.old,
        "bytes_used": counters.bytes_used,
        "notifications": { "waiting": notifications.waiting, "failed": notifications.failed },
    })
    .to_string())
}
