//! Which servers help a call through the network: the page's, or those that the server names (`AFTERBEEP_ICE_SERVERS`).

use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::engine::Engine;
use crate::http::Request;
use crate::queue::{Queue, within};

/// A call goes out without what has not come after this long.
const PATIENCE_MS: u32 = 1_500;

/// Begins to ask, while the microphone is asked for; the browser keeps the answer for an hour.
pub(super) fn begin(engine: &Rc<Engine>) -> Queue<JsValue> {
    let queue = Queue::new();
    let given = engine.options.ice_servers.clone();
    if given.is_object() || !engine.server.is_ours() || !crate::online() {
        queue.push(given);
        return queue;
    }
    let (answer, url) = (queue.clone(), engine.server.url("/ice-servers"));
    wasm_bindgen_futures::spawn_local(async move {
        let servers = within(PATIENCE_MS, ask(url)).await;
        answer.push(servers.flatten().unwrap_or(JsValue::UNDEFINED));
    });
    queue
}

async fn ask(url: String) -> Option<JsValue> {
    let answer = Request::new("GET", &url).cached().send().await.ok()?;
    match answer.is_success() {
        true => answer.plain_object().await.ok(),
        false => None,
    }
}
