//! Sweeping: reservations that ran out, blobs that nobody points to, and rows whose time is over.

use super::store::{self, PartState, StoredPart};
use crate::{
    context::Context,
    effect::Effect,
    mailbox::media,
    sql::{Sql, SqlError},
    wakeup::{self, Wakeup},
};

/// Kinds of the wake-ups of this module: a reservation (key: upload id) has run out; a dead one's blob (key:
/// blob key) is looked for once more.
pub const WAKEUP: &[&str] = &[RESERVATION, STRAY];
const RESERVATION: &str = "deposit_reservation";
const STRAY: &str = "deposit_stray";

/// A write to the blob store that was under way when its upload's time was over has ended by then.
const STRAY_MS: i64 = 3_600_000;

/// Something is due.
pub fn on_wakeup(
    sql: &dyn Sql,
    context: &Context<'_>,
    due: &Wakeup,
) -> Result<Vec<Effect>, SqlError> {
    match due.kind.as_str() {
        RESERVATION => match store::part_by_upload(sql, &due.key)? {
            Some(part) if matches!(part.state, PartState::Reserved | PartState::Held) => {
                kill(sql, context, part)
            }
            _ => Ok(Vec::new()),
        },
        _ => media::remove_blob(sql, context, &due.key),
    }
}

/// Makes sure that a new part is swept in time.
pub(super) fn watch(sql: &dyn Sql, part: &StoredPart) -> Result<(), SqlError> {
    wakeup::set(sql, RESERVATION, &part.upload_id, part.expires_at_ms)
}

/// The part is committed; its reservation no longer runs out. Where its bytes came whole into the rows, an
/// upload of the same part may still write them to the blob store until its time is over.
pub(super) fn unwatch(
    sql: &dyn Sql,
    context: &Context<'_>,
    part: &StoredPart,
) -> Result<(), SqlError> {
    if !part.in_blob && !super::keeps_in_rows(context.settings, part.size()) {
        watch_stray(sql, context, part)?;
    }
    wakeup::clear(sql, RESERVATION, &part.upload_id)
}

/// Marks a part dead, then lets its bytes go. The mark comes first: a commit on a dead part is refused, so that
/// no message ever points to a missing blob.
pub(super) fn kill(
    sql: &dyn Sql,
    context: &Context<'_>,
    part: StoredPart,
) -> Result<Vec<Effect>, SqlError> {
    let part = StoredPart {
        state: PartState::Dead,
        ..part
    };
    store::put_part(sql, &part)?;
    wakeup::clear(sql, RESERVATION, &part.upload_id)?;
    media::remove(sql, &part.upload_id)?;
    let small = part
        .length
        .is_some_and(|length| super::keeps_in_rows(context.settings, length));
    if small && !part.in_blob {
        return Ok(Vec::new());
    }
    watch_stray(sql, context, &part)?;
    media::remove_blob(sql, context, &part.blob_key)
}

/// The blob is looked for when its upload, which may not know yet what became of the part, writes no more.
fn watch_stray(sql: &dyn Sql, context: &Context<'_>, part: &StoredPart) -> Result<(), SqlError> {
    let over_at = part.expires_at_ms.max(context.now_ms);
    wakeup::set(sql, STRAY, &part.blob_key, over_at.saturating_add(STRAY_MS))
}
