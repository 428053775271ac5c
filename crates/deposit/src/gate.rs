//! The network gate: may a deposit that the user has sent go up now? A pure function of what was measured
//! and what is wished, whose answer carries its reason in words and numbers.

use serde::{Deserialize, Serialize};

/// How many of the last attempts are looked at.
pub const WINDOW: usize = 5;
/// How many bytes a probe sends when nothing was measured yet.
pub const PROBE_BYTES: usize = 16 * 1024;

/// What the element's `network-gate` asks for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GateMode {
    /// Goes where the measured network is good enough.
    #[default]
    Auto,
    /// Goes on Wi-Fi or a cable only; offered only where the browser names the type of network.
    Wifi,
    /// Goes whenever there is a network.
    Always,
}

/// What is wished.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Policy {
    /// See [`GateMode`].
    pub mode: GateMode,
    /// The least measured rate that is good enough, in bytes acknowledged per second.
    pub threshold_bytes_per_second: u32,
    /// With this many failures among the last [`WINDOW`] attempts, the newest among them, the network is not
    /// good enough.
    pub failures: u32,
    /// How long a measurement holds, in milliseconds.
    pub fresh_ms: i64,
    /// How long to wait before measuring again, in milliseconds, at first; doubles up to eightfold.
    pub remeasure_ms: i64,
    /// The user pressed **Send anyway**: any network will do.
    pub send_anyway: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: GateMode::Auto,
            threshold_bytes_per_second: 4_000,
            failures: 3,
            fresh_ms: 60_000,
            remeasure_ms: 5_000,
            send_anyway: false,
        }
    }
}

/// The type of network, where the browser names it (`navigator.connection.type`).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkType {
    /// The browser does not tell.
    #[default]
    Unknown,
    /// `wifi` or `ethernet`.
    Wifi,
    /// `cellular` and everything else that may cost money.
    Metered,
}

/// One attempt to send bytes, a probe or a part of an upload.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Attempt {
    /// When it ended, Unix time in milliseconds.
    pub ended_at_ms: i64,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// Bytes that the server acknowledged; 0 in a failure.
    pub acknowledged: u64,
    /// Whether it failed (no answer, a time-out or a 5xx).
    pub failed: bool,
}

/// What is known about the network; the last [`WINDOW`] attempts and what the browser says.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Measurement {
    /// `navigator.onLine`.
    pub online: bool,
    /// See [`NetworkType`].
    pub network: NetworkType,
    /// The user asked the browser to save data; counts as metered.
    pub save_data: bool,
    /// The last attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// How many probes in a row followed something that was not good enough; spaces the next ones.
    pub waits: u32,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// Send.
    Go {
        /// Why.
        reason: Reason,
    },
    /// Nothing is known about this network: send [`PROBE_BYTES`] to `POST /probe`, record the attempt, decide again.
    Probe {
        /// Why.
        reason: Reason,
    },
    /// Not now. Decide again at `at_ms`, and at every `online` or connection change.
    WaitUntil {
        /// Unix time in milliseconds.
        at_ms: i64,
        /// Why.
        reason: Reason,
    },
    /// Only the user's word (**Send anyway**) or another network opens this.
    Ask {
        /// Why.
        reason: Reason,
    },
}

/// A reason in words and numbers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Reason {
    /// Stable word: `good`, `always`, `send_anyway`, `unmeasured`, `offline`, `slow`, `failing`, `metered`.
    pub code: String,
    /// Bytes acknowledged per second over the last attempts.
    pub measured_bytes_per_second: Option<u64>,
    /// What would be enough.
    pub threshold_bytes_per_second: Option<u64>,
    /// Failures among the last attempts.
    pub failures: u32,
    /// How many attempts were looked at.
    pub attempts: u32,
    /// When it is tried again, Unix time in milliseconds.
    pub next_try_at_ms: Option<i64>,
    /// A whole sentence with the numbers in it, in English.
    pub text: String,
}

impl Attempt {
    fn rate(&self) -> u64 {
        let took = u64::try_from(self.took_ms).unwrap_or(0).max(1);
        self.acknowledged
            .saturating_mul(1000)
            .checked_div(took)
            .unwrap_or(0)
    }
}

impl Measurement {
    /// Notes an attempt; only the last [`WINDOW`] are kept.
    pub fn record(&mut self, attempt: Attempt) {
        self.attempts.push(attempt);
        let surplus = self.attempts.len().saturating_sub(WINDOW);
        self.attempts.drain(..surplus);
    }

    /// Notes that a probe is being sent. The pause after it is twice the one before it, if there was one; until then
    /// pauses stay as they were told.
    pub fn probe(&mut self) {
        if !self.attempts.is_empty() {
            self.waits = self.waits.saturating_add(1);
        }
    }

    /// Forgets what was measured, as on another network.
    pub fn forget(&mut self) {
        self.attempts.clear();
        self.waits = 0;
    }

    /// Bytes acknowledged per second, as a mean over the attempts that still hold, each older one with half
    /// the weight of the next: a network that got well is believed after one good attempt. A failure counts
    /// as nothing; with nothing acknowledged at all there is no rate.
    #[must_use]
    pub fn bytes_per_second(&self, policy: &Policy, now_ms: i64) -> Option<u64> {
        let (mut weight, mut weights, mut sum) = (1u64 << WINDOW, 0u64, 0u64);
        for attempt in self.fresh(policy, now_ms).rev() {
            sum = sum.saturating_add(attempt.rate().saturating_mul(weight));
            weights = weights.saturating_add(weight);
            weight = (weight / 2).max(1);
        }
        sum.checked_div(weights).filter(|rate| *rate > 0)
    }

