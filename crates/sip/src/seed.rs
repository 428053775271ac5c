//! Repeatable randomness: branches, tags and Call-IDs grow from one seed that the host drew.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A seed and how much of its stream was used; stored with the machine that owns it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Seed {
    bytes: [u8; 32],
    used: u64,
}

impl Seed {
    /// From 32 bytes of the platform's generator, never used for anything else.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self { bytes, used: 0 }
    }

    /// The next 32 bytes of the stream: a seed for a machine of its own.
    pub fn next_bytes(&mut self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.bytes);
        hash.update(self.used.to_be_bytes());
        self.used = self.used.wrapping_add(1);
        hash.finalize().into()
    }

    /// 16 lower-case hex digits: a tag, a Call-ID part or a nonce count's partner.
    pub fn hex(&mut self) -> String {
        let bytes = self.next_bytes();
        bytes
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// A new branch with the magic cookie (RFC 3261 section 8.1.1.7).
    pub fn branch(&mut self) -> String {
        format!("z9hG4bK{}", self.hex())
    }

    /// A number below `bound`, for jitter; 0 if `bound` is 0.
    pub fn below(&mut self, bound: i64) -> i64 {
        let [a, b, c, d, ..] = self.next_bytes();
        i64::from(u32::from_be_bytes([a, b, c, d]))
            .checked_rem(bound)
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Seed;

    #[test]
    fn the_stream_is_repeatable_and_does_not_repeat() {
        let mut one = Seed::new([1; 32]);
        let mut two = Seed::new([1; 32]);
        let first = one.branch();
        assert_eq!(first, two.branch());
        assert_ne!(first, one.branch());
        assert!((0..10).contains(&one.below(10)));
        assert_eq!(one.below(0), 0);
    }
}
