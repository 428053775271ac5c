//! The calls of whoever is signed in, message by message.

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use super::Client;
use super::promise::promise;

#[wasm_bindgen]
impl Client {
    /// The calls of the last days, newest first: `{calls}`; those of one session where it is named.
    pub fn calls(&self, session: Option<String>) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.calls(session.as_deref()).await?) })
    }

    /// One call, message by message.
    pub fn ladder(&self, id: String) -> Promise {
        let client = self.clone();
        promise(async move { Ok(client.inbox()?.ladder(&id).await?) })
    }
}
