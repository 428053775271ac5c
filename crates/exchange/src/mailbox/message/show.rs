//! Messages as the API shows them, their list by pages, and their media.

use deposit::{
    token::{MediaClaims, Token},
    tus::Metadata,
};
use serde_json::{Value as Json, json};

use crate::{
    context::Context,
    front,
    http::Request,
    json,
    mailbox::{
        Answered, account, address,
        media::{self, Medium},
        opened_resource,
    },
    problem::{self, Refusal},
    rendition::{self, Asked, Sound},
    sql::{Row, Sql, SqlError, Value},
};

const PAGE: u64 = 50;
const LARGEST_PAGE: u64 = 200;
/// How long the address of a medium is good.
const MEDIA_TTL_MS: i64 = 600_000;
const COLUMNS: &str = "sequence, id, session_id, caller_address, caller_name, caller_verified, received_at, recorded_at, kind, duration_ms, size, state, heard_at, removed_at, waveform, sha256, deposit_id, forwarded_from";

/// One message as it is stored.
#[derive(Clone, Debug)]
pub(in crate::mailbox) struct Message {
    pub(super) sequence: i64,
    pub(super) id: String,
    session_id: String,
    deposit_id: String,
    from: Option<String>,
    from_name: Option<String>,
    from_verified: bool,
    forwarded_from: Option<String>,
    pub(super) received_at_ms: i64,
    recorded_at: Option<String>,
    kind: String,
    duration_ms: i64,
    pub(super) size: i64,
    pub(super) state: String,
    pub(super) heard_at_ms: Option<i64>,
    pub(super) removed: bool,
    removed_at_ms: Option<i64>,
    waveform: String,
    pub(super) sha256: String,
}

/// What a notification says of a message.
#[derive(Clone, Debug)]
pub(in crate::mailbox) struct Brief {
    pub(in crate::mailbox) from: Option<String>,
    pub(in crate::mailbox) from_name: Option<String>,
    pub(in crate::mailbox) from_verified: bool,
    pub(in crate::mailbox) forwarded_from: Option<String>,
    pub(in crate::mailbox) received_at_ms: i64,
    pub(in crate::mailbox) kind: String,
    pub(in crate::mailbox) duration_ms: i64,
}

/// The message of this id, also while it is removed and can be restored.
pub(super) fn find(sql: &dyn Sql, id: &str) -> Result<Option<Message>, SqlError> {
    // By its number; by the index of those of before; and where an older version wrote one since, by looking at all.
    for found_by in ["sequence = ?2", "early = 1", "sequence IS NOT ?2"] {
        let statement = format!("SELECT {COLUMNS} FROM messages WHERE id = ?1 AND {found_by}");
        let sequence = super::id::sequence(id);
        let parameters: &[Value] = &[id.into(), sequence.into()];
        let given = if found_by.contains("?2") { 2 } else { 1 };
        let rows = sql.query(&statement, parameters.get(..given).unwrap_or_default())?;
        if let Some(row) = rows.first() {
            return Ok(Some(message(row)));
        }
    }
    Ok(None)
}

/// What became of a message, and when.
#[derive(Clone, Copy, Debug)]
pub(in crate::mailbox) struct Moments {
    pub(in crate::mailbox) heard_at_ms: Option<i64>,
    pub(in crate::mailbox) removed_at_ms: Option<i64>,
}

/// What became of the message of this id; nothing once it is gone for good.
pub(in crate::mailbox) fn moments(sql: &dyn Sql, id: &str) -> Result<Option<Moments>, SqlError> {
    Ok(find(sql, id)?.map(|message| Moments {
        heard_at_ms: message.heard_at_ms,
        removed_at_ms: message.removed_at_ms,
    }))
}

/// What a notification says of the message of this id.
pub(in crate::mailbox) fn brief(sql: &dyn Sql, id: &str) -> Result<Option<Brief>, SqlError> {
    Ok(find(sql, id)?.map(|message| Brief {
        from: message.from,
        from_name: message.from_name,
        from_verified: message.from_verified,
        forwarded_from: message.forwarded_from,
        received_at_ms: message.received_at_ms,
        kind: message.kind,
        duration_ms: message.duration_ms,
    }))
}

