//! What a microphone's sound is good for, judged from its measures. Times are those of the sound, in ms.

use std::collections::VecDeque;

use super::measure::Measure;

/// Judged is what came in this time.
const WINDOW_MS: u64 = 3_000;
/// So long without sound is nothing.
const NOTHING_MS: u64 = 2_000;
/// Below this peak nobody speaks.
const FAINT: f32 = 0.003;
/// Below this peak the converter itself gives nothing: once somebody was heard, pauses are pauses.
const DEAD: f32 = 0.000_05;
/// So many samples at the converter's end within a second can be heard.
const CLIPPED: u32 = 48;
const CLIPPING_MS: u64 = 1_000;
/// Noise is told only after this.
const NOISE_MS: u64 = 2_000;
/// A noise as loud as this disturbs (dB of full scale) ...
const NOISE_DB: f32 = -50.0;
/// ... where speech is not louder by this.
const CLEAR_DB: f32 = 12.0;
/// Speech that is not as loud as this is quiet.
const QUIET_DB: f32 = -42.0;
/// A judgement other than silence is told when it has stood for so long.
const STANDING_MS: u64 = 500;
/// What was wrong stays told for so long.
const HOLDING_MS: u64 = 2_500;

/// What the sound is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Too little was heard to tell.
    #[default]
    Listening,
    /// There is no sound.
    Nothing,
    /// Peaks are cut off.
    Clipping,
    /// There is as much noise as speech.
    Noise,
    /// Speech is far away.
    Quiet,
    /// Speech is clear.
    Fine,
}

impl Verdict {
    /// Stable code for callers in JavaScript.
    pub fn code(self) -> &'static str {
        match self {
            Self::Listening => "listening",
            Self::Nothing => "nothing",
            Self::Clipping => "clipping",
            Self::Noise => "noise",
            Self::Quiet => "quiet",
            Self::Fine => "fine",
        }
    }
}

/// Listens to measures, at least fifteen a second.
#[derive(Debug, Default)]
pub struct Hearing {
    heard: VecDeque<(u64, Measure)>,
    spoken: bool,
    sounded_at: u64,
    told: Verdict,
    told_at: u64,
    next: Verdict,
    next_since: u64,
}

impl Hearing {
    /// Takes what came up to this time; the verdict if it is another than before.
    pub fn hear(&mut self, measure: Measure, now_ms: u64) -> Option<Verdict> {
        self.keep(measure, now_ms);
        let verdict = self.judge(now_ms);
        if verdict != self.next {
            self.next = verdict;
            self.next_since = now_ms;
        }
        if verdict == self.told || !self.is_due(verdict, now_ms) {
            return None;
        }
        self.told = verdict;
        self.told_at = now_ms;
        Some(verdict)
    }

    fn keep(&mut self, measure: Measure, now_ms: u64) {
        let was_silent = now_ms >= self.sounded_at + NOTHING_MS;
        if was_silent && measure.peak >= FAINT {
            // Speech is judged by itself, not by the silence before it.
            self.heard.clear();
        }
        self.heard.push_back((now_ms, measure));
        while self
            .heard
            .front()
            .is_some_and(|(at, _)| at + WINDOW_MS < now_ms)
        {
            self.heard.pop_front();
        }
        let floor = if self.spoken { DEAD } else { FAINT };
        if measure.peak >= floor {
            self.sounded_at = now_ms;
        }
        self.spoken |= measure.peak >= FAINT;
    }

    fn judge(&self, now_ms: u64) -> Verdict {
        if now_ms >= self.sounded_at + NOTHING_MS {
            return Verdict::Nothing;
        }
        if self.clipped_since(now_ms.saturating_sub(CLIPPING_MS)) >= CLIPPED {
            return Verdict::Clipping;
        }
        if !self.spoken {
            return Verdict::Listening;
        }
        let (floor, loud) = self.range();
        let begun = self.heard.front().map_or(now_ms, |(at, _)| *at);
        if now_ms - begun >= NOISE_MS && floor > NOISE_DB && loud - floor < CLEAR_DB {
            return Verdict::Noise;
        }
        match loud < QUIET_DB {
            true if now_ms - begun >= NOISE_MS => Verdict::Quiet,
            true => Verdict::Listening,
            false => Verdict::Fine,
        }
    }

    /// Silence is told at once, and so is its end; anything else when it stands.
    fn is_due(&self, verdict: Verdict, now_ms: u64) -> bool {
        match (self.told, verdict) {
            (_, Verdict::Nothing) => true,
            (_, Verdict::Listening) => false,
            (Verdict::Nothing | Verdict::Listening, _) => {
                now_ms - self.next_since >= STANDING_MS / 2
            }
            (Verdict::Fine, _) => now_ms - self.next_since >= STANDING_MS,
            _ => now_ms - self.told_at >= HOLDING_MS && now_ms - self.next_since >= STANDING_MS,
        }
    }

