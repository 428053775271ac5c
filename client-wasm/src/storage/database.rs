//! Opening the database `afterbeep`, and the two verbs all rows share.

use core::pin::Pin;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbFactory, IdbObjectStoreParameters, IdbOpenDbRequest};

use super::error::StorageError;
use super::transaction::{Access, Transaction, answer, first_event};

/// Work on the database whose size its caller does not carry, so that the compiler writes it once.
pub(super) type Work<'a, Output> = Pin<Box<dyn Future<Output = Output> + 'a>>;

const NAME: &str = "afterbeep";
const VERSION: u32 = 1;

pub(super) const DEPOSITS: &str = "deposits";
pub(super) const BLOCKS: &str = "blocks";
pub(super) const SESSIONS: &str = "sessions";
pub(super) const VALUES: &str = "values";

/// Another page's upgrade may hold up the opening without a word; after this long that is told.
const PATIENCE_MS: u32 = 3_000;

/// The open database. Closed when dropped, and when another page wants to upgrade it.
pub struct Database {
    inner: IdbDatabase,
    version_change: Option<EventListener>,
}

impl Database {
    /// Opens the database, making or upgrading it first where needed. Waits while another page is in the way, and
    /// says so once.
    pub async fn open(on_blocked: impl Fn() + 'static) -> Result<Self, StorageError> {
        let request = factory()?.open_with_u32(NAME, VERSION)?;
        let _upgrade = EventListener::once(&request, "upgradeneeded", {
            let request = request.clone();
            move |_| upgrade(&request)
        });
        let _patience = Timeout::new(PATIENCE_MS, on_blocked);
        let (settled, _listeners) = first_event(&request, ["success", "error"]);
        match JsFuture::from(settled).await?.as_string().as_deref() {
            Some("success") => Ok(Self::new(request.result()?.unchecked_into())),
            _ => match request.error()? {
                Some(exception) => Err(exception.into()),
                None => Err(StorageError::Unavailable),
            },
        }
    }

    /// As `open`, for whoever cannot wait.
    #[cfg(feature = "call")]
    pub async fn open_soon() -> Result<Self, StorageError> {
        crate::queue::within(PATIENCE_MS, Self::open(|| ()))
            .await
            .unwrap_or(Err(StorageError::Blocked))
    }

    /// Stays open whatever another page wants: its upgrade waits for a recording to end.
    pub fn keep_open(mut self) -> Self {
        self.version_change = None;
        self
    }

    fn new(inner: IdbDatabase) -> Self {
        let version_change = EventListener::once(&inner, "versionchange", {
            let inner = inner.clone();
            move |_| inner.close()
        });
        Self {
            inner,
            version_change: Some(version_change),
        }
    }

    pub(super) fn begin(
        &self,
        stores: &[&str],
        access: Access,
    ) -> Result<Transaction, StorageError> {
        Transaction::begin(&self.inner, stores, access)
    }

    /// Reads one row.
    pub(super) async fn read<Row: DeserializeOwned>(
        &self,
        store: &'static str,
        key: &str,
    ) -> Result<Option<Row>, StorageError> {
        decode_found(store, self.found(store, Some(key)).await?)
    }

    /// Reads every row of a store, in the order of their keys.
    pub(super) async fn read_all<Row: DeserializeOwned>(
        &self,
        store: &'static str,
    ) -> Result<Vec<Row>, StorageError> {
        let rows: js_sys::Array = self.found(store, None).await?.unchecked_into();
        rows.iter().map(|row| decode(store, row)).collect()
    }

    /// What is stored under a key, or everything. Compiled once for all kinds of rows.
    fn found<'a>(
        &'a self,
        store: &'static str,
        key: Option<&'a str>,
    ) -> Work<'a, Result<JsValue, StorageError>> {
        Box::pin(async move {
            let transaction = self.begin(&[store], Access::Read)?;
            let rows = transaction.store(store)?;
            let request = match key {
                Some(key) => rows.get(&key.into())?,
                None => rows.get_all()?,
            };
            let found = answer(&request).await?;
            transaction.complete().await?;
            Ok(found)
        })
    }

    /// Writes one row, strictly durable.
    pub(super) async fn write<Row: Serialize>(
        &self,
        store: &'static str,
        row: &Row,
    ) -> Result<(), StorageError> {
        let row = encode(store, row)?;
        self.put(store, row).await
    }

    fn put(&self, store: &'static str, row: JsValue) -> Work<'_, Result<(), StorageError>> {
        Box::pin(async move {
            let transaction = self.begin(&[store], Access::Write)?;
            transaction.store(store)?.put(&row)?;
            transaction.complete().await
        })
    }

    /// Deletes one row, strictly durable; one that is not there is no error.
    pub(super) async fn erase(&self, store: &'static str, key: &str) -> Result<(), StorageError> {
        let transaction = self.begin(&[store], Access::Write)?;
        transaction.store(store)?.delete(&key.into())?;
        transaction.complete().await
    }

    /// Empties every store: **Clear this device**.
    pub async fn clear(&self) -> Result<(), StorageError> {
        let stores = [DEPOSITS, BLOCKS, SESSIONS, VALUES];
        let transaction = self.begin(&stores, Access::Write)?;
        for store in stores {
            transaction.store(store)?.clear()?;
        }
        transaction.complete().await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.inner.close();
    }
}

/// A row as the browser stores it: absent fields stay absent, so that later versions can add some.
pub(super) fn encode<Row: Serialize>(
    store: &'static str,
    row: &Row,
) -> Result<JsValue, StorageError> {
    row.serialize(&Serializer::new())
        .map_err(|error| StorageError::row(store, &error))
}

pub(super) fn decode<Row: DeserializeOwned>(
    store: &'static str,
    row: JsValue,
) -> Result<Row, StorageError> {
    crate::plain::read(row).map_err(|error| StorageError::row(store, &error))
}

pub(super) fn decode_found<Row: DeserializeOwned>(
    store: &'static str,
    found: JsValue,
) -> Result<Option<Row>, StorageError> {
    match found.is_undefined() {
        true => Ok(None),
        false => decode(store, found).map(Some),
    }
}

fn factory() -> Result<IdbFactory, StorageError> {
    let found = js_sys::Reflect::get(&js_sys::global(), &"indexedDB".into())?;
    found.dyn_into().map_err(|_| StorageError::Unavailable)
}

/// Version 1. Later versions only add stores and fields; a failure here aborts the opening.
fn upgrade(request: &IdbOpenDbRequest) {
    let _ = create_stores(request);
}

fn create_stores(request: &IdbOpenDbRequest) -> Result<(), JsValue> {
    let database: IdbDatabase = request.result()?.unchecked_into();
    let block_key = js_sys::Array::of2(&"deposit_id".into(), &"index".into());
    create_store(&database, DEPOSITS, &"deposit_id".into())?;
    create_store(&database, BLOCKS, &block_key)?;
    create_store(&database, SESSIONS, &"id".into())?;
    create_store(&database, VALUES, &"name".into())
}

fn create_store(database: &IdbDatabase, name: &str, key: &JsValue) -> Result<(), JsValue> {
    if database.object_store_names().contains(name) {
        return Ok(());
    }
    let parameters = IdbObjectStoreParameters::new();
    parameters.set_key_path(key);
    database.create_object_store_with_optional_parameters(name, &parameters)?;
    Ok(())
}
