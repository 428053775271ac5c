//! Whether sound still comes as fast as time goes by. Times are Unix ms, which go on while a device sleeps.

use super::event::Interruption;

/// No sound for so long, on a page that was awake: it does not come any more.
const STALLED_MS: f64 = 5_000.0;
/// Time that went by without sound before it came again: the device slept.
const SLEPT_MS: f64 = 5_000.0;
/// What a page missed while it was frozen comes all at once; a lag that is still there after this is real.
const CATCHING_UP_MS: f64 = 1_500.0;
/// A look that comes so much too late was not made by a page that was awake.
const LATE_MS: f64 = 2_500.0;

/// Follows one recording from its first sound, or from the one after a pause.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pulse {
    /// The least that time was ahead of the sound so far.
    least_lag: Option<f64>,
    lagging_since: Option<f64>,
    beat_at: Option<f64>,
    looked_at: Option<f64>,
}

impl Pulse {
    /// Sound is here up to this length.
    pub(super) fn beat(&mut self, now: f64, elapsed_ms: u64) -> Option<Interruption> {
        self.beat_at = Some(now);
        let lag = now - elapsed_ms as f64;
        let least = self.least_lag.map_or(lag, |least| least.min(lag));
        self.least_lag = Some(least);
        if lag - least < SLEPT_MS {
            self.lagging_since = None;
            return None;
        }
        let since = *self.lagging_since.get_or_insert(now);
        (now - since >= CATCHING_UP_MS).then_some(Interruption::Asleep)
    }

    /// Asked about once a second.
    pub(super) fn look(&mut self, now: f64) -> Option<Interruption> {
        let before = self.looked_at.replace(now)?;
        if now - before > LATE_MS {
            // The page itself was asleep; what came meanwhile is about to be told.
            self.beat_at = self.beat_at.map(|_| now);
            return None;
        }
        (now - self.beat_at? >= STALLED_MS).then_some(Interruption::Stalled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sound at its pace, with a look a second.
    fn run(pulse: &mut Pulse, from: u64, to: u64, lag: u64) -> Option<Interruption> {
        (from..to).step_by(50).find_map(|now| {
            let beat = pulse.beat(now as f64, now - lag);
            let look = (now % 1000 == 0).then(|| pulse.look(now as f64)).flatten();
            beat.or(look)
        })
    }

    #[test]
    fn sound_that_keeps_pace_is_left_alone() {
        assert_eq!(run(&mut Pulse::default(), 1_000, 600_000, 300), None);
    }

    #[test]
    fn a_device_that_slept_is_found_out_when_sound_comes_again() {
        let mut pulse = Pulse::default();
        assert_eq!(run(&mut pulse, 1_000, 5_000, 0), None);
        assert_eq!(
            run(&mut pulse, 65_000, 70_000, 60_000),
            Some(Interruption::Asleep)
        );
    }

    #[test]
    fn a_page_that_was_frozen_while_its_recorder_went_on_catches_up() {
        let mut pulse = Pulse::default();
        assert_eq!(run(&mut pulse, 1_000, 5_000, 0), None);
        // All that came in a minute is told within a moment.
        for elapsed in (5_000..65_000).step_by(50) {
            assert_eq!(pulse.beat(65_000.0 + elapsed as f64 / 500.0, elapsed), None);
        }
        assert_eq!(pulse.look(65_100.0), None);
        assert_eq!(run(&mut pulse, 65_200, 90_000, 0), None);
    }

    #[test]
    fn sound_that_stays_away_is_missed() {
        let mut pulse = Pulse::default();
        assert_eq!(run(&mut pulse, 1_000, 5_000, 0), None);
        let missed = (5_000..20_000)
            .step_by(1_000)
            .find_map(|now| pulse.look(now as f64).map(|cause| (now, cause)));
        assert_eq!(missed, Some((10_000, Interruption::Stalled)));
    }

    #[test]
    fn a_pause_is_no_stall_and_no_sleep() {
        let mut pulse = Pulse::default();
        assert_eq!(run(&mut pulse, 1_000, 5_000, 0), None);
        pulse = Pulse::default();
        assert_eq!(
            (6_000..60_000)
                .step_by(1_000)
                .find_map(|now| pulse.look(now as f64)),
            None
        );
        assert_eq!(run(&mut pulse, 60_000, 70_000, 55_000), None);
    }

    #[test]
    fn a_lag_that_was_told_as_a_gap_is_forgiven() {
        let mut pulse = Pulse::default();
        assert_eq!(run(&mut pulse, 1_000, 5_000, 0), None);
        pulse = Pulse::default();
        assert_eq!(run(&mut pulse, 13_000, 20_000, 8_000), None);
    }
}
