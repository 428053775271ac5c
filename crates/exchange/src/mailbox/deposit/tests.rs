//! Deposits from the request to the message, on real SQLite databases, with answers lost and processes killed
//! at every point.

mod crash;
mod media;
mod once;
mod parts;
mod refusal;
mod sweeping;
pub(crate) mod world;
