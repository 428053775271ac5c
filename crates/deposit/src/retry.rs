//! When to try again: exponential with jitter, never sooner than the server asked for.

/// Bounds of the delay.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Backoff {
    /// Delay after the first failure, in milliseconds, before jitter.
    pub first_ms: i64,
    /// No delay is longer, in milliseconds, unless the server asks for more.
    pub longest_ms: i64,
}

impl Backoff {
    /// For uploads: 1 s to 5 min.
    pub const UPLOAD: Self = Self {
        first_ms: 1_000,
        longest_ms: 300_000,
    };
    /// For notifications: 1, 2, 4 s … to 6 hours.
    pub const NOTIFICATION: Self = Self {
        first_ms: 1_000,
        longest_ms: 21_600_000,
    };
    /// For lost connections: 0.5 s to 30 s.
    pub const RECONNECT: Self = Self {
        first_ms: 500,
        longest_ms: 30_000,
    };

    /// The delay after failure number `failures` (1 is the first): between three quarters and the whole
    /// of `first * 2^(failures - 1)`, by `entropy`; never less than `retry_after_ms`.
    #[must_use]
    pub fn delay_ms(self, failures: u32, entropy: u64, retry_after_ms: Option<i64>) -> i64 {
        let doublings = failures.saturating_sub(1).min(40);
        let factor = 1i64.checked_shl(doublings).unwrap_or(i64::MAX);
        let whole = self.first_ms.saturating_mul(factor).min(self.longest_ms);
        let span = u64::try_from(whole / 4).unwrap_or(0).saturating_add(1);
        let jitter = i64::try_from(entropy.checked_rem(span).unwrap_or(0)).unwrap_or(0);
        whole
            .saturating_sub(jitter)
            .max(retry_after_ms.unwrap_or(0))
    }
}

/// [`Backoff::delay_ms`] of [`Backoff::UPLOAD`].
#[must_use]
pub fn next_delay(failures: u32, entropy: u64, retry_after_ms: Option<i64>) -> i64 {
    Backoff::UPLOAD.delay_ms(failures, entropy, retry_after_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let delays: Vec<i64> = (1..=11)
            .map(|failures| next_delay(failures, 0, None))
            .collect();
        assert_eq!(
            delays,
            [
                1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000
            ]
        );
        assert_eq!(next_delay(u32::MAX, 0, None), 300_000);
    }

    #[test]
    fn jitter_takes_off_at_most_a_quarter() {
        for entropy in 0..5_000 {
            let delay = next_delay(3, entropy, None);
            assert!((3000..=4000).contains(&delay), "{delay}");
        }
        assert_ne!(next_delay(3, 1, None), next_delay(3, 2, None));
    }

    #[test]
    fn the_server_may_ask_for_more_but_not_for_less() {
        assert_eq!(next_delay(1, 0, Some(60_000)), 60_000);
        assert_eq!(next_delay(9, 0, Some(1)), 256_000);
    }
}
