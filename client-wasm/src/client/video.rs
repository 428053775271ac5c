//! Voice or video: what the caller chose for the next message, and the camera with its preview.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::MediaStream;

use super::Client;
use super::means::{Means, Worklet};
use super::promise::promise;
use crate::capture::{Kind, recordable};
use crate::client::{ClientEvent, Listener};
use crate::media::{Camera, Microphone};
use crate::problem::Problem;
use crate::timer::Timer;

/// A camera that nobody records with is let go after this long.
const PREVIEW_MS: u32 = 60_000;

/// What the next message is to be, and the camera while it shows its picture.
pub(super) struct Lens {
    kind: Cell<Kind>,
    camera: RefCell<Option<Camera>>,
    timer: Timer,
    /// Counts what has made an earlier wish for the camera void.
    closings: Cell<u32>,
    worklet: Cell<Worklet>,
    listener: Listener,
}

impl Lens {
    /// The camera is off.
    pub(super) fn new(listener: Listener, kind: Option<&str>) -> Rc<Self> {
        Rc::new(Self {
            kind: Cell::new(kind.map_or(Kind::Voice, Kind::from_word)),
            camera: RefCell::new(None),
            timer: Timer::default(),
            closings: Cell::new(0),
            worklet: Cell::new(Worklet::Usable),
            listener,
        })
    }

    /// The same, and how this browser records it.
    pub(super) fn means(&self) -> Result<(Kind, Means), Problem> {
        let kind = self.kind.get();
        let means = Means::of(kind, self.worklet.get()).inspect_err(|_| self.be_voice())?;
        Ok((kind, means))
    }

    /// The worklet has failed. Whether something else records instead, from now on.
    pub(super) fn give_up_worklet(&self) -> bool {
        self.worklet.set(Worklet::Useless);
        recordable(Kind::Voice).is_some()
    }

    /// The stream to record: the microphone's, in a video with the camera's picture. Who gets it stops it.
    pub(super) async fn stream(
        &self,
        kind: Kind,
        microphone: &Microphone,
    ) -> Result<MediaStream, Problem> {
        if kind == Kind::Voice {
            return microphone.hand_over();
        }
        let shown = self.camera.take().filter(Camera::is_live);
        let camera = match shown {
            Some(camera) => camera,
            None => self.camera().await?,
        };
        self.timer.clear();
        let stream = microphone.hand_over()?;
        camera.join(&stream);
        self.show(JsValue::from(&stream));
        Ok(stream)
    }

    /// Lets the camera go, and says so.
    pub(super) fn close(&self) {
        self.closings.set(self.closings.get().wrapping_add(1));
        self.timer.clear();
        drop(self.camera.take());
        self.show(JsValue::UNDEFINED);
    }

    async fn open(self: &Rc<Self>) -> Result<(), Problem> {
        let camera = match self.camera().await {
            Err(problem) if problem.code == "cancelled" => return Ok(()),
            asked => asked?,
        };
        self.show(JsValue::from(camera.stream()));
        drop(self.camera.replace(Some(camera)));
        let lens = Rc::downgrade(self);
        self.timer.after(PREVIEW_MS, move || {
            if let Some(lens) = lens.upgrade() {
                lens.close();
            }
        });
        Ok(())
    }

    /// Asks for the camera; where there is none, the message is voice again. Nobody gets it who has changed his mind
    /// while the browser asked.
    async fn camera(&self) -> Result<Camera, Problem> {
        let closings = self.closings.get();
        match Camera::open().await {
            Ok(camera) if self.closings.get() == closings => Ok(camera),
            Ok(_) => Err(Problem::new(
                "cancelled",
                "The camera is not needed any more.",
            )),
            Err(problem) => {
                self.be_voice();
                Err(problem)
            }
        }
    }

    /// The next message can be nothing else.
    fn be_voice(&self) {
        self.kind.set(Kind::Voice);
        self.listener.emit(ClientEvent::Camera {
            stream: JsValue::UNDEFINED,
            kind: Some(Kind::Voice.word()),
        });
    }

    fn show(&self, stream: JsValue) {
        let kind = None;
        self.listener.emit(ClientEvent::Camera { stream, kind });
    }
}

#[wasm_bindgen]
impl Client {
    /// What the next message is to be: `voice` or `video`. After a change the camera is off, unless it is being
    /// recorded; a `camera` event says so.
    pub fn set_kind(&self, kind: &str) {
        let kind = Kind::from_word(kind);
        if self.engine.lens.kind.replace(kind) != kind {
            self.close_camera();
        }
    }

    /// Whether this browser can record video.
    pub fn can_film(&self) -> bool {
        recordable(Kind::Video).is_some()
    }

    /// Shows the camera's picture before the recording; a `camera` event brings it.
    pub fn open_camera(&self) -> Promise {
        let lens = Rc::clone(&self.engine.lens);
        promise(async move { Ok(lens.open().await?) })
    }

    /// Lets the camera go, unless it is being recorded.
    pub fn close_camera(&self) {
        if self.engine.recorder.borrow().is_none() {
            self.engine.lens.close();
        }
    }
}
