//! Sound rules: samples in, Ogg Opus out, and what can be learnt from such a file.
//!
//! Pure: no microphone, no clock, no randomness, no web types. The same input gives the same bytes on
//! every target.

pub mod container;
#[cfg(feature = "encode")]
mod encoder;
#[cfg(feature = "encode")]
mod recording;
#[cfg(feature = "encode")]
mod resampler;
mod waveform;

pub use container::{closing, duration_ms, repair};
#[cfg(feature = "encode")]
pub use encoder::EncodeError;
#[cfg(feature = "encode")]
pub use recording::{Finished, Recording};
#[cfg(feature = "encode")]
pub use resampler::Resampler;
pub use waveform::Waveform;

/// Samples per second of everything inside: Opus counts in this rate whatever it is fed (RFC 7845
/// section 4).
pub const SAMPLE_RATE: u32 = 48_000;
