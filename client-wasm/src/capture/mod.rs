//! From the microphone to the journal: worklet, worker, and the page's hand on both.
//!
//! The page's side never touches sound. It starts and stops, and passes on what the worker tells.

#[cfg(feature = "call")]
mod error;
mod event;
mod journal;
mod liveness;
mod measure;
#[cfg(feature = "call")]
mod recorder;
#[cfg(feature = "call")]
mod recovery;
#[cfg(feature = "call")]
mod wiring;

#[cfg(feature = "call")]
pub use error::CaptureError;
pub use event::{CaptureEvent, Recorded};
pub(crate) use journal::{Journal, Progress};
#[cfg(feature = "voice")]
pub(crate) use liveness::Liveness;
pub use measure::{Measure, Measuring};
#[cfg(feature = "call")]
pub use recorder::{Recorder, Scripts};
#[cfg(feature = "call")]
pub use recovery::{recover, recover_all};
