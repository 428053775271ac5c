//! Counts what the microphone left out, from the numbers the audio context gives its samples.

/// No gap is filled with more silence than this; longer ones are a suspended machine.
const LONGEST_GAP_S: u64 = 10;

/// The number of the next sample.
#[derive(Debug)]
pub(super) struct SampleClock {
    rate: u64,
    next: Option<u64>,
    missed: u64,
}

impl SampleClock {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate: u64::from(rate.max(1)),
            next: None,
            missed: 0,
        }
    }

    /// Samples arrive that begin at `frame`: returns how many are missing before them.
    pub(super) fn arrive(&mut self, frame: u64, count: u64) -> u64 {
        let gap = self.next.map_or(0, |next| frame.saturating_sub(next));
        self.next = Some(frame.saturating_add(count));
        self.miss(gap)
    }

    /// The context itself says that these samples were not there. Before the first sample the
    /// microphone is only waking up: that is no gap.
    pub(super) fn skip(&mut self, frame: u64, count: u64) -> u64 {
        if self.next.is_none() {
            return 0;
        }
        let gap = self.arrive(frame, count);
        gap.saturating_add(self.miss(count))
    }

    /// Time went by that the context did not count: it slept. Returns the samples that belong there.
    pub(super) fn lose(&mut self, ms: u64) -> u64 {
        self.miss(ms.saturating_mul(self.rate) / 1000)
    }

    /// After a pause the count begins anew: what was left out was meant to be.
    pub(super) fn forget(&mut self) {
        self.next = None;
    }

    /// All that was missing, in ms.
    pub(super) fn gap_ms(&self) -> u64 {
        self.missed.saturating_mul(1000) / self.rate
    }

    fn miss(&mut self, count: u64) -> u64 {
        let count = count.min(self.rate.saturating_mul(LONGEST_GAP_S));
        self.missed = self.missed.saturating_add(count);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_in_a_row_leave_no_gap() {
        let mut clock = SampleClock::new(48_000);
        assert_eq!(clock.arrive(5_000, 1024), 0);
        assert_eq!(clock.arrive(6_024, 1024), 0);
        assert_eq!(clock.gap_ms(), 0);
    }

    #[test]
    fn a_jump_of_the_clock_is_a_gap() {
        let mut clock = SampleClock::new(48_000);
        clock.arrive(0, 1024);
        assert_eq!(clock.arrive(1024 + 4800, 1024), 4800);
        assert_eq!(clock.gap_ms(), 100);
    }

    #[test]
    fn silence_of_the_context_is_a_gap() {
        let mut clock = SampleClock::new(48_000);
        clock.arrive(0, 1024);
        assert_eq!(clock.skip(1024, 480), 480);
        assert_eq!(clock.arrive(1504, 1024), 0);
        assert_eq!(clock.gap_ms(), 10);
    }

    #[test]
    fn a_microphone_that_wakes_up_leaves_no_gap() {
        let mut clock = SampleClock::new(48_000);
        assert_eq!(clock.skip(0, 128), 0);
        assert_eq!(clock.arrive(128, 1024), 0);
        assert_eq!(clock.gap_ms(), 0);
    }

    #[test]
    fn a_pause_is_no_gap() {
        let mut clock = SampleClock::new(48_000);
        clock.arrive(0, 1024);
        clock.forget();
        assert_eq!(clock.arrive(480_000, 1024), 0);
    }

    #[test]
    fn a_context_that_slept_leaves_a_gap_though_it_counts_on() {
        let mut clock = SampleClock::new(48_000);
        clock.arrive(0, 1024);
        assert_eq!(clock.lose(500), 24_000);
        assert_eq!(clock.arrive(1024, 1024), 0);
        assert_eq!(clock.gap_ms(), 500);
    }

    #[test]
    fn a_suspended_machine_does_not_fill_the_disk() {
        let mut clock = SampleClock::new(48_000);
        clock.arrive(0, 1024);
        assert_eq!(clock.arrive(480_000_000, 1024), 480_000);
    }
}
