//! What the platform gives to every event besides its input: the time, randomness, and limits on waiting.

use std::{future::Future, pin::pin, time::Duration};

use exchange::context::Entropy;
use futures_util::future::{Either, select};
use worker::{Date, Delay};

/// Unix time in milliseconds.
pub(crate) fn now_ms() -> i64 {
    i64::try_from(Date::now().as_millis()).unwrap_or(i64::MAX)
}

/// Fresh randomness for one event.
pub(crate) fn entropy() -> worker::Result<Entropy> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| worker::Error::RustError(error.to_string()))?;
    Ok(Entropy::new(seed))
}

/// The future's result, or nothing if it takes longer.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(Delay::from(limit))).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
