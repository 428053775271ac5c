//! What is known about the network: kept on disk, so that it survives reloads and all tabs share it.

use deposit::gate::{self, Attempt, Decision, GateMode, Measurement, NetworkType, Policy};
use js_sys::Reflect;
use wasm_bindgen::JsValue;

use crate::clock;
use crate::http::Request;
use crate::server::Server;
use crate::storage::Database;

/// Name of the stored value.
const STORED: &str = "uplink";
/// A probe that takes longer says that the network is too slow.
const PROBE_MS: u32 = 30_000;

/// The measurements of this device.
pub(super) struct Uplink<'a> {
    database: &'a Database,
    measurement: Measurement,
}

impl<'a> Uplink<'a> {
    /// What was measured before, with what the browser says now.
    pub(super) async fn load(database: &'a Database) -> Self {
        let stored: Option<Measurement> = database.value(STORED).await.ok().flatten();
        let mut measurement = stored.unwrap_or_default();
        measurement.online = crate::online();
        let (network, save_data) = connection();
        if measurement.network != network {
            measurement.forget();
        }
        measurement.network = network;
        measurement.save_data = save_data;
        Self {
            database,
            measurement,
        }
    }

    /// Decides.
    pub(super) async fn decide(&mut self, policy: &Policy) -> Decision {
        let decision = gate::decide(policy, &self.measurement, clock::now_ms());
        if let Decision::Go { .. } = decision {
            self.measurement.waits = 0;
        }
        self.save().await;
        decision
    }

    /// Notes one exchange: how long it took and how many bytes were acknowledged; `None` is a failure.
    pub(super) async fn record(&mut self, began_ms: i64, acknowledged: Option<u64>) {
        let ended_at_ms = clock::now_ms();
        self.measurement.record(Attempt {
            ended_at_ms,
            took_ms: ended_at_ms.saturating_sub(began_ms),
            acknowledged: acknowledged.unwrap_or(0),
            failed: acknowledged.is_none(),
        });
        self.save().await;
    }

    /// Bytes acknowledged per second, while the measurement holds.
    pub(super) fn bytes_per_second(&self) -> Option<u64> {
        self.measurement
            .bytes_per_second(&Policy::default(), clock::now_ms())
    }

    /// Sends a probe and notes it.
    pub(super) async fn probe(&mut self, server: &Server) {
        let bytes = vec![0; gate::PROBE_BYTES];
        self.measurement.probe();
        let began = clock::now_ms();
        let answer = Request::new("POST", &server.url("/probe"))
            .header("content-type", "application/octet-stream")
            .bytes(&bytes)
            .timeout(PROBE_MS)
            .send()
            .await;
        let taken = match answer {
            Ok(answer) if answer.is_success() => Some(gate::PROBE_BYTES as u64),
            _ => None,
        };
        self.record(began, taken).await;
    }

    async fn save(&self) {
        // Losing a measurement costs a probe, nothing else.
        drop(self.database.set_value(STORED, &self.measurement).await);
    }
}

/// The gate's mode as the element's attribute names it.
pub(super) fn mode(word: Option<&str>) -> GateMode {
    match word {
        Some("wifi") => GateMode::Wifi,
        Some("always") => GateMode::Always,
        _ => GateMode::Auto,
    }
}

/// `navigator.connection`, where there is one: the network's type and whether to save data.
fn connection() -> (NetworkType, bool) {
    let field = |object: &JsValue, name: &str| {
        Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
    };
    let navigator = field(&js_sys::global(), "navigator");
    let connection = field(&navigator, "connection");
    if !connection.is_object() {
        return (NetworkType::Unknown, false);
    }
    let network = match field(&connection, "type").as_string().as_deref() {
        Some("wifi" | "ethernet") => NetworkType::Wifi,
        Some("cellular" | "wimax" | "bluetooth") => NetworkType::Metered,
        _ => NetworkType::Unknown,
    };
    (network, field(&connection, "saveData").is_truthy())
}
