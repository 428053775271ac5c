//! The grammar from outside: torture messages, literal messages, and seeded changes of everything.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking and says why it is skipped"
)]

mod fuzz;
mod literal;
mod torture;
