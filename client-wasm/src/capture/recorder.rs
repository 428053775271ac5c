//! The page's hand on a recording: start, pause, resume, stop. The microphone is let go on every exit.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, MediaStream, MediaStreamTrack, MessageEvent, MessagePort, Worker};

use super::error::CaptureError;
use super::event::CaptureEvent;
use super::wiring::{Tap, channel, object, worker};
use super::wishes::Wishes;
use crate::storage::DepositRow;

/// The worklet answers a stop within a render quantum. If it is dead the worker is told directly.
const WORKLET_PATIENCE_MS: u32 = 500;

const STOPPED: &str = "the recorder's worker stopped";

/// Where the recorder's two scripts are served.
#[derive(Clone, Debug)]
pub struct Scripts {
    /// `capture-worker.js`; its wasm module lies beside it.
    pub worker: String,
    /// `capture-worklet.js`.
    pub worklet: String,
}

/// A recording under way. Dropping it lets go of the microphone; what was saved can be recovered.
pub struct Recorder {
    parts: Rc<Parts>,
    _listeners: Vec<EventListener>,
}

struct Parts {
    stream: MediaStream,
    worker: Worker,
    tap: RefCell<Option<Tap>>,
    patience: RefCell<Option<Timeout>>,
    begun: Cell<bool>,
    over: Cell<bool>,
    on_event: Box<dyn Fn(CaptureEvent)>,
}

impl Recorder {
    /// Begins to record the stream into the journal of `row`, which the worker stores with the first
    /// sound. The worker stops by itself where that is wished. The stream's tracks belong to the recorder
    /// from here on, also if this fails.
    pub async fn start(
        stream: MediaStream,
        scripts: &Scripts,
        row: &DepositRow,
        wishes: Wishes,
        on_event: impl Fn(CaptureEvent) + 'static,
    ) -> Result<Self, CaptureError> {
        let worker = worker(&scripts.worker).inspect_err(|_| stop_tracks(&stream))?;
        let parts = Rc::new(Parts {
            stream,
            worker,
            tap: RefCell::new(None),
            patience: RefCell::new(None),
            begun: Cell::new(false),
            over: Cell::new(false),
            on_event: Box::new(on_event),
        });
        let recorder = Self {
            _listeners: listen(&parts),
            parts,
        };
        let (worklet_end, worker_end) = channel()?;
        let tap = Tap::open(&recorder.parts.stream, &scripts.worklet, &worklet_end).await?;
        if recorder.parts.over.get() {
            return Err(CaptureError::Script(STOPPED.to_owned()));
        }
        let rate = tap.context.sample_rate();
        recorder.parts.tap.replace(Some(tap));
        recorder
            .parts
            .begin(row, rate, wishes, &worker_end)
            .map_err(|cause| CaptureError::script(&cause))?;
        Ok(recorder)
    }

    /// Leaves out what comes until `resume`.
    pub fn pause(&self) {
        self.parts.tell("pause");
    }

    /// Goes on after `pause`.
    pub fn resume(&self) {
        self.parts.tell("resume");
    }

    /// Ends the recording; `Finished` follows when the journal is closed and on disk.
    pub fn stop(&self) {
        self.parts.stop();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.parts.release();
    }
}

impl Parts {
    fn begin(
        &self,
        row: &DepositRow,
        rate: f32,
        wishes: Wishes,
        port: &MessagePort,
    ) -> Result<(), JsValue> {
        self.begun.set(true);
        let message = object(&[
            ("type", &"start".into()),
            ("row", &serde_wasm_bindgen::to_value(row)?),
            ("sample_rate", &rate.into()),
            ("wishes", &serde_wasm_bindgen::to_value(&wishes)?),
            ("port", port),
        ])?;
        self.worker
            .post_message_with_transfer(&message, &Array::of1(port))
    }

    fn tell(&self, word: &str) {
        let sent = object(&[("type", &word.into())])
            .and_then(|message| self.worker.post_message(&message));
        if let Err(cause) = sent {
            self.fail(&CaptureError::script(&cause));
        }
    }

    fn stop(self: &Rc<Self>) {
        if self.over.get() || self.patience.borrow().is_some() {
            return;
        }
        if let Some(tap) = self.tap.borrow().as_ref() {
            // If the worklet cannot be asked, patience runs out below.
            let _ = tap.end();
        }
        let parts = Rc::downgrade(self);
        let patience = Timeout::new(WORKLET_PATIENCE_MS, move || {
            if let Some(parts) = Weak::upgrade(&parts) {
                parts.tell("finish");
            }
        });
        self.patience.replace(Some(patience));
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
        // Before that `start` returns the failure itself.
        if self.begun.get() {
            (self.on_event)(event);
        }
    }

    fn fail(&self, error: &CaptureError) {
        self.receive(CaptureEvent::Failed {
            code: error.code().to_owned(),
            message: error.to_string(),
        });
    }

    fn release(&self) {
        self.over.set(true);
        self.patience.replace(None);
        self.tap.replace(None);
        stop_tracks(&self.stream);
        self.worker.terminate();
    }
}

fn listen(parts: &Rc<Parts>) -> Vec<EventListener> {
    let on = |target: &web_sys::EventTarget, name: &'static str, act: fn(&Rc<Parts>, &Event)| {
        let parts = Rc::downgrade(parts);
        EventListener::new(target, name, move |event| {
            if let Some(parts) = parts.upgrade() {
                act(&parts, event);
            }
        })
    };
    let mut listeners = vec![
        on(&parts.worker, "message", |parts, event| {
            parts.receive(told(event))
        }),
        on(&parts.worker, "error", |parts, event| {
            // The page is told through `Failed`; the browser need not log it as well.
            event.prevent_default();
            parts.fail(&CaptureError::Script(
                "the recorder's worker stopped".to_owned(),
            ));
        }),
    ];
    for track in tracks(&parts.stream) {
        // Unplugged, or taken away by the user: what was said is kept as a draft.
        listeners.push(on(&track, "ended", |parts, _| parts.stop()));
    }
    listeners
}

fn told(event: &Event) -> CaptureEvent {
    let data = event
        .dyn_ref::<MessageEvent>()
        .map_or(JsValue::UNDEFINED, MessageEvent::data);
    serde_wasm_bindgen::from_value(data).unwrap_or_else(|error| CaptureEvent::Failed {
        code: "recorder_failed".to_owned(),
        message: format!("the recorder's worker said what the page does not know: {error}"),
    })
}

pub(super) fn tracks(stream: &MediaStream) -> impl Iterator<Item = MediaStreamTrack> {
    stream
        .get_tracks()
        .to_vec()
        .into_iter()
        .filter_map(|track| track.dyn_into().ok())
}

pub(super) fn stop_tracks(stream: &MediaStream) {
    tracks(stream).for_each(|track| track.stop());
}
