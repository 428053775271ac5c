//! Browser shell: sockets, timers, microphone, `fetch` and storage around the rules of `sip`, `deposit`
//! and `voice`, and the classes the pages see.
//!
//! Built as separate modules by feature: `call` (signalling, outbox, mailbox; loaded when first needed) and
//! `voice` (the encoder, loaded by the recorder's worker) and `denoise` (loaded by that worker, too, where wanted).
//! Rules live in the leaf crates, not here.

#[cfg(any(feature = "call", feature = "voice"))]
pub mod capture;
#[cfg(feature = "call")]
mod client;
#[cfg(feature = "call")]
mod clock;
#[cfg(feature = "denoise")]
pub mod denoise;
#[cfg(feature = "call")]
mod http;
#[cfg(feature = "call")]
mod json;
#[cfg(feature = "call")]
mod mailbox;
#[cfg(feature = "call")]
mod media;
#[cfg(feature = "call")]
mod outbox;
#[cfg(any(feature = "call", feature = "voice"))]
mod plain;
#[cfg(feature = "call")]
mod problem;
#[cfg(feature = "call")]
mod queue;
#[cfg(feature = "call")]
mod server;
#[cfg(feature = "call")]
mod signalling;
#[cfg(any(feature = "call", feature = "voice"))]
pub mod storage;
#[cfg(feature = "call")]
mod timer;
#[cfg(feature = "voice")]
pub mod voice;

#[cfg(feature = "call")]
pub use client::{Client, drain_outbox};

/// Whether the browser believes to have a network; it is right only when it says no.
#[cfg(feature = "call")]
fn online() -> bool {
    let field = |object: &wasm_bindgen::JsValue, name: &str| {
        js_sys::Reflect::get(object, &name.into()).unwrap_or(wasm_bindgen::JsValue::UNDEFINED)
    };
    let navigator = field(&js_sys::global(), "navigator");
    !field(&navigator, "onLine").is_falsy()
}
