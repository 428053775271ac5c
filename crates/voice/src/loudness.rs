//! Loudness as EBU R 128 and ITU-R BS.1770-5 define it, for one channel at 48 kHz.
//!
//! Our own meter, because `ebur128` would add 21 kB to a module that browsers download; the tests
//! compare the two. It works on energies and takes no logarithm, so that what is decided from them is the same
//! on every target.

use crate::STEP;
use crate::biquad::Biquad;

/// Steps in a tenth of a second.
const TENTH_STEPS: usize = 10;
/// Tenths in a gating block; every tenth begins one.
const BLOCK_TENTHS: usize = 4;
/// Energy of -70 LUFS: what is below is silence.
const SILENCE: f64 = 1.172_465_4e-7;
/// Blocks ten times below the mean of all count as pauses.
const PAUSE: f64 = 0.1;
/// Mantissa bits that a bin's number keeps: 16 bins an octave.
const BIN_SHIFT: u32 = 19;
/// 28 octaves from [`SILENCE`]: louder than any sound that fits into samples.
const BINS: usize = 448;

/// Measures a sound as it comes, in constant memory.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    shelf: Biquad,
    high_pass: Biquad,
    /// Energy of the running tenth so far.
    running: f64,
    steps: usize,
    /// The last tenths, the newest at the end.
    tenths: Vec<f64>,
    bins: Vec<Bin>,
}

/// What a step told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measured {
    /// Mean energy of the step as the ear weights it.
    pub(crate) step: f64,
    /// Mean energy of the last 400 ms, whenever a tenth is full.
    pub(crate) block: Option<f64>,
}

/// Blocks of about the same energy.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    count: u32,
    sum: f64,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self {
            shelf: Biquad::new(
                [
                    1.535_124_859_586_97,
                    -2.691_696_189_406_38,
                    1.198_392_810_852_85,
                ],
                [-1.690_659_293_182_41, 0.732_480_774_215_85],
            ),
            high_pass: Biquad::new(
                [1.0, -2.0, 1.0],
                [-1.990_047_454_833_98, 0.990_072_250_366_21],
            ),
            running: 0.0,
            steps: 0,
            tenths: Vec::with_capacity(BLOCK_TENTHS),
            bins: vec![Bin::default(); BINS],
        }
    }

    /// Takes the next step.
    pub(crate) fn push(&mut self, step: &[f32; STEP]) -> Measured {
        let mut sum = 0.0;
        for &sample in step {
            let weighted = self.high_pass.next(self.shelf.next(f64::from(sample)));
            sum += weighted * weighted;
        }
        let step = sum / STEP as f64;
        self.running += step;
        self.steps += 1;
        let block = (self.steps == TENTH_STEPS).then(|| self.end_tenth());
        Measured {
            step,
            block: block.flatten(),
        }
    }

    /// Mean energy of all that is no pause; none before there is any.
    pub(crate) fn integrated(&self) -> Option<f64> {
        let pause = mean(&self.bins)? * PAUSE;
        let first = bin_of(pause);
        let bins = self.bins.get(first..)?;
        match bins.split_first() {
            // Blocks in the threshold's own bin lie on either side of it; their mean decides.
            Some((edge, rest)) if edge.sum < pause * f64::from(edge.count) => mean(rest),
            _ => mean(bins),
        }
    }

    fn end_tenth(&mut self) -> Option<f64> {
        if self.tenths.len() == BLOCK_TENTHS {
            self.tenths.remove(0);
        }
        self.tenths.push(self.running / TENTH_STEPS as f64);
        (self.running, self.steps) = (0.0, 0);
        if self.tenths.len() < BLOCK_TENTHS {
            return None;
        }
        let block = self.tenths.iter().sum::<f64>() / BLOCK_TENTHS as f64;
        if block >= SILENCE
            && let Some(bin) = self.bins.get_mut(bin_of(block))
        {
            bin.count += 1;
            bin.sum += block;
        }
        Some(block)
    }
}

/// LUFS of an energy.
pub(crate) fn lufs(energy: f64) -> f32 {
    (-0.691 + 10.0 * energy.log10()) as f32
}

fn mean(bins: &[Bin]) -> Option<f64> {
    let count: u64 = bins.iter().map(|bin| u64::from(bin.count)).sum();
    let sum: f64 = bins.iter().map(|bin| bin.sum).sum();
    (count > 0).then(|| sum / count as f64)
}

fn bin_of(energy: f64) -> usize {
    let number = |energy: f64| (energy as f32).to_bits() >> BIN_SHIFT;
    let bin = number(energy.max(SILENCE)) - number(SILENCE);
    (bin as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use ebur128::{EbuR128, Mode};

    use super::*;
    use crate::speech::{noise, speech};

    fn ours(samples: &[f32]) -> Option<f32> {
        let mut meter = Meter::new();
        for step in samples.as_chunks().0 {
            meter.push(step);
        }
        meter.integrated().map(lufs)
    }

    fn theirs(samples: &[f32]) -> f32 {
        let mut meter = EbuR128::new(1, 48_000, Mode::I).unwrap();
        meter.add_frames_f32(samples).unwrap();
        meter.loudness_global().unwrap() as f32
    }

    #[test]
    fn it_measures_what_ebur128_measures() {
        let mut sounds = vec![
            speech(1, 12.0, 0.5),
            speech(2, 8.0, 0.01),
            noise(3, 5.0, 0.05),
        ];
        let paused = [
            speech(4, 4.0, 0.3),
            noise(5, 6.0, 0.000_5),
            speech(6, 4.0, 0.05),
        ];
        sounds.push(paused.concat());
        for sound in sounds {
            let (ours, theirs) = (ours(&sound).unwrap(), theirs(&sound));
            assert!((ours - theirs).abs() < 0.05, "{ours} {theirs}");
        }
    }

    #[test]
    fn a_tone_of_997_hz_at_full_scale_has_its_loudness() {
        // BS.1770-5, annex 1: 0 dB FS in one front channel is -3.01 LKFS.
        let step = std::f64::consts::TAU * 997.0 / 48_000.0;
        let tone: Vec<f32> = (0..480_000)
            .map(|at| (step * f64::from(at)).sin() as f32)
            .collect();
        assert!((ours(&tone).unwrap() + 3.01).abs() < 0.02);
    }

    #[test]
    fn silence_has_no_loudness() {
        assert_eq!(ours(&vec![0.0; 96_000]), None);
        assert_eq!(ours(&noise(1, 0.3, 0.5)), None, "shorter than a block");
    }
}
