//! A recording under way, by whichever means this browser has.

use super::browser_recorder::BrowserRecorder;
use super::recorder::Recorder;

/// Dropping it lets go of every track; what was saved can be recovered.
pub enum Take {
    /// Our own encoder, fed by an AudioWorklet.
    Worklet(Recorder),
    /// The browser's own recorder.
    Browser(BrowserRecorder),
}

impl Take {
    /// Leaves out what comes until `resume`.
    pub fn pause(&self) {
        match self {
            Self::Worklet(recorder) => recorder.pause(),
            Self::Browser(recorder) => recorder.pause(),
        }
    }

    /// Goes on after `pause`.
    pub fn resume(&self) {
        match self {
            Self::Worklet(recorder) => recorder.resume(),
            Self::Browser(recorder) => recorder.resume(),
        }
    }

    /// Ends the recording; `Finished` follows when the journal is closed and on disk.
    pub fn stop(&self) {
        match self {
            Self::Worklet(recorder) => recorder.stop(),
            Self::Browser(recorder) => recorder.stop(),
        }
    }
}
