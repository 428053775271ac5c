//! What is wished of a recording that our own encoder makes.

use serde::{Deserialize, Serialize};

/// Goes with the word that starts a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wishes {
    /// It ends by itself when it is this long.
    pub longest_ms: Option<u64>,
    /// It ends by itself after so much silence that follows speech.
    pub silence_ms: Option<u64>,
    /// The sound stays as the microphone gives it.
    pub untouched: bool,
    /// Our own module takes the noise out, as soon as it is there.
    pub reduce_noise: bool,
}
