//! From the microphone to the journal: worklet, worker, and the page's hand on both; or the browser's own
//! recorder, for video and where there is no worklet.
//!
//! Beside the worklet the page's side never touches sound. It starts and stops, and passes on what the worker tells.

#[cfg(feature = "call")]
mod browser_recorder;
#[cfg(feature = "call")]
mod ear;
#[cfg(feature = "call")]
mod error;
mod event;
#[cfg(feature = "call")]
mod format;
#[cfg(feature = "call")]
mod hearing;
mod journal;
mod liveness;
mod measure;
#[cfg(feature = "call")]
mod meter;
#[cfg(feature = "call")]
mod pulse;
#[cfg(feature = "call")]
mod recorder;
#[cfg(feature = "call")]
mod recovery;
#[cfg(feature = "call")]
mod stopwatch;
#[cfg(feature = "call")]
mod take;
#[cfg(feature = "call")]
mod vigil;
#[cfg(feature = "call")]
mod wake_lock;
#[cfg(feature = "call")]
mod wiring;
mod wishes;

#[cfg(feature = "call")]
pub use browser_recorder::{BrowserRecorder, Limits};
#[cfg(feature = "call")]
pub use ear::Ear;
#[cfg(feature = "call")]
pub use error::CaptureError;
pub use event::{CaptureEvent, Interruption, Recorded};
#[cfg(feature = "call")]
pub use format::{Kind, has_worklet, recordable};
#[cfg(feature = "call")]
pub use hearing::{Hearing, Verdict};
#[cfg(feature = "voice")]
pub(crate) use journal::{Journal, Progress};
#[cfg(feature = "voice")]
pub(crate) use liveness::Liveness;
#[cfg(feature = "call")]
pub(crate) use liveness::living;
pub use measure::{Measure, Measuring};
#[cfg(feature = "call")]
pub(crate) use recorder::stop_tracks;
#[cfg(feature = "call")]
pub use recorder::{Preparation, Recorder, Scripts};
#[cfg(feature = "call")]
pub use recovery::{await_others, recover, recover_all};
#[cfg(feature = "call")]
pub use take::Take;
#[cfg(feature = "call")]
pub use wake_lock::WakeLock;
pub use wishes::Wishes;
