//! Which kinds of file the browser's own recorder writes, and which of them is taken.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::MediaRecorder;

/// What a recording holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Sound.
    #[default]
    Voice,
    /// Sound and picture.
    Video,
}

/// Sound, best first. WebM can be played up to the byte at which a killed recorder stopped, MP4 up to its last
/// fragment. In MP4 the codec is named: WebKitGTK records nothing without it, and plain `audio/mp4` is AAC in
/// Safari, which no rendition is made from.
const SOUND: [&str; 4] = [
    "audio/webm;codecs=opus",
    "audio/mp4;codecs=opus",
    "audio/mp4",
    "audio/ogg;codecs=opus",
];

/// Pictures, best first, for the same reason. VP8 before VP9: it takes half the computing, and a device that is
/// too slow drops sound as well.
const PICTURES: [&str; 4] = [
    "video/webm;codecs=vp8,opus",
    "video/webm;codecs=vp9,opus",
    "video/webm",
    "video/mp4",
];

impl Kind {
    /// The word in rows, on the wire and in the element's attribute.
    pub fn word(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Video => "video",
        }
    }

    /// From its word; anything else is voice.
    pub fn from_word(word: &str) -> Self {
        match word {
            "video" => Self::Video,
            _ => Self::Voice,
        }
    }
}

/// The media type that this browser's own recorder is to write; nothing if it has none that we know.
pub fn recordable(kind: Kind) -> Option<&'static str> {
    has("MediaRecorder").then(|| best(kind, MediaRecorder::is_type_supported))?
}

/// Whether sound can be taken sample by sample and encoded by our own module.
pub fn has_worklet() -> bool {
    has("AudioWorkletNode") && has("Worker")
}

fn best(kind: Kind, is_supported: impl Fn(&str) -> bool) -> Option<&'static str> {
    let types = match kind {
        Kind::Voice => &SOUND,
        Kind::Video => &PICTURES,
    };
    types.iter().copied().find(|name| is_supported(name))
}

fn has(class: &str) -> bool {
    js_sys::Reflect::get(&js_sys::global(), &JsValue::from_str(class))
        .is_ok_and(|found| found.is_instance_of::<js_sys::Function>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_survives_a_kill_to_the_last_byte_is_taken_first() {
        assert_eq!(best(Kind::Voice, |_| true), Some("audio/webm;codecs=opus"));
        assert_eq!(
            best(Kind::Video, |_| true),
            Some("video/webm;codecs=vp8,opus")
        );
    }

    #[test]
    fn a_browser_that_only_writes_mp4_names_its_codec() {
        let webkit = |name: &str| name.contains("/mp4");
        assert_eq!(best(Kind::Voice, webkit), Some("audio/mp4;codecs=opus"));
        assert_eq!(best(Kind::Video, webkit), Some("video/mp4"));
    }

    #[test]
    fn a_browser_that_writes_nothing_we_know_has_no_type() {
        assert_eq!(best(Kind::Voice, |name| name == "audio/wav"), None);
        assert_eq!(best(Kind::Video, |_| false), None);
    }
}
