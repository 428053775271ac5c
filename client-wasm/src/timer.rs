//! One timer that is set anew each time; dropped, it never fires.

use core::cell::RefCell;

use gloo_timers::callback::Timeout;

use crate::clock;

/// A single slot for a pending timeout.
#[derive(Default)]
pub(crate) struct Timer {
    pending: RefCell<Option<Timeout>>,
}

impl Timer {
    /// Fires once, in so many milliseconds, instead of whatever was pending.
    pub(crate) fn after(&self, milliseconds: u32, fire: impl FnOnce() + 'static) {
        drop(self.pending.replace(Some(Timeout::new(milliseconds, fire))));
    }

    /// Fires once at a Unix time, at most an hour from now.
    pub(crate) fn at(&self, due_ms: i64, fire: impl FnOnce() + 'static) {
        let wait = due_ms.saturating_sub(clock::now_ms()).clamp(0, 3_600_000);
        self.after(u32::try_from(wait).unwrap_or(0), fire);
    }

    /// Forgets what was pending.
    pub(crate) fn clear(&self) {
        drop(self.pending.take());
    }
}
