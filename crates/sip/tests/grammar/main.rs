//! The grammar from outside: torture messages, literal messages, and mutations of both.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod literal;
mod mutation;
mod torture;
