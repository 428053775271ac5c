//! Microphone, camera and peer connection: the media that calls and recorders open. Recording has its own path (`capture`).

mod camera;
mod devices;
mod microphone;
mod peer;

pub(crate) use camera::Camera;
pub(crate) use devices::{Device, choose, chosen, microphones};
pub(crate) use microphone::{Microphone, Processing};
pub(crate) use peer::{Peer, can_talk};
