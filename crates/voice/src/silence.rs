//! Tells speech from silence, whatever the room sounds like, and finds the silence at both ends.
//!
//! Being wrong costs differently: silence taken for speech leaves a pause in, speech taken for silence loses a
//! word. So all that rises out of the noise counts as speech, a room as loud as its speaker is never silent, and
//! the beginning is judged at the end, when both are known. All levels are energies.

use crate::STEP_MS;
use crate::loudness::Measured;

/// -65 LUFS: nothing below is heard.
const INAUDIBLE: f64 = 3.707_6e-7;
/// -58 LUFS: no voice is softer.
const SOFTEST_VOICE: f64 = 1.858_2e-6;
/// Speech rises out of the noise by 6 dB.
const RISE: f64 = 4.0;
/// 30 dB below the voice is its breath.
const BREATH: f64 = 0.001;
/// What is less than 15 dB below the voice may be a part of it.
const UNSURE: f64 = 0.032;
/// Blocks ten times below the voice are its pauses.
const PAUSE: f64 = 0.1;
/// Blocks over which the voice is averaged: 6 s.
const MEMORY: u32 = 60;
/// Blocks after which there is a voice.
const LEAST_BLOCKS: u32 = 2;
/// Steps that the energy is averaged over.
const SMOOTH: f64 = 5.0;
/// The noise is the least of the last 10 s, kept in parts of half a second.
const PART_STEPS: u32 = 50;
const PARTS: usize = 20;
/// How much of the beginning is remembered: a minute.
const HEAD_STEPS: usize = 6000;
/// Steps in a row that speech takes.
const LEAST_STEPS: usize = 4;
/// So much silence stays at either end.
const MARGIN_MS: u64 = 250;
/// Less than this is not worth leaving out.
const WORTH_MS: u64 = 300;

/// How much silence lies at both ends, in ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Before the first word.
    pub start_ms: u64,
    /// After the last one.
    pub end_ms: u64,
}

/// A voice as it was heard so far.
#[derive(Clone, Copy, Debug, Default)]
struct Voice {
    /// Mean energy, pauses left out.
    energy: f64,
    /// Over so many tenths of a second, up to [`MEMORY`].
    blocks: u32,
}

/// Listens for speech, step by step.
#[derive(Clone, Debug)]
pub(crate) struct Silence {
    smooth: f64,
    voice: Voice,
    noise: Noise,
    head: Vec<f32>,
    steps: u64,
    rising: usize,
    /// Number of the step after the last one with speech.
    spoken: Option<u64>,
}

impl Silence {
    pub(crate) fn new() -> Self {
        Self {
            smooth: 0.0,
            voice: Voice::default(),
            noise: Noise::new(),
            head: Vec::new(),
            steps: 0,
            rising: 0,
            spoken: None,
        }
    }

    /// Takes what a step told, and says whether somebody speaks.
    pub(crate) fn hear(&mut self, measured: Measured) -> bool {
        self.smooth += (measured.step - self.smooth) / SMOOTH.min(self.steps as f64 + 1.0);
        self.steps += 1;
        if self.head.len() < HEAD_STEPS {
            self.head.push(self.smooth as f32);
        }
        self.noise.hear(self.smooth);
        if let Some(block) = measured.block {
            self.learn(block);
        }
        let rises =
            self.voice.blocks >= LEAST_BLOCKS && self.smooth > self.threshold(self.noise.now());
        self.rising = if rises { self.rising + 1 } else { 0 };
        let speech = self.rising >= LEAST_STEPS;
        if speech {
            self.spoken = Some(self.steps);
        }
        speech
    }

    /// Mean energy of who spoke so far, pauses left out, if somebody did.
    pub(crate) fn voice(&self) -> Option<f64> {
        self.spoken.map(|_| self.voice.energy)
    }

    /// How long it has been silent since the last word; nothing before the first one.
    pub(crate) fn lasting_ms(&self) -> Option<u64> {
        self.spoken.map(|spoken| (self.steps - spoken) * STEP_MS)
    }

    /// Silence at both ends of what was heard so far. Where nobody spoke there is nothing to leave out.
    pub(crate) fn ends(&self) -> Ends {
        let Some(spoken) = self.spoken else {
            return Ends::default();
        };
        let outside = |steps: u64| {
            let silent = (steps * STEP_MS).saturating_sub(MARGIN_MS);
            if silent >= WORTH_MS { silent } else { 0 }
        };
        Ends {
            start_ms: outside(self.first_word()),
            end_ms: outside(self.steps - spoken),
        }
    }

    fn learn(&mut self, block: f64) {
        let Voice { energy, blocks } = &mut self.voice;
        let softest = (self.noise.now() * RISE)
            .max(*energy * PAUSE)
            .max(SOFTEST_VOICE);
        if block > softest {
            *blocks = (*blocks + 1).min(MEMORY);
            *energy += (block - *energy) / f64::from(*blocks);
        }
    }

