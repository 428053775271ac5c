//! The host's clock, randomness and waiting. The rules get all three as arguments.

use crate::problem::Problem;

/// Unix time in milliseconds.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// Fresh random bytes of the browser's generator.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Problem::new("no_randomness", "This browser gives no random numbers."))?;
    Ok(bytes)
}

/// Sleeps; the timer goes when the future is dropped.
pub(crate) async fn sleep(milliseconds: u32) {
    gloo_timers::future::TimeoutFuture::new(milliseconds).await;
}
