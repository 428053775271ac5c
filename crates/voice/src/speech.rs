//! Sounds for tests, the same for the same seed: something like speech, and noise.

use std::f64::consts::TAU;

use crate::SAMPLE_RATE;

const RATE: f64 = SAMPLE_RATE as f64;

/// White noise between -1 and 1.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 8) / f64::from(1 << 23) - 1.0
    }
}

/// A resonance of the mouth.
#[derive(Default)]
struct Formant {
    last: [f64; 2],
}

impl Formant {
    fn next(&mut self, x: f64, hertz: f64, width: f64) -> f64 {
        let radius = (-std::f64::consts::PI * width / RATE).exp();
        let [one, two] = self.last;
        let y = x * (1.0 - radius) + 2.0 * radius * (TAU * hertz / RATE).cos() * one
            - radius * radius * two;
        self.last = [y, one];
        y
    }
}

/// Syllables of 120 to 280 ms in words and phrases, vowels and hisses, with pauses between phrases. The loudest
/// sample is `peak`; it begins and ends with sound.
pub(crate) fn speech(seed: u32, seconds: f64, peak: f32) -> Vec<f32> {
    let mut noise = Noise(seed.wrapping_mul(2_654_435_761));
    let mut formants: [Formant; 3] = Default::default();
    let count = (seconds * RATE) as usize;
    let mut samples = Vec::with_capacity(count);
    let (mut phase, mut syllable) = (0.0_f64, 0);
    while samples.len() < count {
        let length = RATE * (0.2 + 0.08 * noise.next());
        let pitch = 120.0 + 30.0 * noise.next();
        let vowel = [
            500.0 + 200.0 * noise.next(),
            1500.0 + 600.0 * noise.next(),
            2600.0 + 200.0 * noise.next(),
        ];
        let stress = 0.6 + 0.4 * noise.next().abs();
        let hiss = if syllable % 3 == 0 { 0.25 } else { 0.02 };
        for at in 0..length as usize {
            phase = (phase + pitch / RATE).fract();
            let glottis = if phase < 0.4 {
                (phase / 0.4 * TAU / 2.0).sin()
            } else {
                0.0
            } - 0.25;
            let part = at as f64 / length;
            let envelope = (part * TAU / 2.0).sin().powf(0.6) * stress;
            let tone: f64 = formants
                .iter_mut()
                .zip(vowel)
                .map(|(formant, hertz)| formant.next(glottis, hertz, 80.0))
                .sum();
            let breath = if part < 0.35 { hiss } else { 0.01 };
            samples.push((tone * envelope + noise.next() * breath * stress * 0.1) as f32);
        }
        syllable += 1;
        if syllable % 9 == 0 {
            samples.extend(std::iter::repeat_n(0.0, (RATE * 0.45) as usize));
        }
    }
    samples.truncate(count);
    let loudest = samples.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    samples.iter().map(|x| x / loudest * peak).collect()
}

/// Noise with more in the low tones, as rooms have it; `level` is about its loudest sample.
pub(crate) fn noise(seed: u32, seconds: f64, level: f32) -> Vec<f32> {
    let mut noise = Noise(seed);
    let mut low = 0.0;
    let mut sample = || {
        low = 0.95 * low + 0.05 * noise.next() * 4.0;
        (low * 0.7 + noise.next() * 0.3) as f32 * level
    };
    (0..(seconds * RATE) as usize).map(|_| sample()).collect()
}

/// Both at once, as long as the longer one.
pub(crate) fn mixed(one: &[f32], other: &[f32]) -> Vec<f32> {
    let at = |sound: &[f32], index: usize| sound.get(index).copied().unwrap_or(0.0);
    (0..one.len().max(other.len()))
        .map(|index| at(one, index) + at(other, index))
        .collect()
}
