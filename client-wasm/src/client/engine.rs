//! Everything one page's client consists of, and what the browser tells it: online, visible, full.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::{Blob, BlobPropertyBag, Document, Window};

use super::identity::Identity;
use super::incoming::{self, Ringing};
use super::options::Options;
use super::sound_check::SoundCheck;
use super::stage::{Stage, State};
use super::tuning::Tuning;
use super::video::Lens;
use super::watch::Watch;
use super::{recording, room, sound_check};
use crate::capture::{Take, await_others, recover_all};
use crate::client::{ClientEvent, Listener};
use crate::clock;
use crate::media::{Device, Microphone, chosen};
use crate::outbox::{Outbox, uncut};
use crate::problem::Problem;
use crate::server::Server;
use crate::signalling::{Agent, SessionDesk};
use crate::storage::{Database, StorageError};

/// One client.
pub(super) struct Engine {
    pub(super) options: Options,
    pub(super) listener: Listener,
    pub(super) server: Rc<Server>,
    pub(super) database: Rc<Database>,
    pub(super) identity: Identity,
    pub(super) agent: Agent,
    pub(super) outbox: Outbox,
    pub(super) stage: Rc<Stage>,
    pub(super) lens: Rc<Lens>,
    pub(super) tuning: Tuning,
    pub(super) recorder: RefCell<Option<Take>>,
    pub(super) watch: Watch,
    pub(super) check: RefCell<Option<SoundCheck>>,
    /// Counts what has made an earlier wish for a sound check void.
    pub(super) checks: Cell<u32>,
    /// The call that rings here.
    pub(super) ringing: RefCell<Option<Rc<Ringing>>>,
    /// The greeting that waits until the user confirmed its server, and its length.
    pub(super) held_greeting: RefCell<Option<(String, Option<f64>)>>,
    closed: Cell<bool>,
    listeners: RefCell<Vec<EventListener>>,
}

impl Engine {
    /// Opens storage, offers what was interrupted and wakes the outbox.
    pub(super) async fn open(options: Options, listener: Listener) -> Result<Rc<Self>, Problem> {
        let server = Rc::new(Server::parse(&options.server)?);
        let blocked = listener.clone();
        let told = move || blocked.problem(StorageError::Blocked.into());
        let database = Rc::new(Database::open(told).await?);
        server.recall(&database).await?;
        let identity = Identity::load(Rc::clone(&database), Rc::clone(&server)).await?;
        let tuning = Tuning::load(&options, &database).await?;
        let agent = Agent::new(
            &server.flow_url(clock::random()?),
            identity.configuration(),
            listener.clone(),
        )?;
        let desk = SessionDesk {
            agent: agent.clone(),
            database: Rc::clone(&database),
            server: Rc::clone(&server),
        };
        let outbox = Outbox::new(desk, listener.clone(), options.network_gate.clone());
        let callee = options
            .to
            .as_deref()
            .and_then(|to| identity.address(to).ok());
        let stage = Rc::new(Stage::new(listener.clone(), callee));
        let following = Rc::downgrade(&stage);
        outbox.watch(move |row| {
            if let Some(stage) = following.upgrade() {
                stage.follow(row);
            }
        });
        let watch = Watch::new(listener.clone());
        let lens = Lens::new(listener.clone(), options.kind.as_deref());
        let engine = Rc::new(Self {
            options,
            listener,
            server,
            database,
            identity,
            agent,
            outbox,
            stage,
            lens,
            tuning,
            recorder: RefCell::new(None),
            watch,
            check: RefCell::new(None),
            checks: Cell::new(0),
            ringing: RefCell::new(None),
            held_greeting: RefCell::new(None),
            closed: Cell::new(false),
            listeners: RefCell::default(),
        });
        engine.begin().await?;
        Ok(engine)
    }

    async fn begin(self: &Rc<Self>) -> Result<(), Problem> {
        self.outbox.purge().await?;
        self.recover().await;
        self.take_calls();
        self.listen_to_browser();
        self.outbox.changed();
        self.outbox.wake();
        room::tell_promise(&self.listener);
        Ok(())
    }

    fn take_calls(self: &Rc<Self>) {
        let engine = Rc::downgrade(self);
        self.agent.take_calls(move |conversation, caller| {
            if let Some(engine) = engine.upgrade() {
                incoming::ring(&engine, conversation, caller);
            }
        });
    }

    /// Makes drafts of what dead recorders left, now and when others die.
    async fn recover(self: &Rc<Self>) {
        if let Err(error) = recover_all(&self.database).await {
            self.listener.problem(error.into());
        }
        self.await_others().await;
    }

    /// Looks again when a recorder that still lives has ended.
    pub(super) async fn await_others(self: &Rc<Self>) {
        let changed = Rc::downgrade(self);
        let then = move || {
            if let Some(engine) = changed.upgrade() {
                engine.outbox.changed();
            }
        };
        if let Err(error) = await_others(&self.database, then).await {
            self.listener.problem(error.into());
        }
    }

    /// Keeps the recorder that was started; a page that was left meanwhile wants none.
    pub(super) fn take_up(&self, recorder: Take) -> Result<(), Problem> {
        if self.closed.get() {
            return Err(left());
        }
        drop(self.recorder.replace(Some(recorder)));
        Ok(())
    }