    fn fresh(&self, policy: &Policy, now_ms: i64) -> impl DoubleEndedIterator<Item = &Attempt> {
        let oldest = now_ms.saturating_sub(policy.fresh_ms);
        self.attempts
            .iter()
            .filter(move |attempt| attempt.ended_at_ms >= oldest)
    }

    fn failures(&self, policy: &Policy, now_ms: i64) -> u32 {
        let failed = self.fresh(policy, now_ms).filter(|attempt| attempt.failed);
        u32::try_from(failed.count()).unwrap_or(u32::MAX)
    }
}

/// Decides whether to send now.
#[must_use]
pub fn decide(policy: &Policy, measurement: &Measurement, now_ms: i64) -> Decision {
    let facts = Facts::new(policy, measurement, now_ms);
    if !measurement.online {
        return facts.wait("offline", "This device is offline".to_owned());
    }
    if policy.send_anyway {
        return facts.go("send_anyway", "Sent because you said so".to_owned());
    }
    if policy.mode == GateMode::Always {
        return facts.go("always", "Sent on any network".to_owned());
    }
    if policy.mode == GateMode::Wifi && facts.metered {
        let text = "This is mobile data; waiting for Wi-Fi".to_owned();
        return Decision::Ask {
            reason: facts.reason("metered", text, None),
        };
    }
    facts.judge()
}

/// The numbers that a reason is made of.
struct Facts<'a> {
    policy: &'a Policy,
    now_ms: i64,
    waits: u32,
    metered: bool,
    rate: Option<u64>,
    failures: u32,
    attempts: u32,
    last_ended_ms: Option<i64>,
    last_failed: bool,
}

impl<'a> Facts<'a> {
    fn new(policy: &'a Policy, measurement: &Measurement, now_ms: i64) -> Self {
        let fresh = measurement.fresh(policy, now_ms);
        Self {
            policy,
            now_ms,
            waits: measurement.waits,
            metered: measurement.save_data || measurement.network == NetworkType::Metered,
            rate: measurement.bytes_per_second(policy, now_ms),
            failures: measurement.failures(policy, now_ms),
            attempts: u32::try_from(fresh.count()).unwrap_or(u32::MAX),
            last_ended_ms: measurement.attempts.last().map(|last| last.ended_at_ms),
            last_failed: measurement.attempts.last().is_some_and(|last| last.failed),
        }
    }

    fn threshold(&self) -> u64 {
        u64::from(self.policy.threshold_bytes_per_second)
    }

    fn judge(self) -> Decision {
        if self.failures >= self.policy.failures && self.last_failed {
            let text = format!(
                "{} of the last {} tries failed",
                self.failures, self.attempts
            );
            return self.measure_or_wait("failing", text);
        }
        let Some(rate) = self.rate else {
            let text = "The network has not been measured yet".to_owned();
            return self.measure_or_wait("unmeasured", text);
        };
        if rate < self.threshold() {
            let text = format!(
                "The network takes {} and {} would be enough",
                rate_text(rate),
                rate_text(self.threshold())
            );
            return self.measure_or_wait("slow", text);
        }
        let text = format!("The network takes {}", rate_text(rate));
        self.go("good", text)
    }

    /// Measures if the pause since the last attempt is over (or there was none), else waits for its end.
    fn measure_or_wait(&self, code: &str, text: String) -> Decision {
        let pause = self.pause_ms();
        let due = self.last_ended_ms.map(|ended| ended.saturating_add(pause));
        match due {
            Some(at_ms) if self.now_ms < at_ms => Decision::WaitUntil {
                at_ms,
                reason: self.reason(code, text, Some(at_ms)),
            },
            _ => Decision::Probe {
                reason: self.reason(code, text, None),
            },
        }
    }

    fn pause_ms(&self) -> i64 {
        let factor = 1i64.checked_shl(self.waits.min(3)).unwrap_or(8);
        self.policy.remeasure_ms.saturating_mul(factor)
    }

    fn wait(&self, code: &str, text: String) -> Decision {
        let at_ms = self.now_ms.saturating_add(self.pause_ms());
        Decision::WaitUntil {
            at_ms,
            reason: self.reason(code, text, Some(at_ms)),
        }
    }

    fn go(&self, code: &str, text: String) -> Decision {
        Decision::Go {
            reason: self.reason(code, text, None),
        }
    }

    fn reason(&self, code: &str, text: String, next_try_at_ms: Option<i64>) -> Reason {
        Reason {
            code: code.to_owned(),
            measured_bytes_per_second: self.rate,
            threshold_bytes_per_second: Some(self.threshold()),
            failures: self.failures,
            attempts: self.attempts,
            next_try_at_ms,
            text,
        }
    }
}

/// A rate as people read it, in kbit/s.
fn rate_text(bytes_per_second: u64) -> String {
    let bits = bytes_per_second.saturating_mul(8);
    let tenths = bits.saturating_add(50) / 100;
    if tenths < 100 {
        format!("{}.{} kbit/s", tenths / 10, tenths % 10)
    } else {
        format!("{} kbit/s", bits.saturating_add(500) / 1000)
    }
}

#[cfg(test)]
mod tests;
