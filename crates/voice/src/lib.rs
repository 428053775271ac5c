//! Sound rules: samples in, Ogg Opus out, and what can be learnt from such a file.
//!
//! Pure: no microphone, no clock, no randomness, no web types. The same input gives the same bytes on
//! every target.

#[cfg(feature = "encode")]
mod auto_stop;
#[cfg(feature = "encode")]
mod biquad;
pub mod container;
#[cfg(feature = "encode")]
mod encoder;
#[cfg(feature = "encode")]
mod leveler;
#[cfg(feature = "encode")]
mod loudness;
#[cfg(feature = "encode")]
mod processing;
#[cfg(feature = "encode")]
mod recording;
#[cfg(feature = "encode")]
mod resampler;
#[cfg(feature = "encode")]
mod silence;
#[cfg(all(test, feature = "encode"))]
mod speech;
#[cfg(feature = "encode")]
mod suppression;
mod waveform;

#[cfg(feature = "encode")]
pub use auto_stop::{AutoStop, Countdown};
pub use container::{closing, cut, duration_ms, repair};
#[cfg(feature = "encode")]
pub use encoder::EncodeError;
#[cfg(feature = "encode")]
pub use leveler::Gain;
#[cfg(feature = "encode")]
pub use recording::{Finished, Playing, Recording};
#[cfg(feature = "encode")]
pub use resampler::Resampler;
#[cfg(feature = "encode")]
pub use silence::Ends;
#[cfg(feature = "encode")]
pub use suppression::{Suppressor, SuppressorFailed};
pub use waveform::Waveform;

/// Samples per second of everything inside: Opus counts in this rate whatever it is fed (RFC 7845
/// section 4).
pub const SAMPLE_RATE: u32 = 48_000;

/// Samples that are processed at once: 10 ms.
#[cfg(feature = "encode")]
pub const STEP: usize = 480;
#[cfg(feature = "encode")]
const STEP_MS: u64 = 10;
