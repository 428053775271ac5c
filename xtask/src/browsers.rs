//! The browsers that tests and benches drive, and how they come onto a Debian machine.

use crate::{packages, step::Outcome};

/// A browser by the name that commands use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Browser {
    /// With a fake microphone of its own.
    Chromium,
    /// Firefox ESR.
    Firefox,
    /// WebKitGTK.
    WebKit,
}

/// A microphone that plays a file, for browsers without a fake one.
const SOUND: [&str; 2] = ["pulseaudio", "pulseaudio-utils"];
const FIREFOX: [&str; 1] = ["firefox-esr"];
const WEBKIT: [&str; 11] = [
    "webkit2gtk-driver",
    "xvfb",
    "dbus",
    "gstreamer1.0-plugins-base",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-pulseaudio",
    "gstreamer1.0-libav",
    "python3-gi",
    "gir1.2-webkit2-4.1",
    "gir1.2-gtk-3.0",
];

impl Browser {
    /// The browser of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Chromium, Self::Firefox, Self::WebKit]
            .into_iter()
            .find(|browser| browser.name() == name)
    }

    /// What commands call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::WebKit => "webkit",
        }
    }

    /// Installs it and its microphone where they are missing.
    pub(crate) fn ensure(self) -> Outcome<()> {
        match self {
            Self::Chromium => packages::ensure_programs("Chromium", &[("chromium", "chromium")]),
            Self::Firefox => packages::ensure_apt("Firefox", &[&SOUND[..], &FIREFOX].concat()),
            Self::WebKit => packages::ensure_apt("WebKitGTK", &[&SOUND[..], &WEBKIT].concat()),
        }
    }
}
