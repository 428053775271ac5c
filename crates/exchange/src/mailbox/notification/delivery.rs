//! Posting news to webhooks until they are taken: the same id and body at every try, ten tries over a day.

use deposit::webhook::{Secret, sign};
use serde_json::json;

use super::{TAG, WAKEUP, line, webhook::forget};
use crate::{
    context::Context,
    effect::Effect,
    mailbox::{address, message, news},
    sql::{Sql, SqlError, Value},
    wakeup,
};

/// How long after each failed try the next one follows. The first ones are quick, for a receiver that was
/// just restarted; together they last a day.
const DELAYS_S: [i64; 9] = [1, 2, 4, 30, 300, 1_800, 7_200, 21_600, 50_400];
/// A try of which nothing was heard counts as failed after this time: longer than a receiver may take, which is
/// 15 s, and short for one that waits because the process died.
const LOST_AFTER_MS: i64 = 20_000;
const LONGEST_RETRY_AFTER_S: i64 = 86_400;

/// How many intents are not delivered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::mailbox) struct Tally {
    /// There will be another try.
    pub(in crate::mailbox) waiting: i64,
    /// Given up.
    pub(in crate::mailbox) failed: i64,
}

/// Counts the webhooks' intents.
pub(in crate::mailbox) fn tally(sql: &dyn Sql) -> Result<Tally, SqlError> {
    let rows = sql.query(
        "SELECT IFNULL(SUM(state = 'waiting'), 0), IFNULL(SUM(state = 'failed'), 0) FROM outbox WHERE kind = 'webhook'",
        &[],
    )?;
    Ok(rows.first().map_or_else(Tally::default, |row| Tally {
        waiting: row.integer(0),
        failed: row.integer(1),
    }))
}

/// One intent for each webhook, and their first tries.
pub(super) fn announce(
    sql: &dyn Sql,
    context: &Context<'_>,
    message_id: &str,
) -> Result<Vec<Effect>, SqlError> {
    let webhooks = sql.query("SELECT id FROM webhooks ORDER BY id", &[])?;
    if webhooks.is_empty() {
        return Ok(Vec::new());
    }
    let body = event(sql, context, message_id)?;
    let mut effects = Vec::new();
    for row in &webhooks {
        let webhook = row.text(0);
        let id = format!("msg_{message_id}_{webhook}");
        let parameters: [Value; 4] = [
            id.as_str().into(),
            webhook.into(),
            body.as_str().into(),
            context.now_ms.into(),
        ];
        sql.query(
            "INSERT INTO outbox (id, kind, target, body, tries, created_at, state) VALUES (?, 'webhook', ?, ?, 0, ?, 'waiting')",
            &parameters,
        )?;
        effects.extend(attempt(sql, context, &id)?);
    }
    Ok(effects)
}

/// What is posted; it never changes between tries.
fn event(sql: &dyn Sql, context: &Context<'_>, message_id: &str) -> Result<String, SqlError> {
    let brief = message::brief(sql, message_id)?;
    Ok(json!({
        "type": "message.deposited",
        "timestamp": deposit::time::rfc3339(context.now_ms),
        "data": {
            "mailbox": address(context),
            "message_id": message_id,
            "from": brief.as_ref().and_then(|brief| brief.from.clone()),
            "from_name": brief.as_ref().and_then(|brief| brief.from_name.clone()),
            "forwarded_from": brief.as_ref().and_then(|brief| brief.forwarded_from.clone()),
            "from_verified": brief.as_ref().is_some_and(|brief| brief.from_verified),
            "duration_ms": brief.as_ref().map(|brief| brief.duration_ms),
            "kind": brief.as_ref().map(|brief| brief.kind.clone()),
            "received_at": brief.as_ref().map(|brief| deposit::time::rfc3339(brief.received_at_ms)),
            "inbox_url": format!("{}/inbox", context.settings.public_url),
        },
    })
    .to_string())
}

