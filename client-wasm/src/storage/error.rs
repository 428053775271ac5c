//! Why the local database could not do what it was asked.

use js_sys::Error as JsError;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DomException;

/// A failure of the local database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The browser has no IndexedDB, or forbids it here (some private modes).
    #[error("this browser lets the page store nothing")]
    Unavailable,
    /// Another page still holds an older version of the database open.
    #[error("the local database is held open by another page of an older version")]
    Blocked,
    /// Another page uses a newer version of the database; this page's connection is closed.
    #[error("a newer version of this page is open in another tab")]
    Outdated,
    /// The device or the browser's share of it is full.
    #[error("there is no room left on this device")]
    Full,
    /// No row has this key.
    #[error("this device holds no {store} row {key:?}")]
    Missing {
        /// The object store.
        store: &'static str,
        /// The key that was asked for.
        key: String,
    },
    /// A stored row has another shape than this version writes.
    #[error("a {store} row cannot be read: {detail}")]
    Row {
        /// The object store.
        store: &'static str,
        /// What the decoder met.
        detail: String,
    },
    /// Everything else the browser reports, by its own name.
    #[error("the local database reported {name}: {message}")]
    Refused {
        /// Name of the `DOMException`.
        name: String,
        /// Its message.
        message: String,
    },
}

impl StorageError {
    /// Stable code for callers in JavaScript.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable => "storage_unavailable",
            Self::Blocked => "storage_blocked",
            Self::Outdated => "storage_outdated",
            Self::Full => "storage_full",
            Self::Missing { .. } => "storage_missing",
            Self::Row { .. } => "storage_row",
            Self::Refused { .. } => "storage_refused",
        }
    }

    pub(super) fn missing(store: &'static str, key: &str) -> Self {
        let key = key.to_owned();
        Self::Missing { store, key }
    }

    pub(super) fn row(store: &'static str, detail: &impl ToString) -> Self {
        let detail = detail.to_string();
        Self::Row { store, detail }
    }

    fn named(name: String, message: String) -> Self {
        match name.as_str() {
            "QuotaExceededError" => Self::Full,
            // The connection was closed for another page's upgrade, or comes after one.
            "VersionError" | "InvalidStateError" => Self::Outdated,
            _ => Self::Refused { name, message },
        }
    }
}

impl From<DomException> for StorageError {
    fn from(exception: DomException) -> Self {
        Self::named(exception.name(), exception.message())
    }
}

impl From<JsValue> for StorageError {
    fn from(thrown: JsValue) -> Self {
        let thrown = match thrown.dyn_into::<DomException>() {
            Ok(exception) => return exception.into(),
            Err(other) => other,
        };
        match thrown.dyn_into::<JsError>() {
            Ok(error) => Self::named(error.name().into(), error.message().into()),
            Err(other) => Self::named("unknown".to_owned(), format!("{other:?}")),
        }
    }
}
