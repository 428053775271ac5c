//! Ogg Opus (RFC 7845) as we write it: one mono stream, packets of 20 ms, none of them over a page end. And the
//! packets of a finished recording in other containers, for what a listener's browser plays.
//!
//! Our own writer instead of crate `ogg`: a journal that was cut must be closed by appending a page
//! with the next sequence number, and `ogg` can only number pages from zero. It is the tests' reader.

#![warn(clippy::arithmetic_side_effects)]

mod cut;
mod header;
mod mp4;
mod mp4_reader;
mod ogg;
mod packet;
mod page;
mod rendition;
mod repair;
mod stream;
mod webm;
mod webm_reader;
mod writer;

pub use cut::cut;
pub use header::{Head, head, tags};
pub use page::{Page, PageHeader};
pub use rendition::{Format, Rendition};
pub use repair::{closing, duration_ms, repair};
pub use stream::Stream;
pub use writer::Writer;

/// Samples in one packet: 20 ms.
pub const PACKET_SAMPLES: u64 = 960;
