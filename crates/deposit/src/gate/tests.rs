use super::*;

const NOW: i64 = 1_000_000;

fn online(attempts: &[Attempt]) -> Measurement {
    let mut measurement = Measurement {
        online: true,
        ..Measurement::default()
    };
    attempts
        .iter()
        .for_each(|attempt| measurement.record(*attempt));
    measurement
}

fn sent(ago_ms: i64, bytes: u64, took_ms: i64) -> Attempt {
    Attempt {
        ended_at_ms: NOW - ago_ms,
        took_ms,
        acknowledged: bytes,
        failed: false,
    }
}

fn failed(ago_ms: i64, took_ms: i64) -> Attempt {
    Attempt {
        acknowledged: 0,
        failed: true,
        ..sent(ago_ms, 0, took_ms)
    }
}

fn reason(decision: &Decision) -> &Reason {
    match decision {
        Decision::Go { reason }
        | Decision::Probe { reason }
        | Decision::WaitUntil { reason, .. }
        | Decision::Ask { reason } => reason,
    }
}

#[test]
fn an_unmeasured_network_is_probed_first() {
    let decision = decide(&Policy::default(), &online(&[]), NOW);
    assert!(matches!(decision, Decision::Probe { .. }));
    assert_eq!(reason(&decision).code, "unmeasured");
}

#[test]
fn a_good_network_goes() {
    let decision = decide(&Policy::default(), &online(&[sent(100, 16_384, 100)]), NOW);
    assert!(matches!(decision, Decision::Go { .. }));
    assert_eq!(reason(&decision).measured_bytes_per_second, Some(163_840));
    assert_eq!(reason(&decision).text, "The network takes 1311 kbit/s");
}

#[test]
fn a_slow_network_waits_with_value_threshold_and_next_try() {
    let decision = decide(
        &Policy::default(),
        &online(&[sent(100, 16_384, 16_384)]),
        NOW,
    );
    let Decision::WaitUntil { at_ms, reason } = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(at_ms, NOW - 100 + 5_000);
    assert_eq!(
        reason,
        Reason {
            code: "slow".to_owned(),
            measured_bytes_per_second: Some(1000),
            threshold_bytes_per_second: Some(4000),
            failures: 0,
            attempts: 1,
            next_try_at_ms: Some(at_ms),
            text: "The network takes 8.0 kbit/s and 32 kbit/s would be enough".to_owned(),
        }
    );
}

#[test]
fn after_the_pause_a_slow_network_is_measured_again() {
    let slow = online(&[sent(5_000, 16_384, 16_384)]);
    assert!(matches!(
        decide(&Policy::default(), &slow, NOW),
        Decision::Probe { .. }
    ));
    let waited = Measurement { waits: 2, ..slow };
    let decision = decide(&Policy::default(), &waited, NOW);
    let Decision::WaitUntil { at_ms, .. } = decision else {
        panic!("{decision:?}");
    };
    assert_eq!(at_ms, NOW - 5_000 + 20_000, "pauses double");
    let often = Measurement {
        waits: 60,
        ..waited
    };
    let Decision::WaitUntil { at_ms, .. } = decide(&Policy::default(), &often, NOW) else {
        panic!("waits");
    };
    assert_eq!(at_ms, NOW - 5_000 + 40_000, "at most eightfold");
}

#[test]
fn a_slow_network_is_measured_again_when_it_was_said_and_then_less_often() {
    let policy = Policy::default();
    let mut measurement = online(&[sent(100, 16_384, 16_384)]);
    let mut pauses = Vec::new();
    let mut now_ms = NOW;
    for _ in 0..5 {
        let Decision::WaitUntil { at_ms, .. } = decide(&policy, &measurement, now_ms) else {
            panic!("it was measured just now");
        };
        let ended_ms = measurement.attempts.last().unwrap().ended_at_ms;
        pauses.push(at_ms - ended_ms);
        let again = decide(&policy, &measurement, at_ms);
        assert!(matches!(again, Decision::Probe { .. }), "{again:?}");
        measurement.probe();
        now_ms = at_ms + 16_384;
        measurement.record(Attempt {
            ended_at_ms: now_ms,
            ..sent(0, 16_384, 16_384)
        });
    }
    assert_eq!(pauses, [5_000, 10_000, 20_000, 40_000, 40_000]);
}