    fn clipped_since(&self, since_ms: u64) -> u32 {
        let recent = self.heard.iter().filter(|(at, _)| *at >= since_ms);
        recent.map(|(_, measure)| measure.clipped).sum()
    }

    /// How loud the quiet moments are and how loud the loud ones, in dB of full scale.
    fn range(&self) -> (f32, f32) {
        let mut levels: Vec<f32> = self
            .heard
            .iter()
            .map(|(_, heard)| decibels(*heard))
            .collect();
        levels.sort_by(f32::total_cmp);
        let at = |tenth: usize| {
            let index = (levels.len() * tenth / 10).min(levels.len().saturating_sub(1));
            levels.get(index).copied().unwrap_or(f32::NEG_INFINITY)
        };
        (at(1), at(9))
    }
}

fn decibels(measure: Measure) -> f32 {
    10.0 * measure.power.max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: u64 = 50;

    fn tone(amplitude: f32) -> Measure {
        Measure {
            peak: amplitude,
            power: amplitude * amplitude / 2.0,
            clipped: 0,
        }
    }

    /// Plays measures for so long and gathers what is told, each with its time.
    fn play(
        hearing: &mut Hearing,
        from: u64,
        ms: u64,
        sound: impl Fn(u64) -> Measure,
    ) -> Vec<(u64, Verdict)> {
        let times = (from..from + ms).step_by(STEP as usize);
        times
            .filter_map(|at| hearing.hear(sound(at), at).map(|verdict| (at, verdict)))
            .collect()
    }

    /// Syllables of 200 ms with pauses of 100 ms over some noise.
    fn speech(loud: f32, noise: f32) -> impl Fn(u64) -> Measure {
        move |at| tone(if at % 300 < 200 { loud } else { noise })
    }

    #[test]
    fn silence_is_told_after_two_seconds() {
        let told = play(&mut Hearing::default(), 0, 5_000, |_| tone(0.0005));
        assert_eq!(told, [(2_000, Verdict::Nothing)]);
    }

    #[test]
    fn speech_ends_the_silence_quickly() {
        let mut hearing = Hearing::default();
        play(&mut hearing, 0, 3_000, |_| tone(0.0));
        let told = play(&mut hearing, 3_000, 3_000, speech(0.3, 0.001));
        assert!(
            matches!(told[..], [(3_000..=3_500, Verdict::Fine)]),
            "{told:?}"
        );
    }

    #[test]
    fn a_pause_in_a_quiet_room_is_no_silence_but_a_dead_microphone_is() {
        let mut hearing = Hearing::default();
        play(&mut hearing, 0, 3_000, speech(0.3, 0.001));
        let told = play(&mut hearing, 3_000, 2_500, |_| tone(0.0002));
        assert!(
            !told.iter().any(|(_, verdict)| *verdict == Verdict::Nothing),
            "{told:?}"
        );
        let told = play(&mut hearing, 5_500, 4_000, |_| tone(0.0));
        assert!(
            told.iter().any(|(_, verdict)| *verdict == Verdict::Nothing),
            "{told:?}"
        );
    }

    #[test]
    fn clear_speech_is_fine_and_nothing_else() {
        let told = play(&mut Hearing::default(), 0, 10_000, speech(0.3, 0.002));
        assert!(matches!(told[..], [(_, Verdict::Fine)]), "{told:?}");
    }

    #[test]
    fn cut_peaks_are_told_and_stay_told_for_a_while() {
        let mut hearing = Hearing::default();
        let cut = |at| Measure {
            clipped: 30,
            ..speech(1.0, 0.002)(at)
        };
        let told = play(&mut hearing, 0, 3_000, cut);
        assert_eq!(
            told.last().map(|(_, verdict)| *verdict),
            Some(Verdict::Clipping)
        );
        let told = play(&mut hearing, 3_000, 6_000, speech(0.3, 0.002));
        assert!(
            matches!(told[..], [(4_000..=6_000, Verdict::Fine)]),
            "{told:?}"
        );
    }

    #[test]
    fn a_single_click_is_not_clipping() {
        let click = |at| Measure {
            clipped: u32::from(at == 1_000) * 20,
            ..speech(0.4, 0.002)(at)
        };
        let told = play(&mut Hearing::default(), 0, 4_000, click);
        assert!(matches!(told[..], [(_, Verdict::Fine)]), "{told:?}");
    }

    #[test]
    fn noise_that_is_nearly_as_loud_as_speech_is_told() {
        let told = play(&mut Hearing::default(), 0, 6_000, speech(0.08, 0.04));
        assert_eq!(
            told.last().map(|(_, verdict)| *verdict),
            Some(Verdict::Noise)
        );
    }

    #[test]
    fn speech_from_far_away_is_quiet() {
        let told = play(&mut Hearing::default(), 0, 6_000, speech(0.006, 0.0005));
        assert_eq!(
            told.last().map(|(_, verdict)| *verdict),
            Some(Verdict::Quiet)
        );
    }
}
