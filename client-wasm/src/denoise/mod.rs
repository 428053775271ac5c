//! The module that takes noise out of a voice: RNNoise, loaded by the capture worker only where the browser does
//! not do it itself. A module of its own, because it is as large as the encoder.

use nnnoiseless::DenoiseState;
use wasm_bindgen::prelude::wasm_bindgen;

/// What RNNoise takes for full scale.
const FULL_SCALE: f32 = 32_768.0;

/// Takes noise out of one voice.
#[wasm_bindgen]
pub struct Denoiser {
    state: Box<DenoiseState<'static>>,
}

#[wasm_bindgen]
#[allow(clippy::new_without_default, reason = "only JavaScript makes one")]
impl Denoiser {
    /// A denoiser that has heard nothing yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self {
            state: DenoiseState::new(),
        }
    }

    /// Replaces 10 ms at 48 kHz by the cleaned 10 ms before them; the first ones by nothing of use. Any other
    /// number of samples stays as it is.
    pub fn suppress(&mut self, step: &mut [f32]) {
        if step.len() != DenoiseState::FRAME_SIZE {
            return;
        }
        let scaled: Vec<f32> = step.iter().map(|sample| sample * FULL_SCALE).collect();
        self.state.process_frame(step, &scaled);
        step.iter_mut().for_each(|sample| *sample /= FULL_SCALE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize) -> Vec<f32> {
        let mut seed = 1_u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(seed >> 8) / f64::from(1 << 23) - 1.0) as f32 * 0.05
        };
        (0..count).map(|_| next()).collect()
    }

    fn power(samples: &[f32]) -> f32 {
        samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32
    }

    #[test]
    fn noise_becomes_less_than_half_as_strong() {
        let before = noise(4 * 48_000);
        let mut after = before.clone();
        let mut denoiser = Denoiser::new();
        after
            .chunks_mut(480)
            .for_each(|step| denoiser.suppress(step));
        let (before, after) = (power(&before[144_000..]), power(&after[144_000..]));
        assert!(after < before / 4.0, "{before} {after}");
    }

    #[test]
    fn anything_but_ten_milliseconds_stays_as_it_is() {
        let mut step = noise(128);
        Denoiser::new().suppress(&mut step);
        assert_eq!(step, noise(128));
    }
}
