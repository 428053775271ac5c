//! `DELETE /mailbox`: everything that callers left and the owner set is gone. Receipts stay with the callers'
//! sessions until their time, so that a late retry revives nothing; the account stays with its line.

use super::{Answered, greeting, message, news, notification, session};
use crate::{
    context::Context,
    http::Response,
    sql::{Sql, SqlError},
    trace,
};

/// Erases the mailbox. The list is empty at once; the bytes of many messages go by wake-ups right after.
pub(super) fn erase(sql: &dyn Sql, context: &Context<'_>) -> Answered {
    message::remove_all(sql, context)?;
    greeting::discard(sql)?;
    notification::forget_all(sql)?;
    trace::forget_all(sql)?;
    forget_choices(sql)?;
    news::tell_later(sql, context)?;
    let mut effects = session::revoke_all(sql)?;
    effects.extend(notification::tell_counts(sql, context)?);
    effects.extend(notification::tell_ring_timeout(sql, context)?);
    Ok((Response::status(204), effects))
}

fn forget_choices(sql: &dyn Sql) -> Result<(), SqlError> {
    sql.query("DELETE FROM blocks", &[])?;
    sql.query(
        "UPDATE mailbox SET settings = '{}', new_count = 0, old_count = 0, bytes_used = 0",
        &[],
    )?;
    Ok(())
}
