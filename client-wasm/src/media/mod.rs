//! Microphone and peer connection: the media a live call needs. Recording has its own path (`capture`).

mod microphone;
mod peer;

pub(crate) use microphone::{Microphone, Processing};
pub(crate) use peer::Peer;