/// `GET /mailbox/messages?state=&after=&limit=`: newest first.
pub(in crate::mailbox) fn list(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
) -> Answered {
    let limit = number(request, "limit")?
        .unwrap_or(PAGE)
        .clamp(1, LARGEST_PAGE);
    let before = number(request, "after")?
        .map_or(i64::MAX, |after| i64::try_from(after).unwrap_or(i64::MAX));
    // The edge's SQLite takes numbers below 2^53 exactly.
    let before = before.min((1 << 53) - 1);
    let messages = page(sql, request, before, limit)?;
    let next = messages
        .last()
        .filter(|_| messages.len() as u64 == limit)
        .map(|message| message.sequence.to_string());
    let mut shown = Vec::new();
    for message in &messages {
        shown.push(described(sql, context, message)?);
    }
    Ok((
        json::answer(200, &json!({ "messages": shown, "next": next })),
        Vec::new(),
    ))
}

fn page(
    sql: &dyn Sql,
    request: &Request,
    before: i64,
    limit: u64,
) -> Result<Vec<Message>, Refusal> {
    let state = front::query_value(&request.query, "state").filter(|state| !state.is_empty());
    let rows = match state {
        None => {
            let statement = format!(
                "SELECT {COLUMNS} FROM messages WHERE removed_at IS NULL AND sequence < ? ORDER BY sequence DESC LIMIT ?"
            );
            sql.query(&statement, &[before.into(), limit.into()])?
        }
        Some(state) if ["new", "heard", "saved"].contains(&state.as_str()) => {
            let statement = format!(
                "SELECT {COLUMNS} FROM messages WHERE removed_at IS NULL AND state = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?"
            );
            let parameters: [Value; 3] = [state.into(), before.into(), limit.into()];
            sql.query(&statement, &parameters)?
        }
        Some(_) => {
            let detail = "state is new, heard or saved.";
            return Err(Refusal::of(request, problem::INVALID_FIELD, detail));
        }
    };
    Ok(rows.iter().map(message).collect())
}

/// A number in the query; text that is none is refused.
fn number(request: &Request, name: &str) -> Result<Option<u64>, Refusal> {
    match front::query_value(&request.query, name) {
        None => Ok(None),
        Some(text) if text.is_empty() => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            Refusal::of(
                request,
                problem::INVALID_FIELD,
                &format!("{name} is not one of ours."),
            )
        }),
    }
}

/// `GET /mailbox/messages/{id}`.
pub(in crate::mailbox) fn show(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: &Request,
    id: &str,
) -> Answered {
    let message = find(sql, id)?.filter(|message| !message.removed);
    let message = message
        .ok_or_else(|| Refusal::of(request, problem::NOT_FOUND, "There is no such message."))?;
    Ok((
        json::answer(200, &described(sql, context, &message)?),
        Vec::new(),
    ))
}

/// `GET /mailbox/messages/{id}/media?part=&format=`, with a sign-in or with the token in the address. It changes no
/// state.
pub(in crate::mailbox) fn media(sql: &dyn Sql, request: &Request, id: &str) -> Answered {
    let part = number(request, "part")?.unwrap_or(0);
    match opened_resource(request) {
        Some(opened) if opened == resource(id, part) => {}
        Some(_) => return Err(Refusal::of(request, problem::TOKEN_FOREIGN, "")),
        None => account::check_generation(sql, request)?,
    }
    let missing = || Refusal::of(request, problem::NOT_FOUND, "There is no such message.");
    let message = find(sql, id)?
        .filter(|message| !message.removed)
        .ok_or_else(missing)?;
    let (medium, sound) = medium(sql, &message, part)?.ok_or_else(missing)?;
    let response = match rendition::order(request, &medium, &name(&message), sound)? {
        Asked::Deposited => media::serve(sql, request, &medium)?,
        Asked::Rendition(order) => media::serve_rendition(sql, request, &medium, &order)?,
    };
    Ok((response, Vec::new()))
}

/// What a message's sound is called when it is saved, without its ending.
fn name(message: &Message) -> String {
    format!("message-{}", deposit::time::rfc3339(message.received_at_ms)).replace([':', '.'], "-")
}

fn medium(
    sql: &dyn Sql,
    message: &Message,
    part: u64,
) -> Result<Option<(Medium, Sound)>, SqlError> {
    let rows = sql.query(
        "SELECT media_id, blob_key, content_type, size, sha256, metadata, kind FROM message_parts WHERE message_id = ? AND part = ?",
        &[message.id.as_str().into(), part.into()],
    )?;
    Ok(rows.first().map(|row| {
        let medium = Medium {
            media_id: row.text(0),
            blob_key: row.optional_text(1),
            file_name: file_name(row, &name(message)),
            is_file: row.text(6) == "attachment",
            content_type: row.text(2),
            size: row.integer(3).unsigned_abs(),
            etag: row.text(4),
        };
        (medium, sound(&row.text(5)))
    }))
}

