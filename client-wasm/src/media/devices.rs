//! Which microphones there are, and which one this device's user has chosen.

use js_sys::{Array, Reflect};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaDevices, MediaStreamTrack};

use crate::problem::Problem;
use crate::storage::Database;

/// Where the choice is kept.
const CHOICE: &str = "microphone";

/// Not devices of their own: whichever is the default one, and what is listed before the microphone was allowed.
const ALIASES: [&str; 3] = ["default", "communications", ""];

/// A microphone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Device {
    /// The browser's id for it on this site.
    pub(crate) id: String,
    /// Its name; empty until the microphone was allowed once.
    pub(crate) label: String,
}

/// All microphones that the browser lists.
pub(crate) async fn microphones() -> Vec<Device> {
    let listed = async {
        let asked = media_devices()?.enumerate_devices().ok()?;
        let devices: Array = JsFuture::from(asked).await.ok()?.dyn_into().ok()?;
        Some(
            devices
                .iter()
                .filter_map(|device| microphone(&device))
                .collect(),
        )
    };
    listed.await.unwrap_or_default()
}

/// The microphone that was chosen on this device, if one was.
pub(crate) async fn chosen(database: &Database) -> Option<Device> {
    // An unreadable choice is none.
    database.value(CHOICE).await.ok().flatten()
}

/// Keeps the choice; nothing is the browser's own choice.
pub(crate) async fn choose(database: &Database, device: Option<&Device>) -> Result<(), Problem> {
    match device {
        Some(device) => database.set_value(CHOICE, device).await?,
        None => database.remove_value(CHOICE).await?,
    }
    Ok(())
}

/// The id of the device that a track comes from, where the browser tells.
pub(super) fn id_of(track: &MediaStreamTrack) -> Option<String> {
    text(&track.get_settings(), "deviceId")
}

pub(super) fn media_devices() -> Option<MediaDevices> {
    web_sys::window()?.navigator().media_devices().ok()
}

fn microphone(device: &JsValue) -> Option<Device> {
    let is_microphone = text(device, "kind")? == "audioinput";
    let id = text(device, "deviceId").filter(|id| !ALIASES.contains(&id.as_str()))?;
    let label = text(device, "label").unwrap_or_default();
    is_microphone.then_some(Device { id, label })
}

fn text(object: &JsValue, name: &str) -> Option<String> {
    Reflect::get(object, &JsValue::from_str(name))
        .ok()?
        .as_string()
}
