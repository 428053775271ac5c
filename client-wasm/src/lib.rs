//! Browser shell.

#[cfg(any(feature = "call", feature = "voice"))]
pub mod storage;