    fn threshold(&self, noise: f64) -> f64 {
        (noise * RISE)
            .max(self.voice.energy * BREATH)
            .min(self.voice.energy * UNSURE)
            .max(INAUDIBLE)
    }

    /// The step at which speech begins, by what is known now.
    fn first_word(&self) -> u64 {
        let threshold = self.threshold(self.noise.least) as f32;
        let rises = |window: &[f32]| window.iter().all(|energy| *energy > threshold);
        let first = self.head.windows(LEAST_STEPS).position(rises);
        first.unwrap_or(0) as u64
    }
}

/// The noise between the words: what it never falls below.
#[derive(Clone, Debug)]
struct Noise {
    parts: Vec<f64>,
    steps: u32,
    least: f64,
}

impl Noise {
    fn new() -> Self {
        Self {
            parts: Vec::with_capacity(PARTS),
            steps: 0,
            least: f64::INFINITY,
        }
    }

    fn hear(&mut self, energy: f64) {
        if self.steps == 0 {
            if self.parts.len() == PARTS {
                self.parts.remove(0);
            }
            self.parts.push(f64::INFINITY);
        }
        self.steps = (self.steps + 1) % PART_STEPS;
        // Zeros come from a device that wakes up, and from gaps: they say nothing about the room.
        if energy > INAUDIBLE * 1e-3
            && let Some(part) = self.parts.last_mut()
        {
            *part = part.min(energy);
            self.least = self.least.min(energy);
        }
    }

    /// As it is now, as far as it is known.
    fn now(&self) -> f64 {
        let least = self.parts.iter().copied().fold(f64::INFINITY, f64::min);
        if least.is_finite() { least } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loudness::Meter;
    use crate::speech::{mixed, noise, speech};

    fn listen(sound: &[f32]) -> Silence {
        let (mut meter, mut silence) = (Meter::new(), Silence::new());
        for step in sound.as_chunks().0 {
            silence.hear(meter.push(step));
        }
        silence
    }

    fn quiet(seconds: f64) -> Vec<f32> {
        noise(9, seconds, 0.001)
    }

    #[test]
    fn silence_at_both_ends_is_found_and_no_word_lies_in_it() {
        for (level, room) in [(0.5, 0.001), (0.1, 0.001), (0.02, 0.000_2), (0.5, 0.01)] {
            for seed in 1..6 {
                let sound = [
                    vec![0.0; 96_000],
                    speech(seed, 5.0, level),
                    vec![0.0; 144_000],
                ];
                let sound = mixed(&sound.concat(), &noise(seed, 10.0, room));
                let Ends { start_ms, end_ms } = listen(&sound).ends();
                assert!(
                    (1000..=1800).contains(&start_ms),
                    "{level} {room}: {start_ms}"
                );
                assert!((2000..=2800).contains(&end_ms), "{level} {room}: {end_ms}");
            }
        }
    }

    #[test]
    fn speech_from_the_first_sample_to_the_last_is_left_whole() {
        for seed in 1..20 {
            assert_eq!(listen(&speech(seed, 6.0, 0.3)).ends(), Ends::default());
        }
    }

    #[test]
    fn a_soft_word_after_a_pause_is_speech() {
        let word = speech(3, 0.4, 0.06);
        let sound = [
            quiet(2.0),
            word.clone(),
            quiet(2.0),
            speech(1, 4.0, 0.5),
            quiet(2.0),
            word,
            quiet(0.2),
        ];
        assert_eq!(listen(&sound.concat()).ends().end_ms, 0);
        let start = listen(&sound.concat()).ends().start_ms;
        assert!((1300..=1800).contains(&start), "{start}");
    }

    #[test]
    fn a_room_as_loud_as_its_speaker_is_never_silent() {
        let sound = [vec![0.0; 96_000], speech(1, 5.0, 0.1), vec![0.0; 96_000]].concat();
        let loud = mixed(&sound, &noise(2, 9.0, 0.1));
        assert_eq!(listen(&loud).ends(), Ends::default());
    }

    #[test]
    fn where_nobody_speaks_nothing_is_left_out() {
        for sound in [
            vec![0.0; 480_000],
            noise(1, 10.0, 0.001),
            noise(1, 10.0, 0.1),
        ] {
            let silence = listen(&sound);
            assert_eq!(silence.ends(), Ends::default());
            assert_eq!(silence.lasting_ms(), None);
            assert_eq!(silence.voice(), None);
        }
    }

    #[test]
    fn silence_lasts_from_the_last_word_and_a_word_ends_it() {
        let mut sound = [quiet(1.0), speech(1, 3.0, 0.3), quiet(4.0)].concat();
        let lasting = listen(&sound).lasting_ms().unwrap();
        assert!((3600..=4100).contains(&lasting), "{lasting}");
        sound.extend(speech(2, 0.5, 0.3));
        assert!(listen(&sound).lasting_ms().unwrap() < 200);
    }
}
