//! From whatever rate the microphone runs at to 48 kHz: a windowed-sinc filter.

use std::f64::consts::PI;

use crate::SAMPLE_RATE;

/// Zero crossings of the filter on each side.
const CROSSINGS: usize = 16;
/// Filter rows per input sample; between two rows the result is interpolated.
const PHASES: usize = 256;

/// Resamples a stream to 48 kHz. Positions are counted in whole numbers, so it never drifts.
#[derive(Clone, Debug)]
pub struct Resampler {
    input_rate: u64,
    /// Taps on each side of a position.
    reach: usize,
    /// `PHASES + 1` rows of `2 * reach` taps.
    rows: Vec<Vec<f32>>,
    /// Input still needed; begins `reach - 1` samples before `start`.
    buffer: Vec<f32>,
    start: u64,
    received: u64,
    produced: u64,
}

impl Resampler {
    /// A resampler from this rate; rates outside 8 to 384 kHz are taken for the nearest of these.
    pub fn new(input_rate: u32) -> Self {
        let input_rate = input_rate.clamp(8_000, 384_000);
        let narrowing = (f64::from(SAMPLE_RATE) / f64::from(input_rate)).min(1.0);
        let reach = (CROSSINGS as f64 / narrowing).ceil() as usize;
        Self {
            input_rate: u64::from(input_rate),
            reach,
            rows: (0..=PHASES)
                .map(|phase| row(phase, reach, narrowing))
                .collect(),
            buffer: vec![0.0; reach - 1],
            start: 0,
            received: 0,
            produced: 0,
        }
    }

    /// Takes input and appends what can be said already to `out`.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.buffer.extend_from_slice(samples);
        self.received += samples.len() as u64;
        self.produce(u64::MAX, out);
    }

    /// Appends the rest, so that the output is as long as the input.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        self.buffer.extend(std::iter::repeat_n(0.0, self.reach + 1));
        let rate = u64::from(SAMPLE_RATE);
        let length = (self.received * rate + self.input_rate / 2) / self.input_rate;
        self.produce(length, out);
    }

    fn produce(&mut self, length: u64, out: &mut Vec<f32>) {
        let rate = u64::from(SAMPLE_RATE);
        while self.produced < length {
            let position = self.produced * self.input_rate;
            let (whole, part) = (position / rate, position % rate);
            let begin = (whole - self.start) as usize;
            let Some(window) = self.buffer.get(begin..begin + 2 * self.reach) else {
                break;
            };
            out.push(self.sample(window, part as f64 / rate as f64));
            self.produced += 1;
        }
        self.forget(self.produced * self.input_rate / rate);
    }

    fn sample(&self, window: &[f32], part: f64) -> f32 {
        let phase = part * PHASES as f64;
        let lower = phase.floor();
        let weight = (phase - lower) as f32;
        let mut rows = self.rows.iter().skip(lower as usize);
        let (Some(before), Some(after)) = (rows.next(), rows.next()) else {
            return 0.0;
        };
        before
            .iter()
            .zip(after)
            .zip(window)
            .map(|((b, a), x)| (b + (a - b) * weight) * x)
            .sum()
    }

    fn forget(&mut self, position: u64) {
        let done = ((position - self.start) as usize).min(self.buffer.len());
        self.buffer.drain(..done);
        self.start += done as u64;
    }
}

/// Taps for a position `phase / PHASES` of a sample after the one at `reach - 1`.
fn row(phase: usize, reach: usize, narrowing: f64) -> Vec<f32> {
    let part = phase as f64 / PHASES as f64;
    let tap = |at: usize| {
        let distance = at as f64 - (reach as f64 - 1.0) - part;
        let window = 0.5 + 0.5 * (PI * distance / reach as f64).cos();
        let inside = distance.abs() < reach as f64;
        if inside {
            narrowing * sinc(distance * narrowing) * window
        } else {
            0.0
        }
    };
    let taps: Vec<f64> = (0..2 * reach).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| (tap / sum) as f32).collect()
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else {
        (PI * x).sin() / (PI * x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, count: usize) -> Vec<f32> {
        let step = 2.0 * PI * hertz / f64::from(rate);
        (0..count)
            .map(|at| (step * at as f64).sin() as f32 * 0.5)
            .collect()
    }

    fn resample(rate: u32, input: &[f32], piece: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate);
        let mut out = Vec::new();
        for samples in input.chunks(piece) {
            resampler.push(samples, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn a_tone_stays_the_same_tone() {
        for rate in [8_000, 16_000, 44_100, 96_000] {
            let out = resample(rate, &tone(rate, 1000.0, rate as usize), 441);
            assert_eq!(out.len(), 48_000, "{rate}");
            let wanted = tone(48_000, 1000.0, 48_000);
            let worst = out[1000..47_000]
                .iter()
                .zip(&wanted[1000..47_000])
                .fold(0.0_f32, |worst, (a, b)| worst.max((a - b).abs()));
            assert!(worst < 0.002, "{rate}: {worst}");
        }
    }

    #[test]
    fn what_48_khz_cannot_hold_is_filtered_out() {
        let out = resample(96_000, &tone(96_000, 40_000.0, 96_000), 1024);
        let loudest = out[1000..47_000]
            .iter()
            .fold(0.0_f32, |peak, x| peak.max(x.abs()));
        assert!(loudest < 0.005, "{loudest}");
    }

    #[test]
    fn pieces_make_no_difference() {
        let input = tone(44_100, 700.0, 10_000);
        assert_eq!(
            resample(44_100, &input, 1),
            resample(44_100, &input, 10_000)
        );
    }
}
