//! A SHA-256 that can be written down between two requests: the state of the compression function, the
//! bytes that do not fill a block yet, and the length (FIPS 180-4).

use serde::{Deserialize, Serialize};
use sha2::compress256;

const BLOCK: usize = 64;

/// A hash under way.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct RunningHash {
    state: [u32; 8],
    tail: Vec<u8>,
    length: u64,
}

impl Default for RunningHash {
    fn default() -> Self {
        Self {
            state: [
                0x6a09_e667,
                0xbb67_ae85,
                0x3c6e_f372,
                0xa54f_f53a,
                0x510e_527f,
                0x9b05_688c,
                0x1f83_d9ab,
                0x5be0_cd19,
            ],
            tail: Vec::new(),
            length: 0,
        }
    }
}

impl RunningHash {
    /// Takes more bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        let missing = BLOCK.saturating_sub(self.tail.len()).min(bytes.len());
        let (head, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        self.tail.extend_from_slice(head);
        if self.tail.len() < BLOCK {
            return;
        }
        let tail = core::mem::take(&mut self.tail);
        self.compress(&tail);
        let blocks = rest.chunks_exact(BLOCK);
        self.tail = blocks.remainder().to_vec();
        for block in blocks {
            self.compress(block);
        }
    }

    /// The hash of everything taken so far.
    pub(super) fn finish(&self) -> [u8; 32] {
        let mut last = self.clone();
        let bits = self.length.wrapping_mul(8);
        let mut padding = vec![0x80];
        let used = self.tail.len().saturating_add(9);
        let zeros = used.next_multiple_of(BLOCK).saturating_sub(used);
        padding.resize(zeros.saturating_add(1), 0);
        padding.extend(bits.to_be_bytes());
        last.update(&padding);
        let mut digest = [0; 32];
        for (to, from) in digest.chunks_exact_mut(4).zip(last.state) {
            to.copy_from_slice(&from.to_be_bytes());
        }
        digest
    }

    fn compress(&mut self, block: &[u8]) {
        if let Ok(block) = <[u8; BLOCK]>::try_from(block) {
            compress256(&mut self.state, &[block.into()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::RunningHash;

    #[test]
    fn agrees_with_a_plain_hash_for_every_length_and_cut() {
        let bytes: Vec<u8> = (0..300u32).map(|index| (index * 7) as u8).collect();
        for length in 0..bytes.len() {
            let whole = &bytes[..length];
            for cut in [0, 1, 63, 64, 65, length] {
                let (first, second) = whole.split_at(cut.min(length));
                let mut hash = RunningHash::default();
                hash.update(first);
                let stored = serde_json::to_string(&hash).unwrap();
                let mut hash: RunningHash = serde_json::from_str(&stored).unwrap();
                hash.update(second);
                let expected: [u8; 32] = Sha256::digest(whole).into();
                assert_eq!(hash.finish(), expected, "{length} cut at {cut}");
            }
        }
    }
}
