//! The front camera: its picture only, every track stopped when it is dropped.

use js_sys::Object;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MediaStream, MediaStreamConstraints, MediaStreamTrack, MediaStreamTrackState};

use crate::problem::{Problem, name_of};

/// What is asked of the camera; it gives what comes nearest.
const WANTED: [(&str, f64); 3] = [("width", 640.0), ("height", 480.0), ("frameRate", 24.0)];

/// An open camera. Dropping it stops its track.
pub(crate) struct Camera {
    stream: MediaStream,
}

impl Camera {
    /// Asks for the front camera; the browser may ask the user.
    pub(crate) async fn open() -> Result<Self, Problem> {
        let devices = web_sys::window()
            .map(|window| window.navigator())
            .and_then(|navigator| navigator.media_devices().ok())
            .ok_or_else(no_camera)?;
        let promise = devices
            .get_user_media_with_constraints(&constraints())
            .map_err(|cause| refusal(&cause))?;
        let stream = JsFuture::from(promise)
            .await
            .map_err(|cause| refusal(&cause))?
            .dyn_into()
            .map_err(|_: JsValue| no_camera())?;
        Ok(Self { stream })
    }

    /// The picture, for a preview.
    pub(crate) fn stream(&self) -> &MediaStream {
        &self.stream
    }

    /// Whether the picture still comes.
    pub(crate) fn is_live(&self) -> bool {
        self.track()
            .is_some_and(|track| track.ready_state() == MediaStreamTrackState::Live)
    }

    /// Adds the picture to a stream whose owner stops it himself.
    pub(crate) fn join(&self, stream: &MediaStream) {
        if let Some(track) = self.track() {
            stream.add_track(&MediaStreamTrack::clone(&track));
        }
    }

    /// The picture's track.
    pub(crate) fn track(&self) -> Option<MediaStreamTrack> {
        self.stream.get_video_tracks().get(0).dyn_into().ok()
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        for track in self.stream.get_tracks().iter() {
            if let Ok(track) = track.dyn_into::<MediaStreamTrack>() {
                track.stop();
            }
        }
    }
}

fn constraints() -> MediaStreamConstraints {
    let video = Object::new();
    set(&video, "facingMode", &"user".into());
    for (name, value) in WANTED {
        let ideal = Object::new();
        set(&ideal, "ideal", &value.into());
        set(&video, name, &ideal);
    }
    let constraints = MediaStreamConstraints::new();
    constraints.set_video(&video);
    constraints
}

fn set(object: &Object, name: &str, value: &JsValue) {
    // Fails only on a frozen object, and this one is ours.
    drop(js_sys::Reflect::set(
        object,
        &JsValue::from_str(name),
        value,
    ));
}

fn no_camera() -> Problem {
    Problem::new(
        "camera_unavailable",
        "This browser offers no camera here. Your message can be voice.",
    )
}

fn refusal(cause: &JsValue) -> Problem {
    match name_of(cause).as_str() {
        "NotAllowedError" | "SecurityError" => Problem::new(
            "camera_refused",
            "The camera was not allowed. Your message can be voice; to show yourself, allow the camera in the browser.",
        ),
        "NotFoundError" | "OverconstrainedError" => Problem::new(
            "camera_missing",
            "No camera was found. Your message can be voice; to show yourself, plug one in.",
        ),
        "NotReadableError" => Problem::new(
            "camera_busy",
            "Another program holds the camera. Close it there, or make your message voice.",
        ),
        _ => Problem::from_browser("camera_unavailable", cause),
    }
}
