//! Deposits on their way into a mailbox: reservations before the first byte, the one commit, receipts that
//! outlive everything, and the sweeping of what never became a message.
//!
//! A part exists once under its session, deposit id and number. Every function here may be called again with
//! the same question after any loss of an answer and gives the same answer.

mod commit;
mod current;
mod ogg;
mod part;
mod reservation;
mod scan;
mod store;
mod sweep;
mod whole;

use base64::{Engine, engine::general_purpose::STANDARD};
use deposit::{
    attachment,
    tus::{Kind, MAX_TEXT_BYTES},
};

pub use self::{
    current::on_current,
    part::{
        Content, PartAnswer, PartAsk, PartName, PartRefusal, PartRequest, Reserved, effective_kind,
    },
    scan::{Checked, Scan},
    store::{SCHEMA, SECOND_SCHEMA, committed_at, forget},
    sweep::{WAKEUP, on_wakeup},
    whole::{on_post, session_claims},
};
use crate::{
    context::{Context, Outcome},
    effect::Effect,
    settings::{MediaStore, Settings},
    sql::{Sql, SqlError},
};

/// Media up to this length are kept in the mailbox's own database, in the transaction of the commit.
pub const SMALL_BYTES: u64 = 1 << 20;

/// The most bytes of a part of this kind.
#[must_use]
pub fn size_limit(settings: &Settings, kind: Kind) -> u64 {
    match kind {
        Kind::Voice => settings.max_voice_bytes,
        Kind::Attachment => attachment::MAX_BYTES,
        Kind::Video => settings.max_video_bytes,
        Kind::Text => MAX_TEXT_BYTES,
    }
}

/// Whether a part of this length is kept in the mailbox's own database.
#[must_use]
pub fn keeps_in_rows(settings: &Settings, size: u64) -> bool {
    settings.media_store == MediaStore::Auto && size <= SMALL_BYTES
}

/// Bytes for [`Content::Bytes`].
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// An `Upload` asks about a part.
pub fn on_part(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: PartRequest,
) -> Result<Outcome, SqlError> {
    let (answer, effects) = answer(sql, context, request)?;
    let value = serde_json::to_string(&answer).map_err(|error| SqlError(error.to_string()))?;
    Ok(Outcome {
        effects,
        ..Outcome::value(value)
    })
}

type Answered = (PartAnswer, Vec<Effect>);

fn answer(
    sql: &dyn Sql,
    context: &Context<'_>,
    request: PartRequest,
) -> Result<Answered, SqlError> {
    let name = &request.name;
    match request.ask {
        PartAsk::Reserve {
            length,
            metadata,
            late,
        } => {
            let wanted = reservation::Wanted {
                length,
                sha256: metadata.sha256.map(|hash| deposit::hex(&hash)),
                metadata,
                late,
            };
            reservation::reserve(sql, context, name, &wanted)
        }
        PartAsk::Find => Ok((reservation::find(sql, context, name)?, Vec::new())),
        PartAsk::Complete {
            upload_id,
            size,
            sha256,
            metadata,
            content,
        } => {
            let complete = commit::Complete {
                upload_id,
                size,
                sha256,
                metadata,
                content: match content {
                    Content::Bytes { base64 } => commit::Bytes::Here(
                        STANDARD
                            .decode(base64)
                            .map_err(|error| SqlError(error.to_string()))?,
                    ),
                    Content::Blob {
                        content_type,
                        duration_ms,
                    } => commit::Bytes::Blob(Checked {
                        content_type,
                        duration_ms,
                    }),
                },
            };
            commit::complete(sql, context, name, complete)
        }
        PartAsk::Drop => reservation::drop(sql, context, name),
    }
}

fn refuse(status: u16, code: &str, detail: &str) -> PartAnswer {
    PartAnswer::Refused(PartRefusal {
        status,
        code: code.to_owned(),
        detail: detail.to_owned(),
    })
}

fn gone() -> PartAnswer {
    refuse(
        410,
        "upload_gone",
        "This upload was taken back or has run out of time.",
    )
}

fn conflict() -> PartAnswer {
    refuse(
        409,
        "deposit_conflict",
        "Other content was given under this deposit id before.",
    )
}

#[cfg(test)]
mod tests;
