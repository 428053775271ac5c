//! Where the microphone left something out, as the row keeps it.

use crate::storage::Gap;

/// A row keeps no more gaps than this; the sum counts them all.
const MOST: usize = 100;

/// The gaps of one recording. What is missing without a sample in between is one gap.
#[derive(Debug)]
pub(super) struct Gaps {
    rate: u64,
    list: Vec<Gap>,
    open: Option<(u64, u64)>,
}

impl Gaps {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate: u64::from(rate.max(1)),
            list: Vec::new(),
            open: None,
        }
    }

    /// So many samples are missing at this place of the recording.
    pub(super) fn miss(&mut self, at_ms: u64, samples: u64) {
        if samples > 0 {
            let (_, missing) = self.open.get_or_insert((at_ms, 0));
            *missing = missing.saturating_add(samples);
        }
    }

    /// Sound is here again: the gap that it ends, if there was one.
    pub(super) fn end(&mut self) -> Option<Gap> {
        let open = self.open.take()?;
        let gap = self.gap(open);
        if self.list.len() < MOST {
            self.list.push(gap);
        }
        Some(gap)
    }

    /// All gaps so far, an open one too.
    pub(super) fn list(&self) -> Vec<Gap> {
        let open = self.open.map(|open| self.gap(open));
        self.list.iter().copied().chain(open).collect()
    }

    fn gap(&self, (at_ms, samples): (u64, u64)) -> Gap {
        Gap {
            at_ms,
            length_ms: samples.saturating_mul(1000) / self.rate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_without_a_sample_in_between_is_one_gap() {
        let mut gaps = Gaps::new(48_000);
        gaps.miss(1_000, 4_800);
        gaps.miss(1_100, 4_800);
        let gap = Gap {
            at_ms: 1_000,
            length_ms: 200,
        };
        assert_eq!(gaps.list(), [gap], "also while it goes on");
        assert_eq!(gaps.end(), Some(gap));
        assert_eq!(gaps.end(), None);
        gaps.miss(3_000, 480);
        assert_eq!(gaps.list().len(), 2);
    }

    #[test]
    fn nothing_missing_is_no_gap() {
        let mut gaps = Gaps::new(48_000);
        gaps.miss(0, 0);
        assert_eq!((gaps.end(), gaps.list().len()), (None, 0));
    }

    #[test]
    fn a_device_that_stutters_for_an_hour_does_not_fill_the_row() {
        let mut gaps = Gaps::new(48_000);
        for at_ms in 0..10_000 {
            gaps.miss(at_ms, 480);
            assert!(gaps.end().is_some());
        }
        assert_eq!(gaps.list().len(), MOST);
    }
}
