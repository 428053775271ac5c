//! The calls of whoever is signed in, message by message.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{Client, Outcome};

#[wasm_bindgen]
impl Client {
    /// The calls of the last days, newest first: `{calls}`; those of one session where it is named.
    pub async fn calls(&self, session: Option<String>) -> Outcome<JsValue> {
        Ok(self.inbox()?.calls(session.as_deref()).await?)
    }

    /// One call, message by message.
    pub async fn ladder(&self, id: String) -> Outcome<JsValue> {
        Ok(self.inbox()?.ladder(&id).await?)
    }
}
