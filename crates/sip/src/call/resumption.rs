//! A call over a lost connection: it may wait for the next one, and what was on its way is sent again there.

use super::{Call, Event, State, in_dialog::Outgoing};

impl Call {
    /// Lets the call wait for a new connection when its own is lost, once its dialog stands.
    pub fn keep(&mut self) {
        if let Some(session) = &mut self.session {
            session.is_kept = true;
        }
    }

    /// Whether the call waits for a new connection when its own is lost.
    #[must_use]
    pub fn survives(&self) -> bool {
        let is_kept = self.session.as_ref().is_some_and(|session| session.is_kept);
        is_kept && self.dialog.is_some() && !self.is_over()
    }

    /// A new connection reaches the same flow: requests without an answer go out once more in their own transactions,
    /// then the peer is shown that we are back. A 481 to that ends the call.
    pub fn resume(&mut self, now_ms: i64) {
        self.repeat_unanswered();
        if self.state == State::Established {
            self.refresh_session(now_ms);
            self.push(Event::Resumed);
        }
    }

    pub(super) fn repeat_unanswered(&mut self) {
        let unanswered: Vec<Vec<u8>> = self.outgoing.iter().map(Outgoing::repetition).collect();
        for bytes in unanswered {
            self.send(bytes);
        }
    }
}
