//! How long a recording has run, without its pauses. Times are the caller's, in ms.

/// A watch that stands until it is started.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stopwatch {
    before: f64,
    since: Option<f64>,
}

impl Stopwatch {
    /// Runs on from `now`, unless it runs.
    pub(super) fn start(&mut self, now: f64) {
        self.since.get_or_insert(now);
    }

    /// Stands from `now` on.
    pub(super) fn hold(&mut self, now: f64) {
        self.before = self.run(now);
        self.since = None;
    }

    /// What it shows.
    pub(super) fn elapsed_ms(&self, now: f64) -> u64 {
        // Whole milliseconds; a number below zero becomes zero.
        self.run(now) as u64
    }

    fn run(&self, now: f64) -> f64 {
        self.before + self.since.map_or(0.0, |since| now - since)
    }
}

#[cfg(test)]
mod tests {
    use super::Stopwatch;

    #[test]
    fn a_watch_that_was_not_started_shows_nothing() {
        assert_eq!(Stopwatch::default().elapsed_ms(99.0), 0);
    }

    #[test]
    fn pauses_are_left_out() {
        let mut watch = Stopwatch::default();
        watch.start(1000.0);
        assert_eq!(watch.elapsed_ms(1500.0), 500);
        watch.hold(2000.0);
        assert_eq!(watch.elapsed_ms(9000.0), 1000);
        watch.start(9000.0);
        watch.start(9100.0);
        assert_eq!(watch.elapsed_ms(9500.0), 1500);
        watch.hold(9500.0);
        watch.hold(9700.0);
        assert_eq!(watch.elapsed_ms(9700.0), 1500);
    }
}
