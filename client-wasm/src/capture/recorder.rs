//! The page's hand on a recording: start, pause, resume, stop. The microphone is let go on every exit.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, MediaStream, MediaStreamTrack, MessageEvent, MessagePort, Worker};

use super::error::CaptureError;
use super::event::{CaptureEvent, Interruption};
use super::vigil::{Sign, Vigil};
use super::wiring::{Bench, Rate, Tap, channel, object, worker};
use super::wishes::Wishes;
use crate::queue::{Queue, within};
use crate::storage::DepositRow;

/// The worklet answers a stop within a render quantum. If it is dead the worker is told directly.
const WORKLET_PATIENCE_MS: u32 = 500;
/// A recorder whose page is leaving writes what it has within this time.
const LEAVING_MS: u32 = 2_000;

const STOPPED: &str = "the recorder's worker stopped";

/// Where the recorder's two scripts are served.
#[derive(Clone, Debug)]
pub struct Scripts {
    /// `capture-worker.js`; its wasm module lies beside it.
    pub worker: String,
    /// `capture-worklet.js`.
    pub worklet: String,
}

/// A recorder that lacks only the microphone: its scripts load while the browser still asks for it, so that no sample
/// waits for them. Dropping it leaves nothing behind.
pub struct Preparation {
    worklet: String,
    recorder: Recorder,
    bench: Bench,
}

/// A recording under way. Dropping it lets go of the microphone; what was saved can be recovered.
pub struct Recorder {
    parts: Rc<Parts>,
    _listeners: Vec<EventListener>,
}

struct Parts {
    stream: RefCell<Option<MediaStream>>,
    worker: Worker,
    tap: RefCell<Option<Tap>>,
    vigil: RefCell<Option<Rc<Vigil>>>,
    patience: RefCell<Option<Timeout>>,
    over: Cell<bool>,
    ended: Queue<()>,
    early: RefCell<Vec<CaptureEvent>>,
    on_event: RefCell<Option<Listener>>,
}

type Listener = Rc<dyn Fn(CaptureEvent)>;

impl Preparation {
    /// Begins to load what a recording needs.
    pub fn begin(scripts: &Scripts) -> Result<Self, CaptureError> {
        let recorder = Recorder::new(worker(&scripts.worker)?);
        recorder.parts.tell("prepare");
        Ok(Self {
            recorder,
            bench: Bench::prepare(&scripts.worklet, Rate::Encoder)?,
            worklet: scripts.worklet.clone(),
        })
    }

    /// Begins to record the stream into the journal of `row`, which the worker stores with the first sound. The worker
    /// stops by itself where that is wished. The stream's tracks belong to the recorder from here on, also if this
    /// fails.
    pub async fn record(
        self,
        stream: MediaStream,
        row: &DepositRow,
        wishes: Wishes,
        on_event: impl Fn(CaptureEvent) + 'static,
    ) -> Result<Recorder, CaptureError> {
        let Self {
            recorder,
            mut bench,
            worklet,
        } = self;
        let parts = &recorder.parts;
        // `stream.clone()` would be the browser's: every track once more.
        parts.stream.replace(Some(Clone::clone(&stream)));
        let source = match bench.join(&stream) {
            Ok(source) => source,
            Err(_) => {
                bench = Bench::prepare(&worklet, Rate::Device)?;
                let joined = bench.join(&stream);
                joined.map_err(|cause| CaptureError::audio(&cause))?
            }
        };
        let (worklet_end, worker_end) = channel()?;
        parts
            .begin(row, bench.rate(), wishes, &worker_end)
            .map_err(|cause| CaptureError::script(&cause))?;
        let tap = bench.tap(source, &worklet_end).await?;
        if parts.over.get() {
            return Err(parts.failure());
        }
        parts.watch_over(&stream, &tap);
        parts.tap.replace(Some(tap));
        parts.tell_all(Rc::new(on_event));
        Ok(recorder)
    }
}

impl Recorder {
    fn new(worker: Worker) -> Self {
        let parts = Rc::new(Parts {
            stream: RefCell::new(None),
            worker,
            tap: RefCell::new(None),
            vigil: RefCell::new(None),
            patience: RefCell::new(None),
            over: Cell::new(false),
            ended: Queue::new(),
            early: RefCell::default(),
            on_event: RefCell::new(None),
        });
        Self {
            _listeners: listen(&parts),
            parts,
        }
    }

    /// Leaves out what comes until `resume`.
    pub fn pause(&self) {
        self.parts.rest();
        self.parts.tell("pause");
    }

    /// Goes on after `pause`.
    pub fn resume(&self) {
        self.parts.rest();
        self.parts.tell("resume");
    }

    /// Ends the recording; `Finished` follows when the journal is closed and on disk.
    pub fn stop(&self) {
        self.parts.stop();
    }

