//! What the capture worker tells the page.

use serde::{Deserialize, Serialize};

use super::measure::Measure;
use crate::storage::Gap;

/// One event of a recording, in the order in which they come. Its variant is the outer key: a `type` field would
/// cost the module a buffer for every kind of value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureEvent {
    /// The first real samples are here: only now it is recording.
    Started,
    /// About fifteen times a second.
    Level {
        /// Loudest sample since the last one, 0 to 1.
        peak: f32,
        /// Sound recorded so far.
        elapsed_ms: u64,
        /// What the microphone gave since the last one, before anything was done to it.
        #[serde(default)]
        heard: Measure,
    },
    /// The microphone or the machine left something out; silence stands in for it.
    Gap(Gap),
    /// It ends by itself in so many ms, because nobody speaks; nothing: somebody spoke again.
    Silence {
        /// Whole seconds.
        remaining_ms: Option<u64>,
    },
    /// So much is on disk.
    Saved {
        /// Bytes.
        size: u64,
        /// Sound.
        duration_ms: u64,
    },
    /// It ends before its speaker wanted; `Finished` follows.
    Interrupted(Interruption),
    /// The journal is closed and on disk: a draft.
    Finished(Recorded),
    /// It cannot go on. What was saved stays; `recover` makes a draft of it.
    Failed {
        /// Stable code.
        code: String,
        /// In plain words.
        message: String,
    },
}

/// What ends a recording from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interruption {
    /// The microphone was unplugged, or its permission withdrawn.
    Unplugged,
    /// Something else took the microphone: a telephone call, a switch of the device.
    Taken,
    /// The browser stopped its audio engine and did not start it again.
    Stalled,
    /// The device slept.
    Asleep,
}

/// A closed recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Which one.
    pub deposit_id: String,
    /// How long it plays.
    pub duration_ms: u64,
    /// Bytes of the file.
    pub size: u64,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// At most 100 bars, 0 to 255.
    pub waveform: Vec<u8>,
    /// How much of it the microphone left out and silence stands in for.
    pub gap_ms: u64,
}
