//! The browser's own recorder, `MediaRecorder`: the way for video, and for sound where there is no AudioWorklet.
//! Its fragments go to the journal as they come; together they are a file that plays, also up to any of them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use js_sys::Uint8Array;
use voice::Waveform;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    Blob, BlobEvent, Event, EventTarget, MediaRecorder, MediaRecorderOptions, MediaStream,
    RecordingState,
};

use super::error::CaptureError;
use super::event::CaptureEvent;
use super::format::Kind;
use super::journal::{Journal, Progress};
use super::liveness::Liveness;
use super::measure::Measure;
use super::meter::{Meter, UNMEASURED};
use super::recorder::stop_tracks;
use super::stopwatch::Stopwatch;
use super::vigil::{Sign, Vigil};
use crate::storage::{Database, DepositRow, RowState};

/// A fragment this often: with the disk's time a kill costs well under 500 ms.
const FRAGMENT_MS: i32 = 250;
/// A level this often.
const LOOK_MS: u32 = 40;
/// A recorder that has given nothing by then gives nothing at all.
const PATIENCE_MS: f64 = 5_000.0;
/// Bits per second of speech.
const VOICE_BITS: u32 = 32_000;
/// Bits per second of a picture of 640 x 480: five minutes are 38 MB.
const VIDEO_BITS: u32 = 1_000_000;
/// So much of the largest size stays free for what is still in the recorder when it is told to stop.
const SPARE: u64 = 1 << 20;

/// How far a recording may go.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest time.
    pub longest_ms: u64,
    /// Most bytes.
    pub largest: u64,
}

/// A recording under way. Dropping it lets go of camera and microphone; what was saved can be recovered.
pub struct BrowserRecorder {
    parts: Rc<Parts>,
    _listeners: Vec<EventListener>,
    _vigil: Vigil,
    _liveness: Liveness,
}

struct Parts {
    stream: MediaStream,
    recorder: MediaRecorder,
    journal: Rc<Journal>,
    limits: Limits,
    begun_at: f64,
    ticks: RefCell<Option<Interval>>,
    meter: RefCell<Option<Meter>>,
    watch: Cell<Stopwatch>,
    waveform: RefCell<Waveform>,
    pieces: RefCell<VecDeque<Piece>>,
    reading: Cell<bool>,
    size: Cell<u64>,
    ended: Cell<bool>,
    over: Cell<bool>,
    on_event: Box<dyn Fn(CaptureEvent)>,
}

/// What the recorder gave, in its order: a fragment with the time at which it came, or the end.
enum Piece {
    Fragment(Blob, u64),
    End,
}

impl BrowserRecorder {
    /// Begins to record the stream as the row's media type says, into the row's journal. It stops by itself at
    /// either limit. The stream's tracks belong to the recorder from here on, also if this fails.
    pub async fn start(
        stream: MediaStream,
        row: &DepositRow,
        limits: Limits,
        on_event: impl Fn(CaptureEvent) + 'static,
    ) -> Result<Self, CaptureError> {
        match Self::open(&stream, row, limits, Box::new(on_event)).await {
            Ok(recorder) => Ok(recorder),
            Err(cause) => {
                stop_tracks(&stream);
                Err(CaptureError::audio(&cause))
            }
        }
    }

