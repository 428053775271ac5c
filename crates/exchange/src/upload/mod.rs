//! `Upload`: one part of a deposit that comes in several requests, or in one that is too large for the
//! mailbox. It owns offset, writer epoch and the bytes that are not committed yet; whether a part may come
//! and what becomes of it is the mailbox's to say.
//!
//! The shell drives every request through [`Step`]s, each inside one transaction of its own: it begins with
//! [`start`] and does what the step says until there is an answer. Small parts with a known length that come
//! whole in their POST go straight to the mailbox and never get here.

pub(crate) mod answer;
mod hash;
mod request;
mod rows;
mod state;

pub use self::{
    request::{append, received, start, stored, told},
    rows::read,
};
use crate::{
    context::Context,
    effect::Effect,
    http::Response,
    object::Object,
    signal::Signal,
    sql::{Sql, SqlError},
    wakeup,
};

/// What the shell does next for a request to an upload.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Answer; the rest of the body is not read.
    Answer(Box<Response>),
    /// Send this signal to that object, with a time-out, then call [`told`] with its reply
    /// ([`crate::signal::Reply::Failed`] with code `unavailable` if there was none).
    Ask {
        /// The mailbox.
        to: Object,
        /// The question.
        signal: Box<Signal>,
    },
    /// Read the body, hand every piece (best 64 KiB to 1 MB) to [`append`], and after its proper end call
    /// [`received`]. A body that breaks off needs no call: what was appended stays.
    Receive {
        /// Names this writer; a newer one makes it stale.
        epoch: i64,
    },
    /// Write the upload's bytes ([`read`]) to the blob store under `key`, then call [`stored`].
    Store {
        /// Key in the blob store.
        key: String,
        /// Length of the whole.
        length: u64,
    },
}

/// Brings the upload's database to its newest schema.
pub fn migrate(sql: &dyn Sql) -> Result<(), SqlError> {
    crate::sql::migrate(sql, &[&[wakeup::TABLE, state::TABLE, rows::TABLE]])
}

/// The alarm went off: an upload past its time lets its bytes go.
pub fn on_wakeup(sql: &dyn Sql, context: &Context<'_>) -> Result<Vec<Effect>, SqlError> {
    while wakeup::take(sql, context.now_ms)?.is_some() {
        request::expire(sql)?;
    }
    Ok(Vec::new())
}
