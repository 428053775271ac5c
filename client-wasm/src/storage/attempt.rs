//! What a message's parts were told to be, to which mailbox: so that nothing else is ever told under the same id,
//! and what may have arrived is asked for before anything goes up under another one.

use serde::{Deserialize, Serialize};

use super::deposit::DepositRow;

/// One way in which a message began to go up. Stored before its first request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// The deposit id that the server knows it by.
    pub deposit_id: String,
    /// The session it goes up under.
    pub session_id: String,
    /// Hash over all that is said of the parts.
    pub facts: String,
    /// The parts, by their numbers.
    pub parts: Vec<SentPart>,
}

/// One part as it goes up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SentPart {
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

/// What the user keeps of a recording; the rest never leaves the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cut {
    /// Where it begins.
    pub from_ms: u64,
    /// Where it ends.
    pub to_ms: u64,
}

impl DepositRow {
    /// Forgets where uploads stand; the server knows.
    pub fn forget_uploads(&mut self) {
        self.upload_url = None;
        self.sent = 0;
        for part in &mut self.parts {
            part.upload_url = None;
            part.sent = 0;
        }
    }

    /// The journal as it is sent; nothing if it cannot be cut as its user wants.
    pub fn as_sent(&self, journal: Vec<u8>) -> Option<Vec<u8>> {
        match self.cut {
            Some(cut) => voice::cut(&journal, cut.from_ms, cut.to_ms),
            None => Some(journal),
        }
    }

    /// How long it plays as it is sent.
    pub fn sent_duration_ms(&self) -> u64 {
        match self.cut {
            Some(cut) => cut.to_ms.min(self.duration_ms).saturating_sub(cut.from_ms),
            None => self.duration_ms,
        }
    }

    /// Peaks of what is sent.
    pub fn sent_waveform(&self) -> Vec<u8> {
        let Some(cut) = self.cut else {
            return self.waveform.clone();
        };
        let bars = self.waveform.len() as u64;
        let at = |ms: u64| {
            let bar = ms.saturating_mul(bars) / self.duration_ms.max(1);
            usize::try_from(bar).unwrap_or(usize::MAX)
        };
        let kept = at(cut.to_ms).saturating_sub(at(cut.from_ms)).max(1);
        let kept = self.waveform.iter().skip(at(cut.from_ms)).take(kept);
        kept.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, DepositRow};

    #[test]
    fn a_cut_recording_is_as_long_and_looks_like_what_is_kept() {
        let mut row = DepositRow {
            duration_ms: 10_000,
            waveform: (0..100).collect(),
            ..DepositRow::default()
        };
        assert_eq!(row.sent_duration_ms(), 10_000);
        assert_eq!(row.sent_waveform().len(), 100);
        row.cut = Some(Cut {
            from_ms: 2_000,
            to_ms: 5_000,
        });
        assert_eq!(row.sent_duration_ms(), 3_000);
        assert_eq!(row.sent_waveform(), (20..50).collect::<Vec<u8>>());
    }
}
