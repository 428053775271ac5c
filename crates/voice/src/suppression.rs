//! Lets somebody else take the noise out, and bridges his delay, his coming and his going.

use crate::STEP;
use crate::biquad::Biquad;

/// Takes noise out of a voice, step by step. Its output belongs to the step before the one it was given, and its
/// first output to none.
pub trait Suppressor {
    /// Replaces the step given by the cleaned one before it. One that fails is not asked again.
    fn suppress(&mut self, step: &mut [f32; STEP]) -> Result<(), SuppressorFailed>;
}

/// A suppressor gave up; the sound goes on as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the noise suppression stopped")]
pub struct SuppressorFailed;

/// Gives every step one step later: cleaned where there is a suppressor, else as it came.
pub(crate) struct Suppression {
    suppressor: Option<Box<dyn Suppressor>>,
    /// Dulls what was taken away.
    dull: Biquad,
    /// How many steps the suppressor has taken, up to [`WARM`].
    taken: u32,
    held: Option<[f32; STEP]>,
}

/// So much of what the suppressor takes away stays, below [`DULL`]: there noise falls by at most 10 dB, and with it no
/// consonant is lost. Above, all of it goes: hiss would only cost bits that speech needs.
const KEPT: f64 = 0.3;

/// Butterworth, second order, 4.5 kHz.
const DULL: Biquad = Biquad::new(
    [
        0.060_498_507_630_941,
        0.120_997_015_261_881,
        0.060_498_507_630_941,
    ],
    [-1.193_913_367_720_578, 0.435_907_398_244_34],
);

/// The first output is nothing, the second fades in; from then on the suppressor's word counts.
const WARM: u32 = 2;

impl Suppression {
    /// From the next step on.
    pub(crate) fn begin(&mut self, suppressor: Box<dyn Suppressor>) {
        self.suppressor = Some(suppressor);
        self.dull = DULL;
        self.taken = 0;
    }

    /// Takes a step and gives the one before it.
    pub(crate) fn push(&mut self, step: [f32; STEP]) -> Option<[f32; STEP]> {
        let held = self.held.replace(step);
        let Some(suppressor) = &mut self.suppressor else {
            return held;
        };
        let mut cleaned = step;
        if suppressor.suppress(&mut cleaned).is_err() {
            self.suppressor = None;
            return held;
        }
        self.taken += u32::from(self.taken <= WARM);
        let raw = held?;
        Some(match self.taken {
            0 | 1 => raw,
            WARM => self.mix(raw, &cleaned, |at| at as f32 / STEP as f32),
            _ => self.mix(raw, &cleaned, |_| 1.0),
        })
    }

    /// Puts the cleaned sound, and what is kept of the noise, in the place of the raw one, at each sample so far.
    fn mix(
        &mut self,
        mut raw: [f32; STEP],
        cleaned: &[f32; STEP],
        so_far: impl Fn(usize) -> f32,
    ) -> [f32; STEP] {
        for (at, (raw, cleaned)) in raw.iter_mut().zip(cleaned).enumerate() {
            let taken = *raw - cleaned;
            let kept = (self.dull.next(f64::from(taken)) * KEPT) as f32;
            *raw -= (taken - kept) * so_far(at);
        }
        raw
    }
}

impl Default for Suppression {
    fn default() -> Self {
        Self {
            suppressor: None,
            dull: DULL,
            taken: 0,
            held: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half as loud, one step late.
    struct Half([f32; STEP]);

    impl Suppressor for Half {
        fn suppress(&mut self, step: &mut [f32; STEP]) -> Result<(), SuppressorFailed> {
            std::mem::swap(&mut self.0, step);
            step.iter_mut().for_each(|sample| *sample *= 0.5);
            Ok(())
        }
    }

    /// Works once.
    struct Weak(u32);

    impl Suppressor for Weak {
        fn suppress(&mut self, step: &mut [f32; STEP]) -> Result<(), SuppressorFailed> {
            *step = [0.0; STEP];
            self.0 -= 1;
            if self.0 == 0 {
                Err(SuppressorFailed)
            } else {
                Ok(())
            }
        }
    }

    fn half() -> Box<Half> {
        Box::new(Half([0.0; STEP]))
    }

    fn steps(suppression: &mut Suppression, levels: &[f32]) -> Vec<[f32; STEP]> {
        let pushed = levels
            .iter()
            .filter_map(|level| suppression.push([*level; STEP]));
        pushed.collect()
    }

    fn rounded(sample: f32) -> f32 {
        (sample * 1000.0).round() / 1000.0
    }

    #[test]
    fn without_a_suppressor_every_step_comes_as_it_was() {
        let mut suppression = Suppression::default();
        let out = steps(&mut suppression, &[0.1, 0.2, 0.3, 0.0]);
        assert_eq!(out, [[0.1; STEP], [0.2; STEP], [0.3; STEP]]);
    }

    #[test]
    fn a_suppressor_from_the_beginning_cleans_all_but_a_fade() {
        let mut suppression = Suppression::default();
        suppression.begin(half());
        let out = steps(&mut suppression, &[0.2, 0.4, 0.6, 0.0]);
        assert_eq!(out.len(), 3);
        assert_eq!(out[0][0], 0.2);
        let settled = |step: [f32; STEP]| rounded(step[STEP - 1]);
        assert_eq!((settled(out[1]), settled(out[2])), (0.26, 0.39));
    }

    #[test]
    fn one_that_fails_leaves_the_sound_as_it_comes() {
        let mut suppression = Suppression::default();
        suppression.begin(Box::new(Weak(1)));
        let out = steps(&mut suppression, &[0.1, 0.2, 0.3, 0.4]);
        assert_eq!(out, [[0.1; STEP], [0.2; STEP], [0.3; STEP]]);
    }

    #[test]
    fn one_that_comes_late_fades_in_and_nothing_is_lost_or_doubled() {
        let mut suppression = Suppression::default();
        let mut out = steps(&mut suppression, &[0.2, 0.2, 0.2]);
        suppression.begin(half());
        out.extend(steps(&mut suppression, &[0.2, 0.2, 0.2, 0.2, 0.0]));
        assert_eq!(out.len(), 7);
        assert!(out.iter().take(3).all(|step| *step == [0.2; STEP]));
        let fading = out[3];
        assert!(
            fading
                .windows(2)
                .all(|pair| pair[1] <= pair[0] && pair[0] - pair[1] < 0.001)
        );
        assert!(out.iter().skip(4).flatten().all(|x| rounded(*x) == 0.13));
    }
}
