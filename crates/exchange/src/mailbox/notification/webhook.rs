//! The owner's webhooks (Standard Webhooks): where news are posted to, and with which secret they are signed.

use deposit::webhook::{Secret, check_url};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::WAKEUP;
use crate::{
    context::Context,
    http::{Request, Response},
    json,
    mailbox::Answered,
    problem::{self, Refusal},
    sql::{Row, Sql, SqlError, Value},
    wakeup,
};

const MOST_WEBHOOKS: usize = 10;

/// All webhooks, as the API shows them: without their secrets.
pub(in crate::mailbox) fn webhooks(sql: &dyn Sql) -> Result<Vec<Json>, SqlError> {
    let rows = sql.query(
        "SELECT id, url, created_at FROM webhooks ORDER BY created_at",
        &[],
    )?;
    let webhook = |row: &Row| {
        json!({
            "id": row.text(0),
            "url": row.text(1),
            "created_at": deposit::time::rfc3339(row.integer(2)),
        })
    };
    Ok(rows.iter().map(webhook).collect())
}

/// `GET /mailbox/webhooks`.
pub(in crate::mailbox) fn list_webhooks(sql: &dyn Sql) -> Answered {
    Ok((
        json::answer(200, &json!({ "webhooks": webhooks(sql)? })),
        Vec::new(),
    ))
}

#[derive(Deserialize)]
struct NewWebhook {
    url: String,
    /// `whsec_...`; made by us if absent.
    secret: Option<String>,
}

/// `POST /mailbox/webhooks`: the answer is the only one that shows the secret.
pub(in crate::mailbox) fn add_webhook(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Answered {
    let body: NewWebhook = json::read(request)?;
    check_url(&body.url, context.settings.loopback_webhooks)
        .map_err(|error| Refusal::of(request, problem::UNSAFE_URL, &error.to_string()))?;
    if webhooks(sql)?.len() >= MOST_WEBHOOKS {
        let detail = format!("A mailbox has at most {MOST_WEBHOOKS} webhooks.");
        return Err(Refusal::of(request, problem::CONFLICT, &detail));
    }
    let secret = secret(context, request, body.secret.as_deref())?.reveal();
    let id = context.entropy.token();
    let parameters: [Value; 4] = [
        id.as_str().into(),
        body.url.as_str().into(),
        secret.as_str().into(),
        context.now_ms.into(),
    ];
    sql.query(
        "INSERT INTO webhooks (id, url, secret, created_at) VALUES (?, ?, ?, ?)",
        &parameters,
    )?;
    let content = json!({ "id": id, "url": body.url, "secret": secret });
    Ok((json::answer(201, &content), Vec::new()))
}

fn secret(
    context: &Context<'_>,
    request: &Request,
    given: Option<&str>,
) -> Result<Secret, Refusal> {
    let secret = match given {
        Some(text) => Secret::parse(text),
        None => Secret::new(&context.entropy.bytes::<32>()),
    };
    secret.ok_or_else(|| {
        let detail = "A secret is whsec_ and 24 to 64 bytes in base64.";
        Refusal::of(request, problem::INVALID_FIELD, detail)
    })
}

/// `DELETE /mailbox/webhooks/{id}`: what still waits for it is dropped.
pub(in crate::mailbox) fn remove_webhook(sql: &dyn Sql, request: &Request, id: &str) -> Answered {
    if !forget(sql, id)? {
        return Err(Refusal::of(
            request,
            problem::NOT_FOUND,
            "There is no such webhook.",
        ));
    }
    Ok((Response::status(204), Vec::new()))
}

/// Forgets all webhooks, and what waits for them.
pub(in crate::mailbox) fn forget_all(sql: &dyn Sql) -> Result<(), SqlError> {
    for row in sql.query("SELECT id FROM webhooks", &[])? {
        forget(sql, &row.text(0))?;
    }
    Ok(())
}

/// Whether there was one to forget.
pub(super) fn forget(sql: &dyn Sql, id: &str) -> Result<bool, SqlError> {
    let dropped = sql.query(
        "DELETE FROM outbox WHERE kind = 'webhook' AND target = ? RETURNING id",
        &[id.into()],
    )?;
    for row in &dropped {
        wakeup::clear(sql, WAKEUP, &row.text(0))?;
    }
    let rows = sql.query(
        "DELETE FROM webhooks WHERE id = ? RETURNING 1",
        &[id.into()],
    )?;
    Ok(!rows.is_empty())
}
