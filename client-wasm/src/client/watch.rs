//! What the speaker is told while recording: what the microphone hears, how much time is left; and what keeps the
//! device awake meanwhile.

use core::cell::{Cell, RefCell};

use crate::capture::{Hearing, Measure, Verdict, WakeLock};
use crate::client::{ClientEvent, Listener};
use crate::outbox::count;

/// Time left is told from here on.
const LAST_MS: u64 = 10_000;

/// The watch over whichever recording is under way.
pub(super) struct Watch {
    listener: Listener,
    hearing: RefCell<Hearing>,
    told: Cell<&'static str>,
    longest_ms: Cell<u64>,
    left_s: Cell<u64>,
    saved_ms: Cell<u64>,
    starting: Cell<bool>,
    wake_lock: RefCell<Option<WakeLock>>,
}

impl Watch {
    /// Nothing is being recorded.
    pub(super) fn new(listener: Listener) -> Self {
        Self {
            listener,
            hearing: RefCell::default(),
            told: Cell::new(FINE),
            longest_ms: Cell::new(u64::MAX),
            left_s: Cell::new(0),
            saved_ms: Cell::new(0),
            starting: Cell::new(false),
            wake_lock: RefCell::new(None),
        }
    }

    /// A recording is being started; whether none was already.
    pub(super) fn claim(&self) -> bool {
        !self.starting.replace(true)
    }

    /// The recorder stands, or did not come about.
    pub(super) fn settle(&self) {
        self.starting.set(false);
    }

    /// A recording begins.
    pub(super) fn begin(&self, longest_ms: u64) {
        self.hearing.take();
        self.told.set(FINE);
        self.longest_ms.set(longest_ms);
        self.left_s.set(LAST_MS / 1000 + 1);
        self.saved_ms.set(0);
        self.wake_lock.replace(Some(WakeLock::take()));
    }

    /// So much sound is there, and this is what its end was like.
    pub(super) fn hear(&self, heard: Measure, elapsed_ms: u64) {
        if let Some(verdict) = self.hearing.borrow_mut().hear(heard, elapsed_ms) {
            self.tell(told_while_recording(verdict));
        }
        let left_ms = self.longest_ms.get().saturating_sub(elapsed_ms);
        let left_s = left_ms.div_ceil(1000);
        if left_ms <= LAST_MS && left_s < self.left_s.replace(left_s) {
            self.listener.emit(ClientEvent::TimeLeft {
                remaining_ms: count(left_ms),
            });
        }
    }

    /// So much is on disk.
    pub(super) fn saved(&self, duration_ms: u64) {
        self.saved_ms.set(duration_ms);
    }

    /// How much of the last recording is on disk.
    pub(super) fn saved_ms(&self) -> u64 {
        self.saved_ms.get()
    }

    /// The screen may go dark again.
    pub(super) fn end(&self) {
        self.wake_lock.replace(None);
    }

    fn tell(&self, code: &'static str) {
        if self.told.replace(code) != code {
            self.listener.emit(ClientEvent::Hearing { code });
        }
    }
}

const FINE: &str = "fine";

/// Quiet speech is made louder anyway.
fn told_while_recording(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Nothing | Verdict::Clipping | Verdict::Noise => verdict.code(),
        Verdict::Listening | Verdict::Quiet | Verdict::Fine => FINE,
    }
}
