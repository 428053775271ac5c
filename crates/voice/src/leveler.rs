//! Brings a voice to one loudness while it is spoken: a slow gain, and a quick limiter that sees every peak coming.
//!
//! The gain moves only while somebody speaks, so that pauses do not swell. It stays below the target on purpose:
//! what is missing at the end is known then, and goes along as `gain_db`. No logarithm or other function is taken
//! whose last bit differs between targets.

use crate::STEP;

/// Energy of -19.3 LUFS.
const TARGET: f64 = 0.013_775_4;
/// No sample leaves louder than this: 3.5 dB below full scale, room for `gain_db`. So a peak may stand almost 16 dB
/// above the target: lower, and the limiter would work on every other syllable, which costs clarity (half a hundredth of
/// STOI); higher, and a voice with sharp peaks could not be brought to its loudness without cutting them off.
pub(crate) const CEILING: f64 = 0.668;
/// Samples that the limiter judges at once: 1 ms.
const GRAIN: usize = 48;
const GRAINS: usize = STEP / GRAIN;
/// Gain is kept between -20 and 40 dB.
const LEAST: f64 = 0.1;
const MOST: f64 = 100.0;
/// Towards a voice that is this far off, as a factor for each step: 24 dB a second from 6 dB on, 6 dB a second
/// from 3 dB on, else 2 dB a second.
const FAR: f64 = 2.0;
const FAST: f64 = 1.028_02;
const OFF: f64 = 1.41;
const BRISK: f64 = 1.006_93;
const SLOW: f64 = 1.002_31;
/// The limiter lets go by 600 dB a second, so that the sound after a peak keeps its level.
const RELEASE: f64 = 1.071_52;

/// How a sound's level is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gain {
    /// Towards one loudness.
    Slow,
    /// Left as it is, up to the ceiling of what a file holds.
    None,
}

/// Turns steps into steps of even loudness, one step later.
#[derive(Clone, Debug)]
pub(crate) struct Leveler {
    kind: Gain,
    gain: f64,
    limit: f64,
    /// What the last sample given was multiplied by.
    applied: f64,
    held: Option<Held>,
}

/// The step whose gain at its end is not known yet.
#[derive(Clone, Debug)]
struct Held {
    step: [f32; STEP],
    /// The most gain that each of its grains bears.
    most: [f64; GRAINS],
    /// The slow gain at its beginning.
    gain: f64,
}

impl Leveler {
    pub(crate) fn new(kind: Gain) -> Self {
        Self {
            kind,
            gain: 1.0,
            limit: 1.0,
            applied: 1.0,
            held: None,
        }
    }

    /// Somebody speaks, with this energy.
    pub(crate) fn follow(&mut self, voice: f64) {
        if self.kind == Gain::None {
            return;
        }
        let wanted = (TARGET / voice).sqrt().clamp(LEAST, MOST);
        let off = (wanted / self.gain).max(self.gain / wanted);
        let pace = match off {
            FAR.. => FAST,
            OFF.. => BRISK,
            _ => SLOW,
        };
        self.gain = wanted.clamp(self.gain / pace, self.gain * pace);
    }

    /// Takes a step and gives the one before it.
    pub(crate) fn push(&mut self, step: [f32; STEP]) -> Option<[f32; STEP]> {
        let most = self.most(&step);
        let gain = self.gain;
        let held = self.held.replace(Held { step, most, gain })?;
        Some(self.ramp(held, most))
    }

    fn most(&self, step: &[f32; STEP]) -> [f64; GRAINS] {
        let ceiling = match self.kind {
            Gain::Slow => CEILING,
            Gain::None => 1.0,
        };
        let mut most = [f64::INFINITY; GRAINS];
        for (most, grain) in most.iter_mut().zip(step.as_chunks::<GRAIN>().0) {
            let peak = grain.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
            *most = ceiling / f64::from(peak);
        }
        most
    }

    /// Samples of a step, with the gain going straight from the beginning to the end of each grain. Both are bearable,
    /// so all between them are.
    fn ramp(&mut self, held: Held, next: [f64; GRAINS]) -> [f32; STEP] {
        let mut step = held.step;
        let after = held.most.iter().skip(1).chain(next.first());
        let bearable = held
            .most
            .iter()
            .zip(after)
            .map(|(one, other)| one.min(*other));
        let rise = (self.gain - held.gain) / GRAINS as f64;
        let grains = step.as_chunks_mut::<GRAIN>().0.iter_mut();
        for ((at, grain), most) in grains.enumerate().zip(bearable) {
            let gain = held.gain + rise * (at + 1) as f64;
            self.limit = (self.limit * RELEASE).min(1.0).min(most / gain);
            let slope = (gain * self.limit - self.applied) / GRAIN as f64;
            for (at, sample) in grain.iter_mut().enumerate() {
                *sample = (f64::from(*sample) * (self.applied + slope * at as f64)) as f32;
            }
            self.applied = gain * self.limit;
        }
        step
    }
}