    async fn open(
        stream: &MediaStream,
        row: &DepositRow,
        limits: Limits,
        on_event: Box<dyn Fn(CaptureEvent)>,
    ) -> Result<Self, JsValue> {
        let liveness = Liveness::hold(&row.deposit_id).await?;
        let database = Database::open_soon()
            .await
            .map_err(|error| JsValue::from(js_sys::Error::new(&error.to_string())))?;
        let recorder = MediaRecorder::new_with_media_stream_and_media_recorder_options(
            stream,
            &options(&row.content_type, &row.kind),
        )?;
        let row = DepositRow {
            state: RowState::Recording,
            ..row.clone()
        };
        let parts = Rc::new_cyclic(|parts: &std::rc::Weak<Parts>| {
            let told = parts.clone();
            let journal = Journal::new(database, row, move |event| {
                if let Some(parts) = told.upgrade() {
                    parts.receive(event.clone());
                }
            });
            Parts {
                // `stream.clone()` would be the browser's, which opens every track once more.
                stream: Clone::clone(stream),
                recorder,
                journal,
                limits,
                begun_at: now(),
                ticks: RefCell::new(None),
                // Without a level there is no picture; the recording does not need one.
                meter: RefCell::new(Meter::open(stream).ok()),
                watch: Cell::default(),
                waveform: RefCell::default(),
                pieces: RefCell::default(),
                reading: Cell::new(false),
                size: Cell::new(0),
                ended: Cell::new(false),
                over: Cell::new(false),
                on_event,
            }
        });
        let listeners = listen(&parts);
        let watched = Rc::downgrade(&parts);
        let vigil = Vigil::keep(&parts.stream, None, move |sign| {
            if let (Some(parts), Sign::Interrupted(cause)) = (watched.upgrade(), sign) {
                (parts.on_event)(CaptureEvent::Interrupted(cause));
                parts.stop();
            }
        });
        parts.recorder.start_with_time_slice(FRAGMENT_MS)?;
        parts.tick();
        Ok(Self {
            parts,
            _listeners: listeners,
            _vigil: vigil,
            _liveness: liveness,
        })
    }

    /// Leaves out what comes until `resume`; what was said is written at once.
    pub fn pause(&self) {
        let recorder = &self.parts.recorder;
        if recorder.state() == RecordingState::Recording {
            // Both fail only on a recorder that has stopped, which says so itself.
            let _ = recorder.request_data().and_then(|()| recorder.pause());
            self.parts.hold();
        }
    }

    /// Goes on after `pause`.
    pub fn resume(&self) {
        if self.parts.recorder.state() == RecordingState::Paused {
            // As above.
            let _ = self.parts.recorder.resume();
            self.parts.run();
        }
    }

    /// Ends the recording; `Finished` follows when the journal is closed and on disk.
    pub fn stop(&self) {
        self.parts.stop();
    }
}

impl Drop for BrowserRecorder {
    fn drop(&mut self) {
        self.parts.release();
    }
}

impl Parts {
    /// From now on the level is looked at, and the time.
    fn tick(self: &Rc<Self>) {
        let parts = Rc::downgrade(self);
        let ticks = Interval::new(LOOK_MS, move || {
            if let Some(parts) = parts.upgrade() {
                parts.look();
            }
        });
        self.ticks.replace(Some(ticks));
    }

    fn look(&self) {
        if self.recorder.state() != RecordingState::Recording {
            return;
        }
        let heard = self.hear();
        let peak = heard.peak;
        let elapsed_ms = self.elapsed_ms();
        self.waveform.borrow_mut().push(&[peak]);
        if self.size.get() > 0 {
            (self.on_event)(CaptureEvent::Level {
                peak,
                elapsed_ms,
                heard,
            });
        } else if now() - self.begun_at > PATIENCE_MS {
            return self.receive(nothing_recorded());
        }
        if elapsed_ms >= self.limits.longest_ms {
            self.stop();
        }
    }

    fn hear(&self) -> Measure {
        let mut meter = self.meter.borrow_mut();
        meter.as_mut().map_or(UNMEASURED, Meter::look)
    }

    fn run(&self) {
        let mut watch = self.watch.get();
        watch.start(now());
        self.watch.set(watch);
    }

    fn hold(&self) {
        let mut watch = self.watch.get();
        watch.hold(now());
        self.watch.set(watch);
    }

    fn elapsed_ms(&self) -> u64 {
        self.watch.get().elapsed_ms(now())
    }

    fn stop(&self) {
        self.hold();
        if self.recorder.state() != RecordingState::Inactive {
            // Its last fragment comes, then its event `stop`.
            let _ = self.recorder.stop();
        }
    }

    /// The recorder has stopped: nothing comes any more, and nobody is heard or seen any more.
    fn end(self: &Rc<Self>) {
        if !self.ended.replace(true) {
            self.hold();
            self.let_go();
            self.queue(Piece::End);
        }
    }

    fn queue(self: &Rc<Self>, piece: Piece) {
        self.pieces.borrow_mut().push_back(piece);
        if !self.reading.replace(true) {
            let parts = Rc::clone(self);
            spawn_local(async move { parts.read().await });
        }
    }