/// A wake-up of kind [`WAKEUP`] is due.
pub(in crate::mailbox) fn on_wakeup(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
) -> Result<Vec<Effect>, SqlError> {
    if line::is_own(id) {
        return line::attempt(sql, context, id);
    }
    attempt(sql, context, id)
}

/// Posts an intent, with a wake-up for the case that nothing is heard of it (a restart in between).
fn attempt(sql: &dyn Sql, context: &Context<'_>, id: &str) -> Result<Vec<Effect>, SqlError> {
    let rows = sql.query(
        "SELECT outbox.body, outbox.tries, webhooks.url, webhooks.secret FROM outbox JOIN webhooks ON webhooks.id = outbox.target WHERE outbox.id = ? AND outbox.state = 'waiting'",
        &[id.into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(Vec::new());
    };
    let tries = row.integer(1);
    if usize::try_from(tries).is_ok_and(|tries| tries > DELAYS_S.len()) {
        give_up(sql, context, id)?;
        return Ok(Vec::new());
    }
    sql.query(
        "UPDATE outbox SET tries = tries + 1 WHERE id = ?",
        &[id.into()],
    )?;
    wakeup::set(
        sql,
        WAKEUP,
        id,
        context.now_ms.saturating_add(LOST_AFTER_MS),
    )?;
    let Some(secret) = Secret::parse(&row.text(3)) else {
        return Ok(Vec::new());
    };
    let body = row.text(0).into_bytes();
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("user-agent".to_owned(), "Afterbeep".to_owned()),
    ];
    headers.extend(sign(&secret, id, context.now_ms.div_euclid(1000), &body));
    Ok(vec![Effect::Post {
        tag: format!("{TAG}{id}"),
        url: row.text(2),
        headers,
        body,
    }])
}

/// What a webhook answered; status 0 if nothing. 410 ends the webhook, as Standard Webhooks asks.
pub(in crate::mailbox) fn on_posted(
    sql: &dyn Sql,
    context: &Context<'_>,
    tag: &str,
    status: u16,
    retry_after_s: Option<u32>,
) -> Result<Vec<Effect>, SqlError> {
    let id = tag.strip_prefix(TAG).unwrap_or(tag);
    let rows = sql.query(
        "SELECT tries, target FROM outbox WHERE id = ? AND kind = 'webhook' AND state = 'waiting'",
        &[id.into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(Vec::new());
    };
    match status {
        200..=299 => {
            sql.query("DELETE FROM outbox WHERE id = ?", &[id.into()])?;
            wakeup::clear(sql, WAKEUP, id)?;
            news::tell_later(sql, context)?;
        }
        410 => {
            forget(sql, &row.text(1))?;
        }
        _ => match delay_ms(context, row.integer(0), retry_after_s) {
            Some(delay) => wakeup::set(sql, WAKEUP, id, context.now_ms.saturating_add(delay))?,
            None => give_up(sql, context, id)?,
        },
    }
    Ok(Vec::new())
}

/// Until the next try after so many; a tenth of it at random, so that many mailboxes do not knock at once.
fn delay_ms(context: &Context<'_>, tries: i64, retry_after_s: Option<u32>) -> Option<i64> {
    let index = usize::try_from(tries.saturating_sub(1)).ok()?;
    let planned = DELAYS_S.get(index)?;
    let asked = retry_after_s
        .map_or(0, i64::from)
        .min(LONGEST_RETRY_AFTER_S);
    let delay = asked.max(*planned).saturating_mul(1000);
    let [jitter] = context.entropy.bytes::<1>();
    let spread = (delay / 10).saturating_mul(i64::from(jitter)) / 255;
    Some(delay.saturating_add(spread))
}

/// The row stays, for a replay by the operator.
fn give_up(sql: &dyn Sql, context: &Context<'_>, id: &str) -> Result<(), SqlError> {
    news::tell_later(sql, context)?;
    sql.query(
        "UPDATE outbox SET state = 'failed' WHERE id = ?",
        &[id.into()],
    )?;
    wakeup::clear(sql, WAKEUP, id)
}
