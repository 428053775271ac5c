//! The events the page's listener gets, one plain object each.

use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};

use crate::outbox::OutboxItem;
use crate::problem::Problem;

/// One event; its name is the `type` field of the object.
#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The state word changed.
    State {
        /// A state word of the element.
        state: &'static str,
        /// The address dialled.
        to: Option<String>,
        /// The callee's name, where the answer told it.
        display_name: Option<String>,
    },
    /// The callee's voicemail gave the right to leave a message, and it is on disk.
    Session {
        /// Key of the stored session (never the token).
        id: String,
        /// Whose mailbox it is.
        called_party: String,
        /// Unix milliseconds, where the exchange told.
        expires_at: Option<f64>,
        /// Whom the caller had dialled, where the call was sent on to this mailbox.
        forwarded_from: Option<String>,
    },
    /// The voicemail is on another server than the one that was called by; nothing is sent there before the user
    /// confirmed it once (`confirm_server`).
    OtherServer {
        /// Scheme, host and port.
        origin: String,
    },
    /// The greeting may be played from here.
    Greeting {
        /// Address of the greeting.
        url: String,
        /// Length, where the exchange told it.
        duration_ms: Option<f64>,
    },
    /// Somebody calls this page.
    Incoming {
        /// His address.
        from: String,
        /// His name, as he gives it.
        display_name: Option<String>,
        /// Whether the server vouches for this address.
        verified: bool,
        /// Whether he offers pictures.
        video: bool,
    },
    /// The call that came does not ring here any more, and was not taken here.
    IncomingOver {
        /// `cancelled`, `answered_elsewhere`, `declined`, `voicemail` or `lost`.
        reason: &'static str,
    },
    /// How the call with a person is now; after every change while the state is `talking`.
    Talk {
        /// The other side does not hear us, because the user wants it so.
        muted: bool,
        /// We hold the call: nobody hears anybody.
        held: bool,
        /// The other side holds the call.
        held_by_peer: bool,
        /// Whether `send_key` reaches the other side.
        keys: bool,
        /// A `MediaStream` of what comes from the other side; nothing where nothing comes yet.
        #[serde(with = "serde_wasm_bindgen::preserve")]
        remote: JsValue,
        /// A `MediaStream` of our own camera, while it is on.
        #[serde(with = "serde_wasm_bindgen::preserve")]
        local: JsValue,
        /// Whether pictures come from the other side.
        video: bool,
    },
    /// The other side pressed a key.
    Key {
        /// One of `0123456789*#ABCD`.
        key: String,
    },
    /// This browser can only leave and hear messages.
    CannotCall {
        /// `no_webrtc`.
        code: &'static str,
        /// Plain words.
        message: &'static str,
    },
    /// What the camera sees, for a preview.
    Camera {
        /// What the next message is instead, after the camera or its recorder has failed.
        kind: Option<&'static str>,
        /// A `MediaStream`; nothing once the camera is off.
        #[serde(with = "serde_wasm_bindgen::preserve")]
        stream: JsValue,
    },
    /// Loudness while recording.
    Level {
        /// From 0 to 1.
        peak: f32,
        /// Recorded so far.
        elapsed_ms: f64,
    },
    /// What the microphone hears while recording is good for something else than before.
    Hearing {
        /// `nothing`, `clipping`, `noise` or `fine`.
        code: &'static str,
    },
    /// The longest message is nearly full; once a second.
    TimeLeft {
        /// How much sound still fits.
        remaining_ms: f64,
    },
    /// This device has less room than the longest message takes.
    Room {
        /// How much sound fits.
        fits_ms: f64,
    },
    /// How the microphone sounds, about twenty times a second while it is checked.
    SoundCheck {
        /// From 0 to 1.
        peak: f32,
        /// `listening`, `nothing`, `clipping`, `noise`, `quiet` or `fine`.
        code: &'static str,
    },
    /// A microphone was opened.
    Microphone {
        /// What the browser calls it.
        label: String,
        /// The chosen one that is not there, so that this one is used instead.
        missing: Option<String>,
    },
    /// Sound that the microphone or the machine left out of the recording.
    Gap {
        /// Where it begins.
        at_ms: f64,
        /// How much is missing.
        length_ms: f64,
    },
    /// The recording ends by itself soon, because nobody speaks; without a time it does not any more.
    Silence {
        /// Whole seconds.
        remaining_ms: Option<f64>,
    },
    /// A draft is complete on disk.
    Recorded {
        /// The draft.
        deposit_id: String,
        /// Its length.
        duration_ms: f64,
        /// Peaks for drawing.
        waveform: Vec<u8>,
    },
    /// The outbox as it is now.
    Outbox {
        /// All rows, newest first.
        items: Vec<OutboxItem>,
    },
    /// Bytes the exchange has acknowledged.
    Progress {
        /// The deposit.
        deposit_id: String,
        /// Acknowledged bytes.
        sent: f64,
        /// All bytes.
        total: f64,
    },
    /// The message is in the callee's mailbox, for good.
    Deposited {
        /// The deposit.
        deposit_id: String,
        /// Compact JWS.
        receipt: String,
        /// The message's id in the mailbox.
        message_id: String,
    },
    /// Something failed; nothing recorded is lost by it.
    Error {
        /// Stable code.
        code: String,
        /// Plain words.
        message: String,
    },
    /// The signalling connection came or went.
    Connection {
        /// Whether it stands.
        online: bool,
    },
    /// Whether calls to who is signed in ring on this page.
    Reachable {
        /// They do: the registrar has said so, and the page can take them.
        registered: bool,
        /// Why not: `no_webrtc`, `offline`, `login_expired`, `refused` or `signed_out`.
        reason: Option<&'static str>,
    },
    /// Counters of the own mailbox (RFC 3842).
    Mailbox {
        /// Messages nobody listened to yet.
        new: u32,
        /// All messages.
        total: u32,
    },
    /// What the browser promises about the disk.
    Storage {
        /// Whether the browser may evict what we keep.
        persisted: bool,
        /// Free bytes, as far as the browser tells.
        free_bytes: Option<f64>,
    },
}