#[test]
fn a_failing_network_waits_although_what_arrives_is_fast() {
    let attempts = [
        failed(400, 10),
        sent(300, 16_384, 10),
        failed(200, 10),
        failed(100, 10),
    ];
    let decision = decide(&Policy::default(), &online(&attempts), NOW);
    assert!(matches!(decision, Decision::WaitUntil { .. }));
    assert_eq!(
        (reason(&decision).code.as_str(), reason(&decision).failures),
        ("failing", 3)
    );
    assert_eq!(reason(&decision).text, "3 of the last 4 tries failed");
}

#[test]
fn failures_lower_the_rate() {
    let attempts = [sent(300, 10_000, 1_000), failed(200, 4_000)];
    let measurement = online(&attempts);
    assert_eq!(
        measurement.bytes_per_second(&Policy::default(), NOW),
        Some(3_333)
    );
}

#[test]
fn a_network_that_got_well_goes_after_one_good_attempt() {
    let slow = [
        sent(300, 16_384, 16_384),
        failed(200, 1),
        failed(150, 1),
        failed(120, 1),
    ];
    let mut measurement = online(&slow);
    assert!(!matches!(
        decide(&Policy::default(), &measurement, NOW),
        Decision::Go { .. }
    ));
    measurement.record(sent(10, 16_384, 50));
    assert!(matches!(
        decide(&Policy::default(), &measurement, NOW),
        Decision::Go { .. }
    ));
    measurement.record(sent(0, 4_096, 4_096));
    measurement.record(sent(0, 4_096, 4_096));
    measurement.record(sent(0, 4_096, 4_096));
    measurement.record(sent(0, 4_096, 4_096));
    measurement.record(sent(0, 4_096, 4_096));
    assert!(!matches!(
        decide(&Policy::default(), &measurement, NOW),
        Decision::Go { .. }
    ));
}

#[test]
fn only_failures_are_no_rate_and_no_good_network() {
    let measurement = online(&[failed(100, 1_000)]);
    assert_eq!(measurement.bytes_per_second(&Policy::default(), NOW), None);
    let decision = decide(&Policy::default(), &measurement, NOW);
    assert!(matches!(decision, Decision::WaitUntil { .. }));
    assert_eq!(reason(&decision).failures, 1);
}

#[test]
fn old_measurements_do_not_count() {
    let decision = decide(
        &Policy::default(),
        &online(&[sent(60_001, 100, 10_000)]),
        NOW,
    );
    assert!(matches!(decision, Decision::Probe { .. }));
    assert_eq!(reason(&decision).measured_bytes_per_second, None);
}

#[test]
fn only_the_last_attempts_are_kept() {
    let mut measurement = online(&[]);
    (0..20).for_each(|ago| measurement.record(failed(20 - ago, 1)));
    assert_eq!(measurement.attempts.len(), WINDOW);
    (0..5).for_each(|_| measurement.record(sent(0, 16_384, 100)));
    assert!(matches!(
        decide(&Policy::default(), &measurement, NOW),
        Decision::Go { .. }
    ));
}

#[test]
fn send_anyway_opens_all_but_being_offline() {
    let policy = Policy {
        send_anyway: true,
        mode: GateMode::Wifi,
        ..Policy::default()
    };
    let mut measurement = online(&[
        sent(100, 10, 10_000),
        failed(50, 1),
        failed(40, 1),
        failed(30, 1),
    ]);
    measurement.network = NetworkType::Metered;
    assert!(matches!(
        decide(&policy, &measurement, NOW),
        Decision::Go { .. }
    ));
    measurement.online = false;
    let decision = decide(&policy, &measurement, NOW);
    assert!(matches!(decision, Decision::WaitUntil { .. }));
    assert_eq!(reason(&decision).code, "offline");
}

#[test]
fn always_goes_and_wifi_asks_on_mobile_data() {
    let slow = online(&[sent(100, 10, 10_000)]);
    let always = Policy {
        mode: GateMode::Always,
        ..Policy::default()
    };
    assert!(matches!(decide(&always, &slow, NOW), Decision::Go { .. }));
    let wifi = Policy {
        mode: GateMode::Wifi,
        ..Policy::default()
    };
    let fast = online(&[sent(100, 16_384, 10)]);
    assert!(matches!(decide(&wifi, &fast, NOW), Decision::Go { .. }));
    let metered = Measurement {
        network: NetworkType::Metered,
        ..fast.clone()
    };
    assert_eq!(reason(&decide(&wifi, &metered, NOW)).code, "metered");
    let saving = Measurement {
        save_data: true,
        ..fast
    };
    assert!(matches!(decide(&wifi, &saving, NOW), Decision::Ask { .. }));
}
