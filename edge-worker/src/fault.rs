//! Fault points: named places where a test-only build stops for good, so that a test can kill the process
//! exactly there. Every other build has none: without the feature `fault-points` these functions are empty.
//!
//! A request arms one point by a header instead of a setting, because calls, sign-ins and demo accounts pass
//! the same places before the request that is meant.

use worker::Request;

/// A build with fault points carries these words, which `cargo xtask build` refuses in what it made.
#[cfg(feature = "fault-points")]
const MARKER: &str = "fault points of a test-only build";

/// Arms the point that a request from outside names.
#[cfg(feature = "fault-points")]
pub(crate) fn arm(request: &Request) {
    if let Ok(Some(point)) = request.headers().get("afterbeep-fault-point") {
        ARMED.set(Some(point));
    }
}

/// The process stops here if this point is armed, in the middle of what it does.
#[cfg(feature = "fault-points")]
pub(crate) fn here(object: &str, place: &str) {
    let point = format!("{object}.{place}");
    if ARMED.with_borrow(|armed| armed.as_ref() == Some(&point)) {
        worker::console_log!("{MARKER}: reached {point}");
        loop {
            std::hint::spin_loop();
        }
    }
}

/// The process stops here if this point is armed, after what was written before is on disk.
#[cfg(feature = "fault-points")]
pub(crate) async fn settled(object: &str, place: &str) {
    if ARMED.with_borrow(Option::is_some) {
        // Transactions reach the disk between two turns of the event loop.
        worker::Delay::from(std::time::Duration::from_millis(20)).await;
        here(object, place);
    }
}

#[cfg(feature = "fault-points")]
thread_local! {
    /// Everything runs in one isolate here.
    static ARMED: std::cell::RefCell<Option<String>> = const { std::cell::RefCell::new(None) };
}

/// Arms nothing: this build has no fault points.
#[cfg(not(feature = "fault-points"))]
pub(crate) const fn arm(_request: &Request) {}

/// Goes on: this build has no fault points.
#[cfg(not(feature = "fault-points"))]
pub(crate) const fn here(_object: &str, _place: &str) {}

/// Goes on at once: this build has no fault points.
#[cfg(not(feature = "fault-points"))]
pub(crate) fn settled(_object: &str, _place: &str) -> impl Future<Output = ()> {
    std::future::ready(())
}
