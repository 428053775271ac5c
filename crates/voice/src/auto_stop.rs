//! Ends a recording after a silence that follows speech, and counts its last seconds down.

/// The countdown is told from here on.
const COUNTED_MS: u64 = 5000;
/// So much silence is no news.
const UNCOUNTED_MS: u64 = 1000;
const SECOND_MS: u64 = 1000;

/// One recording's countdown.
#[derive(Clone, Debug)]
pub struct AutoStop {
    after_ms: u64,
    /// Silence that does not count, because something else happened in it.
    excused_ms: u64,
    told_ms: Option<u64>,
}

/// What is new about the countdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Countdown {
    /// It ends in so many ms, a whole number of seconds.
    Remaining(u64),
    /// Somebody spoke.
    Cancelled,
    /// It is time to stop.
    Over,
}

impl AutoStop {
    /// Stops after this much silence.
    pub fn new(after_ms: u64) -> Self {
        Self {
            after_ms,
            excused_ms: 0,
            told_ms: None,
        }
    }

    /// Silence is to be counted anew: there was a pause, or a gap.
    pub fn excuse(&mut self, silent_ms: Option<u64>) {
        self.excused_ms = silent_ms.unwrap_or(0);
    }

    /// How long it has been silent now; nothing before the first word.
    pub fn look(&mut self, silent_ms: Option<u64>) -> Option<Countdown> {
        let silent_ms = silent_ms.unwrap_or(0);
        self.excused_ms = self.excused_ms.min(silent_ms);
        let counted = silent_ms - self.excused_ms;
        let remaining = self.after_ms.saturating_sub(counted);
        if remaining == 0 {
            return Some(Countdown::Over);
        }
        let told = self.is_told(counted, remaining);
        let told = told.then(|| remaining.div_ceil(SECOND_MS) * SECOND_MS);
        let before = std::mem::replace(&mut self.told_ms, told);
        match told {
            _ if told == before => None,
            Some(remaining) => Some(Countdown::Remaining(remaining)),
            None => Some(Countdown::Cancelled),
        }
    }

    fn is_told(&self, counted: u64, remaining: u64) -> bool {
        counted >= UNCOUNTED_MS.min(self.after_ms / 2) && remaining <= COUNTED_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Countdown::{Cancelled, Over, Remaining};

    /// All that is told while it is silent from one time to another, looked at every 20 ms.
    fn silence(stop: &mut AutoStop, from: u64, to: u64) -> Vec<Countdown> {
        (from..=to)
            .step_by(20)
            .filter_map(|silent| stop.look(Some(silent)))
            .collect()
    }

    #[test]
    fn the_last_five_seconds_are_counted_and_then_it_is_over() {
        let mut stop = AutoStop::new(8000);
        assert_eq!(silence(&mut stop, 0, 2980), []);
        let told = silence(&mut stop, 3000, 8000);
        let seconds = [5000, 4000, 3000, 2000, 1000].map(Remaining);
        assert_eq!(told, [&seconds[..], &[Over]].concat());
    }

    #[test]
    fn a_short_one_is_counted_after_a_second() {
        let mut stop = AutoStop::new(3000);
        let told = silence(&mut stop, 0, 3000);
        assert_eq!(told, [Remaining(2000), Remaining(1000), Over]);
    }

    #[test]
    fn a_word_cancels_it_and_the_next_silence_counts_anew() {
        let mut stop = AutoStop::new(6000);
        assert_eq!(silence(&mut stop, 0, 1500), [Remaining(5000)]);
        assert_eq!(stop.look(Some(0)), Some(Cancelled));
        assert_eq!(silence(&mut stop, 0, 980), []);
        assert_eq!(silence(&mut stop, 1000, 1200), [Remaining(5000)]);
    }

    #[test]
    fn before_the_first_word_nothing_is_counted() {
        let mut stop = AutoStop::new(2000);
        assert!((0..1000).all(|_| stop.look(None).is_none()));
    }

    #[test]
    fn after_a_pause_silence_is_counted_anew() {
        let mut stop = AutoStop::new(3000);
        silence(&mut stop, 0, 2500);
        stop.excuse(Some(2500));
        assert_eq!(stop.look(Some(2520)), Some(Cancelled));
        assert_eq!(silence(&mut stop, 2540, 3480), []);
        assert_eq!(
            silence(&mut stop, 3500, 5500),
            [Remaining(2000), Remaining(1000), Over]
        );
        stop.excuse(Some(5500));
        assert_eq!(
            stop.look(Some(0)),
            Some(Cancelled),
            "a word ends what was excused"
        );
        assert_eq!(silence(&mut stop, 1000, 1000), [Remaining(2000)]);
    }
}
