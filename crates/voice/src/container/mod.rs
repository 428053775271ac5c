//! Ogg Opus (RFC 7845) as we write it: one mono stream, packets of 20 ms, none of them over a page end.
//!
//! Our own writer instead of crate `ogg`: a journal that was cut must be closed by appending a page
//! with the next sequence number, and `ogg` can only number pages from zero. It is the tests' reader.

#![warn(clippy::arithmetic_side_effects)]

mod header;
mod page;
mod repair;
mod writer;

pub use header::{head, tags};
pub use page::{Page, PageHeader};
pub use repair::{closing, duration_ms, repair};
pub use writer::Writer;

/// Samples in one packet: 20 ms.
pub const PACKET_SAMPLES: u64 = 960;