    /// Ends everything; what is on disk goes on at the next start.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.listeners.take();
        if let Some(recorder) = self.recorder.take() {
            wasm_bindgen_futures::spawn_local(recorder.leave());
        }
        self.watch.end();
        sound_check::end(self);
        self.lens.close();
        incoming::leave(self);
        self.stage.leave();
        self.stage.release_microphone();
        self.outbox.close();
        self.agent.close();
    }

    /// What is needed to take a session.
    pub(super) fn desk(&self) -> SessionDesk {
        SessionDesk {
            agent: self.agent.clone(),
            database: Rc::clone(&self.database),
            server: Rc::clone(&self.server),
        }
    }

    /// A recording as a file.
    pub(super) async fn sound(&self, deposit_id: &str) -> Result<Blob, Problem> {
        let row = self.database.deposit(deposit_id).await?;
        let row = row.ok_or_else(|| {
            Problem::new(
                "not_here",
                "This device does not have that recording any more.",
            )
        })?;
        let journal = self.database.journal(deposit_id).await?;
        let journal = row.as_sent(journal).ok_or_else(uncut)?;
        let kind = BlobPropertyBag::new();
        kind.set_type(&row.content_type);
        let parts = Array::of1(&Uint8Array::from(journal.as_slice()));
        Blob::new_with_u8_array_sequence_and_options(&parts, &kind)
            .map_err(|cause| Problem::from_browser("no_sound", &cause))
    }

    /// The user confirmed another server that a voicemail named: what waited for that goes on.
    pub(super) async fn confirm_server(&self, origin: &str) -> Result<(), Problem> {
        self.server.confirm(origin, &self.database).await?;
        let held = self.held_greeting.take();
        if let Some((url, duration_ms)) = held
            && self.stage.state() == State::Greeting
            && self.server.own(&url).is_ok()
        {
            self.listener
                .emit(ClientEvent::Greeting { url, duration_ms });
        }
        self.outbox.network_is_back().await
    }

    /// Forgets everything on this device.
    pub(super) async fn clear(&self) -> Result<(), Problem> {
        drop(self.recorder.take());
        self.watch.end();
        sound_check::end(self);
        self.lens.close();
        incoming::leave(self);
        self.stage.leave();
        self.stage.release_microphone();
        self.agent.stop_listening();
        self.database.clear().await?;
        self.identity.forget();
        self.server.forget();
        self.stage.set_deposit(None);
        self.stage.enter(State::Idle);
        self.outbox.changed();
        Ok(())
    }

    /// Opens the microphone and keeps it for the call and the recorder.
    pub(super) async fn open_microphone(&self) -> Result<Rc<Microphone>, Problem> {
        let microphone = Rc::new(self.microphone().await?);
        self.stage.keep_microphone(Rc::clone(&microphone));
        if !self.stage.is_in_call() {
            self.stage.release_microphone_soon();
        }
        Ok(microphone)
    }

    /// The microphone that was chosen, or whichever the browser has; the page hears which.
    pub(super) async fn microphone(&self) -> Result<Microphone, Problem> {
        let chosen = chosen(&self.database).await;
        let id = chosen.as_ref().map(|device| device.id.as_str());
        let microphone = Microphone::open(self.tuning.processing(), id).await?;
        if self.closed.get() {
            return Err(left());
        }
        let missing = chosen.filter(|Device { id, .. }| !microphone.is_from(id));
        self.listener.emit(ClientEvent::Microphone {
            label: microphone.label(),
            missing: missing.map(|device| device.label),
        });
        Ok(microphone)
    }

    /// The page is not seen any more: nobody listens who does not record. When it is left, the recording ends.
    fn out_of_sight(&self, left: bool) {
        sound_check::end(self);
        if left {
            incoming::leave(self);
            self.stage.leave_talk();
        }
        if self.recorder.borrow().is_none() && !self.stage.is_in_call() {
            self.stage.release_microphone();
            self.lens.close();
        }
        if left {
            recording::hurry(self);
        }
    }

    /// A hint that the network may be back.
    pub(super) async fn retry(&self) -> Result<(), Problem> {
        self.agent.retry();
        // What cannot be closed yet, for want of room, is listed all the same.
        drop(recover_all(&self.database).await);
        self.outbox.network_is_back().await
    }

    fn listen_to_browser(self: &Rc<Self>) {
        let on = |target: &web_sys::EventTarget, name: &'static str| {
            let engine = Rc::downgrade(self);
            EventListener::new(target, name, move |_| {
                if let Some(engine) = engine.upgrade() {
                    wasm_bindgen_futures::spawn_local(async move {
                        if let Err(problem) = engine.retry().await {
                            engine.listener.problem(problem);
                        }
                    });
                }
            })
        };
        let Some(window) = web_sys::window() else {
            return;
        };
        let mut listeners = vec![on(&window, "online"), on(&window, "offline")];
        if let Some(document) = window.document() {
            listeners.push(on(&document, "visibilitychange"));
            listeners.extend(self.watch_sight(&window, &document));
        }
        let connection = Reflect::get(&window.navigator(), &"connection".into())
            .ok()
            .and_then(|connection| connection.dyn_into::<web_sys::EventTarget>().ok());
        if let Some(connection) = connection {
            listeners.push(on(&connection, "change"));
        }
        self.listeners.replace(listeners);
    }

    fn watch_sight(self: &Rc<Self>, window: &Window, document: &Document) -> [EventListener; 3] {
        let [hidden, left, back] = [(); 3].map(|()| Rc::downgrade(self));
        let seen = document.clone();
        [
            EventListener::new(document, "visibilitychange", move |_| {
                if let Some(engine) = hidden.upgrade().filter(|_| seen.hidden()) {
                    engine.out_of_sight(false);
                }
            }),
            EventListener::new(window, "pagehide", move |_| {
                if let Some(engine) = left.upgrade() {
                    engine.out_of_sight(true);
                }
            }),
            EventListener::new(window, "pageshow", move |_| {
                if let Some(engine) = back.upgrade() {
                    recording::stop(&engine);
                }
            }),
        ]
    }
}

fn left() -> Problem {
    Problem::new("cancelled", "The page was left.")
}