fn sound(metadata: &str) -> Sound {
    let said = said(metadata);
    Sound {
        gain_db: said.gain_db,
        trim_start_ms: said.trim_start_ms.map_or(0, u64::from),
        trim_end_ms: said.trim_end_ms.map_or(0, u64::from),
    }
}

/// A file keeps its sender's name for it; what was spoken or written is named for its time.
fn file_name(row: &Row, name: &str) -> String {
    said(&row.text(5))
        .filename
        .filter(|_| row.text(6) == "attachment")
        .unwrap_or_else(|| media::file_name(name, &row.text(2)))
}

/// What the sender said of a part.
fn said(metadata: &str) -> Metadata {
    serde_json::from_str(metadata).unwrap_or_default()
}

/// A message as the API shows it.
pub(super) fn described(
    sql: &dyn Sql,
    context: &Context<'_>,
    message: &Message,
) -> Result<Json, SqlError> {
    let waveform: Json = serde_json::from_str(&message.waveform).unwrap_or_else(|_| json!([]));
    let parts = sql.query(
        "SELECT part, kind, content_type, size, sha256, duration_ms, metadata FROM message_parts WHERE message_id = ? ORDER BY part",
        &[message.id.as_str().into()],
    )?;
    let first = parts
        .first()
        .map(|part| said(&part.text(6)))
        .unwrap_or_default();
    Ok(json!({
        "id": message.id,
        "from": message.from,
        "from_name": message.from_name,
        "from_verified": message.from_verified,
        "forwarded_from": message.forwarded_from,
        "received_at": deposit::time::rfc3339(message.received_at_ms),
        "recorded_at": message.recorded_at,
        "media_url": media_url(context, &message.id, 0),
        "duration_ms": message.duration_ms,
        "kind": message.kind,
        "size": message.size,
        "state": message.state,
        "waveform": waveform,
        "trim_start_ms": first.trim_start_ms.unwrap_or(0),
        "trim_end_ms": first.trim_end_ms.unwrap_or(0),
        "gain_db": first.gain_db,
        "title": first.title,
        "attachments": attachments(context, &message.id, &parts),
        "session_id": message.session_id,
        "deposit_id": message.deposit_id,
        "sha256": message.sha256,
    }))
}

/// All parts but the first.
fn attachments(context: &Context<'_>, message_id: &str, parts: &[Row]) -> Vec<Json> {
    let attachment = |row: &Row| {
        json!({
            "part": row.integer(0),
            "kind": row.text(1),
            "file_name": said(&row.text(6)).filename,
            "content_type": row.text(2),
            "size": row.integer(3),
            "sha256": row.text(4),
            "duration_ms": row.integer(5),
            "media_url": media_url(context, message_id, row.integer(0).unsigned_abs()),
        })
    };
    let beside = parts.iter().filter(|row| row.integer(0) > 0);
    beside.map(attachment).collect()
}

fn resource(message_id: &str, part: u64) -> String {
    format!("{message_id}/{part}")
}

fn media_url(context: &Context<'_>, message_id: &str, part: u64) -> Option<String> {
    let claims = MediaClaims {
        expires_at_ms: context.now_ms.saturating_add(MEDIA_TTL_MS),
        mailbox: address(context).to_owned(),
        resource: resource(message_id, part),
    };
    let token = deposit::token::mint(&Token::Media(claims), &context.settings.token_keys).ok()?;
    let base = format!(
        "{}/mailbox/messages/{message_id}/media",
        context.settings.public_url
    );
    Some(match part {
        0 => format!("{base}?token={token}"),
        part => format!("{base}?part={part}&token={token}"),
    })
}

fn message(row: &Row) -> Message {
    Message {
        sequence: row.integer(0),
        id: row.text(1),
        session_id: row.text(2),
        from: row.optional_text(3),
        from_name: row.optional_text(4),
        from_verified: row.integer(5) != 0,
        received_at_ms: row.integer(6),
        recorded_at: row.optional_text(7),
        kind: row.text(8),
        duration_ms: row.integer(9),
        size: row.integer(10),
        state: row.text(11),
        heard_at_ms: row.optional_integer(12),
        removed: row.optional_integer(13).is_some(),
        removed_at_ms: row.optional_integer(13),
        waveform: row.text(14),
        sha256: row.text(15),
        deposit_id: row.text(16),
        forwarded_from: row.optional_text(17),
    }
}