impl From<Problem> for Event {
    fn from(problem: Problem) -> Self {
        Self::Error {
            code: problem.code,
            message: problem.message,
        }
    }
}

/// The page's listener. Events are delivered in order from the microtask queue, so that a listener
/// may call the client again without meeting it in the middle of something.
#[derive(Clone)]
pub(crate) struct Listener {
    function: Option<js_sys::Function>,
}

impl Listener {
    /// Listener over a page's function; anything else listens to nothing.
    pub(crate) fn new(function: &JsValue) -> Self {
        Self {
            function: function.dyn_ref::<js_sys::Function>().cloned(),
        }
    }

    /// A listener for hosts that want no events, as the service worker.
    pub(crate) fn silent() -> Self {
        Self { function: None }
    }

    /// Delivers one event.
    pub(crate) fn emit(&self, event: Event) {
        let Some(function) = self.function.clone() else {
            return;
        };
        wasm_bindgen_futures::spawn_local(async move {
            let Ok(value) = serde_wasm_bindgen::to_value(&event) else {
                return;
            };
            if let Err(thrown) = function.call1(&JsValue::UNDEFINED, &value) {
                report(&thrown);
            }
        });
    }

    /// Delivers a problem as an error event.
    pub(crate) fn problem(&self, problem: Problem) {
        self.emit(problem.into());
    }
}

/// Hands what a listener threw to the page's own error handling.
fn report(thrown: &JsValue) {
    let report = js_sys::Reflect::get(&js_sys::global(), &JsValue::from_str("reportError"))
        .ok()
        .and_then(|function| function.dyn_into::<js_sys::Function>().ok());
    if let Some(report) = report {
        drop(report.call1(&JsValue::UNDEFINED, thrown));
    }
}
