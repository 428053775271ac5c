//! Brings a voice to one loudness while it is spoken: a slow gain, and a limiter with 10 ms of foresight.
//!
//! The gain moves only while somebody speaks, so that pauses do not swell. It stays below the target on purpose:
//! what is missing at the end is known then, and goes along as `gain_db`. No logarithm or other function is taken
//! whose last bit differs between targets.

use crate::STEP;

/// Energy of -18.5 LUFS.
const TARGET: f64 = 0.016_561_5;
/// No sample leaves louder than this: 3.5 dB below full scale, room for `gain_db`. So a peak may stand 15 dB above
/// the target: lower, and the limiter would work on every other syllable, which costs clarity (a hundredth of STOI).
pub(crate) const CEILING: f64 = 0.668;
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
/// The limiter lets go by 30 dB a second.
const RELEASE: f64 = 1.035_14;

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
    held: Option<Held>,
}

/// The step whose gain at its end is not known yet.
#[derive(Clone, Debug)]
struct Held {
    step: [f32; STEP],
    /// The most gain that it bears.
    most: f64,
    /// Its gain at its beginning.
    from: f64,
}

impl Leveler {
    pub(crate) fn new(kind: Gain) -> Self {
        Self {
            kind,
            gain: 1.0,
            limit: 1.0,
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
        let before = self.held.as_ref().map_or(f64::INFINITY, |held| held.most);
        self.limit = (self.limit * RELEASE)
            .min(1.0)
            .min(most.min(before) / self.gain);
        let from = self.gain * self.limit;
        let held = self.held.replace(Held { step, most, from });
        held.map(|held| held.ramp(from))
    }

    fn most(&self, step: &[f32; STEP]) -> f64 {
        let peak = step.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
        let ceiling = match self.kind {
            Gain::Slow => CEILING,
            Gain::None => 1.0,
        };
        ceiling / f64::from(peak)
    }
}

impl Held {
    /// Its samples, with the gain going straight from its beginning's to its end's. Both are bearable, so all
    /// between them are.
    fn ramp(mut self, to: f64) -> [f32; STEP] {
        let slope = (to - self.from) / STEP as f64;
        for (at, sample) in self.step.iter_mut().enumerate() {
            *sample = (f64::from(*sample) * (self.from + slope * at as f64)) as f32;
        }
        self.step
    }
}
