//! Browser shell.

#[cfg(any(feature = "call", feature = "voice"))]
pub mod capture;
#[cfg(any(feature = "call", feature = "voice"))]
pub mod storage;
#[cfg(feature = "voice")]
pub mod voice;
