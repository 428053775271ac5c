//! Why a recording could not begin.

use wasm_bindgen::{JsCast, JsValue};

/// The recorder did not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The browser's audio engine refused.
    #[error("the browser's audio engine did not start: {0}")]
    Audio(String),
    /// A script of the recorder could not be loaded.
    #[error("a part of the recorder could not be loaded: {0}")]
    Script(String),
    /// The worker gave up before the first sound.
    #[error("{message}")]
    Told {
        /// Its code.
        code: String,
        /// Its words.
        message: String,
    },
}

impl CaptureError {
    /// Stable code for callers in JavaScript.
    pub fn code(&self) -> &str {
        match self {
            Self::Audio(_) => "audio_failed",
            Self::Script(_) => "recorder_failed",
            Self::Told { code, .. } => code,
        }
    }

    pub(super) fn audio(cause: &JsValue) -> Self {
        Self::Audio(words(cause))
    }

    pub(super) fn script(cause: &JsValue) -> Self {
        Self::Script(words(cause))
    }
}

fn words(cause: &JsValue) -> String {
    match cause.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => format!("{cause:?}"),
    }
}
