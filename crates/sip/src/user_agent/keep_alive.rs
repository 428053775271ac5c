//! CRLF keep-alive (RFC 5626 section 3.5.1): a ping when nothing else was due, an answer in time.

use crate::seed::Seed;

/// Pause between two pings, in milliseconds; up to [`JITTER_MS`] less.
const PAUSE_MS: i64 = 29_000;
const JITTER_MS: i64 = 4_000;
/// How long the peer may take to answer.
const ANSWER_MS: i64 = 10_000;

/// When to ping, and until when the answer must be here.
#[derive(Debug, Default)]
pub(super) struct KeepAlive {
    ping_ms: Option<i64>,
    answer_ms: Option<i64>,
}

/// What is due.
pub(super) enum Due {
    Nothing,
    Ping,
    Stale,
}

impl KeepAlive {
    pub(super) fn start(&mut self, now_ms: i64, seed: &mut Seed) {
        let pause = PAUSE_MS.saturating_sub(seed.below(JITTER_MS));
        self.ping_ms = Some(now_ms.saturating_add(pause));
        self.answer_ms = None;
    }

    pub(super) const fn stop(&mut self) {
        self.ping_ms = None;
        self.answer_ms = None;
    }

    /// Anything from the peer shows that it lives.
    pub(super) const fn heard(&mut self) {
        self.answer_ms = None;
    }

    pub(super) fn due_ms(&self) -> Option<i64> {
        self.ping_ms.into_iter().chain(self.answer_ms).min()
    }

    pub(super) fn elapse(&mut self, now_ms: i64, seed: &mut Seed) -> Due {
        if self.answer_ms.is_some_and(|due| due <= now_ms) {
            self.stop();
            return Due::Stale;
        }
        if self.ping_ms.is_none_or(|due| due > now_ms) {
            return Due::Nothing;
        }
        self.start(now_ms, seed);
        self.answer_ms = Some(now_ms.saturating_add(ANSWER_MS));
        Due::Ping
    }
}
