//! The Opus encoder: libopus, translated to Rust, behind a safe type.

#![allow(
    unsafe_code,
    reason = "libopus as Rust (unsafe-libopus) keeps C's interface; no other pure-Rust encoder reaches its quality"
)]

use std::ptr::NonNull;

use unsafe_libopus::{
    OPUS_APPLICATION_VOIP, OPUS_GET_LOOKAHEAD_REQUEST, OPUS_OK, OPUS_SET_BITRATE_REQUEST,
    OPUS_SET_SIGNAL_REQUEST, OPUS_SET_VBR_CONSTRAINT_REQUEST, OPUS_SET_VBR_REQUEST,
    OPUS_SIGNAL_VOICE, OpusEncoder, opus_encode_float, opus_encoder_create, opus_encoder_ctl,
    opus_encoder_destroy,
};

use crate::SAMPLE_RATE;

/// Samples in one frame: 20 ms.
pub(crate) const FRAME: usize = 960;

/// Of speech libopus makes a little less than it is allowed: 24 kbit/s.
const BITS_PER_SECOND: i32 = 24_800;
/// A packet of one frame has at most 1275 bytes (RFC 6716 section 3.4, R2).
const LONGEST_PACKET: usize = 1275;

/// The encoder refused; the number is libopus's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// No encoder could be made.
    #[error("the Opus encoder did not start (code {0})")]
    Start(i32),
    /// A setting was refused.
    #[error("the Opus encoder refused setting {request} (code {code})")]
    Setting {
        /// Which setting.
        request: i32,
        /// Why.
        code: i32,
    },
    /// A frame was refused.
    #[error("the Opus encoder refused a frame (code {0})")]
    Frame(i32),
}

/// Speech at 24 kbit/s, variable: 48 kHz, mono, frames of 20 ms. Complexity stays libopus's own, 9: at 5 it takes
/// two thirds of the time and a third of a point of PESQ.
pub(crate) struct Encoder {
    state: NonNull<OpusEncoder>,
}

impl Encoder {
    pub(crate) fn new() -> Result<Self, EncodeError> {
        let mut code = OPUS_OK;
        let rate = SAMPLE_RATE.cast_signed();
        // SAFETY: `code` outlives the call, which only writes to it.
        let made = unsafe { opus_encoder_create(rate, 1, OPUS_APPLICATION_VOIP, &raw mut code) };
        let state = NonNull::new(made).ok_or(EncodeError::Start(code))?;
        let encoder = Self { state };
        encoder.set(OPUS_SET_BITRATE_REQUEST, BITS_PER_SECOND)?;
        encoder.set(OPUS_SET_VBR_REQUEST, 1)?;
        encoder.set(OPUS_SET_VBR_CONSTRAINT_REQUEST, 0)?;
        encoder.set(OPUS_SET_SIGNAL_REQUEST, OPUS_SIGNAL_VOICE)?;
        Ok(encoder)
    }

    /// Samples the decoder has to skip at the beginning: the pre-skip.
    pub(crate) fn lookahead(&self) -> Result<u16, EncodeError> {
        let request = OPUS_GET_LOOKAHEAD_REQUEST;
        let mut samples = 0_i32;
        // SAFETY: `state` is a live encoder owned by `self`; this request takes one `&mut i32`.
        let code = unsafe { opus_encoder_ctl!(self.state.as_ptr(), request, &mut samples) };
        match u16::try_from(samples) {
            Ok(samples) if code == OPUS_OK => Ok(samples),
            _ => Err(EncodeError::Setting { request, code }),
        }
    }

    pub(crate) fn encode(&mut self, frame: &[f32; FRAME]) -> Result<Vec<u8>, EncodeError> {
        let mut packet = vec![0; LONGEST_PACKET];
        // SAFETY: `state` is a live encoder owned by `self`; it reads FRAME mono samples from `frame`,
        // which has as many, and writes at most LONGEST_PACKET bytes into `packet`, which has room.
        let length = unsafe {
            opus_encode_float(
                self.state.as_ptr(),
                frame.as_ptr(),
                FRAME as i32,
                packet.as_mut_ptr(),
                LONGEST_PACKET as i32,
            )
        };
        packet.truncate(usize::try_from(length).map_err(|_| EncodeError::Frame(length))?);
        Ok(packet)
    }

    fn set(&self, request: i32, value: i32) -> Result<(), EncodeError> {
        // SAFETY: `state` is a live encoder owned by `self`; every request used here takes one `i32`.
        let code = unsafe { opus_encoder_ctl!(self.state.as_ptr(), request, value) };
        match code {
            OPUS_OK => Ok(()),
            code => Err(EncodeError::Setting { request, code }),
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: `state` came from `opus_encoder_create` and is destroyed only here.
        unsafe { opus_encoder_destroy(self.state.as_ptr()) }
    }
}