    /// Lets go of the microphone at once and says nothing more; what was said is still written down.
    pub async fn leave(self) {
        self.parts.on_event.replace(Some(Rc::new(|_| ())));
        self.parts.stop();
        self.parts.let_go();
        let ended = self.parts.ended.clone();
        within(LEAVING_MS, async move { ended.next().await }).await;
    }

    /// Lets go of the microphone at once, and has what was said written down. Whoever comes back stops it.
    pub fn hurry(&self) {
        self.pause();
        self.parts.let_go();
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

    fn watch_over(self: &Rc<Self>, stream: &MediaStream, tap: &Tap) {
        let parts = Rc::downgrade(self);
        let vigil = Vigil::keep(stream, Some(tap.context()), move |sign| {
            if let Some(parts) = parts.upgrade() {
                parts.take(sign);
            }
        });
        self.vigil.replace(Some(Rc::new(vigil)));
    }

    fn take(self: &Rc<Self>, sign: Sign) {
        match sign {
            Sign::Interrupted(cause) => self.interrupt(cause),
            Sign::Lost(ms) => self.send(&[("type", &"lost".into()), ("ms", &ms.into())]),
        }
    }

    fn interrupt(self: &Rc<Self>, cause: Interruption) {
        if !self.over.get() && self.patience.borrow().is_none() {
            self.emit(CaptureEvent::Interrupted(cause));
            self.stop();
        }
    }

    /// What came before somebody listened comes first, but only when the caller has the recorder.
    fn tell_all(self: &Rc<Self>, on_event: Listener) {
        let parts = Rc::clone(self);
        spawn_local(async move {
            parts.on_event.borrow_mut().get_or_insert(on_event);
            let early = parts.early.take();
            early.into_iter().for_each(|event| parts.emit(event));
        });
    }

    fn emit(&self, event: CaptureEvent) {
        let vigil = self.vigil.borrow().clone();
        if let (CaptureEvent::Level { elapsed_ms, .. }, Some(vigil)) = (&event, vigil) {
            vigil.beat(*elapsed_ms);
        }
        let on_event = self.on_event.borrow().clone();
        match on_event {
            Some(on_event) => on_event(event),
            None => self.early.borrow_mut().push(event),
        }
    }

    fn rest(&self) {
        if let Some(vigil) = self.vigil.borrow().as_ref() {
            vigil.rest();
        }
    }

    fn tell(&self, word: &str) {
        self.send(&[("type", &word.into())]);
    }

    fn send(&self, fields: &[(&str, &JsValue)]) {
        let sent = object(fields).and_then(|message| self.worker.post_message(&message));
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
        self.emit(event);
    }

    fn fail(&self, error: &CaptureError) {
        self.receive(CaptureEvent::Failed {
            code: error.code().to_owned(),
            message: error.to_string(),
        });
    }

    /// Why it was over before it began.
    fn failure(&self) -> CaptureError {
        let early = self.early.take().into_iter();
        let mut failed = early.filter_map(|event| match event {
            CaptureEvent::Failed { code, message } => Some(CaptureError::Told { code, message }),
            _ => None,
        });
        failed
            .next()
            .unwrap_or_else(|| CaptureError::Script(STOPPED.to_owned()))
    }

    fn release(&self) {
        self.over.set(true);
        self.patience.replace(None);
        self.tap.replace(None);
        self.let_go();
        self.worker.terminate();
        self.ended.push(());
    }

    fn let_go(&self) {
        if let Some(stream) = self.stream.borrow().as_ref() {
            stop_tracks(stream);
        }
        // The watch may be what called us.
        let vigil = self.vigil.take();
        spawn_local(async move { drop(vigil) });
    }
}

fn listen(parts: &Rc<Parts>) -> Vec<EventListener> {
    let on = |name: &'static str, act: fn(&Rc<Parts>, &Event)| {
        let heard = Rc::downgrade(parts);
        EventListener::new(&parts.worker, name, move |event| {
            if let Some(parts) = heard.upgrade() {
                act(&parts, event);
            }
        })
    };
    vec![
        on("message", |parts, event| parts.receive(told(event))),
        on("error", |parts, event| {
            // The page is told through `Failed`; the browser need not log it as well.
            event.prevent_default();
            parts.fail(&CaptureError::Script(STOPPED.to_owned()));
        }),
    ]
}

fn told(event: &Event) -> CaptureEvent {
    let data = event
        .dyn_ref::<MessageEvent>()
        .map_or(JsValue::UNDEFINED, MessageEvent::data);
    crate::plain::read(data).unwrap_or_else(|error| CaptureEvent::Failed {
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

/// Stops every track of a stream.
pub(crate) fn stop_tracks(stream: &MediaStream) {
    tracks(stream).for_each(|track| track.stop());
}
