//! Sound that is a file already: a greeting to be encoded, a draft to be saved.

use ::voice::container::{Format, Rendition};
use ::voice::{Gain, Recording};
use js_sys::Function;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use super::suppressor::Outside;

/// Samples between two words about the progress: half a second and more.
const PIECE: usize = 1 << 15;

/// Encodes mono samples as an Ogg Opus file of our loudness. `progress` hears from 0 to 1 how much is done; `suppress`
/// cleans every 10 ms in place, as it does in [`VoiceRecorder::suppress_with`](super::VoiceRecorder::suppress_with).
#[wasm_bindgen]
pub fn encode_file(
    serial: u32,
    sample_rate: u32,
    samples: &[f32],
    progress: &Function,
    suppress: Option<Function>,
) -> Result<Vec<u8>, JsError> {
    let mut recording = Recording::begin(serial, sample_rate, Gain::Slow)?;
    if let Some(suppress) = suppress {
        recording.suppress_with(Box::new(Outside::new(suppress)));
    }
    let mut file = Vec::new();
    let mut done = 0;
    for piece in samples.chunks(PIECE) {
        recording.push(piece)?;
        file.extend(recording.take_block());
        done += piece.len();
        let share = JsValue::from_f64(done as f64 / samples.len() as f64);
        // A listener that throws does not stop the work.
        let _ = progress.call1(&JsValue::UNDEFINED, &share);
    }
    let finished = recording.finish()?;
    file.extend(finished.tail);
    let rendition = Rendition {
        format: Format::Ogg,
        gain_db: finished.playing.gain_db,
        trim_start_ms: 0,
        trim_end_ms: 0,
    };
    Ok(rendition.of(&file).unwrap_or(file))
}

/// A recording as its listener will hear it: the same packets in a container of their own (`ogg`, `webm` or `mp4`),
/// with its gain, without what is trimmed. Nothing for sound that is no Opus.
#[wasm_bindgen]
pub fn rendition(
    file: &[u8],
    format: &str,
    gain_db: Option<f32>,
    trim_start_ms: u32,
    trim_end_ms: u32,
) -> Option<Vec<u8>> {
    let rendition = Rendition {
        format: Format::named(format)?,
        gain_db,
        trim_start_ms: u64::from(trim_start_ms),
        trim_end_ms: u64::from(trim_end_ms),
    };
    rendition.of(file)
}
