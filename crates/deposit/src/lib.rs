//! The rules that both ends of a deposit share: tokens, states, resumable upload, network gate, retry
//! delays, receipts and webhook signatures. The browser, the edge and every later server use the same code.
//!
//! Nothing here does input or output, reads a clock or draws randomness: bytes, Unix milliseconds and
//! entropy are arguments.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod attachment;
mod encoding;
pub mod gate;
pub mod receipt;
pub mod retry;
pub mod state;
pub mod target;
pub mod text;
pub mod time;
pub mod token;
pub mod tus;
pub mod upload;
pub mod webhook;

pub use encoding::{hex, hex_bytes};
