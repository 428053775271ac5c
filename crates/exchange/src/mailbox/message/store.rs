//! Writing messages and removing them for good.

use super::{NewMessage, NewPart, end, id, show::find};
use crate::{
    context::Context,
    effect::Effect,
    mailbox::{
        account::{self, Counters},
        media, settings,
    },
    sql::{Sql, SqlError, Value},
};

const DAY_MS: i64 = 86_400_000;

/// Writes a message with its parts and counts it. Notifications are written by
/// [`crate::mailbox::notification::announce`] in the same transaction.
pub fn insert(sql: &dyn Sql, context: &Context<'_>, message: &NewMessage) -> Result<(), SqlError> {
    let size = message.parts.iter().map(|part| part.size).sum::<u64>();
    let first = message.parts.iter().min_by_key(|part| part.part);
    let parameters: [Value; 16] = [
        id::sequence(&message.id).into(),
        message.id.as_str().into(),
        message.session_id.as_str().into(),
        message.deposit_id.as_str().into(),
        message.caller.address.clone().into(),
        message.caller.display_name.clone().into(),
        message.caller.verified.into(),
        context.now_ms.into(),
        message.recorded_at.clone().into(),
        message.kind.as_str().into(),
        message.duration_ms.into(),
        size.into(),
        "new".into(),
        message.waveform.as_str().into(),
        first.map_or("", |part| part.sha256.as_str()).into(),
        message.caller.forwarded_from.clone().into(),
    ];
    sql.query(
        "INSERT INTO messages (sequence, id, session_id, deposit_id, caller_address, caller_name, caller_verified, received_at, recorded_at, kind, duration_ms, size, state, waveform, sha256, forwarded_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &parameters,
    )?;
    for part in &message.parts {
        insert_part(sql, &message.id, part)?;
    }
    end::watch(sql, context, "new", context.now_ms)?;
    let change = Counters {
        new: 1,
        old: 0,
        bytes_used: i64::try_from(size).unwrap_or(i64::MAX),
    };
    account::count(sql, context, change)
}

fn insert_part(sql: &dyn Sql, message_id: &str, part: &NewPart) -> Result<(), SqlError> {
    let parameters: [Value; 10] = [
        message_id.into(),
        part.part.into(),
        part.kind.as_str().into(),
        part.content_type.as_str().into(),
        part.size.into(),
        part.sha256.as_str().into(),
        part.duration_ms.into(),
        part.media_id.as_str().into(),
        part.blob_key.clone().into(),
        part.metadata.as_str().into(),
    ];
    sql.query(
        "INSERT INTO message_parts (message_id, part, kind, content_type, size, sha256, duration_ms, media_id, blob_key, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &parameters,
    )?;
    Ok(())
}

/// How long the owner keeps messages that were heard.
pub(super) fn retention_ms(sql: &dyn Sql, context: &Context<'_>) -> Result<i64, SqlError> {
    let days = settings::load(sql)?.retention_days;
    Ok(days.map_or(context.settings.retention_ms, |days| {
        i64::from(days).saturating_mul(DAY_MS)
    }))
}

/// Removes a message with all its bytes for good.
pub(super) fn purge(
    sql: &dyn Sql,
    context: &Context<'_>,
    id: &str,
) -> Result<Vec<Effect>, SqlError> {
    let parts = sql.query(
        "DELETE FROM message_parts WHERE message_id = ? RETURNING media_id, blob_key",
        &[id.into()],
    )?;
    let mut effects = Vec::new();
    for part in &parts {
        match part.optional_text(1) {
            Some(key) => effects.extend(media::remove_blob(sql, context, &key)?),
            None => media::remove(sql, &part.text(0))?,
        }
    }
    let freed = match find(sql, id)? {
        Some(message) => {
            sql.query(
                "DELETE FROM messages WHERE sequence = ?",
                &[message.sequence.into()],
            )?;
            message.size
        }
        None => 0,
    };
    let change = Counters {
        bytes_used: freed.saturating_neg(),
        ..Counters::default()
    };
    account::count(sql, context, change)?;
    Ok(effects)
}
