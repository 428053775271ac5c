//! What went wrong, as a stable code for programs and plain words for people.

use core::fmt;

use wasm_bindgen::{JsCast, JsValue};

use crate::storage::StorageError;

/// A refusal or failure that reaches the page as a JavaScript `Error`: `name` is the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Stable code; clients branch on it, never on the words.
    pub(crate) code: String,
    /// What happened, what is safe and what to do, in one or two sentences.
    pub(crate) message: String,
}

impl Problem {
    /// A problem with its code and words.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// A failure inside the browser itself, with the browser's own words.
    pub(crate) fn from_browser(code: &str, cause: &JsValue) -> Self {
        Self::new(code, words_of(cause))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        let words = match &error {
            StorageError::Unavailable => {
                "This browser keeps nothing for this page, perhaps because the window is private. A message could be lost here, so none is taken; open the page in an ordinary window."
            }
            StorageError::Blocked => {
                "Another tab holds this device’s messages in an older version. Nothing is lost. Close or reload that tab, and this one goes on."
            }
            StorageError::Outdated => {
                "A newer version of this page is open in another tab. What you recorded is safe on this device; reload this page to go on."
            }
            StorageError::Full => {
                "This device has no room left. What is here stays here; free some space and try again."
            }
            _ => return Self::new(error.code(), format!("Nothing could be stored: {error}.")),
        };
        Self::new(error.code(), words)
    }
}

impl From<Problem> for JsValue {
    fn from(problem: Problem) -> Self {
        let error = js_sys::Error::new(&problem.message);
        error.set_name(&problem.code);
        error.into()
    }
}

/// The message of a thrown value, whatever was thrown.
fn words_of(cause: &JsValue) -> String {
    match cause.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => cause.as_string().unwrap_or_default(),
    }
}

/// The `name` of a thrown value (`NotAllowedError`, `AbortError`).
pub(crate) fn name_of(cause: &JsValue) -> String {
    js_sys::Reflect::get(cause, &JsValue::from_str("name"))
        .ok()
        .and_then(|name| name.as_string())
        .unwrap_or_default()
}
