//! Whether a message fits on this device, and whether the browser promises to keep it.

use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::StorageManager;

use super::engine::Engine;
use super::words;
use crate::capture::Kind;
use crate::client::{ClientEvent, Listener};
use crate::outbox::count;
use crate::problem::Problem;

/// What a second takes in the database at most: 3 kB of sound or 140 kB of video, its row, and the database's log
/// before it is folded together.
const VOICE_BYTES_PER_S: u64 = 12_000;
const VIDEO_BYTES_PER_S: u64 = 300_000;
/// So much is left for what else is written.
const RESERVE: u64 = 200_000;
/// A message that could not be longer than this is not begun.
const SHORTEST_MS: u64 = 3_000;

/// How long a message may be here, at most as long as it may be anywhere; the page is told where that is less.
pub(super) async fn preflight(
    engine: &Engine,
    kind: Kind,
    longest_ms: u64,
) -> Result<u64, Problem> {
    let fits = free_bytes().await.map(|free| fitting_ms(free, kind));
    let Some(fits) = fits.filter(|fits| *fits < longest_ms) else {
        return Ok(longest_ms);
    };
    if fits < SHORTEST_MS {
        return Err(words::no_room());
    }
    engine.listener.emit(ClientEvent::Room {
        fits_ms: count(fits),
    });
    Ok(fits)
}

/// Asks the browser to keep what was spoken, and tells the page what it answered.
pub(super) fn keep_on_disk(listener: &Listener) {
    let asked = manager().and_then(|storage| storage.persist().ok());
    tell(listener, asked);
}

/// Tells the page what the browser promises so far.
pub(super) fn tell_promise(listener: &Listener) {
    let asked = manager().and_then(|storage| storage.persisted().ok());
    tell(listener, asked);
}

fn tell(listener: &Listener, asked: Option<js_sys::Promise>) {
    let Some(asked) = asked else {
        return;
    };
    let listener = listener.clone();
    spawn_local(async move {
        // A browser that does not answer promises nothing, and is not complained of.
        if let Ok(persisted) = JsFuture::from(asked).await {
            listener.emit(ClientEvent::Storage {
                persisted: persisted.is_truthy(),
                free_bytes: free_bytes().await.map(count),
            });
        }
    });
}

fn fitting_ms(free: u64, kind: Kind) -> u64 {
    let bytes_per_s = match kind {
        Kind::Voice => VOICE_BYTES_PER_S,
        Kind::Video => VIDEO_BYTES_PER_S,
    };
    free.saturating_sub(RESERVE).saturating_mul(1000) / bytes_per_s
}

async fn free_bytes() -> Option<u64> {
    let asked = manager()?.estimate().ok()?;
    let estimate = JsFuture::from(asked).await.ok()?;
    let number = |name: &str| Reflect::get(&estimate, &name.into()).ok()?.as_f64();
    Some((number("quota")? - number("usage")?).max(0.0) as u64)
}

fn manager() -> Option<StorageManager> {
    let navigator = web_sys::window()?.navigator();
    let storage: JsValue = Reflect::get(&navigator, &"storage".into()).ok()?;
    storage.dyn_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_message_of_five_minutes_fits_into_four_megabytes() {
        assert!(fitting_ms(4_000_000, Kind::Voice) >= 300_000);
        assert!(fitting_ms(4_000_000, Kind::Video) < 15_000);
    }

    #[test]
    fn nothing_fits_where_nothing_is_free() {
        assert_eq!(fitting_ms(0, Kind::Voice), 0);
        assert_eq!(fitting_ms(RESERVE, Kind::Voice), 0);
    }
}
