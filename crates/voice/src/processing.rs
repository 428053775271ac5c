//! What happens to a voice between microphone and encoder: noise out, one loudness, and what is learnt on the way.

use crate::STEP;
use crate::leveler::{Gain, Leveler};
use crate::loudness::{Meter, lufs};
use crate::silence::{Ends, Silence};
use crate::suppression::{Suppression, Suppressor};

/// Where a message's loudness belongs, LUFS.
const LOUDNESS: f32 = -16.0;
/// No player is asked for more than this, dB.
const MOST_GAIN_DB: f32 = 24.0;
/// Steps that are under way inside.
pub(crate) const DELAY_STEPS: usize = 2;

/// Everything on the way, in its order.
pub(crate) struct Processing {
    suppression: Suppression,
    incoming: Meter,
    silence: Silence,
    leveler: Leveler,
    outgoing: Meter,
    peak: f32,
}

impl Processing {
    pub(crate) fn new(gain: Gain) -> Self {
        Self {
            suppression: Suppression::default(),
            incoming: Meter::new(),
            silence: Silence::new(),
            leveler: Leveler::new(gain),
            outgoing: Meter::new(),
            peak: 0.0,
        }
    }

    pub(crate) fn suppress_with(&mut self, suppressor: Box<dyn Suppressor>) {
        self.suppression.begin(suppressor);
    }

    /// Takes a step and gives the one before the one before it.
    pub(crate) fn push(&mut self, step: [f32; STEP]) -> Option<[f32; STEP]> {
        let clean = self.suppression.push(step)?;
        let speech = self.silence.hear(self.incoming.push(&clean));
        if speech && let Some(voice) = self.silence.voice() {
            self.leveler.follow(voice);
        }
        let out = self.leveler.push(clean)?;
        self.outgoing.push(&out);
        self.peak = out.iter().fold(self.peak, |peak, x| peak.max(x.abs()));
        Some(out)
    }

    /// How long it has been silent since the last word; nothing before the first one.
    pub(crate) fn silent_ms(&self) -> Option<u64> {
        self.silence.lasting_ms()
    }

    pub(crate) fn ends(&self) -> Ends {
        self.silence.ends()
    }

    /// What a player adds so that the voice has its loudness and nothing is cut off; none where nobody spoke.
    pub(crate) fn gain_db(&self) -> Option<f32> {
        self.silence.voice()?;
        let missing = LOUDNESS - lufs(self.outgoing.integrated()?);
        let room = -20.0 * self.peak.log10();
        let gain = missing.min(room).clamp(-MOST_GAIN_DB, MOST_GAIN_DB);
        Some((gain * 100.0).floor() / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use ebur128::{EbuR128, Mode};

    use super::*;
    use crate::leveler::CEILING;
    use crate::speech::{mixed, noise, speech};

    fn process(sound: &[f32], gain: Gain) -> (Vec<f32>, Processing) {
        let mut processing = Processing::new(gain);
        let steps = sound
            .as_chunks()
            .0
            .iter()
            .chain([&[0.0; STEP]; DELAY_STEPS]);
        let out: Vec<[f32; STEP]> = steps.filter_map(|step| processing.push(*step)).collect();
        (out.concat(), processing)
    }

    fn played(samples: &[f32], gain_db: f32) -> Vec<f32> {
        let gain = 10.0_f32.powf(gain_db / 20.0);
        samples.iter().map(|x| x * gain).collect()
    }

    fn loudness(samples: &[f32]) -> f32 {
        let mut meter = EbuR128::new(1, 48_000, Mode::I).unwrap();
        meter.add_frames_f32(samples).unwrap();
        meter.loudness_global().unwrap() as f32
    }

    fn peak(samples: &[f32]) -> f32 {
        samples.iter().fold(0.0, |peak, x| peak.max(x.abs()))
    }

    #[test]
    fn quiet_normal_loud_and_noisy_speech_is_played_at_one_loudness_and_never_clips() {
        for (level, room) in [(0.02, 0.000_2), (0.25, 0.001), (0.99, 0.001), (0.2, 0.02)] {
            for seed in [1, 4, 5] {
                let sound = mixed(&speech(seed, 8.0, level), &noise(seed, 8.0, room));
                let (out, processing) = process(&sound, Gain::Slow);
                assert!(f64::from(peak(&out)) <= CEILING + 1e-6);
                let heard = played(&out, processing.gain_db().unwrap());
                let loudness = loudness(&heard);
                assert!(
                    (loudness - LOUDNESS).abs() < 1.5,
                    "{level} {room} {seed}: {loudness}"
                );
                assert!(peak(&heard) <= 1.0);
            }
        }
    }

    #[test]
    fn a_shout_after_a_whisper_does_not_clip() {
        let sound = [speech(1, 5.0, 0.02), speech(2, 3.0, 1.0), vec![1.0; 4800]].concat();
        let (out, _) = process(&sound, Gain::Slow);
        assert!(f64::from(peak(&out)) <= CEILING + 1e-6);
    }

    #[test]
    fn noise_before_the_first_word_does_not_swell() {
        let sound = [noise(1, 3.0, 0.01), speech(2, 1.0, 0.3)].concat();
        let (out, _) = process(&sound, Gain::Slow);
        let early = &out[..3 * 48_000];
        assert_eq!(
            early[DELAY_STEPS * STEP..],
            sound[DELAY_STEPS * STEP..3 * 48_000]
        );
    }

    #[test]
    fn sound_that_is_to_stay_as_it_is_stays_so_and_still_gets_its_gain() {
        let sound = speech(1, 6.0, 0.1);
        let (out, processing) = process(&sound, Gain::None);
        assert_eq!(out, sound.as_chunks::<STEP>().0.concat());
        let heard = played(&out, processing.gain_db().unwrap());
        assert!((loudness(&heard) - LOUDNESS).abs() < 1.5);
    }

    #[test]
    fn what_nobody_said_is_not_made_louder() {
        let (_, processing) = process(&noise(1, 5.0, 0.002), Gain::Slow);
        assert_eq!(processing.gain_db(), None);
    }
}
