//! What every end of a call saw, message by message, for the ladder: who sent it to whom, when, and what it said.
//!
//! A connection notes what it takes in and hands the note on with the message ([`Signal::Traced`]); lines and
//! mailboxes add what they send. Everything about a call comes together in the callee's mailbox, in one row, which is
//! the row of the voicemail's call as well. Nothing secret is ever written (see `mask`), nothing is kept longer than a
//! week, and nothing here decides anything about a call.

mod entry;
mod flow;
mod line;
mod made;
mod mailbox;
mod mask;
mod notebook;
mod sheet;
mod show;
mod store;
#[cfg(test)]
mod tests;

pub use self::{
    entry::{End, Entry, Note},
    flow::Held,
    notebook::Notebook,
    sheet::{Outcome, Sheet},
};
pub(crate) use self::{
    flow::{carried, let_go},
    line::{Arrival, carry as of_line},
    made::keep as keep_made,
    mailbox::{finish, leave, ride, tell},
    show::{Viewer, ladder},
    store::{
        SCHEMA, SECOND_SCHEMA, WAKEUP, began, columns, find, forget_all, new_key, of_session,
        on_wakeup, origin, rung, summaries,
    },
};

use crate::{context::Context, settings::Ladder, signal::Signal};

/// Whether calls are traced at all.
pub(crate) fn is_on(context: &Context<'_>) -> bool {
    context.settings.ladder == Ladder::All
}

/// Takes the notes that came with a signal, and gives the signal itself.
pub(crate) fn opened(context: &Context<'_>, signal: Signal) -> Signal {
    match signal {
        Signal::Traced { notes, inner } => {
            if is_on(context) {
                context.trace.add(notes);
            }
            *inner
        }
        other => other,
    }
}
