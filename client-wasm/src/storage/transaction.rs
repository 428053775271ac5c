//! One transaction: requests go in, and it is over only when the disk has it.
//!
//! Within a transaction nothing but its own requests may be awaited: the browser closes a transaction
//! that has no request waiting when its turn ends.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Array, Promise};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbObjectStore, IdbRequest, IdbTransaction};

use super::error::StorageError;

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase` as far as web-sys leaves it out: the options of `transaction()` are behind its
    /// unstable flag there.
    #[wasm_bindgen(extends = IdbDatabase)]
    type StrictDatabase;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn transaction_with_options(
        this: &StrictDatabase,
        stores: &Array,
        mode: &str,
        options: &JsValue,
    ) -> Result<IdbTransaction, JsValue>;
}

/// What a transaction may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Reads only.
    Read,
    /// Reads and writes; complete means on disk (`durability: strict`).
    Write,
}

/// A transaction that aborts unless it is completed.
pub(super) struct Transaction {
    inner: IdbTransaction,
    over: Promise,
    completed: bool,
    _listeners: [EventListener; 2],
}

impl Transaction {
    /// Begins a transaction over the named stores.
    pub(super) fn begin(
        database: &IdbDatabase,
        stores: &[&str],
        access: Access,
    ) -> Result<Self, StorageError> {
        let names: Array = stores.iter().map(|name| JsValue::from_str(name)).collect();
        let inner = match access {
            Access::Read => database.transaction_with_str_sequence(&names)?,
            Access::Write => begin_strict(database, &names)?,
        };
        let (over, listeners) = first_event(&inner, ["complete", "abort"]);
        let completed = false;
        Ok(Self {
            inner,
            over,
            completed,
            _listeners: listeners,
        })
    }

    /// One of the stores this transaction was begun over.
    pub(super) fn store(&self, name: &str) -> Result<IdbObjectStore, StorageError> {
        Ok(self.inner.object_store(name)?)
    }

    /// Waits until everything asked for is done and, for writes, on disk.
    pub(super) async fn complete(mut self) -> Result<(), StorageError> {
        self.completed = true;
        let event = JsFuture::from(self.over.clone()).await?;
        if event.as_string().as_deref() == Some("complete") {
            return Ok(());
        }
        Err(self
            .inner
            .error()
            .map_or(StorageError::Unavailable, StorageError::from))
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.completed {
            // Fails only on a transaction that is over already, which is what is wanted.
            let _ = self.inner.abort();
        }
    }
}

/// Waits for the answer of one request.
pub(super) async fn answer(request: &IdbRequest) -> Result<JsValue, StorageError> {
    let (settled, _listeners) = first_event(request, ["success", "error"]);
    let event = JsFuture::from(settled).await?;
    if event.as_string().as_deref() == Some("success") {
        return Ok(request.result()?);
    }
    match request.error()? {
        Some(exception) => Err(exception.into()),
        None => Err(StorageError::Unavailable),
    }
}

/// A promise of the name of whichever event comes first. It never rejects, so that nobody has to
/// listen to it; the listeners live as long as their owner.
pub(super) fn first_event<const N: usize>(
    target: &web_sys::EventTarget,
    names: [&'static str; N],
) -> (Promise, [EventListener; N]) {
    let resolver = Rc::new(RefCell::new(None));
    let promise = Promise::new(&mut |resolve, _reject| {
        resolver.replace(Some(resolve));
    });
    let listeners = names.map(|name| {
        let resolver = Rc::clone(&resolver);
        EventListener::new(target, name, move |_| {
            if let Some(resolve) = resolver.borrow_mut().take() {
                let _ = resolve.call1(&JsValue::UNDEFINED, &JsValue::from_str(name));
            }
        })
    });
    (promise, listeners)
}

fn begin_strict(database: &IdbDatabase, names: &Array) -> Result<IdbTransaction, JsValue> {
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"durability".into(), &"strict".into())?;
    let database: &StrictDatabase = database.unchecked_ref();
    database.transaction_with_options(names, "readwrite", &options)
}
