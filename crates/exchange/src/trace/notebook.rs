//! What one event has seen of calls until a row takes it along.

use std::cell::RefCell;

use super::entry::Note;

/// The notes of one event, in the order in which they were made.
#[derive(Debug, Default)]
pub struct Notebook {
    notes: RefCell<Vec<Note>>,
    /// Calls whose frames of this event were noted where their row was written.
    noted: RefCell<Vec<String>>,
}

impl Notebook {
    pub(super) fn add(&self, notes: impl IntoIterator<Item = Note>) {
        self.notes.borrow_mut().extend(notes);
    }

    /// Takes all notes out.
    pub(super) fn take(&self) -> Vec<Note> {
        self.notes.take()
    }

    /// Takes the notes of one call out.
    pub(super) fn take_of(&self, call_id: &str) -> Vec<Note> {
        let all = self.notes.take();
        let (own, others) = all.into_iter().partition(|note| note.call_id == call_id);
        self.notes.replace(others);
        own
    }

    pub(super) fn mark(&self, call_id: &str) {
        self.noted.borrow_mut().push(call_id.to_owned());
    }

    pub(super) fn is_marked(&self, call_id: &str) -> bool {
        self.noted.borrow().iter().any(|noted| noted == call_id)
    }
}
