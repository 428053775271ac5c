//! The module that the capture worker loads: samples in, journal on disk.

mod file;
mod gaps;
mod recorder;
mod sample_clock;
mod suppressor;

use ::voice::{Gain, Recording};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

pub use file::{encode_file, rendition};
pub use recorder::VoiceRecorder;

/// Encodes a whole recording at once: sound that is a file already, and the proof that this module
/// gives the same bytes as the native encoder.
#[wasm_bindgen]
pub fn encode(serial: u32, sample_rate: u32, samples: &[f32]) -> Result<Vec<u8>, JsError> {
    let mut recording = Recording::begin(serial, sample_rate, Gain::Slow)?;
    let mut file = Vec::new();
    for piece in samples.chunks(PIECE) {
        recording.push(piece)?;
        if recording.waiting_ms() >= BLOCK_MS {
            file.extend(recording.take_block());
        }
    }
    file.extend(recording.finish()?.tail);
    Ok(file)
}

/// Samples the worklet sends at once.
const PIECE: usize = 2048;
/// Sound in a block. With encoding and the disk's time this keeps a kill's loss well under a second.
const BLOCK_MS: u64 = 400;
/// The first block comes sooner, so that even a word is safe.
const FIRST_BLOCK_MS: u64 = 100;
