//! The microphone: asked for once per call, every track stopped when it is dropped.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaStream, MediaStreamConstraints, MediaStreamTrack, MediaStreamTrackState};

use super::devices::{id_of, media_devices};
use crate::problem::{Problem, name_of};

/// What the browser is asked to do to the sound before we see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Processing {
    /// Take out what comes from its own loudspeaker.
    pub(crate) echo: bool,
    /// Take out noise.
    pub(crate) noise: bool,
    /// Even the level.
    pub(crate) level: bool,
}

/// An open microphone. Dropping it stops every track.
pub(crate) struct Microphone {
    stream: MediaStream,
    processing: Processing,
}

impl Microphone {
    /// Asks for this microphone, or for whichever the browser takes; the browser may ask the user. Where the wanted
    /// one is not there, another is opened.
    pub(crate) async fn open(
        processing: Processing,
        wanted: Option<&str>,
    ) -> Result<Self, Problem> {
        let stream = match ask(processing, wanted).await {
            Err(cause) if wanted.is_some() && is_missing(&cause) => ask(processing, None).await,
            asked => asked,
        };
        let stream = stream.map_err(|cause| refusal(&cause))?;
        Ok(Self { stream, processing })
    }

    /// The stream, for the recorder and the peer connection.
    pub(crate) fn stream(&self) -> &MediaStream {
        &self.stream
    }

    /// Whether the browser was asked for this.
    pub(crate) fn is_processed(&self, processing: Processing) -> bool {
        self.processing == processing
    }

    /// Another stream of the same sound, for an owner that stops it himself.
    pub(crate) fn hand_over(&self) -> Result<MediaStream, Problem> {
        let track = self.track().ok_or_else(no_devices)?;
        let stream = MediaStream::new().map_err(|cause| refusal(&cause))?;
        stream.add_track(&MediaStreamTrack::clone(&track));
        Ok(stream)
    }

    /// Whether it comes from this device, as far as the browser tells.
    pub(crate) fn is_from(&self, device_id: &str) -> bool {
        let id = self.track().and_then(|track| id_of(&track));
        id.is_none_or(|id| id == device_id)
    }

    /// What the browser calls the device.
    pub(crate) fn label(&self) -> String {
        self.track().map_or_else(String::new, |track| track.label())
    }

    /// Whether sound still comes: a device may be unplugged, a permission withdrawn.
    pub(crate) fn is_live(&self) -> bool {
        self.track()
            .is_some_and(|track| track.ready_state() == MediaStreamTrackState::Live)
    }

    /// The audio track.
    pub(crate) fn track(&self) -> Option<MediaStreamTrack> {
        self.stream.get_audio_tracks().get(0).dyn_into().ok()
    }
}

impl Drop for Microphone {
    fn drop(&mut self) {
        for track in self.stream.get_tracks().iter() {
            if let Ok(track) = track.dyn_into::<MediaStreamTrack>() {
                track.stop();
            }
        }
    }
}

async fn ask(processing: Processing, device: Option<&str>) -> Result<MediaStream, JsValue> {
    let devices = media_devices().ok_or(JsValue::UNDEFINED)?;
    let promise = devices.get_user_media_with_constraints(&constraints(processing, device))?;
    JsFuture::from(promise).await?.dyn_into()
}

fn constraints(processing: Processing, device: Option<&str>) -> MediaStreamConstraints {
    let audio = js_sys::Object::new();
    for (name, wanted) in [
        ("echoCancellation", processing.echo),
        ("noiseSuppression", processing.noise),
        ("autoGainControl", processing.level),
    ] {
        set(&audio, name, &JsValue::from_bool(wanted));
    }
    set(&audio, "channelCount", &JsValue::from_f64(1.0));
    if let Some(id) = device {
        // A wish alone is not heard where the browser has a default device.
        let exact = js_sys::Object::new();
        set(&exact, "exact", &JsValue::from_str(id));
        set(&audio, "deviceId", &exact);
    }
    let constraints = MediaStreamConstraints::new();
    constraints.set_audio(&audio);
    constraints
}

fn set(object: &js_sys::Object, name: &str, value: &JsValue) {
    // Fails only on a frozen object, and this one is ours.
    drop(js_sys::Reflect::set(
        object,
        &JsValue::from_str(name),
        value,
    ));
}

fn no_devices() -> Problem {
    Problem::new(
        "microphone_unavailable",
        "This browser offers no microphone here. You can still call and listen.",
    )
}

/// The device is not there, or none is.
fn is_missing(cause: &JsValue) -> bool {
    matches!(
        name_of(cause).as_str(),
        "NotFoundError" | "OverconstrainedError"
    )
}

fn refusal(cause: &JsValue) -> Problem {
    if cause.is_undefined() {
        return no_devices();
    }
    match name_of(cause).as_str() {
        "NotAllowedError" | "SecurityError" => Problem::new(
            "microphone_refused",
            "The microphone was not allowed. You can still call and listen; allow it in the browser to record.",
        ),
        _ if is_missing(cause) => Problem::new(
            "microphone_missing",
            "No microphone was found. You can still call and listen; plug one in to record.",
        ),
        "NotReadableError" => Problem::new(
            "microphone_busy",
            "Another program holds the microphone. Close it there and try again.",
        ),
        _ => Problem::from_browser("microphone_unavailable", cause),
    }
}
