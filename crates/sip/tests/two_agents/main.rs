//! Two agents in memory on virtual time: a user agent that calls, and a voicemail built from the same
//! `Call`, which is stored as JSON and read back at every step, as an object at the edge is.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod calls;
mod changes;
mod connection;
mod pair;
mod talk;
mod talkers;
mod voicemail;
