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

    /// Lets go of microphone and camera at once, and has what was said written down. Whoever comes back stops it.
    pub fn hurry(&self) {
        match self {
            Self::Worklet(recorder) => recorder.hurry(),
            Self::Browser(recorder) => recorder.stop(),
        }
    }

    /// Lets go of every track and says nothing more; what was said is still written down.
    pub async fn leave(self) {
        match self {
            Self::Worklet(recorder) => recorder.leave().await,
            Self::Browser(recorder) => drop(recorder),
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
