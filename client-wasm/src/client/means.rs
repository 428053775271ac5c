//! Which of the browser's means records a message: found by asking for them, never by the browser's name.

use web_sys::MediaStream;

use super::engine::Engine;
use super::tuning::wishes;
use crate::capture::{
    BrowserRecorder, CaptureError, CaptureEvent, Kind, Limits, Preparation, Scripts, Take, Wishes,
    has_worklet, recordable, stop_tracks,
};
use crate::problem::Problem;
use crate::storage::DepositRow;

/// What our own encoder writes.
pub(super) const OWN_TYPE: &str = "audio/ogg; codecs=opus";
/// Most bytes of a message where no session says otherwise.
const LARGEST_VOICE: u64 = 16 << 20;
/// As above, with a picture.
const LARGEST_VIDEO: u64 = 95 << 20;

/// How a message is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// Our own encoder, fed by a worklet.
    Worklet,
    /// The browser's own recorder, writing this media type.
    Browser(&'static str),
}

impl Means {
    /// The best means of this browser; a worklet only where it may be used.
    pub(super) fn of(kind: Kind, worklet: Worklet) -> Result<Self, Problem> {
        if kind == Kind::Voice && worklet == Worklet::Usable && has_worklet() {
            return Ok(Self::Worklet);
        }
        recordable(kind)
            .map(Self::Browser)
            .ok_or_else(|| no_recorder(kind))
    }

    /// Media type of what it writes.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Worklet => OWN_TYPE,
            Self::Browser(media_type) => media_type,
        }
    }

    /// Begins to load what it needs, while the browser asks for the microphone.
    pub(super) fn prepare(self, engine: &Engine) -> Result<Option<Preparation>, CaptureError> {
        let scripts = || Scripts {
            worker: engine.options.worker_url.clone(),
            worklet: engine.options.worklet_url.clone(),
        };
        match self {
            Self::Worklet => Preparation::begin(&scripts()).map(Some),
            Self::Browser(_) => Ok(None),
        }
    }

    /// Begins to record the stream into the journal of `row`. The stream's tracks belong to the recorder from
    /// here on, also if this fails.
    pub(super) async fn start(
        prepared: Result<Option<Preparation>, CaptureError>,
        engine: &Engine,
        stream: MediaStream,
        row: &DepositRow,
        longest_ms: u64,
        on_event: impl Fn(CaptureEvent) + 'static,
    ) -> Result<Take, CaptureError> {
        let prepared = prepared.inspect_err(|_| stop_tracks(&stream))?;
        match prepared {
            Some(preparation) => {
                let wishes = Wishes {
                    longest_ms: Some(longest_ms),
                    ..wishes(engine, &stream)
                };
                let begun = preparation.record(stream, row, wishes, on_event);
                begun.await.map(Take::Worklet)
            }
            None => {
                let limits = Limits {
                    longest_ms,
                    largest: largest(engine, Kind::from_word(&row.kind)),
                };
                BrowserRecorder::start(stream, row, limits, on_event)
                    .await
                    .map(Take::Browser)
            }
        }
    }
}

/// Whether the worklet has proved of no use on this page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worklet {
    /// Not so far.
    Usable,
    /// One of its scripts did not load, or its audio engine did not start.
    Useless,
}

/// The mailbox's limit for a message of this kind.
fn largest(engine: &Engine, kind: Kind) -> u64 {
    let session = engine.stage.session();
    match kind {
        Kind::Voice => session
            .and_then(|session| session.max_size)
            .unwrap_or(LARGEST_VOICE),
        Kind::Video => session
            .and_then(|session| session.max_video_size)
            .unwrap_or(LARGEST_VIDEO),
    }
}

fn no_recorder(kind: Kind) -> Problem {
    match kind {
        Kind::Voice => Problem::new(
            "recorder_missing",
            "This browser cannot record sound. You can write your message instead.",
        ),
        Kind::Video => Problem::new(
            "video_missing",
            "This browser cannot record video. Your message can be voice.",
        ),
    }
}
