//! Everything one page's client consists of, and what the browser tells it: online, visible, full.

use core::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, StorageManager};

use super::identity::Identity;
use super::options::Options;
use super::stage::{Stage, State};
use super::tuning::Tuning;
use super::video::Lens;
use crate::capture::{Take, recover_all};
use crate::client::{ClientEvent, Listener};
use crate::media::Microphone;
use crate::outbox::{Outbox, uncut};
use crate::problem::Problem;
use crate::server::Server;
use crate::signalling::{Agent, SessionDesk};
use crate::storage::Database;

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
    listeners: RefCell<Vec<EventListener>>,
}

impl Engine {
    /// Opens storage, offers what was interrupted and wakes the outbox.
    pub(super) async fn open(options: Options, listener: Listener) -> Result<Rc<Self>, Problem> {
        let server = Rc::new(Server::parse(&options.server)?);
        let database = Rc::new(Database::open().await?);
        let identity = Identity::load(Rc::clone(&database), Rc::clone(&server)).await?;
        let tuning = Tuning::load(&options, &database).await?;
        let agent = Agent::new(
            server.socket_url(),
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
            listeners: RefCell::default(),
        });
        engine.begin().await?;
        Ok(engine)
    }

    async fn begin(self: &Rc<Self>) -> Result<(), Problem> {
        self.outbox.purge().await?;
        recover_all(&self.database).await?;
        self.listen_to_browser();
        self.outbox.changed();
        self.outbox.wake();
        self.tell_storage();
        Ok(())
    }

    /// Ends everything; what is on disk goes on at the next start.
    pub(super) fn close(&self) {
        self.listeners.take();
        drop(self.recorder.take());
        self.lens.close();
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

    /// Forgets everything on this device.
    pub(super) async fn clear(&self) -> Result<(), Problem> {
        drop(self.recorder.take());
        self.lens.close();
        self.stage.leave();
        self.stage.release_microphone();
        self.agent.stop_listening();
        self.database.clear().await?;
        self.identity.forget();
        self.stage.set_deposit(None);
        self.stage.enter(State::Idle);
        self.outbox.changed();
        Ok(())
    }

    /// Opens the microphone and keeps it for the call and the recorder.
    pub(super) async fn open_microphone(&self) -> Result<Rc<Microphone>, Problem> {
        let microphone = Rc::new(Microphone::open(self.tuning.processing()).await?);
        self.stage.keep_microphone(Rc::clone(&microphone));
        if !self.stage.is_in_call() {
            self.stage.release_microphone_soon();
        }
        Ok(microphone)
    }

    /// A hint that the network may be back.
    pub(super) async fn retry(&self) -> Result<(), Problem> {
        self.agent.retry();
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
        }
        let connection = Reflect::get(&window.navigator(), &"connection".into())
            .ok()
            .and_then(|connection| connection.dyn_into::<web_sys::EventTarget>().ok());
        if let Some(connection) = connection {
            listeners.push(on(&connection, "change"));
        }
        self.listeners.replace(listeners);
    }

    fn tell_storage(&self) {
        let listener = self.listener.clone();
        wasm_bindgen_futures::spawn_local(async move {
            if let Some(event) = storage_event().await {
                listener.emit(event);
            }
        });
    }
}

/// Asks the browser not to evict what was spoken; it may refuse, which the page then shows.
pub(super) fn keep_on_disk() {
    wasm_bindgen_futures::spawn_local(async {
        if let Some(asked) = storage().and_then(|storage| storage.persist().ok()) {
            drop(JsFuture::from(asked).await);
        }
    });
}

fn storage() -> Option<StorageManager> {
    let navigator = web_sys::window()?.navigator();
    let storage: JsValue = Reflect::get(&navigator, &"storage".into()).ok()?;
    storage.dyn_into().ok()
}

async fn storage_event() -> Option<ClientEvent> {
    let storage = storage()?;
    let persisted = JsFuture::from(storage.persisted().ok()?).await.ok()?;
    let estimate = JsFuture::from(storage.estimate().ok()?).await.ok()?;
    let number = |name: &str| Reflect::get(&estimate, &name.into()).ok()?.as_f64();
    Some(ClientEvent::Storage {
        persisted: persisted.is_truthy(),
        free_bytes: number("quota")
            .zip(number("usage"))
            .map(|(quota, used)| quota - used),
    })
}
