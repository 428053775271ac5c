//! What every rule is told besides its input: who it is, the settings, the time, and fresh entropy.

use std::cell::Cell;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{effect::Effect, object::Object, settings::Settings, signal::Reply, trace::Notebook};

/// One event's surroundings.
#[derive(Debug)]
pub struct Context<'a> {
    /// The object whose rule runs.
    pub object: Object,
    /// The operator's settings.
    pub settings: &'a Settings,
    /// Unix time in milliseconds, the same for the whole event.
    pub now_ms: i64,
    /// Randomness drawn by the shell for this event.
    pub entropy: Entropy,
    /// What the event has seen of calls, for their ladders; empty at its begin.
    pub trace: Notebook,
}

/// What an object gives back for a signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Goes back to the sender as soon as the transaction is committed.
    pub reply: Reply,
    /// Carried out after the commit, one after the other.
    pub effects: Vec<Effect>,
}

impl Outcome {
    /// Taken, with these effects.
    #[must_use]
    pub const fn done(effects: Vec<Effect>) -> Self {
        Self {
            reply: Reply::Done,
            effects,
        }
    }

    /// Refused with a stable code; nothing follows.
    #[must_use]
    pub fn failed(code: &str) -> Self {
        Self {
            reply: Reply::Failed {
                code: code.to_owned(),
            },
            effects: Vec::new(),
        }
    }

    /// An answer with JSON content; nothing follows.
    #[must_use]
    pub const fn value(json: String) -> Self {
        Self {
            reply: Reply::Value { value: json },
            effects: Vec::new(),
        }
    }
}

/// A stream of bytes from a seed: SHA-256 of the seed and a counter. One seed serves one event.
#[derive(Debug)]
pub struct Entropy {
    seed: [u8; 32],
    counter: Cell<u64>,
}

impl Entropy {
    /// From 32 bytes that the shell drew from the platform's generator.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            counter: Cell::new(0),
        }
    }

    /// The next `N` bytes; every call gives others.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(32) {
            let block = self.block();
            for (to, from) in chunk.iter_mut().zip(block) {
                *to = from;
            }
        }
        bytes
    }

    /// `count` random bytes as lower-case hex, two digits each.
    #[must_use]
    pub fn hex(&self, count: usize) -> String {
        let mut text = String::new();
        while text.len() < count.saturating_mul(2) {
            for byte in self.block() {
                text.push_str(&format!("{byte:02x}"));
            }
        }
        text.truncate(count.saturating_mul(2));
        text
    }

    /// 16 random bytes in base64url: a name nobody guesses.
    #[must_use]
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<16>())
    }

    fn block(&self) -> [u8; 32] {
        let counter = self.counter.get();
        self.counter.set(counter.wrapping_add(1));
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(counter.to_be_bytes());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::Entropy;

    #[test]
    fn one_seed_gives_the_same_stream_and_no_repeats() {
        let one = Entropy::new([7; 32]);
        let two = Entropy::new([7; 32]);
        let first = one.bytes::<40>();
        assert_eq!(first, two.bytes::<40>());
        assert_ne!(first, one.bytes::<40>());
        assert_eq!(one.hex(5).len(), 10);
    }
}