    async fn read(&self) {
        while let Some(piece) = self.next() {
            match piece {
                Piece::End => self.close(),
                Piece::Fragment(blob, elapsed_ms) => match bytes_of(&blob).await {
                    Ok(bytes) => self.keep(&bytes, elapsed_ms),
                    Err(cause) => self.fail(&CaptureError::audio(&cause)),
                },
            }
        }
    }

    fn next(&self) -> Option<Piece> {
        let piece = self.pieces.borrow_mut().pop_front();
        let piece = piece.filter(|_| !self.over.get());
        self.reading.set(piece.is_some());
        piece
    }

    /// A fragment goes to disk; the first one says that it is recording.
    fn keep(&self, bytes: &[u8], elapsed_ms: u64) {
        if bytes.is_empty() || self.over.get() {
            return;
        }
        let before = self.size.get();
        self.size.set(before.saturating_add(bytes.len() as u64));
        self.journal.append(bytes, self.progress(elapsed_ms));
        if before == 0 {
            (self.on_event)(CaptureEvent::Started);
        }
        if self.size.get().saturating_add(SPARE) >= self.limits.largest {
            self.stop();
        }
    }

    fn close(&self) {
        if self.size.get() == 0 {
            return self.receive(nothing_recorded());
        }
        self.journal.close(&[], self.progress(self.elapsed_ms()));
    }

    fn progress(&self, duration_ms: u64) -> Progress {
        Progress {
            duration_ms,
            waveform: self.waveform.borrow().bars(),
            ..Progress::default()
        }
    }

    fn receive(&self, event: CaptureEvent) {
        if self.over.get() {
            return;
        }
        if matches!(
            event,
            CaptureEvent::Finished(_) | CaptureEvent::Failed { .. }
        ) {
            self.release();
        }
        (self.on_event)(event);
    }

    fn fail(&self, error: &CaptureError) {
        self.receive(CaptureEvent::Failed {
            code: error.code().to_owned(),
            message: error.to_string(),
        });
    }

    fn release(&self) {
        self.over.set(true);
        self.stop();
        self.let_go();
    }

    fn let_go(&self) {
        stop_tracks(&self.stream);
        self.meter.replace(None);
        // The interval may be what called us.
        let ticks = self.ticks.take();
        spawn_local(async move { drop(ticks) });
    }
}

fn listen(parts: &Rc<Parts>) -> Vec<EventListener> {
    let on = |target: &EventTarget, name: &'static str, act: fn(&Rc<Parts>, &Event)| {
        let parts = Rc::downgrade(parts);
        EventListener::new(target, name, move |event| {
            if let Some(parts) = parts.upgrade() {
                act(&parts, event);
            }
        })
    };
    vec![
        on(&parts.recorder, "start", |parts, _| parts.run()),
        on(&parts.recorder, "dataavailable", |parts, event| {
            let fragment = event.dyn_ref::<BlobEvent>().and_then(BlobEvent::data);
            if let Some(fragment) = fragment {
                parts.queue(Piece::Fragment(fragment, parts.elapsed_ms()));
            }
        }),
        // Also after an error.
        on(&parts.recorder, "stop", |parts, _| parts.end()),
    ]
}

fn options(media_type: &str, kind: &str) -> MediaRecorderOptions {
    let options = MediaRecorderOptions::new();
    options.set_mime_type(media_type);
    options.set_audio_bits_per_second(VOICE_BITS);
    if kind == Kind::Video.word() {
        options.set_video_bits_per_second(VIDEO_BITS);
    }
    options
}

async fn bytes_of(blob: &Blob) -> Result<Vec<u8>, JsValue> {
    let buffer = JsFuture::from(blob.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// The page's steady clock.
fn now() -> f64 {
    let performance = web_sys::window().and_then(|window| window.performance());
    performance.map_or_else(js_sys::Date::now, |performance| performance.now())
}

fn nothing_recorded() -> CaptureEvent {
    CaptureEvent::Failed {
        code: "nothing_recorded".to_owned(),
        message: "Nothing was recorded: this browser’s recorder gave neither sound nor picture."
            .to_owned(),
    }
}
