//! What the page opens the client with.

use js_sys::Reflect;
use serde::Deserialize;
use wasm_bindgen::JsValue;

use crate::plain;
use crate::problem::Problem;

/// The first argument of `Client.open`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Options {
    /// `https:` origin of the server, or the `wss:` address of an RFC 7118 proxy.
    pub(crate) server: String,
    /// Address of the recorder's worker.
    #[serde(default)]
    pub(crate) worker_url: String,
    /// Address of the recorder's worklet.
    #[serde(default)]
    pub(crate) worklet_url: String,
    /// Who treats the sound: `off` nobody, `own` our own modules, else the browser.
    #[serde(default)]
    pub(crate) processing: Option<String>,
    /// A recording ends by itself after so many seconds of silence that follow speech.
    #[serde(default)]
    pub(crate) silence_timeout_s: Option<f64>,
    /// What messages are at first: `voice` or `video`.
    #[serde(default)]
    pub(crate) kind: Option<String>,
    /// Whom messages are for while nobody was called.
    #[serde(default)]
    pub(crate) to: Option<String>,
    /// `auto`, `wifi` or `always`.
    #[serde(default)]
    pub(crate) network_gate: Option<String>,
    /// The longest message in seconds, where the page wants less than the mailbox takes.
    #[serde(default)]
    pub(crate) max_duration_s: Option<u64>,
    /// Servers for ICE, as `RTCPeerConnection` takes them.
    #[serde(skip)]
    pub(crate) ice_servers: JsValue,
}

impl Options {
    /// Reads the argument.
    pub(crate) fn read(value: JsValue) -> Result<Self, Problem> {
        let ice_servers = Reflect::get(&value, &"ice_servers".into());
        let options: Self = plain::read(value).map_err(|error| {
            Problem::new(
                "options_invalid",
                format!("The client cannot be opened like this: {error}."),
            )
        })?;
        Ok(Self {
            ice_servers: ice_servers.unwrap_or(JsValue::UNDEFINED),
            ..options
        })
    }
}
